"""One network written in four forms, each trained by a plain loop of its own, does one thing."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf import parameterization
from tensorprog_mf.matrices.stored import StoredMatrix

WIDTH, FEATURES, DEPTH = 12, 5, 3


def train(form, unit_weights, x, y, steps):
    """f of a network with weights b * unit_weights, layers a W, learning rates c: autograd by hand, nothing
    shared."""
    a, b, c = form.multiplier, form.initial_std, form.learning_rate
    weights = [std * w for std, w in zip(b, unit_weights)]
    outputs = []
    for _ in range(steps + 1):
        below, hs = [x.T], []
        for factor, w in zip(a[:-1], weights[:-1]):
            hs.append(factor * w @ below[-1])
            below.append(np.tanh(hs[-1]))
        f = a[-1] * weights[-1] @ below[-1]
        outputs.append(f)
        delta = np.zeros(len(x))
        delta[: len(y)] = (y - f[: len(y)]) / len(y)
        steps_of = [c[-1] * a[-1] * below[-1] @ delta]
        back = a[-1] * np.outer(weights[-1], delta)
        for layer in range(DEPTH - 1, -1, -1):
            g = back * (1 - np.tanh(hs[layer]) ** 2)
            steps_of.insert(0, c[layer] * a[layer] * g @ below[layer].T)
            back = a[layer] * weights[layer].T @ g
        weights = [w + step for w, step in zip(weights, steps_of)]
    return np.array(outputs)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, FEATURES))
    units = [
        rng.normal(size=(WIDTH, FEATURES)),
        *rng.normal(size=(DEPTH - 1, WIDTH, WIDTH)),
        rng.normal(size=WIDTH),
    ]
    return x, rng.normal(size=3), units


def test_the_four_forms_are_mean_field_networks_of_other_richness(data):
    """Each form against the mean-field scales that the converter says it is: 1e-10 over 8 steps."""
    x, y, units = data
    for form, rate in (("mean_field", 0.3), ("mup", 0.3), ("ntk", 0.3), ("standard", 0.02)):
        given = parameterization.scales(form, DEPTH, WIDTH, FEATURES, 1.7, rate)
        richness, eta, kappa = parameterization.to_mean_field(given, WIDTH, FEATURES)
        field = parameterization.scales("mean_field", DEPTH, WIDTH, FEATURES, richness, eta)
        slowed = parameterization.Scales(
            field.multiplier, field.initial_std, tuple(np.array(field.learning_rate) * kappa)
        )
        own, same = train(given, units, x, y, 8), train(slowed, units, x, y, 8)
        assert np.abs(own[-1] - own[0]).max() > 0.05  # it has learned something
        np.testing.assert_allclose(own, same, atol=1e-10, err_msg=form)


def test_mean_field_and_mup_are_one_network(data):
    x, y, units = data
    field, mup = (
        train(parameterization.scales(form, DEPTH, WIDTH, FEATURES, 1.3, 0.3), units, x, y, 8)
        for form in ("mean_field", "mup")
    )
    np.testing.assert_allclose(field, mup, atol=1e-10)


@pytest.mark.parametrize("form, rate", [("mean_field", 0.3), ("mup", 0.3), ("ntk", 0.3), ("standard", 0.02)])
def test_train_finite_trains_the_form_it_is_given(data, form, rate, monkeypatch):
    """The library's network in each form against its plain twin with the same weights."""
    x, y, _ = data
    made, compose = [], tp.MLP.compose
    monkeypatch.setattr(tp.MLP, "compose", lambda self, r, inputs: made.append(r) or compose(self, r, inputs))
    problem, training = tp.Problem(x[:3], y, x[3:]), tp.Training(8, rate)
    ds = tp.train_finite(
        tp.MLP(DEPTH, "tanh", 1.7), problem, training, WIDTH, n_replicates=1, parameterization=form
    )
    first, *hidden, readout = made[0].matrices
    coordinates = first.coordinates * np.sqrt(FEATURES)
    w0 = first.columns.T @ np.linalg.lstsq(coordinates, x, rcond=None)[0]
    units = [w0, *(m.initial_weights for m in hidden if isinstance(m, StoredMatrix)), readout.rows[0]]
    expected = train(parameterization.scales(form, DEPTH, WIDTH, FEATURES, 1.7, rate), units, x, y, 8)
    np.testing.assert_allclose(ds.output, expected, atol=1e-10)
    np.testing.assert_allclose(ds.time, rate * np.arange(9))  # time is in the units of the form


@pytest.mark.parametrize("form", parameterization.FORMS)
def test_the_tangent_kernel_is_in_the_units_of_time(data, form):
    """One small step: df / d time = K Delta, in whatever form; the error is of the order of the step."""
    x, y, _ = data
    problem = tp.Problem(x[:3], y, x[3:])
    training = tp.Training(1, 1e-4 if form != "standard" else 1e-5)
    ds = tp.train_finite(
        tp.MLP(DEPTH, "tanh", 1.7), problem, training, 64, n_replicates=1, parameterization=form
    )
    speed = (ds.output[1] - ds.output[0]).values / training.learning_rate
    np.testing.assert_allclose(
        speed,
        ds.tangent_kernel[0].values @ ds.error_signal[0].values,
        rtol=2e-2,
        atol=1e-3 * np.abs(speed).max(),
    )


def test_the_table(data):
    ds = parameterization.table(DEPTH, 100, 10, 2.0, 0.5)
    np.testing.assert_allclose(ds.mean_field_richness, [2.0, 2.0, 0.2, 0.2])
    np.testing.assert_allclose(ds.mean_field_learning_rate, [0.5, 0.5, 0.5, 0.5 * 100 / 4])
    np.testing.assert_allclose(ds.learning_rate_multiplier.sel(form="standard"), [0.1, 1, 1, 1])
    assert (ds.learning_rate.sel(form="standard") == 0.5).all()


def test_decay_and_multipliers_are_carried_over():
    network, training = tp.MLP(2, "tanh", 2.0), tp.Training(3, 0.1, 0.5, 0.4, (1, 2, 3))
    converted, moved = parameterization.as_mean_field("standard", network, training, 50, 10)
    assert moved.learning_rate * moved.weight_decay == pytest.approx(0.04) and moved.momentum == 0.5
    assert moved.multipliers == pytest.approx((0.2, 2, 3)) and converted.richness == pytest.approx(
        2 / np.sqrt(50)
    )


def test_bad_scales():
    with pytest.raises(tp.InputError, match="parameterization='xavier' is unknown"):
        parameterization.scales("xavier", 2, 10, 10)
    with pytest.raises(tp.InputError, match="1/sqrt\\(fan-in\\)"):
        parameterization.to_mean_field(parameterization.Scales((1.0, 1.0), (1.0, 1.0), (1.0, 1.0)), 10, 10)

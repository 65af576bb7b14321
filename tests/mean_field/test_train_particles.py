"""One-pass stochastic gradient descent of real networks against a plain loop, and against the limit."""

import math

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.ground.errors import InputError, UnsupportedError
from tensorprog_mf.mean_field.two_layers.one_pass_network import output_of_limit
from tensorprog_mf.mean_field.two_layers.one_pass_numba import descend
from tests.reference.distributional import CASES, setup

mf = tp.mean_field
DATA = mf.FiniteData([[-1.0, 1.0], [0.5, 1.0], [2.0, 1.0]], [-0.3, 0.3, 0.4], [0.2, 0.5, 0.3])
LAWS = {"a": tp.Gaussian(0.5, 1), "w": tp.Gaussian(), "b": 0.2}


@pytest.mark.parametrize(
    "trained, loss, error",
    [
        (("a", "w", "b"), 0, lambda f, y: y - f),
        (("w",), 1, lambda f, y: y / (1 + np.exp(y * f))),
        (("a", "b"), 2, lambda f, y: y * (y * f < 1)),
    ],
)
def test_steps_are_those_of_a_plain_loop(trained, loss, error):
    rng = np.random.default_rng(1)
    a, w, b, x, y = (
        rng.normal(size=5),
        rng.normal(size=(5, 3)),
        rng.normal(size=5),
        rng.normal(size=(4, 3)),
        rng.normal(size=4),
    )
    y = np.sign(y) if loss else y
    sizes, noise = np.array([0.1, 0.2, 0.05, 0.1]), 0.1 * rng.normal(size=(4, 5, 5))
    found = [w.copy(), a.copy(), b.copy()]
    trains = np.array([name in trained for name in "awb"])
    tanh = 4, 0.7, 0.0, np.zeros(1), np.zeros(1), False
    descend(tuple(found), (x, y), sizes, noise, (trains, 0.3, loss), tanh)
    for k, s in enumerate(sizes):
        phi = np.tanh(0.7 * (w @ x[k] + b))
        rate, back = 2 * s * error(a @ phi / 5, y[k]), 0.7 * a * (1 - phi**2)
        keep = 1 - 2 * 0.3 * s
        new = (
            keep * w + rate * back[:, None] * x[k] + noise[k, :, :3],
            keep * a + rate * phi + noise[k, :, 3],
            keep * b + rate * back + noise[k, :, 4],
        )
        w, a, b = (new if moves else old for new, old, moves in zip(new, (w, a, b), trains[[1, 0, 2]]))
    for value, expected in zip(found, (w, a, b)):
        np.testing.assert_allclose(value, expected, atol=1e-13)


def test_finite_data_approach_the_limit():
    """Excess of the risk falls as 1 / width."""
    unit = mf.Neuron("tanh", bias=True)
    limit = mf.distributional_dynamics(unit, DATA, LAWS, [0, 1.0], 0.02, 4096)
    excess = []
    for width in (50, 800):
        ds = mf.train_particles(unit, DATA, LAWS, [0, 1.0], width, 0.002, n_replicates=32)
        # Mean outputs over 32 networks, 6 entries at 5 standard errors with 31 degrees of freedom: false
        # alarm 2e-4; biases 1 / width and the step.
        assert (np.abs(ds.output - limit.output) < 5 * ds.output_stderr + 1 / width + 0.002).all()
        excess.append((ds.risk - limit.risk).values)
        spread = float(np.sqrt(32) * ds.output_stderr.max())
        assert spread < 4 / np.sqrt(width)
    assert (
        0 < excess[1][0] < excess[0][0] / 4
    )  # 1 / width: 16 times, within some 5 standard errors of the smaller


def test_gaussians_approach_the_limit():
    """Batch of one in forty dimensions: excess of the risk about 4 / width at times 0.2, norms as in the
    limit."""
    unit, data, initial, _ = setup(CASES["S1_iso_d40"])
    limit = mf.distributional_dynamics(unit, data, initial, [0, 0.2], 0.02, 100, draws="quadrature")
    ds = mf.train_particles(
        unit,
        data,
        {"w": tp.Gaussian(0, 0.8 / 40**0.5)},
        [0, 0.2],
        400,
        2e-5,
        4,
        limit=limit,
        test_examples=20000,
    )
    assert 0 < float(ds.risk_excess[1]) < 20 / 400
    # Norms of 4 networks of 400: 1600 draws of known spread at 6 standard errors, and a noise of steps of
    # order step d.
    spread = np.sqrt(limit.parameter_square - limit.parameter_mean**2)
    assert (np.abs(ds.parameter_mean - limit.parameter_mean) < 6 * spread / 40 + 2e-5 * 40 * 5).all()
    assert ds.site_parameter.shape == (2, 64, 1) and ds.class_output.dims == ("time", "class")


def test_outputs_of_the_limit_between_its_nodes():
    """Splines through 40 values of |x| per class against those through 300."""
    unit, data, initial, _ = setup(CASES["S1_iso_d40"])
    inputs, targets = data.draw(5000, np.random.default_rng(0))
    coarse, fine = (
        mf.distributional_dynamics(
            unit, data, initial, [0.5], 0.05, 100, draws="quadrature", radial_nodes=n, bins=0
        ).isel(time=0)
        for n in (40, 300)
    )
    np.testing.assert_allclose(
        output_of_limit(coarse, inputs, targets), output_of_limit(fine, inputs, targets), atol=1e-5
    )
    assert np.mean((targets - output_of_limit(fine, inputs, targets)) ** 2) == pytest.approx(
        float(fine.risk), abs=0.1
    )


def test_anisotropic_gaussians_and_schedule():
    unit, data, initial, _ = setup(CASES["S1_aniso_relu"])
    limit = mf.distributional_dynamics(
        unit, data, initial, [0, 0.25], 0.02, 60, draws="quadrature", schedule=lambda t: 2.0
    )
    laws = {"a": tp.Uniform(-0.5, 1.5), "b": 0.5, "w": tp.Gaussian(0, 0.8 / 80**0.5)}
    data = mf.AnisotropicGaussians(0.5, 0.25, 80)
    ds = mf.train_particles(
        unit, data, laws, [0, 0.25], 400, 1e-4, 4, limit=limit, schedule=lambda t: 2.0, test_examples=5000
    )
    assert ds.parameter.values.tolist() == ["a", "r1", "r2", "b"]
    # The tabulated runs at d = 80 differ from the limit by 1 %; here 400 neurons in each of 4 networks add as
    # much again.
    assert (
        np.abs(ds.parameter_square - limit.parameter_square) < 6 * ds.parameter_square_stderr + 0.02
    ).all()
    assert abs(float(ds.risk_excess[1])) < 0.05


def test_noise_and_decay_agree_with_noisy_sites():
    unit, laws = mf.Neuron("tanh", output_weight=False), {"w": tp.Gaussian(0.5, 1)}
    options = dict(temperature=0.1, weight_decay=0.2)
    sites = mf.distributional_dynamics(unit, DATA, laws, [0, 0.5], 0.01, 4096, 8, **options)
    ds = mf.train_particles(unit, DATA, laws, [0, 0.5], 400, 0.01, 16, **options)
    # Two means, two squares, two times at 6 standard errors with 7 and more degrees of freedom: false alarm
    # below 5e-3; the seed is fixed.
    for name in ("parameter_mean", "parameter_square"):
        error = np.hypot(ds[f"{name}_stderr"], sites[f"{name}_stderr"])
        assert (np.abs(ds[name] - sites[name]) < 6 * error + 0.01).all()
    assert "free_energy" not in ds and "free_energy" in mf.train_particles(
        unit, DATA, laws, [0], 10, n_replicates=2
    )


def test_same_seed_same_bits():
    one, two, other = (
        mf.train_particles(mf.Neuron("relu", bias=True), DATA, LAWS, [0, 0.1], 30, 0.01, 3, seed=s, threads=t)
        for s, t in ((0, 1), (0, 2), (1, 2))
    )
    assert one.drop_attrs().identical(two.drop_attrs()) and (one.risk != other.risk).all()


def test_a_run_that_diverges_keeps_what_it_has():
    with pytest.warns(tp.DivergenceWarning, match="step=5"):
        ds = mf.train_particles(mf.Neuron("quadratic", bias=True), DATA, LAWS, [0, 500.0], 20, 5.0)
    assert ds.attrs["status"] == "diverged" and ds.time.values.tolist() == [0] and np.isfinite(ds.risk).all()


def test_results_are_saved(tmp_path):
    ds = mf.train_particles(mf.Neuron("relu", bias=True), DATA, LAWS, [0, 0.1], 10, 0.01)
    tp.save(ds, tmp_path / "a.nc")
    assert tp.load(tmp_path / "a.nc").identical(ds)


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(width=0), "width=0"),
        (dict(step=0.0), "step=0.0"),
        (dict(times=[1, 0]), "increasing"),
        (dict(temperature=-1), "temperature"),
        (dict(weight_decay=-1), "weight_decay"),
        (dict(n_replicates=0), "n_replicates=0"),
        (dict(test_examples=1), "test_examples=1"),
        (dict(samples=-1), "samples"),
        (dict(data=3), "must be FiniteData"),
        (dict(initial={"a": 1.0}), "no law for w0, w1, b"),
        (dict(limit=3), "limit must be"),
        (dict(schedule=-1.0), "schedule"),
    ],
)
def test_refuses(options, message):
    with pytest.raises(InputError, match=message):
        mf.train_particles(
            **(
                dict(
                    unit=mf.Neuron("relu", bias=True),
                    data=DATA,
                    initial=LAWS,
                    times=[0, 0.1],
                    width=10,
                    step=0.01,
                )
                | options
            )
        )


def test_limits_that_do_not_fit():
    unit, data, initial, _ = setup(CASES["S1_iso_d40"])
    limit = mf.distributional_dynamics(unit, data, initial, [0, 0.1], 0.05, 20, draws="quadrature")
    with pytest.raises(InputError, match="must be the same"):
        mf.train_particles(unit, data, {"w": 0.1}, [0, 0.2], 10, limit=limit)
    with pytest.raises(InputError, match="limit is for Gaussians"):
        mf.train_particles(mf.Neuron("relu", bias=True), DATA, LAWS, [0, 0.1], 10, limit=limit)


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(unit=mf.UserUnit(np.tanh, ("a",))), "finite network of any unit"),
        (dict(unit=mf.Neuron((np.sin, np.cos))), "compiled"),
        (dict(data=mf.IsotropicGaussians(math.inf, 0.5)), "give the data a dimension"),
        (
            dict(data=mf.FiniteData([0.0, 1.0], [0, 1], loss="cross_entropy")),
            "the losses squared, logistic, hinge",
        ),
        (dict(data=mf.FiniteData([0.0, 1.0], np.eye(2))), "one output"),
    ],
)
def test_what_it_does_not_train(options, message):
    with pytest.raises(UnsupportedError, match=message):
        mf.train_particles(
            **(dict(unit=mf.Neuron("relu"), data=DATA, initial=LAWS, times=[0, 0.1]) | options)
        )

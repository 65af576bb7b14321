"""Langevin noise: the stated correlation of weights in time, the law of real networks, reference cases,
refusals."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tests.reference.gate import TRAINING_CASES, excesses, training_setup


@pytest.mark.parametrize("name", ["langevin_tanh", "langevin_erf_depth3"])
def test_reference(name):
    ds = tp.sample(*training_setup(TRAINING_CASES[name]), n_samples=4096, n_replicates=8, samples=0)
    found = excesses(ds, TRAINING_CASES[name])
    assert max(found.values()) <= 1, found


@pytest.mark.parametrize("route", ["sample", "gradient_independence", "dense"])
def test_weights_forget_as_they_should(route):
    """Without learning and without activation h^1 = W x, h^2 = W W x: kernels between times are products of
    the weights' own,

        c(t, s) = a^|t-s| v(min(t, s)),  v(t+1) = a^2 v(t) + 2 eta T,  v(0) = std^2,  a = 1 - eta lambda

    Two kernels of 2 layers over 7 x 7 times and 3 x 3 examples, errors over replicates, |z| < 6: false
    alarm below 1e-4 for 24 replicates (Student's t), were all entries independent.
    """
    rng = np.random.default_rng(0)
    problem = tp.Problem(rng.normal(size=(3, 4)), np.ones(3))
    std, training = 1.3, tp.Training(6, 0.2, weight_decay=0.5, temperature=0.4, multipliers=(0, 0, 0))
    setting = tp.MLP(2, "linear", weight_std=std), problem, training
    more = dict(n_replicates=24, keep_replicates=True, record=tp.Record(two_time=True))
    if route == "dense":
        ds = tp.train_finite(*setting, width=256, **more)
    else:
        ds = getattr(tp, route)(*setting, n_samples=256, draws="pseudo-random", **more)
    a, v = 1 - 0.2 * 0.5, [std**2]
    for _ in range(6):
        v.append(a**2 * v[-1] + 2 * 0.2 * 0.4)
    c = np.array([[a ** abs(t - s) * v[min(t, s)] for s in range(7)] for t in range(7)])[:, :, None, None]
    inputs = problem.inputs @ problem.inputs.T / 4
    expected = {
        "feature_kernel_two_time": np.stack([c * inputs, c**2 * inputs], axis=2),
        "gradient_kernel_two_time": np.stack([c**2, c], axis=2) * np.ones((3, 3)),
    }
    for name, kernel in expected.items():
        values = ds[name].values
        error = values.std(0, ddof=1) / np.sqrt(24)
        bias = (
            4 / 256 * np.abs(kernel).max()
        )  # readout and features are independent, second layers have 1/N of their own
        assert (np.abs(values.mean(0) - kernel) < 6 * error + bias).all(), name
        assert error.max() < 0.1 * np.abs(kernel).max()


def test_revealed_networks_have_the_law_of_stored_ones():
    """Width 12, 600 networks of each kind, 5 steps: means and variances of last outputs and kernels.

    30 entries per moment, |z| < 4.5: false alarm below 5e-4.
    """
    rng = np.random.default_rng(1)
    problem = tp.Problem(rng.normal(size=(2, 3)), [1.0, -0.5], rng.normal(size=(1, 3)))
    setting = (
        tp.MLP(3, "tanh", 1.5, bias_std=0.3),
        problem,
        tp.Training(5, 0.3, weight_decay=0.4, temperature=0.5),
    )
    found = []
    for matrix, seed in (("dense", 1), ("conditioned", 2)):
        ds = tp.train_finite(*setting, 12, matrix, 600, seed, 0, [5], keep_replicates=True)
        names = ("output", "feature_kernel", "gradient_kernel")
        found.append(np.hstack([ds[name].values[:, 0].reshape(600, -1) for name in names]))
    for power in (1, 2):
        a, b = (((q - q.mean(0)) ** 2 if power == 2 else q) for q in found)
        z = (a.mean(0) - b.mean(0)) / np.sqrt((a.var(0) + b.var(0)) / 600)
        assert np.abs(z).max() < 4.5


def test_noise_of_replicates_differs_and_seeds_repeat(problem):
    setting = tp.MLP(2), problem, tp.Training(4, 0.3, temperature=0.1)
    one, two = (
        tp.sample(*setting, n_samples=128, n_replicates=2, threads=threads, keep_replicates=True)
        for threads in (1, 2)
    )
    assert one.output.identical(two.output)
    assert np.abs(np.diff(one.output[:, -1], axis=0)).max() > 1e-3
    cold = tp.sample(
        tp.MLP(2), problem, tp.Training(4, 0.3, temperature=1e-12), n_samples=128, n_replicates=2
    )
    np.testing.assert_allclose(
        cold.output,
        tp.sample(tp.MLP(2), problem, tp.Training(4, 0.3), n_samples=128, n_replicates=2).output,
        atol=1e-4,
    )


@pytest.mark.parametrize(
    "message, options",
    [
        ("temperature=-1.0 must be 0 or more", dict(temperature=-1.0)),
        ("leave momentum out", dict(temperature=0.1, momentum=0.5)),
        ("temperature goes with gradient descent", dict(temperature=0.1, learning_rule="hebb")),
    ],
)
def test_bad_temperatures(message, options):
    with pytest.raises(tp.InputError, match=message):
        tp.Training(3, 0.1, **options)
    with pytest.raises(tp.InputError, match="temperature belong"):
        tp.Training(flow=True, times=[1.0], temperature=0.1)


def test_routes_without_noise_say_so(problem):
    training = tp.Training(2, 0.1, temperature=0.1)
    for route, network in (
        (tp.solve_linear, tp.MLP(2, "linear")),
        (tp.alternate, tp.MLP(2)),
        (tp.static_ntk, tp.MLP(2)),
        (tp.perturbation, tp.MLP(2)),
    ):
        with pytest.raises(tp.UnsupportedError, match="no Langevin noise; .* use tp.sample"):
            route(network, problem, training)
    with pytest.raises(tp.UnsupportedError, match="take output_bias=0"):
        tp.sample(tp.MLP(2, output_bias=0.5), problem, training, n_samples=64)

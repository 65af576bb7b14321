"""Finite autoencoders: gradients, exact agreement of paired ones with the matrix equation, the limit within
d/N."""

import json

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.mean_field.autoencoders.descent import PopulationLoss, estimated_loss, stochastic_descent
from tests.helpers.autoencoders import CASES, ERF, TWO_BLOCKS, networks, pairs, two_blocks
from tests.helpers.stopping import interrupt_after, stopped

train, autoencoder = tp.mean_field.train_autoencoder, tp.mean_field.autoencoder


@pytest.mark.parametrize("count", [2, 8, 40])
def test_paired_networks_are_the_matrix_equation(count):
    """Theta and loss to rounding, at every step size; both sides share no code but the labels."""
    p = CASES["S3_relu_paired_exact"]["params"]
    times = p["eps"] * np.arange(0, p["steps"] + 1, 10)
    given = dict(initial_theta=pairs(count, p["d"]))
    limit = autoencoder(p["dSigma2"], "relu", None, p["lambda_"], times, p["eps"], **given)
    real = train(
        p["dSigma2"],
        "relu",
        None,
        p["lambda_"],
        times,
        p["eps"],
        method="population",
        n_replicates=1,
        progress=False,
        **given,
    )
    stated = dict((row[0], row[1:]) for row in CASES["S3_relu_paired_exact"]["rows"])[count]
    assert float(abs(limit.neuron_weight - real.neuron_weight).max()) < max(stated[0], 1e-14)
    assert float(abs(limit.loss - real.loss).max()) < max(stated[1], 1e-15)
    assert float(abs(limit.regularisation - real.regularisation).max()) < 1e-14
    assert float(abs(limit.neuron_weight[-1] - limit.neuron_weight[0]).max()) > 0.1


def test_unpaired_networks_are_not():
    theta = pairs(40, 5)
    theta[20:] = pairs(40, 5, seed=1)[:20]
    paired, unpaired = (
        train(
            [2.0, 1.0, 0.5, 0.2, 0.1],
            "relu",
            None,
            0.07,
            [6.0],
            0.1,
            method="population",
            n_replicates=1,
            progress=False,
            initial_theta=neurons,
        )
        for neurons in (pairs(40, 5), theta)
    )
    assert abs(float(paired.loss[0] - unpaired.loss[0])) > 1e-4


@pytest.mark.parametrize(
    "name, gain", [("relu", 1.0), ("relu", -0.8), ("scaled_relu", 0.7), ("linear", 0.5), ("erf", 0.6)]
)
def test_the_population_gradient_is_that_of_the_loss(name, gain):
    rng, d, count, h = np.random.default_rng(0), 4, 5, 1e-5
    variances, theta = rng.uniform(0.2, 2, d), rng.normal(size=(count, d))
    population = PopulationLoss(tp.Activation(name, gain), variances, 0.0)
    slope = np.empty_like(theta)
    for i, k in np.ndindex(count, d):
        up, down = theta.copy(), theta.copy()
        up[i, k] += h
        down[i, k] -= h
        slope[i, k] = (population.loss(up) - population.loss(down)) / (2 * h)
    np.testing.assert_allclose(population.rate(theta), -d * count * slope, atol=3e-8)
    np.testing.assert_allclose(
        PopulationLoss(tp.Activation(name, gain), variances, 0.3).rate(theta) - population.rate(theta),
        -0.3 * theta,
        atol=1e-14,
    )
    x = rng.normal(size=(100_000, d)) * np.sqrt(variances / d)
    each = ((tp.Activation(name, gain)(x @ theta.T)[0] @ theta / count - x) ** 2).sum(axis=1) / 2
    assert abs(population.loss(theta) - each.mean()) < 5 * each.std() / np.sqrt(len(x))  # false alarm 6e-7
    assert abs(estimated_loss(theta, x, tp.Activation(name, gain)) - each.mean()) < 1e-12


@pytest.mark.parametrize(
    "name, gain",
    [
        ("relu", 0.9),
        ("scaled_relu", -1.1),
        ("linear", 0.5),
        ("erf", 0.6),
        ("tanh", 1.2),
        ("softplus", 0.8),
        ("quadratic", 0.5),
    ],
)
def test_stochastic_descent_is_the_formula(name, gain):
    """The compiled step against numpy's, one input after another."""
    rng, d, count, step, decay = np.random.default_rng(1), 5, 7, 0.01, 0.2
    theta, inputs, activation = (
        rng.normal(size=(count, d)),
        rng.normal(size=(40, d)) / np.sqrt(d),
        tp.Activation(name, gain),
    )
    expected, feed = theta.copy(), iter([inputs])
    for x in inputs:
        value, slope = activation(expected @ x)
        missing = value @ expected / count - x
        expected = expected - step * (
            d * np.outer(value, missing) + d * np.outer(slope * (expected @ missing), x) + decay * expected
        )

    class Given:
        def draw(self, count):
            return next(feed)

    found, done, going = stochastic_descent(theta, Given(), activation, step, decay, 40, lambda: True)
    np.testing.assert_allclose(found, expected, rtol=1e-11)
    assert done == 40 and going


def test_the_average_of_stochastic_steps_is_the_population_step():
    rng, d, count, n = np.random.default_rng(2), 3, 4, 40_000
    theta, activation = rng.normal(size=(count, d)), tp.Activation("relu")
    x = rng.normal(size=(n, d)) * np.sqrt([0.6, 0.3, 0.1])
    value, slope = activation(x @ theta.T)
    missing = value @ theta / count - x
    each = -d * (
        value[:, :, None] * missing[:, None] + (slope * (missing @ theta.T))[:, :, None] * x[:, None]
    )
    rate = PopulationLoss(activation, d * np.array([0.6, 0.3, 0.1]), 0.0).rate(theta)
    score = (each.mean(axis=0) - rate) / each.std(axis=0) * np.sqrt(n)
    assert np.abs(score).max() < 5  # of 12 entries: false alarm 7e-6


def test_stochastic_descent_agrees_with_the_limit():
    """Excess loss of order d/N: of N = 400 between none and twice the 0.05 to 0.15 d/N of the reference, and
    smaller at N = 1600."""
    times = [1.0, 2.0, 5.0]
    limit = two_blocks(times, 0.001)
    narrow, wide = (networks(times, 0.001, width, "sgd", 6) for width in (400, 1600))
    for ds, width in ((narrow, 400), (wide, 1600)):
        # Student's t with 5 degrees of freedom beyond 8: 5e-4 per entry; seeds are fixed.
        high = 0.3 * 20 / width + 8 * ds.loss_stderr.values
        assert (np.abs(ds.loss - limit.loss).values < high).all(), width
        assert (high < 0.05).all()
    excess = [float((ds.loss - limit.loss)[-1]) for ds in (narrow, wide)]
    assert 0 < excess[1] < 0.6 * excess[0]  # a quarter of d/N, and noise of the steps, which does not fall
    assert float(abs(wide.reconstruction - limit.reconstruction).max()) < 0.03


def test_population_networks_agree_with_the_reference_networks():
    """Mean losses of independently simulated networks of width 200; steps of 0.05 of both, 8 of ours."""
    check = CASES["S3_relu_two_block"]["finite_N_check"]
    times, theirs = check["times"], check["population_gradient_flow_dt0p05"]["200"]
    ds = networks(times, 0.05, 200, "population", 8)
    flow, steps = two_blocks(times).loss.values, two_blocks(times, 0.05).loss.values
    excess, error = (ds.loss.values - steps) * 10, 10 * ds.loss_stderr.values
    reference, their_error = (np.array(theirs["loss_mean"]) - flow) * 10, 10 * np.array(theirs["loss_sem"])
    score = (excess - reference) / np.hypot(error, their_error)
    assert (
        np.abs(score).max() < 6
    )  # t with some 8 degrees of freedom: 3e-4 for each of 8 times; seeds are fixed
    assert (excess[3:] > 0.03).all() and (excess[3:] < 0.1).all()


def test_bounded_activations_agree_with_the_limit_of_large_dimension():
    """tanh by stochastic descent: off by order d/N + 1/d, of the size that the reference finds for erf (0.036
    d/N + 0.064/d, here doubled)."""
    spectrum, times = tp.mean_field.Spectrum([2.25, 0.36], [10, 30]), [1.0, 3.0]
    limit = autoencoder(spectrum, "tanh", 0.4, 0.05, times)
    ds = train(spectrum, "tanh", 0.4, 0.05, times, 5e-4, width=1200, n_replicates=4, progress=False)
    # Beside that 6 standard errors, of t with 3 degrees of freedom: 1 % each; the seed is fixed.
    assert (np.abs(ds.loss - limit.loss) < 2 * (0.036 * 40 / 1200 + 0.064 / 40) + 6 * ds.loss_stderr).all()
    assert (6 * ds.loss_stderr < 0.006).all() and (limit.loss[0] - limit.loss[1] > 0.03).all()
    np.testing.assert_allclose(ds.gain, limit.gain, rtol=0.02)


def test_own_neurons_and_laws_begin_the_networks():
    theta = np.random.default_rng(0).normal(size=(6, 3))
    covariance = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 0.5]])
    ds = train(
        covariance, "tanh", None, 0.0, [0.0, 0.1], 0.05, initial_theta=theta, n_replicates=2, progress=False
    )
    np.testing.assert_allclose(tp.mean_field.learned_features(ds)[0], theta, atol=1e-13)
    assert json.loads(ds.attrs["settings_json"])["width"] == 6 and float(ds.gain_stderr[0].max()) == 0
    wide = train(
        TWO_BLOCKS,
        "relu",
        tp.Uniform(-1, 1),
        0.0,
        [0.0],
        0.05,
        width=1000,
        paired=True,
        n_replicates=2,
        progress=False,
    )
    assert (
        abs(float(wide.gain[0, 0]) - 1 / np.sqrt(3)) < 0.02 and wide.sizes["direction"] == 2
    )  # 5 x 1000 independent squares: error 0.004
    spread = train(
        covariance,
        "relu",
        None,
        0.0,
        [0.0],
        0.05,
        width=4000,
        n_replicates=1,
        initial_covariance=covariance,
        samples=4000,
        progress=False,
    )
    found = tp.mean_field.learned_features(spread)[0].values
    np.testing.assert_allclose(
        found.T @ found / 4000, covariance, atol=0.22
    )  # 5 standard errors of the largest entry, 2 sqrt(2 / 4000)


def test_descent_on_examples():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(300, 4)) * np.sqrt([2.0, 1.0, 0.5, 0.1]) + 1
    spectrum = tp.mean_field.Spectrum.from_examples(x)
    limit = autoencoder(spectrum, "relu", 0.4, 0.1, [4.0], 0.001)
    ds = train(
        spectrum, "relu", 0.4, 0.1, [0.0, 4.0], 0.001, width=800, n_replicates=2, examples=x, progress=False
    )
    out = tp.mean_field.reconstruct(ds, x)[-1].values
    assert abs(float(ds.loss[-1] - limit.loss[-1])) < 0.1 * float(ds.loss[0] - ds.loss[-1])
    assert (
        abs(((out - x) ** 2).sum(axis=1).mean() / 8 - float(ds.loss[-1])) < 0.02
    )  # of B x in place of the output: not exact


def test_the_same_bits_for_any_number_of_threads():
    one, two = (networks([0.0, 0.1], 0.05, 1500, "population", 2, threads=threads) for threads in (1, 2))
    assert one.drop_attrs().identical(two.drop_attrs())
    alone, shared = (networks([0.0, 0.1], 0.05, 1500, "population", 1, threads=threads) for threads in (1, 2))
    assert alone.drop_attrs().identical(shared.drop_attrs())
    other = networks([0.0, 0.1], 0.05, 1500, "population", 1, seed=1)
    assert not np.array_equal(other.loss, alone.loss)
    unnamed = networks([0.1], 0.05, 10, "sgd", 1, seed=None)
    again = networks([0.1], 0.05, 10, "sgd", 1, seed=int(unnamed.attrs["seed"]))
    assert unnamed.loss.identical(again.loss)


@pytest.mark.parametrize("method", ["sgd", "population"])
def test_a_network_that_diverges_says_when_and_keeps_the_rest(method):
    with pytest.warns(tp.DivergenceWarning, match="At time .* weights were not finite.*step=2 is too large"):
        ds = networks([0.0, 2.0, 4000.0], 2.0, 20, method, 2)
    assert (
        ds.attrs["status"] == "diverged" and ds.time.values.tolist() == [0, 2] and np.isfinite(ds.loss).all()
    )
    with pytest.raises(
        tp.InputError,
        match="weights were not finite, and nothing had been recorded by then; step=2 is too large",
    ):
        networks([4000.0], 2.0, 20, method, 2)


@pytest.mark.parametrize("activation", ["relu", ERF])
def test_steps_of_the_limit_that_diverge_say_so(activation):
    decay = 0.0 if activation == "relu" else 3.0
    with pytest.warns(tp.DivergenceWarning, match="step=4 is too large"):
        ds = autoencoder([2.0, 1.0], activation, 0.4, decay, [0.0, 4.0, 4000.0], 4.0)
    assert ds.attrs["status"] == "diverged" and ds.time.values.tolist() == [0, 4]
    with pytest.warns(tp.DivergenceWarning, match="step=4 is too large"):
        ds = autoencoder([2.0, 1.0], "relu", None, 0.0, [0.0, 4000.0], 4.0, initial_theta=pairs(8, 2))
    assert ds.time.values.tolist() == [0]


def test_an_interrupted_run_keeps_what_it_has(monkeypatch):
    interrupt_after(monkeypatch, 30)
    ds = stopped(networks, [0.0, 0.5, 5.0, 50.0], 0.05, 20, "population", 1)
    assert (
        ds.attrs["status"] == "interrupted"
        and 1 <= ds.sizes["time"] < 4
        and "interrupted at time" in ds.attrs["status_message"]
    )

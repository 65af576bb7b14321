"""Lazy networks over initialisations: NNGP and NTK posteriors, plain linear algebra, and ensembles of real
networks."""

import math

import numpy as np
import pytest

import tensorprog_mf as tp

SIGNED = 2 * np.eye(3) - 1
END = tp.Training(flow=True, times=[0.0, 0.7, math.inf])


def with_loss(problem, loss):
    return tp.Problem(problem.inputs, problem.targets, problem.test_inputs, loss, np.array([0.4, -0.3]))


def test_the_readout_alone_ends_in_the_bayesian_posterior(problem):
    """NNGP: Gaussian process regression with the kernel Phi^L, without noise."""
    network = tp.MLP(3, "erf", richness=0.5, weight_std=(1.0, 1.3, 0.8, 1.5), bias_std=0.2)
    training = tp.Training(
        flow=True, times=[0.0, math.inf], multipliers=(0, 0, 0, 1), bias_multipliers=(0, 0, 0)
    )
    ds = tp.static_ntk(network, problem, training, ensemble="ntk")
    prior = 1.5**2 * ds.feature_kernel[0, -1].values / 0.5**2
    np.testing.assert_allclose(ds.output_covariance[0], prior, rtol=1e-12)
    gain = prior[3:, :3] @ np.linalg.inv(prior[:3, :3])
    np.testing.assert_allclose(ds.output[1, 3:], gain @ problem.targets, rtol=1e-9)
    np.testing.assert_allclose(ds.output[1, :3], problem.targets, rtol=1e-9)
    np.testing.assert_allclose(
        ds.output_covariance[1, 3:, 3:], prior[3:, 3:] - gain @ prior[:3, 3:], atol=1e-9 * prior.max()
    )
    np.testing.assert_allclose(ds.output_covariance[1, :3], 0, atol=1e-9 * prior.max())
    assert ds.time[1] == math.inf and ds.attrs["status"] == "completed"


def test_all_weights_end_in_the_posterior_of_the_tangent_kernel(problem):
    """Equations 14 and 15 of Lee et al. 2019, at a time and at its end; the loss is a mean over networks."""
    ds = tp.static_ntk(tp.MLP(2, "relu"), with_loss(problem, "squared"), END, ensemble="ntk")
    theta, k = ds.tangent_kernel[0].values, ds.feature_kernel[0, -1].values
    values, vectors = np.linalg.eigh(theta[:3, :3])
    for row, decay in ((1, np.exp(-values * 0.7 / 3)), (2, np.zeros(3))):
        gain = theta[:, :3] @ (vectors * ((1 - decay) / values)) @ vectors.T
        np.testing.assert_allclose(ds.output[row], gain @ problem.targets, atol=1e-11)
        expected = k - gain @ k[:3] - k[:, :3] @ gain.T + gain @ k[:3, :3] @ gain.T
        np.testing.assert_allclose(ds.output_covariance[row], expected, atol=1e-11)
        np.testing.assert_allclose(ds.output_std[row], np.sqrt(np.maximum(np.diag(expected), 0)), atol=1e-6)
        drawn = np.random.default_rng(0).multivariate_normal(
            ds.output[row], expected, 40000, check_valid="ignore"
        )
        losses = (drawn[:, 3:] - [0.4, -0.3]) ** 2 / 2
        # A mean of 40000 draws: 5 standard errors, false alarm 6e-7.
        assert float(ds.test_loss[row]) == pytest.approx(
            losses.mean(), abs=5 * losses.mean(axis=1).std() / 200
        )
    # On training examples what is left is the square root of rounding.
    assert float(ds.loss[2]) < 1e-20 and float(ds.output_std[2, :3].max()) < 1e-6


@pytest.mark.parametrize(
    "options",
    [
        dict(),
        dict(momentum=0.6, nesterov=True),
        dict(momentum=0.6, schedule=[1, 0.5, 2, 0, 1, 1, 1, 0.3]),
        dict(batch_size=2, momentum=0.3),
    ],
)
def test_steps_are_linear_in_the_start(problem, options):
    """Plain twin: a linear model trained from every f(0) = unit vector; schedules, momentum, Nesterov's
    method, batches."""
    training = tp.Training(8, 0.4, **options)
    ds = tp.static_ntk(
        tp.MLP(2, "tanh"), problem, training, ensemble="mean_field", width=50, record=[0, 3, 8]
    )
    theta, start = ds.tangent_kernel[0].values, ds.feature_kernel[0, -1].values / 50

    def plain(f, y):
        found, velocity = [f], np.zeros(5)
        for t in range(8):
            rate = training.descent.learning_rate_at(t)
            ahead = f + rate * training.momentum * velocity if training.nesterov else f
            velocity = training.momentum * velocity + theta[:, :3] @ (
                training.example_weights(t, 3) * (y - ahead[:3])
            )
            f = f + rate * velocity
            found.append(f)
        return np.array(found)[[0, 3, 8]]

    linear = np.stack([plain(unit, np.zeros(3)) for unit in np.eye(5)], axis=2)
    np.testing.assert_allclose(ds.output, plain(np.zeros(5), problem.targets), atol=1e-13)
    np.testing.assert_allclose(ds.output_covariance, linear @ start @ linear.transpose(0, 2, 1), atol=1e-15)
    zero = tp.static_ntk(tp.MLP(2, "tanh"), problem, training, record=[0, 3, 8])
    np.testing.assert_array_equal(zero.output, ds.output)
    assert "output_covariance" not in zero


def test_dense_networks(problem):
    """96 networks of width 256 in NTK parameterisation: mean, covariance and loss over initialisations."""
    training, network = tp.Training(10, 0.4, 0.5), tp.MLP(2, "tanh", richness=2.0)
    more = dict(
        parameterization="ntk",
        centred=False,
        keep_replicates=True,
        samples=0,
        record=[0, 2, 10],
        progress=False,
    )
    real = tp.train_finite(network, problem, training, width=256, n_replicates=96, **more)
    ds = tp.static_ntk(network, problem, training, ensemble="ntk", record=[0, 2, 10])
    apart = real.output.values - ds.output.values
    products = np.einsum("rtm,rtn->rtmn", apart, apart)
    for found, expected in (
        (apart, 0),
        (products, ds.output_covariance.values),
        (real.loss.values, ds.loss.values),
    ):
        error = found.std(axis=0, ddof=1) / np.sqrt(96)
        # 15, 45 and 3 entries at 5 standard errors: false alarm below 1e-4; 1 / width of the finite width
        # comes on top.
        assert (np.abs(found.mean(axis=0) - expected) < 5 * error + 1 / 256).all()
    assert np.abs(products.mean(axis=0)).max() > 0.05  # outputs are far from zero


@pytest.mark.parametrize(
    "network, shape",
    [
        (tp.MLP(2, richness=0.3), (4,)),
        (tp.ResidualMLP(2, richness=0.3), (4,)),
        (tp.CNN(2, richness=0.3, readout="flat"), (2, 3)),
        (tp.CNN(2, richness=0.3), (2, 3)),
        (tp.RNN(richness=0.3), (3, 2)),
        (tp.Transformer(1, richness=0.3), (3, 2)),
    ],
)
def test_starts_of_other_architectures(network, shape):
    """Sampled kernels: outputs start with the variance that real networks have, pooled and flattened readouts
    too."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(3, *shape))
    problem, many = tp.Problem(inputs, [1.0, -1.0, 0.5]), tp.Problem(inputs, np.zeros((3, 40)))
    more = dict(n_samples=256, n_replicates=2, ensemble="mean_field", width=32, progress=False)
    ds = tp.static_ntk(network, problem, tp.Training(3, 0.2), "sampled", **more)
    real = tp.train_finite(
        network,
        many,
        tp.Training(0, 0.2),
        32,
        n_replicates=16,
        keep_replicates=True,
        samples=0,
        progress=False,
    )
    products = np.einsum("rmc,rnc->rmn", real.output.values[:, 0], real.output.values[:, 0]) / 40
    error = products.std(axis=0, ddof=1) / np.sqrt(16)
    # 6 different entries at 6 standard errors with 15 degrees of freedom: false alarm 1e-4; features are of
    # order 1 / width off.
    assert (
        np.abs(products.mean(axis=0) - ds.output_covariance[0])
        < 6 * error + 0.05 * float(ds.output_covariance[0].max())
    ).all()
    assert error.max() < 0.1 * products.mean(axis=0).max()
    assert ds.output_covariance_stderr.shape == (4, 3, 3) and ds.output_std_stderr.shape == (4, 3)
    assert (ds.output_std[3] < ds.output_std[0]).all()  # training brings networks together


def custom_squared(f, y):
    return (f - y) ** 2 / 2


def test_drawn_starts_agree_with_the_closed_form(problem):
    """The squared loss as a loss of one's own, of which no closed form is known."""
    training = tp.Training(6, 0.5)
    exact = tp.static_ntk(tp.MLP(2), with_loss(problem, "squared"), training, ensemble="ntk")
    given = with_loss(problem, (custom_squared, lambda f, y: f - y))
    ds = tp.static_ntk(tp.MLP(2), given, training, ensemble="ntk", n_replicates=8, starts=50)
    for name in ("output", "output_covariance", "loss", "test_loss", "error_signal"):
        assert ds[name].dims == exact[name].dims
        off = np.abs(ds[name] - exact[name]).values
        # Pooled over entries of a time: largest of up to 25, 5 pooled errors of 8 replicates; false alarm
        # below 1e-3 at this fixed seed.
        pooled = np.sqrt((ds[f"{name}_stderr"].values ** 2).reshape(7, -1).mean(axis=1))
        assert (off.reshape(7, -1).max(axis=1) < 5 * pooled).all(), name
    assert "tangent_kernel_stderr" not in ds and ds.attrs["seed"] == "0"
    kept = tp.static_ntk(
        tp.MLP(2), given, training, ensemble="ntk", n_replicates=8, starts=50, keep_replicates=True
    )
    np.testing.assert_allclose(kept.output_std.mean("replicate"), ds.output_std, atol=1e-14)


def test_cross_entropy_and_several_outputs(problem):
    classes = tp.Problem(problem.inputs, [0, 1, 2], problem.test_inputs, "cross_entropy")
    ds = tp.static_ntk(
        tp.MLP(2),
        classes,
        tp.Training(flow=True, times=[0.0, 2.0]),
        ensemble="ntk",
        n_replicates=2,
        starts=300,
    )
    assert ds.output_covariance.dims == ("time", "example", "output", "example_prime", "output_prime")
    start = np.einsum("mn,cd->mcnd", ds.feature_kernel[0, -1].values, np.eye(3))
    # 600 draws, 120 different entries at 6 standard errors, at most sqrt(2) of the largest variance: false
    # alarm below 1e-6.
    assert np.abs(ds.output_covariance[0].values - start).max() < 6 * math.sqrt(2 / 600) * start.max()
    squared = tp.Problem(problem.inputs, SIGNED, problem.test_inputs)
    ds = tp.static_ntk(tp.MLP(2), squared, tp.Training(2, 0.1), ensemble="ntk")
    one = tp.static_ntk(
        tp.MLP(2),
        tp.Problem(problem.inputs, SIGNED[:, 1], problem.test_inputs),
        tp.Training(2, 0.1),
        ensemble="ntk",
    )
    np.testing.assert_allclose(ds.output_covariance, one.output_covariance, atol=1e-14)
    assert ds.output_std.dims == ("time", "example", "output") and ds.output_covariance.dims == (
        "time",
        "example",
        "example_prime",
    )
    single = ((one.output[:, :3] - SIGNED[:, 1]) ** 2).mean("example") / 2
    spread = (one.output_std[:, :3] ** 2).mean("example") / 2
    np.testing.assert_allclose(one.loss, single + spread, atol=1e-14)
    np.testing.assert_allclose(
        ds.loss, ((ds.output[:, :3] - SIGNED) ** 2).sum("output").mean("example") / 2 + 3 * spread, atol=1e-14
    )


def test_an_ensemble_that_diverges_keeps_what_it_has(problem, tmp_path):
    for given in (
        problem,
        tp.Problem(problem.inputs, problem.targets, None, (custom_squared, lambda f, y: f - y)),
    ):
        with pytest.warns(tp.DivergenceWarning, match="At step"):
            ds = tp.static_ntk(
                tp.MLP(2),
                given,
                tp.Training(3000, 100.0),
                record=range(0, 3000, 10),
                ensemble="ntk",
                starts=3,
            )
        assert ds.attrs["status"] == "diverged" and 0 < ds.sizes["time"] < 300
        assert np.isfinite(ds.output_covariance).all() and ds.sizes["time"] == len(ds.output_covariance)
    tp.save(ds, tmp_path / "a.nc", exact=True)
    assert tp.load(tmp_path / "a.nc").identical(ds)


def test_the_start_and_singular_kernels(problem):
    """Directions that a kernel does not see stay where they start; targets against them are not fitted."""
    twice = tp.Problem(
        np.vstack([problem.inputs, problem.inputs[:1]]), [*problem.targets, -problem.targets[0]]
    )
    ds = tp.static_ntk(
        tp.MLP(1, "linear"), twice, tp.Training(flow=True, times=[0.0, math.inf]), ensemble="ntk"
    )
    np.testing.assert_allclose(ds.output[1, [0, 3]], 0, atol=1e-9)
    np.testing.assert_allclose(ds.output_std[1], 0, atol=1e-6)
    readout_less = tp.MLP(1, weight_std=(1.0, 0.0))
    assert (tp.static_ntk(readout_less, problem, tp.Training(2, 0.1), ensemble="ntk").output_std == 0).all()


@pytest.mark.parametrize(
    "options, error, message",
    [
        (
            dict(ensemble="nngp"),
            tp.InputError,
            "ensemble='nngp' is unknown; choose one of ntk, mean_field, mup",
        ),
        (dict(ensemble="ntk", width=5), tp.InputError, "same variance at any width"),
        (dict(ensemble="mean_field"), tp.InputError, "pass width="),
        (dict(ensemble="mean_field", width=0), tp.InputError, "width=0"),
        (dict(width=64), tp.InputError, "width=64 goes with ensemble='mean_field'"),
        (dict(ensemble="ntk", starts=1), tp.InputError, "starts=1"),
        (
            dict(ensemble="ntk", training=tp.Training(2, 0.1, weight_decay=0.1)),
            tp.UnsupportedError,
            "weight decay",
        ),
    ],
)
def test_ensembles_refuse(problem, options, error, message):
    with pytest.raises(error, match=message):
        tp.static_ntk(tp.MLP(1), problem, **({"training": tp.Training(2, 0.1)} | options))


def test_infinite_depth_and_infinite_time_are_refused(problem):
    with pytest.raises(tp.UnsupportedError, match="finite depth"):
        tp.static_ntk(tp.ResidualMLP("infinite"), problem, tp.Training(2, 0.1), "sampled", ensemble="ntk")
    signs = tp.Problem(problem.inputs, np.sign(problem.targets), None, "logistic")
    for call in (
        lambda: tp.static_ntk(tp.MLP(1), signs, END),
        lambda: tp.sample(tp.MLP(1), problem, END, n_samples=64),
        lambda: tp.train_finite(tp.MLP(1), problem, END, 8),
        lambda: tp.solve_linear(tp.MLP(1, "linear"), problem, END),
    ):
        with pytest.raises(tp.UnsupportedError, match="cannot run to infinite time"):
            call()
    with pytest.raises(tp.InputError, match="must increase"):
        tp.Training(flow=True, times=[math.inf, math.inf])

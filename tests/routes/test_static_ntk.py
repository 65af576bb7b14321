"""The lazy limit: dynamics on a fixed kernel, closed or sampled, in steps and as a flow."""

from dataclasses import replace

import numpy as np
import pytest

import tensorprog_mf as tp


def signs(problem, loss="logistic"):
    return tp.Problem(problem.inputs, np.sign(problem.targets), problem.test_inputs, loss)


def test_steps_are_gradient_descent_on_the_linearised_network(problem):
    """Plain twin: regression on features whose Gram matrix is the tangent kernel, momentum and multipliers
    included."""
    training = tp.Training(12, 0.3, 0.4, multipliers=[0.5, 1.0, 2.0])
    ds = tp.static_ntk(tp.MLP(2, "erf"), signs(problem), training)
    values, vectors = np.linalg.eigh(ds.tangent_kernel[0].values)
    features = vectors * np.sqrt(np.maximum(values, 0))
    theta, velocity, y = np.zeros(5), np.zeros(5), np.sign(problem.targets)
    for step in range(13):
        f = features @ theta
        np.testing.assert_allclose(ds.output[step], f, atol=1e-12)
        velocity = 0.4 * velocity + features[:3].T @ (y / (1 + np.exp(y * f[:3])) / 3)
        theta = theta + 0.3 * velocity
    single = [
        tp.static_ntk(
            tp.MLP(2, "erf"), problem, tp.Training(1, 1.0, multipliers=np.eye(3)[i])
        ).tangent_kernel[0]
        for i in range(3)
    ]
    np.testing.assert_allclose(
        ds.tangent_kernel[0], sum(k * s for k, s in zip((0.5, 1.0, 2.0), single)), atol=1e-14
    )


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_flow_is_the_limit_of_small_steps(problem, loss):
    problem, network = signs(problem, loss), tp.MLP(2, "tanh")
    flow = tp.static_ntk(network, problem, tp.Training(flow=True, times=[0.0, 1.0, 2.0, 5.0], tolerance=1e-9))
    coarse, fine = (
        tp.static_ntk(network, problem, tp.Training(5 * n, 1 / n), record=[0, n, 2 * n, 5 * n]).output.values
        for n in (400, 800)
    )
    # Euler's error is linear in the step: extrapolated, what is left is its square.
    np.testing.assert_allclose(flow.output, 2 * fine - coarse, atol=2e-6)
    assert flow.time.values.tolist() == [0, 1, 2, 5] and "step" not in flow.coords
    assert np.abs(fine - flow.output.values).max() > 1e-5


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_flow_from_the_start_and_with_other_times(problem, loss):
    training = tp.Training(flow=True, times=[0.0])
    assert (tp.static_ntk(tp.MLP(2), signs(problem, loss), training).output == 0).all()
    later = replace(training, times=[0.5, 2.0])
    ds = tp.static_ntk(tp.MLP(2), signs(problem, loss), later, record=[1])
    assert ds.time.values.tolist() == [2.0] and (ds.output != 0).all()


def test_flow_of_the_squared_loss_ends_in_kernel_regression(problem):
    ds = tp.static_ntk(tp.MLP(2, "relu"), problem, tp.Training(flow=True, times=[0.0, 1e9]))
    kernel = ds.tangent_kernel[0].values
    expected = kernel[:, :3] @ np.linalg.solve(kernel[:3, :3], problem.targets)
    np.testing.assert_allclose(ds.output[1], expected, atol=1e-9)
    repeated = tp.Problem(
        np.vstack([problem.inputs, problem.inputs[:1]]), [*problem.targets, -problem.targets[0]]
    )
    ds = tp.static_ntk(
        tp.MLP(1, "linear"), repeated, tp.Training(flow=True, times=[1e6])
    )  # a singular kernel
    np.testing.assert_allclose(ds.output[0, [0, 3]], 0, atol=1e-9)


def test_sampled_kernels_are_those_of_sample(problem):
    settings = dict(n_samples=256, n_replicates=3, keep_replicates=True, samples=5)
    training = tp.Training(4, 0.3)
    ds = tp.static_ntk(tp.MLP(2), problem, training, kernel="sampled", **settings)
    run = tp.sample(tp.MLP(2), problem, training, **settings)
    for name in ("feature_kernel", "gradient_kernel", "tangent_kernel"):
        assert ds[name].dims == run[name].dims and ds[name].shape == run[name].shape
        for step in range(5):
            np.testing.assert_array_equal(ds[name][:, step], run[name][:, 0])
    assert ds.preactivation.dims == run.preactivation.dims
    np.testing.assert_array_equal(ds.preactivation[3], run.preactivation[0])
    assert ds.output.shape == (3, 5, 5) and ds.attrs["seed"] == "0"
    mean = tp.static_ntk(
        tp.MLP(2), problem, training, kernel="sampled", **(settings | {"keep_replicates": False})
    )
    np.testing.assert_allclose(mean.output, ds.output.mean("replicate"), atol=1e-14)
    assert mean.output_stderr.dims == ("time", "example")


def test_closed_and_sampled_agree(problem):
    network, training = tp.MLP(3, "tanh"), tp.Training(20, 0.3)
    exact = tp.static_ntk(network, problem, training)
    ds = tp.static_ntk(network, problem, training, kernel="sampled", n_replicates=8)
    assert exact.attrs["kernel_error"] < 1e-12 and "output_stderr" not in exact
    distance = tp.compare(exact, ds)
    # Largest of 5 examples and 20 times over the pooled error of 8 replicates: 5 has a false alarm below
    # 1e-3.
    assert 0 < distance.output_sigma.max() < 5 and distance.tangent_kernel_sigma.max() < 5


def test_what_diverges_is_kept_until_then(problem):
    with pytest.warns(tp.DivergenceWarning, match="At step"):
        ds = tp.static_ntk(tp.MLP(2), problem, tp.Training(3000, 100.0), record=range(0, 3000, 10))
    assert ds.attrs["status"] == "diverged" and 0 < ds.sizes["time"] < 300 and np.isfinite(ds.output).all()


@pytest.mark.parametrize(
    "network, shape",
    [
        (tp.ResidualMLP(2, richness=0.05), (4,)),
        (tp.ResidualMLP("infinite", richness=0.05, n_tau=8), (4,)),
        (tp.CNN(2, richness=0.05), (2, 3)),
        (tp.RNN(richness=0.05), (3, 2)),
        (tp.Transformer(1, richness=0.05), (3, 2)),
    ],
)
def test_other_architectures_sampled(network, shape):
    """The lazy limit from sampled kernels is near a network of small richness, on the same draws;
    perturbation finds it too."""
    rng = np.random.default_rng(0)
    problem, training = tp.Problem(rng.normal(size=(3, *shape)), [1.0, -1.0, 0.5]), tp.Training(4, 0.2)
    more = dict(n_samples=1024, n_replicates=2, progress=False)
    lazy, small = (
        tp.static_ntk(network, problem, training, "sampled", **more),
        tp.sample(network, problem, training, **more),
    )
    assert (
        lazy.feature_kernel.dims == small.feature_kernel.dims
        and lazy.layer.values.tolist() == small.layer.values.tolist()
    )
    # f - f_0 is of order richness^2, and noise of order richness^0 / n; changes of the kernels are visible
    # already at 1.
    np.testing.assert_allclose(lazy.output, small.output, atol=0.02)
    with pytest.raises(tp.UnsupportedError, match=r"takes an MLP only.*tp\.static_ntk\(kernel='sampled'\)"):
        tp.static_ntk(network, problem, training)
    if network.refinements is None:
        expanded = tp.perturbation(network, problem, training, **more)
        np.testing.assert_allclose(expanded.output, small.output, atol=5e-3)
    if network.vector_dim is None:
        with pytest.raises(tp.UnsupportedError, match="is for an MLP|a finite depth"):
            tp.train_finite(network, problem, training, width=16, parameterization="ntk")

import numpy as np
import pytest

import tensorprog_mf as tp
from tests.reference.gate import CASES, setup


@pytest.mark.parametrize("name", ["linear_depth1", "linear_depth3"])
def test_reference_cases(name):
    case = CASES[name]
    ds = tp.solve_linear(*setup(case), two_time=True)
    np.testing.assert_allclose(ds.output, case["output"], atol=1e-9)
    np.testing.assert_allclose(ds.feature_kernel[-1], case["feature_kernel_final"], atol=1e-9)
    np.testing.assert_allclose(ds.gradient_kernel[-1, :, 0, 0], case["gradient_kernel_final"], atol=1e-9)
    first_last = case["feature_kernel_first_time_vs_final_time"]
    np.testing.assert_allclose(ds.feature_kernel_two_time[0, -1], first_last, atol=1e-9)


def test_weights_of_past_gradients_are_those_of_the_optimiser():
    from tensorprog_mf.engine.descent import DescentOptimizer
    from tensorprog_mf.matrices.parameter import Parameter

    descent = tp.Training(9, 0.3, momentum=0.7, weight_decay=0.2, schedule="cosine").descent
    weight, kept = descent.gradient_weights()
    parameters, optimizer = {"w": Parameter(1.0, np.zeros(10))}, DescentOptimizer(descent, {"w": 1.0})
    for t in range(9):
        np.testing.assert_allclose(parameters["w"].learned, weight[t], atol=1e-15)
        assert abs(parameters["w"].scale - kept[t]) < 1e-15
        optimizer.step(parameters, {"w": Parameter(0.0, np.eye(10)[t])})


def test_other_networks_are_refused(problem):
    for network in (tp.MLP(2, "tanh"), tp.MLP(2, tp.Activation("linear", gain=2.0))):
        with pytest.raises(tp.TensorProgError, match="use tp.sample"):
            tp.solve_linear(network, problem, tp.Training(2, 0.1))


def test_divergence_is_reported(problem):
    with pytest.warns(tp.DivergenceWarning, match="At step"):
        ds = tp.solve_linear(tp.MLP(3, "linear"), problem, tp.Training(60, 100.0))
    assert ds.attrs["status"] == "diverged" and 0 < ds.sizes["time"] < 61 and np.isfinite(ds.output).all()
    with pytest.raises(tp.InputError, match="diverged at step .* before its first record"):
        tp.solve_linear(tp.MLP(3, "linear"), problem, tp.Training(60, 100.0), record=[60])


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
def test_several_outputs(loss):
    """Exact algebra against sampling, 4096 sites x 8: every variable within 5 pooled standard errors or 1e-3
    of its scale.

    The 1/n bias is of the size of these errors. A gradient kernel or an error of a wrong output is off by its
    own size.
    """
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(3, 3)) if loss == "squared" else np.eye(3)[[0, 2, 1]]
    problem = tp.Problem(rng.normal(size=(3, 5)), targets, rng.normal(size=(2, 5)), loss)
    setting = tp.MLP(2, "linear", 1.3), problem, tp.Training(8, 0.3, 0.5, 0.1, multipliers=(0.5, 2.0, 1.0))
    exact = tp.solve_linear(*setting)
    ds = tp.sample(*setting, n_samples=4096, n_replicates=8, samples=0, record=tp.Record(per_output=True))
    for name in ("output", "loss", "error_signal", "feature_kernel", "gradient_kernel", "tangent_kernel"):
        assert ds[name].dims == exact[name].dims
        sigma = np.sqrt((ds[f"{name}_stderr"] ** 2).mean())
        assert np.abs(ds[name] - exact[name]).max() < max(5 * sigma, 1e-3 * np.abs(exact[name]).max()), name
    assert exact.gradient_kernel.dims == (
        "time",
        "layer",
        "example",
        "output",
        "example_prime",
        "output_prime",
    )


def test_one_column_is_one_output(problem):
    setting = tp.MLP(2, "linear", 1.3), tp.Training(6, 0.3)
    column = tp.Problem(problem.inputs, problem.targets[:, None], problem.test_inputs)
    one, same = (tp.solve_linear(setting[0], given, setting[1]) for given in (problem, column))
    for name in ("output", "gradient_kernel", "tangent_kernel"):
        np.testing.assert_allclose(same[name].values.reshape(one[name].shape), one[name], atol=1e-12)
    with pytest.raises(tp.UnsupportedError, match="leave out two_time"):
        tp.solve_linear(setting[0], column, setting[1], two_time=True)

import numpy as np
import pytest

import tensorprog_mf as tp

from .reference.gate import CASES, setup


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
    from tensorprog_mf.matrices.parameter import Parameter
    from tensorprog_mf.optimizers import Descent

    training = tp.Training(9, 0.3, momentum=0.7, weight_decay=0.2, schedule="cosine")
    weight, kept = training.gradient_weights("solve_linear")
    parameters, descent = {"w": Parameter(1.0, np.zeros(10))}, Descent(training, ["w"])
    for t in range(9):
        np.testing.assert_allclose(parameters["w"].learned, weight[t], atol=1e-15)
        assert abs(parameters["w"].scale - kept[t]) < 1e-15
        descent.step(parameters, {"w": Parameter(0.0, np.eye(10)[t])})


def test_other_networks_are_refused(problem):
    for network in (tp.MLP(2, "tanh"), tp.MLP(2, tp.Activation("linear", gain=2.0))):
        with pytest.raises(tp.TensorProgError, match="use tp.sample"):
            tp.solve_linear(network, problem, tp.Training(2, 0.1))


def test_divergence_is_reported(problem):
    with pytest.warns(tp.DivergenceWarning, match="At step"):
        ds = tp.solve_linear(tp.MLP(3, "linear"), problem, tp.Training(60, 100.0))
    assert ds.attrs["status"] == "diverged" and 0 < ds.sizes["time"] < 61 and np.isfinite(ds.output).all()
    with pytest.warns(tp.DivergenceWarning), pytest.raises(tp.InputError, match="before its first record"):
        tp.solve_linear(tp.MLP(3, "linear"), problem, tp.Training(60, 100.0), record=[60])

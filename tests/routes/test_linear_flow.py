"""Gradient flow of linear networks: within its tolerance of a scalar equation and of the exact recursion, at
any length."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import tensorprog_mf as tp
from tensorprog_mf.routes.solve_linear import flow as linear_flow
from tensorprog_mf.sites.draws import Axes, AxesSpent

NAMES = ("output", "loss", "feature_kernel", "gradient_kernel", "tangent_kernel")
TWO_TIME = ("feature_kernel_two_time", "gradient_kernel_two_time")


@pytest.mark.parametrize("richness", [0.1, 3.0])
def test_depth_one_is_a_scalar_equation_at_every_tolerance_and_length(richness):
    """Whitened examples: d |Delta| / dt = -2 sqrt(1 + richness^2 (|y| - |Delta|)^2) |Delta|, t = time / 4."""
    times, y = np.array([0.25, 1.0, 8.0, 32.0]), np.array([1.0, -1.0, 0.5, 0.7])
    size = np.linalg.norm(y)

    def slope(t, d):
        return -2 * np.sqrt(1 + richness**2 * (size - d) ** 2) * d

    exact = solve_ivp(slope, (0, times[-1]), [size], t_eval=times, rtol=1e-12, atol=1e-14).y[0]
    problem = tp.Problem(2 * np.eye(4), y)
    for tolerance in (1e-3, 1e-6, 1e-9):
        training = tp.Training(flow=True, times=[0.0, *4 * times], tolerance=tolerance)
        ds = tp.solve_linear(tp.MLP(1, "linear", richness), problem, training)
        found = np.linalg.norm(y - ds.output.values, axis=1)
        assert ds.attrs["status"] == "completed" and (ds.output[0] == 0).all()
        assert np.abs(found[1:] - exact).max() < tolerance


def extrapolated(network, problem, end, halvings, **setting):
    """Descent to `end`, recorded half-way and there, in 10, 20, 40 ... steps, extrapolated to steps of zero.

    Per variable its values, and how much the last extrapolation changed them.
    """
    table = []
    for n in (10 * 2**k for k in range(halvings)):
        ds = tp.solve_linear(network, problem, tp.Training(n, end / n, **setting), [n // 2, n], two_time=True)
        row = [np.concatenate([ds[name].values.ravel() for name in NAMES + TWO_TIME])]
        for order, coarser in enumerate(table, 1):
            row.append((2**order * row[-1] - coarser) / (2**order - 1))
        table = row
    return table[-1], np.abs(table[-1] - table[-2]).max()


@pytest.mark.parametrize("depth", [2, 3])
def test_deep_flow_is_the_exact_recursion_with_steps_of_zero(problem, depth):
    """Outputs, kernels and those between times, of training and test examples; multipliers of every
    weight."""
    network, setting = tp.MLP(depth, "linear", 1.3), dict(multipliers=np.linspace(0.5, 1.2, depth + 1))
    expected, left = extrapolated(network, problem, 1.0, 4, **setting)
    training = tp.Training(flow=True, times=[0.5, 1.0], tolerance=1e-7, **setting)
    flow = tp.solve_linear(network, problem, training, two_time=True)
    found = np.concatenate([flow[name].values.ravel() for name in NAMES + TWO_TIME])
    assert left < 1e-5 and np.abs(found - expected).max() < left + 1e-7


@pytest.mark.parametrize(
    "loss, targets",
    [("squared", [1.0, -0.5, 2.0]), ("logistic", [1.0, -1.0, 1.0]), ("cross_entropy", [0, 2, 1])],
)
def test_scales_biases_and_decay_against_sampling(problem, loss, targets):
    """Every variable within 6 pooled standard errors, 7 degrees of freedom: 15 of them, false alarm below
    1e-2 x 1e-1."""
    problem = tp.Problem(problem.inputs, targets, problem.test_inputs, loss)
    network = tp.MLP(2, "linear", 1.3, weight_std=(0.7, 1.2, 0.9), bias_std=(0.5, 0.0), output_bias=0.6)
    training = tp.Training(
        flow=True,
        times=[0.5, 2.0],
        tolerance=1e-4,
        weight_decay=0.2,
        multipliers=(0.5, 1, 2),
        bias_multipliers=(1, 0.3),
    )
    exact = tp.solve_linear(network, problem, training)
    record = tp.Record(per_output=loss == "cross_entropy")
    ds = tp.sample(network, problem, training, n_samples=1024, n_replicates=8, samples=0, record=record)
    for name in NAMES:
        assert ds[name].dims == exact[name].dims
        sigma = np.sqrt((ds[f"{name}_stderr"] ** 2).mean())
        assert np.abs(ds[name] - exact[name]).max() < max(6 * sigma, 2e-3), name
        assert np.abs(exact[name][1] - exact[name][0]).max() > 1e-2  # what does not move would not be tested


def test_axes_are_added_when_they_are_spent(problem, monkeypatch):
    setting = tp.MLP(3, "linear", 2.0), problem, tp.Training(flow=True, times=[1.0], tolerance=1e-6)
    whole = tp.solve_linear(*setting)
    monkeypatch.setattr(linear_flow, "_AXES", 1)
    grown = tp.solve_linear(*setting)
    for name in NAMES:
        np.testing.assert_allclose(grown[name], whole[name], rtol=1e-9)
    with pytest.raises(AxesSpent):
        Axes(3).column(3)
    assert Axes(9).column(4).tolist() == [0, 0, 0, 0, 3, 0, 0, 0, 0]


def test_a_tolerance_below_rounding_is_not_claimed(problem):
    training = tp.Training(flow=True, times=[0.5], tolerance=1e-12)
    with pytest.warns(tp.ConvergenceWarning, match="tolerance 1e-12 is below what rounding allows"):
        ds = tp.solve_linear(tp.MLP(1, "linear", 0.01), problem, training)
    assert ds.attrs["status"] == "not_converged"

"""Langevin noise at long times against the closed-form posterior of linear networks."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tests.reference.gate import TRAINING_CASES

pytestmark = pytest.mark.verification
RATES = (0.04, 0.02)  # the bias is linear in the learning rate


def stationary(case, rate, **route):
    """Outputs (replicate, example) and kernels (replicate, layer, example, example_prime), averaged over
    times 15 ... 75 / lambda."""
    p = case["params"]
    inputs = np.sqrt(2) * np.linalg.cholesky(np.array(case["input_kernel"]))  # |x|^2 / 2 features
    problem = tp.Problem(inputs, case["targets"])
    network = tp.MLP(
        p["depth"], "linear", p["richness"], weight_std=np.sqrt(p["temperature"] / p["weight_decay"])
    )
    steps = int(75 / rate)
    training = tp.Training(steps, rate, weight_decay=p["weight_decay"], temperature=p["temperature"])
    record = list(range(int(15 / rate), steps + 1, 5))
    more = dict(samples=0, record=record, keep_replicates=True, n_replicates=4)
    if "width" in route:
        ds = tp.train_finite(network, problem, training, **route, **more)
    else:
        ds = tp.sample(network, problem, training, **route, **more)
    return ds.output.mean("time").values, ds.feature_kernel.mean("time").values


@pytest.mark.parametrize(
    "name, route, finite_width",
    [
        ("bayes_linear_two_layer_P2", dict(n_samples=4096), 0.0),
        ("bayes_linear_two_layer_cold", dict(n_samples=4096), 0.0),
        (
            "bayes_linear_depth2",
            dict(width=512),
            8 / 512,
        ),  # noise brings new directions at every step: a stored matrix is cheaper
    ],
)
def test_stationary_state(name, route, finite_width):
    """Extrapolated to rate 0: |difference| <= 6 standard errors over 4 replicates, pooled, + 1/width.

    Outputs (2) and kernels (3 per layer) of a case, errors from 3 degrees of freedom per entry, pooled 8 and
    more: false alarm below 1e-3 per case. The bias of the second order in the rate is below 1e-4 here
    (measured with rates 0.08 and 0.04).
    """
    case = TRAINING_CASES[name]
    coarse, fine = (stationary(case, rate, **route) for rate in RATES)
    expected = case["posterior_output"], np.reshape(case["posterior_feature_kernel"], (-1, 2, 2))
    for a, b, value in zip(coarse, fine, expected):
        found = 2 * b - a
        sigma = np.sqrt((found.var(0, ddof=1) / len(found)).mean())
        scale = np.abs(value).max()
        print(name, found.mean(0).round(4).tolist(), np.round(value, 4).tolist(), f"sigma {sigma:.1e}")
        assert np.abs(found.mean(0) - value).max() < 6 * sigma + finite_width * scale
        assert sigma < 0.01 * scale

"""Intervals hold the truth in 95 % of cases, by Student's t over few replicates; 1.96 standard errors do not.

The truth of the limit is the exact solution of a linear network; that of finite networks the outputs at the
start, which are zero on average. Runs with other seeds are independent, entries of one run are not: the share
of intervals that hold is averaged over entries, and its error taken from the scatter between runs.
"""

import numpy as np
import pytest

import tensorprog_mf as tp

pytestmark = pytest.mark.verification
RUNS, REPLICATES = 240, 4
INPUTS = np.random.default_rng(3).normal(size=(3, 4))
PROBLEM = tp.Problem(INPUTS, [1.0, -1.0, 0.5])
SETTING = tp.MLP(2, "linear"), PROBLEM, tp.Training(3, 0.3)
NAMES = ("output", "feature_kernel", "gradient_kernel")


def shares(results, truth, name, half):
    """Mean share of entries within their interval, and its standard error."""
    held = [np.abs(ds[name] - truth[name]) <= half(ds) for ds in results]
    each = [float(inside.where(ds[f"{name}_stderr"] > 1e-12).mean()) for inside, ds in zip(held, results)]
    return np.mean(each), np.std(each, ddof=1) / np.sqrt(len(each))


def check(results, truth, name):
    held, error = shares(results, truth, name, lambda ds: tp.interval(ds, name))
    plain, _ = shares(results, truth, name, lambda ds: 1.96 * ds[f"{name}_stderr"])
    print(f"{name:16} Student's t {held:.3f}({error:.3f}), 1.96 standard errors {plain:.3f}")
    # 95 % to 2 %, and 3 standard errors of the count: false alarm 3e-3 if the share were at the edge.
    assert abs(held - 0.95) < 0.02 + 3 * error and error < 0.012, name
    assert plain < held - 0.04, name  # normal quantiles over 4 replicates hold 0.86 of Gaussian ones


@pytest.mark.parametrize("draws, n_samples", [("sobol", 512), ("pseudo-random", 1024)])
def test_intervals_of_the_limit(draws, n_samples):
    """Biases of order 1/n_samples are a tenth of the errors or less here."""
    exact = tp.solve_linear(*SETTING)
    results = [
        tp.sample(*SETTING, n_samples, REPLICATES, seed, draws=draws, samples=0, progress=False)
        for seed in range(RUNS)
    ]
    for name in NAMES:
        check(results, exact, name)


def test_intervals_of_finite_networks():
    """Outputs at the start have mean zero, for any width, and are products of Gaussians."""
    training = tp.Training(0, 0.3)
    setting = tp.MLP(2, "tanh"), PROBLEM, training
    results = [
        tp.train_finite(*setting, 64, n_replicates=8, seed=seed, samples=0, progress=False)
        for seed in range(RUNS)
    ]
    truth = results[0].assign(output=results[0].output * 0)
    held, error = shares(results, truth, "output", lambda ds: tp.interval(ds, "output"))
    assert abs(held - 0.95) < 0.02 + 3 * error  # as above

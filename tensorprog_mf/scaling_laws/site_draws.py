"""Single sites, drawn from the Gaussian processes that the solver has found."""

import numpy as np

from .labels import Arrays, over
from .recursion import CausalRecursion


def draw_sites(run: CausalRecursion, steps: np.ndarray, samples: int, seed: int) -> Arrays:
    """v0 of every mode, v1 (if there are training examples), v3 and w of the same feature, at the recorded
    steps.

    Where modes have multiplicities a draw is that of one of the equal modes.
    """
    reached, r = steps[-1] + 1 if len(steps) else 0, run.rows
    now = slice(0, reached)
    streams = [np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(kind,))) for kind in range(3)]
    v3 = _gaussian(r["C3"][now, now], samples, streams[0])
    found = {"feature_gradient": v3[steps], "readout_weight": (r["W"][now, now] @ v3)[steps]}
    if run.model.examples is not None:
        before_batches = r["C1"][now, now] - run.excess * np.diag(run.train[now])
        found["example_error"] = _gaussian(before_batches, samples, streams[1])[steps]
    modes = [_mode(run, k, now, samples, streams[2])[steps] for k in range(len(run.lam))]
    return over(("time", "sample"), found) | over(
        ("mode", "time", "sample"), {"weight_error": np.stack(modes)}
    )


def _mode(run: CausalRecursion, k: int, now: slice, samples: int, stream: np.random.Generator) -> np.ndarray:
    """(time, sample) of v0_k."""
    covariance = np.zeros((now.stop, now.stop))
    if run.with_g4:
        g = run.g4[k, now, now]
        covariance += g @ run.rows["C3"][now, now] @ g.T * run.model.inverse_width
    if run.with_g2:
        g = run.g2[k, now, now]
        covariance += run.lam[k] * (g @ run.rows["S"][now, now] @ g.T)
    return run.weight[k] * run.m[k, now, None] + _gaussian(covariance, samples, stream)


def _gaussian(covariance: np.ndarray, samples: int, stream: np.random.Generator) -> np.ndarray:
    """(time, sample) of a Gaussian process with mean 0."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ stream.standard_normal((len(covariance), samples))

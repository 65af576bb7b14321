"""The sharpness of a run, its bound, and differences between replicates that grow."""

import numpy as np

from ...problems.problem import Problem
from ...training.training import Training

_EXACT = 64  # examples up to which all eigenvalues are found
_SCATTER, _GROWN = 0.3, 5.0  # of replicates that are apart
AMPLIFIED = 1e4  # growth of deviations that is warned of; a catapult from richness 0.03 has 200
_STEP = 1e-5  # of outputs, for the curvature of the loss


def sharpness(kernel: np.ndarray, outputs: np.ndarray, problem: Problem) -> np.ndarray:
    """Largest eigenvalue (time,) of the Hessian of the training loss in units of 1 / learning_rate, without
    second derivatives of outputs.

    It is that of K / P times the curvature of the loss, where K is the tangent `kernel` (time, example,
    example_prime) with learning-rate multipliers, cut to the P training examples; `outputs` are (time,
    example).
    """
    n = problem.n_train
    f, step = outputs[:, :n], _STEP * (1 + np.abs(outputs[:, :n]))
    slope = [problem.loss.error(at, problem.targets) for at in (f - step, f + step)]
    root = np.sqrt(np.maximum((slope[0] - slope[1]) / (2 * step), 0.0) / n)
    return np.array([_largest(r[:, None] * k[:n, :n] * r) for k, r in zip(kernel, root)])


def _largest(matrix: np.ndarray) -> float:
    size = np.abs(matrix).max()
    if size == 0 or not np.isfinite(size):  # of a run that is about to diverge
        return float(size)
    matrix = (matrix + matrix.T) / (2 * size)
    if len(matrix) <= _EXACT:
        return float(size * np.linalg.eigvalsh(matrix)[-1])
    from scipy.sparse.linalg import eigsh

    return float(
        size * eigsh(matrix, 1, which="LA", v0=np.ones(len(matrix)), tol=1e-8, return_eigenvectors=False)[0]
    )


def bound(training: Training) -> float:
    """Learning rate times sharpness from which steps on a quadratic loss grow.

    2 of plain steps, 2 (1 + beta) with momentum, 2 (1 + beta) / (1 + 2 beta) with Nesterov's.
    """
    beta = training.momentum
    return 2 * (1 + beta) / (1 + 2 * beta * training.nesterov)


def growth(product: np.ndarray, training: Training) -> np.ndarray:
    """Factor per step of a deviation along the sharpest direction, where `product` is learning rate times
    sharpness."""
    beta, left = training.momentum, 1 - product
    a, b = ((1 + beta) * left, beta * left) if training.nesterov else (beta + left, np.full_like(left, beta))
    # Roots of z^2 - a z + b.
    root = np.sqrt((a**2 - 4 * b).astype(complex))
    return np.maximum(np.abs(a + root), np.abs(a - root)) / 2


def amplified(product: np.ndarray, steps: np.ndarray, training: Training) -> np.ndarray:
    """How many times a deviation may have grown by each recorded step, (time,), since the worst step before
    it."""
    found, total = np.zeros(len(steps)), 0.0
    each = np.log(np.maximum(growth(product, training), 1e-12))
    for i in range(1, len(steps)):
        total = max(0.0, total + each[i - 1] * (steps[i] - steps[i - 1]))
        found[i] = total
    return np.exp(np.minimum(found, 700.0))


def apart_from(outputs: np.ndarray) -> tuple[int, float, float] | None:
    """Index of the time from which replicates' outputs (replicate, time, ...) stay apart, how far apart they
    are at the end, and how many times more than at first.

    Apart means: their standard deviation over replicates is 0.3 times the size of the outputs, both in root
    mean square over examples, and five times what it was at the first recorded time after the start. Outputs
    that differ and come together again, as those of catapults at different steps do, are not apart.
    Measured: at most 0.03 at the end of runs that settle, 0.5 to 1 where the loss depends on the number of
    sites.
    """
    flat = outputs.reshape(*outputs.shape[:2], -1)
    scatter = np.sqrt((flat.std(axis=0, ddof=1) ** 2).mean(axis=-1))
    size = np.sqrt((flat**2).mean(axis=(0, 2)))
    share = np.divide(scatter, size, out=np.zeros_like(size), where=size > 0)
    if len(share) < 3 or share[-1] < max(_SCATTER, _GROWN * share[1]) or scatter[-1] < _GROWN * scatter[1]:
        return None
    below = np.flatnonzero(share < _SCATTER)
    return int(below[-1]) + 1, float(share[-1]), float(share[-1] / share[1])

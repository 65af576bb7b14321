"""Training on a tangent kernel that does not move: the linear dynamics that the lazy limit leaves."""

from collections.abc import Iterator, Sequence

import numpy as np

from ...ground.divergence import before_divergence
from ...problems.problem import Problem
from ...training.discrete_descent import DiscreteDescent
from ...training.training import Training


def train_lazily(
    kernel: np.ndarray,
    problem: Problem,
    training: Training,
    start: np.ndarray | None = None,
    steps: Sequence[int] | np.ndarray | None = None,
) -> np.ndarray:
    """Outputs (time, example[, output]) of f(t) = f(0) + K sum_s e(t, s) Delta(s), or of the flow
    df/dt = K Delta.

    `kernel` is (example, example_prime), training examples first, learning-rate multipliers included; `start`
    is f(0), (example[, output]), 0 by default; `steps` are the indices of the times to return, all by
    default. Outputs stop before the first of these at which they have run away. There is no weight decay,
    which would shrink the weights, and the kernel with them, at any richness; and at infinite time only the
    squared loss has an end in closed form.
    """
    start = np.zeros((len(kernel), *problem.targets.shape[1:])) if start is None else start
    kept = np.arange(training.last + 1) if steps is None else np.asarray(steps)
    with np.errstate(over="ignore", invalid="ignore"):  # what diverges is cut off
        if training.flow:
            flow = training.gradient_flow
            outputs = _flow(kernel, problem, flow.tolerance, start, flow.clock()[kept])
        else:
            wanted = set(kept.tolist())
            outputs = np.stack(
                [f for t, f in enumerate(_steps(kernel, problem, training.descent, start)) if t in wanted]
            )
        return outputs[: before_divergence(outputs, problem.mean_loss)[0]]


def _steps(
    kernel: np.ndarray, problem: Problem, descent: DiscreteDescent, start: np.ndarray
) -> Iterator[np.ndarray]:
    """Outputs of every step."""
    outputs, velocity = start, np.zeros(start.shape)
    yield outputs
    for t in range(descent.steps):
        rate = descent.learning_rate_at(t)
        ahead = outputs + (rate * descent.momentum * velocity if descent.nesterov else 0.0)
        velocity = descent.momentum * velocity + kernel @ problem.error_signal(
            ahead, descent.example_weights(t, problem.n_train)
        )
        outputs = outputs + rate * velocity
        yield outputs


def _flow(
    kernel: np.ndarray, problem: Problem, tolerance: float, start: np.ndarray, times: np.ndarray
) -> np.ndarray:
    if problem.loss.name == "squared":
        return _exponential(kernel, problem, start, times)
    from scipy.integrate import solve_ivp

    allowed = dict(rtol=tolerance, atol=tolerance * 1e-2)
    outputs = np.full((len(times), *start.shape), np.nan)
    outputs[times == 0] = start
    if times[-1] > 0:
        later = times[times > 0]

        def rates(_: float, f: np.ndarray) -> np.ndarray:
            return (kernel @ problem.error_signal(f.reshape(start.shape))).ravel()

        run = solve_ivp(rates, (0, later[-1]), start.ravel(), "DOP853", later, **allowed)
        reached = np.transpose(run.y).reshape(-1, *start.shape)  # times before it failed, if it did
        outputs[np.flatnonzero(times > 0)[: len(reached)]] = reached
    return outputs


def _exponential(kernel: np.ndarray, problem: Problem, start: np.ndarray, times: np.ndarray) -> np.ndarray:
    """f(t) = f(0) + K [(1 - exp(-K t / P)) / K] (y - f(0)) over training examples; directions of eigenvalue
    zero stay."""
    n = problem.n_train
    values, vectors = np.linalg.eigh(kernel[:n, :n] / n)
    along = vectors.T @ (problem.targets - start[:n])
    finite = times[times < np.inf]
    decayed = np.multiply.outer(finite, np.maximum(values, 0))
    # (1 - exp(-v t)) / v, which is t at v = 0.
    weight = finite[:, None] * np.divide(
        -np.expm1(-decayed), decayed, out=np.ones_like(decayed), where=decayed > 0
    )
    if len(finite) < len(times):  # at infinity 1 / v, but for eigenvalues that are zero up to rounding
        seen = values > n * np.finfo(float).eps * np.abs(values).max()
        weight = np.vstack([weight, np.divide(1.0, values, out=np.zeros(n), where=seen)])
    alpha = np.einsum("tv,v...,nv->tn...", weight, along, vectors) / n
    return start + np.einsum("mn,tn...->tm...", kernel[:, :n], alpha)

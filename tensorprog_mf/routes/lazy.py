"""Training on a tangent kernel that does not move: the linear dynamics that the lazy limit leaves."""

import numpy as np

from ..divergence import before_divergence
from ..errors import UnsupportedError
from ..optimizers import Training
from ..problems import Problem


def train_lazily(kernel: np.ndarray, problem: Problem, training: Training, route: str) -> np.ndarray:
    """Outputs (time, example[, output]) of f(t) = K sum_s e(t, s) Delta(s), or of the flow df/dt = K Delta, f(0) = 0.

    `kernel` is (example, example_prime), training examples first, learning-rate multipliers included. Outputs stop
    before the first time at which they have run away.

    Raises
    ------
    UnsupportedError
        Weight decay: it shrinks the weights at any richness, and the kernel with them.
    """
    refuse_decay(route, training)
    with np.errstate(over="ignore", invalid="ignore"):  # what diverges is cut off
        outputs = _flow(kernel, problem, training) if training.flow else _steps(kernel, problem, training)
        return outputs[: before_divergence(outputs, problem.mean_loss)[0]]


def refuse_decay(route: str, training: Training) -> None:
    """Raise `UnsupportedError` for weight decay, in the name of a route that keeps kernels where they start."""
    if training.weight_decay:
        raise UnsupportedError(f"{route}: weight decay moves the kernel at any richness; take tp.sample at a small richness.")


def _steps(kernel, problem: Problem, training: Training) -> np.ndarray:
    shape = (len(kernel), *problem.targets.shape[1:])
    outputs, velocity = np.zeros((training.steps + 1, *shape)), np.zeros(shape)
    for t in range(training.steps):
        rate = training.learning_rate_at(t)
        ahead = outputs[t] + (rate * training.momentum * velocity if training.nesterov else 0.0)
        velocity = training.momentum * velocity + kernel @ problem.error_signal(ahead, training.example_weights(t, problem.n_train))
        outputs[t + 1] = outputs[t] + rate * velocity
    return outputs


def _flow(kernel, problem: Problem, training: Training) -> np.ndarray:
    if problem.loss.name == "squared":
        return _exponential(kernel, problem, training.clock())
    from scipy.integrate import solve_ivp

    times, tolerance = training.clock(), dict(rtol=training.tolerance, atol=training.tolerance * 1e-2)
    shape = (len(kernel), *problem.targets.shape[1:])
    outputs = np.full((len(times), *shape), np.nan)
    outputs[times == 0] = 0
    if times[-1] > 0:
        later = times[times > 0]

        def rates(_, f):
            return (kernel @ problem.error_signal(f.reshape(shape))).ravel()

        run = solve_ivp(rates, (0, later[-1]), np.zeros(int(np.prod(shape))), "DOP853", later, **tolerance)
        reached = np.transpose(run.y).reshape(-1, *shape)  # times before it failed, if it did
        outputs[np.flatnonzero(times > 0)[: len(reached)]] = reached
    return outputs


def _exponential(kernel, problem: Problem, times: np.ndarray) -> np.ndarray:
    """f(t) = K [(1 - exp(-K t / P)) / K] y over training examples; directions of eigenvalue zero stay."""
    n = problem.n_train
    values, vectors = np.linalg.eigh(kernel[:n, :n] / n)
    along = vectors.T @ problem.targets
    decayed = np.multiply.outer(times, np.maximum(values, 0))
    # (1 - exp(-v t)) / v, which is t at v = 0.
    weight = times[:, None] * np.divide(-np.expm1(-decayed), decayed, out=np.ones_like(decayed), where=decayed > 0)
    alpha = np.einsum("tv,v...,nv->tn...", weight, along, vectors) / n
    return np.einsum("mn,tn...->tm...", kernel[:, :n], alpha)

"""Descent of one finite autoencoder: its loss and gradient on the population, its inputs, its steps."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from ...ground.accelerate import over_blocks
from ...sites.activations import Activation
from .descent_numba import CODES, PAIRED, descend, norm_blocks, pair_blocks
from .slopes import Slopes

_TESTS = 2048  # inputs on which a loss without closed form is estimated
_CHUNK = 512  # examples between two looks at whether to stop
HUGE = 1e100  # a weight that diverges


def codes(activation: Activation) -> tuple[int, float]:
    """Number of an activation in kernels, and the factor on its argument."""
    return CODES[activation.name], activation.gain * (np.sqrt(2) if activation.name == "scaled_relu" else 1.0)


def has_population(activation: Activation) -> bool:
    """Whether averages over Gaussian data are closed."""
    return activation.named(*CODES) and CODES[activation.name] in PAIRED


def exploded(theta: np.ndarray) -> bool:
    """Whether a weight is not finite, or so large that its powers are not."""
    return not (np.abs(theta) < HUGE).all()


class _PairSums(NamedTuple):
    """Sums over all pairs of neurons, see `pair_blocks`; `scaled` is S v and `norm` <v, S v> of each."""

    scaled: np.ndarray
    norm: np.ndarray
    pull: np.ndarray
    push: np.ndarray
    own: np.ndarray
    loss: np.ndarray


class PopulationLoss:
    """Exact loss and gradient of a finite network on Gaussian data, theta (sample, direction).

        E |output - x|^2 / 2 = tr S / 2d - (1/N) sum_i M(n_i^2)
                               + (1/2N^2) sum_ij <v_i, v_j> E sigma(u_i) sigma(u_j),
        M(a) = E u sigma(u) = a gamma(sqrt(a)),   n_i^2 = E u_i^2

    with the arc-cosine kernel for relu and the arcsine kernel for erf. Cost: O(width^2 d).
    """

    def __init__(self, activation: Activation, variances: np.ndarray, decay: float) -> None:
        self.code, self.slopes = codes(activation), Slopes(activation)
        self.variances, self.decay = variances, decay

    def _pairs(self, theta: np.ndarray) -> _PairSums:
        count, scaled = len(theta), theta * self.variances
        norm, own, lost = np.empty(count), np.empty(count), np.empty(count)
        pull, push = np.empty(theta.shape), np.empty(theta.shape)
        over_blocks(lambda first, last: norm_blocks(first, last, theta, scaled, norm), count, theta.size)
        weights, sums = (theta, scaled, norm), (pull, push, own, lost)
        over_blocks(
            lambda first, last: pair_blocks(first, last, weights, self.code, sums),
            count,
            4 * count * theta.size,
        )
        return _PairSums(scaled, norm, pull, push, own, lost)

    def loss(self, theta: np.ndarray) -> float:
        """E |output - x|^2 / 2."""
        found = self._pairs(theta)
        count, d = theta.shape
        seen = (found.norm * self.slopes(found.norm / d)[0]).mean()
        return float((self.variances.sum() / 2 - seen + found.loss.sum() / (2 * count**2)) / d)

    def rate(self, theta: np.ndarray) -> np.ndarray:
        """d(kappa theta)/dt of gradient flow."""
        found = self._pairs(theta)
        count, d = theta.shape
        gamma, third = self.slopes(found.norm / d)
        linear = 2 * gamma + found.norm / d * third  # dM/da = gamma + a gamma3 / 2, times 2 S v
        paired = found.pull + found.push + found.own[:, None] * found.scaled
        return linear[:, None] * found.scaled - paired / count - self.decay * theta


def estimated_loss(theta: np.ndarray, inputs: np.ndarray, activation: Activation) -> float:
    """The loss on inputs (example, direction)."""
    missing = activation(inputs @ theta.T)[0] @ theta / len(theta) - inputs
    return float((missing**2).sum(axis=1).mean() / 2)


class Source(Protocol):
    """Where the inputs of stochastic descent come from."""

    def draw(self, count: int) -> np.ndarray:
        """The next inputs (example, direction)."""
        ...


class GaussianInputs:
    """Fresh inputs x, one after another; `tests` are others for the loss."""

    def __init__(self, variances: np.ndarray, rng: np.random.Generator) -> None:
        self.scale, self.rng = np.sqrt(variances / len(variances)), rng
        self.tests = rng.standard_normal((_TESTS, len(variances))) * self.scale

    def draw(self, count: int) -> np.ndarray:
        """The next inputs (example, direction)."""
        return self.rng.standard_normal((count, len(self.scale))) * self.scale


class GivenInputs:
    """Given inputs, drawn with replacement; all of them are `tests`."""

    def __init__(self, inputs: np.ndarray, rng: np.random.Generator) -> None:
        self.tests, self.rng = inputs, rng

    def draw(self, count: int) -> np.ndarray:
        """The next inputs (example, direction)."""
        return self.tests[self.rng.integers(len(self.tests), size=count)]


def population_descent(
    theta: np.ndarray, population: PopulationLoss, step: float, count: int, advance: Callable[[], bool]
) -> tuple[np.ndarray, int, bool]:
    """`count` steps of gradient descent, unless weights explode or `advance` says to stop: theta, how many
    steps were done, and whether these were all."""
    for k in range(count):
        theta = theta + step * population.rate(theta)
        if not advance() or exploded(theta):
            return theta, k + 1, k + 1 == count
    return theta, count, True


def stochastic_descent(
    theta: np.ndarray,
    source: Source,
    activation: Activation,
    step: float,
    decay: float,
    count: int,
    advance: Callable[[], bool],
) -> tuple[np.ndarray, int, bool]:
    """The same with one input per step."""
    own, work, done = theta.T.copy(), np.empty((3, len(theta))), 0
    while done < count:
        inputs = source.draw(min(_CHUNK, count - done))
        descend(own, inputs, step, decay, *codes(activation), *work)
        done += len(inputs)
        if not advance() or exploded(own):
            return own.T.copy(), done, done == count
    return own.T.copy(), done, True


def chunks(counts: np.ndarray, stochastic: bool) -> int:
    """How often a descent says that it has advanced."""
    each = np.diff(counts, prepend=0)
    return int((-(-each // _CHUNK)).sum() if stochastic else each.sum())

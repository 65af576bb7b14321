"""One finite autoencoder: its loss and gradient on the population, and its descent."""

import numpy as np

from ...ground.accelerate import over_blocks
from ...sites.activations import Activation
from .numba import CODES, PAIRED, descend, norm_blocks, pair_blocks
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


class Population:
    """Exact loss and gradient of a finite network on Gaussian data, theta (sample, direction).

        E |output - x|^2 / 2 = tr S / 2d - (1/N) sum_i M(n_i^2) + (1/2N^2) sum_ij <v_i, v_j> E sigma(u_i) sigma(u_j),
        M(a) = E u sigma(u) = a gamma(sqrt(a)),   n_i^2 = E u_i^2

    with the arc-cosine kernel for relu and the arcsine kernel for erf. Cost: O(width^2 d).
    """

    def __init__(self, activation: Activation, variances: np.ndarray, decay: float):
        self.code, self.variances, self.decay, self.slopes = (
            codes(activation),
            variances,
            decay,
            Slopes(activation),
        )

    def _pairs(self, theta: np.ndarray) -> tuple:
        scaled = theta * self.variances
        norm, own, lost, pull, push = (*np.empty((3, len(theta))), *np.empty((2, *theta.shape)))
        over_blocks(lambda first, last: norm_blocks(first, last, theta, scaled, norm), len(theta), theta.size)
        arguments = theta, scaled, norm, *self.code, pull, push, own, lost
        over_blocks(
            lambda first, last: pair_blocks(first, last, *arguments), len(theta), 4 * len(theta) * theta.size
        )
        return scaled, norm, pull, push, own, lost

    def loss(self, theta: np.ndarray) -> float:
        """E |output - x|^2 / 2."""
        _, norm, _, _, _, lost = self._pairs(theta)
        count, d = theta.shape
        seen = (norm * self.slopes(norm / d)[0]).mean()
        return float((self.variances.sum() / 2 - seen + lost.sum() / (2 * count**2)) / d)

    def rate(self, theta: np.ndarray) -> np.ndarray:
        """d(kappa theta)/dt of gradient flow."""
        scaled, norm, pull, push, own, _ = self._pairs(theta)
        gamma, third = self.slopes(norm / theta.shape[1])
        linear = 2 * gamma + norm / theta.shape[1] * third
        return (
            linear[:, None] * scaled - (pull + push + own[:, None] * scaled) / len(theta) - self.decay * theta
        )


def estimated_loss(theta: np.ndarray, inputs: np.ndarray, activation: Activation) -> float:
    """The loss on inputs (example, direction)."""
    missing = activation(inputs @ theta.T)[0] @ theta / len(theta) - inputs
    return float((missing**2).sum(axis=1).mean() / 2)


class Gaussians:
    """Fresh inputs x, one after another."""

    def __init__(self, variances: np.ndarray, rng: np.random.Generator):
        self.scale, self.rng = np.sqrt(variances / len(variances)), rng
        self.tests = rng.standard_normal((_TESTS, len(variances))) * self.scale

    def draw(self, count: int) -> np.ndarray:
        """The next inputs (example, direction)."""
        return self.rng.standard_normal((count, len(self.scale))) * self.scale


class Examples:
    """Given inputs, drawn with replacement."""

    def __init__(self, inputs: np.ndarray, rng: np.random.Generator):
        self.tests, self.rng = inputs, rng

    def draw(self, count: int) -> np.ndarray:
        """The next inputs (example, direction)."""
        return self.tests[self.rng.integers(len(self.tests), size=count)]


def population_descent(
    theta: np.ndarray, population: Population, step: float, count: int, advance
) -> tuple[np.ndarray, int, bool]:
    """`count` steps of gradient descent; theta, how many were done, and whether it was told to go on."""
    for k in range(count):
        theta = theta + step * population.rate(theta)
        if not advance() or not (np.abs(theta) < HUGE).all():
            return theta, k + 1, k + 1 == count
    return theta, count, True


def stochastic_descent(
    theta: np.ndarray, source, activation: Activation, step: float, decay: float, count: int, advance
):
    """The same with one input per step."""
    own, work, done = theta.T.copy(), np.empty((3, len(theta))), 0
    while done < count:
        inputs = source.draw(min(_CHUNK, count - done))
        descend(own, inputs, step, decay, *codes(activation), *work)
        done += len(inputs)
        if not advance() or not (np.abs(own) < HUGE).all():
            return own.T.copy(), done, done == count
    return own.T.copy(), done, True


def chunks(counts: np.ndarray, stochastic: bool) -> int:
    """How often a descent says that it has advanced."""
    each = np.diff(counts, prepend=0)
    return int((-(-each // _CHUNK)).sum() if stochastic else each.sum())

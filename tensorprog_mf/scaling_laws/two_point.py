"""Two-time functions of the stationary theory at pairs of transform nodes.

Legend, primes at the second node, sums over modes:

    S1 = sum lam H H'           S2 = sum lam^2 H H'
    T0 = sum lam w*^2 H H'      T2 = sum lam^2 w*^2 H H'
    g_N = x x' S2 / N           g_P = x x' S2 / P           xi = g_P + x x' S1^2 / (N P (1 - g_N))
"""

from dataclasses import dataclass

import numpy as np

from .model import Model
from .resolvent import resolve
from .transforms import Nodes


@dataclass(frozen=True)
class OnePoint:
    """x and what follows from it, (..., node)."""

    nodes: Nodes
    x: np.ndarray
    r1: np.ndarray
    r3: np.ndarray

    @classmethod
    def at(cls, nodes: Nodes, model: Model) -> "OnePoint":
        """The resolvent at nodes of any shape."""
        x, df = resolve(nodes.h.ravel(), model.modes, model.inverse_width, model.inverse_examples)
        df = df.reshape(nodes.h.shape)
        return cls(nodes, x.reshape(df.shape), 1 - df * model.inverse_examples, 1 - df * model.inverse_width)

    def transfer(self, eigenvalues: np.ndarray) -> np.ndarray:
        """H_k, (..., node, mode)."""
        return 1 / (1 + self.x[..., None] * eigenvalues)


def two_point(one: OnePoint, two: OnePoint, model: Model) -> dict[str, np.ndarray]:
    """Transforms of covariances between pairs of nodes on the last axes, (..., node, node'), by the symbols
    of `CausalRecursion`.

    `noise_test`, `noise_train` and `noise_online` are the kernels by which the noise of a batch comes back
    in the test loss, in the training loss, and online.
    """
    modes, n, p, sigma = model.modes, model.inverse_width, model.inverse_examples, model.noise
    lam, count, power = modes.eigenvalues, modes.multiplicity, modes.power
    h, other = one.transfer(lam), two.transfer(lam).swapaxes(-1, -2)
    s1, s2, t0, t2 = (
        (h * weight) @ other for weight in (count * lam, count * lam**2, count * power, count * lam * power)
    )

    def pairs(values: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Products between all nodes and all nodes'."""
        return values[..., :, None] * others[..., None, :]

    xx, rr, qq, step = (
        pairs(*both)
        for both in ((one.x, two.x), (one.r1, two.r1), (one.r3, two.r3), (one.nodes.step, two.nodes.step))
    )
    below = 1 - n * xx * s2  # 1 - g_N: fluctuations of the features, summed to all orders
    features = xx * s1 * n / below
    xi = p * xx * s2 + p * xx * s1**2 * n / below
    same_features = step * (t0 + features * t2)
    u = (same_features + sigma * step) / (1 - xi)  # C0 + sigma^2, fluctuations of the data to all orders
    c1 = rr * u
    c2 = (p * s1 * c1 + rr * step * t2) / below
    return {
        "C0": u - sigma * step,
        "C1": c1,
        "C2": c2,
        "C3": qq * c2,
        "bias": step * t0,
        "C0a": same_features,
        "C0d": (step * t0 + sigma * step) / (1 - p * xx * s2) - sigma * step,
        "noise_test": xi / (1 - xi),
        "noise_train": rr * xi / (1 - xi) + pairs(one.r1 - 1, two.r1 - 1),
        "noise_online": xx * (s2 + s1 * s1 * n / below),
    }

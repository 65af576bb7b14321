"""Laplace transforms and generating functions of the resolvent kind, and their numerical inversion.

Legend: s Laplace variable, z = e^-s; h transform of the integrated learning rate, step that of a step
function.
"""

from dataclasses import dataclass

import numpy as np

ALIASING = 1e-11  # what later times add to earlier ones: radius of the circle to the power of its points
LINE, PLANE = 26, 22  # Talbot nodes for one and for two times; odd numbers would hit theta = 0


@dataclass(frozen=True)
class Nodes:
    """Where transforms are wanted: h and the step function there, (node,)."""

    h: np.ndarray
    step: np.ndarray


def circle(times: int, rate: float, momentum: float) -> tuple[Nodes, float, int]:
    """Nodes z_j = r e^(-2 pi i j / n), j = 0 ... n/2, for times 0 ... times - 1; their radius r and n, the
    number of nodes on the whole circle.

    n = 4 times lets functions that have not decayed wrap around without harm: with r^n = 1e-11 what comes
    back is that much smaller.
    """
    count = 4 * times
    radius = ALIASING ** (1 / count)
    z = radius * np.exp(-2j * np.pi * np.arange(count // 2 + 1) / count)
    return Nodes(rate * z / ((1 - z) * (1 - momentum * z)), 1 / (1 - z)), radius, count


def from_circle(values: np.ndarray, radius: float, count: int, times: int) -> np.ndarray:
    """f(t), t = 0 ... times - 1, from F(z) = sum_t f(t) z^t at the nodes of the upper half, along the last
    axis."""
    return np.fft.irfft(values, count, axis=-1)[..., :times] * radius ** -np.arange(times)


def full_circle(values: np.ndarray, count: int) -> np.ndarray:
    """Values at all nodes, from those at the upper half."""
    return np.concatenate([values, np.conj(values[..., count // 2 - 1 : 0 : -1])], axis=-1)


def from_torus(values: np.ndarray, radius: float, count: int, times: int) -> np.ndarray:
    """f(t, t') from F(z, z') at all nodes z and those z' of the upper half."""
    decay = radius ** -np.arange(times)
    return np.fft.irfft2(values, (count, count))[:times, :times] * decay[:, None] * decay


def talbot(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Modified Talbot contour (Weideman 2006; Dingfelder & Weideman 2015): zeta_j and weights w_j, (node,),
    of

        f(t) = sum_j w_j F(zeta_j / t) / t

    The contour comes from -infinity below the negative axis, passes the origin on its right and goes back
    above the axis, so that it surrounds singularities on that axis. Its error is about 1e-9 for one time at
    26 nodes, 1e-7 for two times at 22; rounding grows as e^(0.47 count) per time.
    """
    theta = (2 * np.arange(count) + 1) * np.pi / count - np.pi
    angle = 0.6407 * theta
    zeta = count * (-0.4814 + 0.6122 * theta / np.tan(angle) + 0.2645j * theta)
    slope = count * (0.6122 / np.tan(angle) - 0.6122 * angle / np.sin(angle) ** 2 + 0.2645j)
    return zeta, np.exp(zeta) * slope / (1j * count)


def flow_nodes(s: np.ndarray) -> Nodes:
    """h = 1 / s of gradient flow."""
    return Nodes(1 / s, 1 / s)


def descent_nodes(s: np.ndarray, rate: float, momentum: float) -> Nodes:
    """h of gradient descent at z = e^-s, for times that are many steps."""
    z, below = np.exp(-s), -np.expm1(-s)
    return Nodes(rate * z / (below * (1 - momentum * z)), 1 / below)

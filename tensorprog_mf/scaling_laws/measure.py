"""The spectral measure of the kernel of a finite width, in the direction of the target.

Legend: S = Lam^1/2 K0 Lam^1/2 with K0 = A0^T A0 / N; u nodes of its measure, c = lam w*^2 the power. The
transform of the measure is

    F(s) = (1/s) sum c / (1 + lam x(s)),        x = (1/s)(1 - df/N)
"""

import numpy as np

from ..ground.accelerate import kernel
from ..ground.errors import UnsupportedError
from .limits import resolution
from .model import Model
from .resolvent import largest_eigenvalue, newton
from .spectrum import Spectrum

_RATIO = 1.05  # of neighbouring edges
_ARC, _REACH = 40, 2.7  # nodes of the arc between two edges, and how near they come to its ends
_TOGETHER, _NUMBERS = 128, 4_000_000  # bins, and nodes x modes, done at once
_NOTHING = 1e-9  # share of the power below which a bin is left out
_ALL = 1e-10  # share of the power that may be missing at the end


@kernel()
def _walk(
    s: np.ndarray, lam: np.ndarray, count: np.ndarray, n: float, x: np.ndarray, good: np.ndarray
) -> None:
    """x and whether it was found, (point,), along a path s, (point,), in the upper half plane that begins far
    out, where x = 1 / s. In the upper half plane one solution alone has x below the axis."""
    value = 1 / s[0]
    for i in range(len(s)):
        value, good[i] = newton(value, 1 / s[i], lam, count, n, 0.0)
        x[i] = value


def spectral_measure(model: Model, ratio: float = _RATIO) -> Spectrum:
    """Nodes u and masses of the measure of S in the direction Lam^1/2 w*, two in each of many bins, as
    eigenvalues and powers; `unexplained` is the atom at 0.

    `ratio` is that of neighbouring edges of bins: a larger one tells how much depends on the bins.

    The mass and three moments of a bin are integrals of F over an arc between its edges through the upper
    half plane, where F is smooth: no narrow band is missed, and no tail of one is counted.

    Raises
    ------
    UnsupportedError
        Finitely many examples, infinite width.
    """
    if model.examples is not None or model.width is None:
        raise UnsupportedError("the spectral measure is that of a finite width on infinitely many examples.")
    modes = model.modes
    kappa = resolution(modes, model.width)
    atom = float((modes.multiplicity * modes.power * kappa / (modes.eigenvalues + kappa)).sum())
    top = 1.02 * largest_eigenvalue(modes, model.inverse_width, 0.0)
    edges = _edges(np.sort(modes.eigenvalues)[::-1], top, ratio)
    nodes, masses, missing, first = [], [], modes.total_power - atom, 0
    while missing > _ALL * modes.total_power and edges[first] > 1e-14 * top:
        if first + 1 == len(edges):
            edges = np.concatenate([edges, edges[-1] * ratio ** -np.arange(1.0, _TOGETHER)])
        for u, mass in _bins(model, edges[first : first + _TOGETHER]):
            nodes.append(u)
            masses.append(mass)
            missing -= mass.sum()
        first = min(first + _TOGETHER, len(edges)) - 1
    u, mass = np.concatenate(nodes), np.concatenate(masses)
    kept = mass > _NOTHING * modes.total_power
    u, mass = u[kept], mass[kept] * (modes.total_power - atom) / mass[kept].sum()
    return Spectrum(u, mass, unexplained=atom)


def _edges(eigenvalues: np.ndarray, top: float, ratio: float) -> np.ndarray:
    """Edges from `top` down, at most `ratio` apart, none on a band: at large widths these are narrow, and
    near the eigenvalues.

    Around eigenvalues that are far apart there are edges on both sides, and half-way between them.
    """
    edges, near = [top], np.sqrt(ratio)

    def down_to(end: float) -> None:
        """Edges at equal ratios from the last one down to `end`."""
        count = max(1, int(np.ceil(np.log(edges[-1] / end) / np.log(ratio))))
        edges.extend(edges[-1] * (end / edges[-1]) ** (np.arange(1.0, count + 1) / count))

    for value, lower in zip(eigenvalues, [*eigenvalues[1:], eigenvalues[-1] / ratio**2]):
        middle = np.sqrt(value * lower)
        if edges[-1] > value * ratio:
            down_to(value * near)
        if middle < value / ratio:
            edges.append(value / near)
        if middle * near <= edges[-1]:
            down_to(middle)
    return np.array(edges)


def _arc() -> tuple[np.ndarray, np.ndarray]:
    """Angles from pi to 0 and weights of the integral over them, (node,).

    Nodes crowd at the ends, near which there may be a band (tanh-sinh quadrature).
    """
    x = np.linspace(-_REACH, _REACH, _ARC)
    inner = np.pi / 2 * np.sinh(x)
    return np.pi / 2 * (1 - np.tanh(inner)), (x[1] - x[0]) * np.pi**2 / 4 * np.cosh(x) / np.cosh(inner) ** 2


def _bins(model: Model, edges: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """(nodes, masses) of every bin between falling edges that has any."""
    modes, (angle, weight) = model.modes, _arc()
    middle, radius = (edges[:-1] + edges[1:]) / 2, (edges[:-1] - edges[1:]) / 2
    # The arc goes from the larger edge of u, which is on the left in s = -u, to the smaller one.
    around = radius[:, None] * np.exp(1j * angle)
    s = around - middle[:, None]
    transform = _transform(s.ravel(), modes, model.inverse_width).reshape(s.shape)
    slope = 1j * around * weight
    return [
        found
        for bin in range(len(middle))
        if (found := _quadrature(around[bin], transform[bin] * slope[bin], middle[bin], radius[bin]))
    ]


def _transform(s: np.ndarray, modes: Spectrum, n: float) -> np.ndarray:
    """F at points of the upper half plane that are near each other, reached from far out. n = 1/N."""
    far = s[0] + 1j * abs(s[0]) * np.geomspace(1e4 * max(1.0, modes.eigenvalues.max() / abs(s[0])), 1e-2, 60)
    path = np.concatenate([far, s])
    x, good = np.empty_like(path), np.zeros(len(path), bool)
    _walk(path, modes.eigenvalues, modes.multiplicity, n, x, good)
    x = x[len(far) :]
    if not good.all() or (x.imag > 1e-6 * np.abs(x)).any():
        raise UnsupportedError(
            "the spectral measure was not found: the spectrum spans more orders of magnitude than rounding"
            " allows; take fewer modes."
        )
    each = max(1, _NUMBERS // len(modes.power))
    blocks = [x[first : first + each, None] for first in range(0, len(x), each)]
    weight = modes.multiplicity * modes.power
    return np.concatenate([(weight / (1 + block * modes.eigenvalues)).sum(axis=1) for block in blocks]) / s


def _quadrature(
    around: np.ndarray, weighted: np.ndarray, middle: float, radius: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """Two Gauss nodes and masses from the moments of (-s - middle) / radius in a bin, one where its measure
    is too narrow for two, or None where there is none.

    `around` are the points of the arc less its centre, `weighted` F there with the weights of the integral.
    """
    moments = [float((weighted * (-around / radius) ** k).sum().imag) / np.pi for k in range(4)]
    mass = moments[0]
    if not mass > 0:
        return None
    mean = np.clip(moments[1] / mass, -1, 1)
    spread = moments[2] / mass - mean**2
    if not 1e-4 < spread <= 1:
        return np.array([middle + radius * mean]), np.array([mass])
    # Nodes mean + d with d^2 - skew d - spread = 0 match the moments up to the third.
    skew = (moments[3] / mass - 3 * mean * moments[2] / mass + 2 * mean**3) / spread
    root = np.sqrt(skew**2 / 4 + spread)
    nodes = np.array([skew / 2 - root, skew / 2 + root])
    shares = np.array([nodes[1], -nodes[0]]) / (nodes[1] - nodes[0])
    return middle + radius * np.clip(mean + nodes, -1, 1), mass * shares

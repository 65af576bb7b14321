"""Kernels over blocks of sites for averages of units over Gaussian inputs, and activations; see `accelerate`.

theta is (parameter, site): a if `has_a`, then norms of w (one or two `radii`) and b if `has_b`. `forward_...`
sums weight * sigma_* per block, `pull_...` writes sum_m r_m grad sigma_*(x_m). Activations: code 0 linear,
1 relu, 2 scaled_relu, 3 erf, 4 tanh, 5 softplus, 6 quadratic, 7 hinges, s + sum_k c_k (u - t_k)_+.
"""

import math

import numpy as np

from ...ground.accelerate import BLOCK, kernel

CODES = {
    name: code
    for code, name in enumerate(("linear", "relu", "scaled_relu", "erf", "tanh", "softplus", "quadratic"))
}
HINGES = 7
_ROOT_HALF, _DENSITY = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi)
_ROOT_TWO, _ERF_SLOPE = math.sqrt(2.0), 2 / math.sqrt(math.pi)


@kernel()
def activate(
    code: int, h: float, offset: float, slopes: np.ndarray, kinks: np.ndarray, even: bool
) -> tuple[float, float]:
    """phi(h) and phi'(h)."""
    if code == 0:
        return h, 1.0
    if code == 1:
        return (h, 1.0) if h > 0 else (0.0, 0.0)
    if code == 2:
        return (_ROOT_TWO * h, _ROOT_TWO) if h > 0 else (0.0, 0.0)
    if code == 3:
        return math.erf(h), _ERF_SLOPE * math.exp(-h * h)
    if code == 4:
        phi = math.tanh(h)
        return phi, 1 - phi * phi
    if code == 5:
        small = math.exp(-abs(h))
        return max(h, 0.0) + math.log1p(small), (1.0 if h > 0 else small) / (1 + small)
    if code == 6:
        return h * h, 2 * h
    u = abs(h) if even else h
    phi, slope = offset, 0.0
    for k in range(slopes.shape[0]):
        if u > kinks[k]:
            phi += slopes[k] * (u - kinks[k])
            slope += slopes[k]
    return phi, -slope if even and h < 0 else slope


@kernel()
def smoothed(
    b: float, s: float, offset: float, slopes: np.ndarray, kinks: np.ndarray, even: bool
) -> tuple[float, float, float]:
    """m = E sigma(s g + b), g ~ N(0,1), and dm/db, dm/ds.

    With t a kink, z = (b - t) / s, Phi and phi the cumulative Gaussian and its density, a hinge gives
    E (s g + b - t)_+ = (b - t) Phi(z) + s phi(z), whose derivatives are Phi(z) in b and phi(z) in s.
    """
    m, db, ds = offset, 0.0, 0.0
    for k in range(slopes.shape[0]):
        for side in range(2 if even else 1):  # the hinge at |u| > t is one at u > t and one at -u > t
            sign = 1.0 - 2.0 * side
            above = sign * b - kinks[k]
            if s > 0.0:
                z = above / s
                share, density = 0.5 * math.erfc(-z * _ROOT_HALF), _DENSITY * math.exp(-0.5 * z**2)
            else:  # a point; at its kink the mean of both sides
                share = 1.0 if above > 0 else 0.5 if above == 0 else 0.0
                density = _DENSITY if above == 0 else 0.0
            m += slopes[k] * (above * share + s * density)
            db += slopes[k] * sign * share
            ds += slopes[k] * density
    return m, db, ds


@kernel(sums=True)
def forward_smoothed(  # noqa: PLR0913
    first: int,
    last: int,
    theta: np.ndarray,
    weight: np.ndarray,
    scales: np.ndarray,
    has_a: int,
    has_b: int,
    radii: int,
    offset: float,
    slopes: np.ndarray,
    kinks: np.ndarray,
    even: bool,
    partial: np.ndarray,
) -> None:
    """partial[block, y] = sum over sites of weight a E sigma(s_y g + b), s_y^2 = tau_y^2 r1^2 + r2^2."""
    for block in range(first, last):
        for y in range(scales.shape[0]):
            total = 0.0
            for i in range(block * BLOCK, min((block + 1) * BLOCK, theta.shape[1])):
                s = (scales[y] * theta[has_a, i]) ** 2 + (theta[has_a + 1, i] ** 2 if radii == 2 else 0.0)
                m, _, _ = smoothed(
                    theta[has_a + radii, i] if has_b else 0.0, math.sqrt(s), offset, slopes, kinks, even
                )
                total += weight[i] * (theta[0, i] * m if has_a else m)
            partial[block, y] = total


@kernel()
def pull_smoothed(  # noqa: PLR0913
    first: int,
    last: int,
    theta: np.ndarray,
    residual: np.ndarray,
    scales: np.ndarray,
    has_a: int,
    has_b: int,
    radii: int,
    offset: float,
    slopes: np.ndarray,
    kinks: np.ndarray,
    even: bool,
    out: np.ndarray,
) -> None:
    """out = sum_y residual_y grad of the smoothed unit; ds/dr1 = tau_y^2 r1 / s and ds/dr2 = r2 / s."""
    for block in range(first, last):
        low, high = block * BLOCK, min((block + 1) * BLOCK, theta.shape[1])
        out[:, low:high] = 0.0
        for y in range(scales.shape[0]):
            for i in range(low, high):
                r1 = theta[has_a, i]
                r2 = theta[has_a + 1, i] if radii == 2 else 0.0
                s = math.sqrt((scales[y] * r1) ** 2 + r2 * r2)
                m, db, ds = smoothed(
                    theta[has_a + radii, i] if has_b else 0.0, s, offset, slopes, kinks, even
                )
                back = residual[y]
                if has_a:
                    out[0, i] += back * m
                    back *= theta[0, i]
                if s > 0.0:
                    out[has_a, i] += back * ds * scales[y] ** 2 * r1 / s
                    if radii == 2:
                        out[has_a + 1, i] += back * ds * r2 / s
                if has_b:
                    out[has_a + radii, i] += back * db


@kernel()
def look_up(s: float, cell: np.ndarray, starts: np.ndarray, table: np.ndarray) -> tuple[float, float]:
    """h(s) and h'(s) from cubic Hermite pieces, constant before the first.

    Piece k of `table` (piece, knot, derivative) begins at starts[k] and has cells of width cell[k]. Values
    come from knots with h and h', slopes from the same polynomials on h' and h''.
    """
    if s <= starts[0]:
        return table[0, 0, 0], 0.0
    piece = 0
    while piece + 1 < starts.shape[0] and s > starts[piece + 1]:
        piece += 1
    x = (s - starts[piece]) / cell[piece]  # in cells: knot j, and t in 0..1 beyond it
    j = min(int(x), table.shape[1] - 2)
    t = x - j
    low, high, width = table[piece, j], table[piece, j + 1], cell[piece]
    a, b = (1 + 2 * t) * (1 - t) ** 2, t * (1 - t) ** 2
    c, d = t * t * (3 - 2 * t), t * t * (t - 1)
    value = a * low[0] + b * width * low[1] + c * high[0] + d * width * high[1]
    slope = a * low[1] + b * width * low[2] + c * high[1] + d * width * high[2]
    return value, slope


@kernel(sums=True)
def forward_radial(
    first: int,
    last: int,
    theta: np.ndarray,
    weight: np.ndarray,
    radius: np.ndarray,
    has_a: int,
    cell: np.ndarray,
    starts: np.ndarray,
    table: np.ndarray,
    partial: np.ndarray,
) -> None:
    """partial[block, m] = sum over sites of weight a h(R_m r)."""
    for block in range(first, last):
        for m in range(radius.shape[0]):
            total = 0.0
            for i in range(block * BLOCK, min((block + 1) * BLOCK, theta.shape[1])):
                value, _ = look_up(abs(radius[m] * theta[has_a, i]), cell, starts, table)
                total += weight[i] * (theta[0, i] * value if has_a else value)
            partial[block, m] = total


@kernel()
def pull_radial(
    first: int,
    last: int,
    theta: np.ndarray,
    residual: np.ndarray,
    radius: np.ndarray,
    has_a: int,
    cell: np.ndarray,
    starts: np.ndarray,
    table: np.ndarray,
    out: np.ndarray,
) -> None:
    """out = sum_m residual_m grad of a h(R_m r), h even."""
    for block in range(first, last):
        low, high = block * BLOCK, min((block + 1) * BLOCK, theta.shape[1])
        out[:, low:high] = 0.0
        for m in range(radius.shape[0]):
            for i in range(low, high):
                r = theta[has_a, i]
                value, slope = look_up(abs(radius[m] * r), cell, starts, table)
                back = residual[m] * radius[m] * (slope if r >= 0 else -slope)
                if has_a:
                    out[0, i] += residual[m] * value
                    back *= theta[0, i]
                out[has_a, i] += back

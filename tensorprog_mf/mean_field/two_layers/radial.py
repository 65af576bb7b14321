"""Averages of a unit over directions: h_d(s) = E sigma(s omega_1), omega uniform on the sphere in d
dimensions."""

import math
from math import lgamma, log, pi

import numpy as np

CELLS = 16384  # of a piece; the error of a cubic is far below 1e-10 then


def sphere_average(
    s: np.ndarray, dimension: int, hinges: tuple, even: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """h_d(s), h_d'(s) and h_d''(s) for s >= 0, from the right at kinks.

        h_d'(s) = sum_k c_k C_d / (d-1) (1-a^2)^((d-1)/2),   a = t_k / s <= 1,   C_d = Gamma(d/2) / (sqrt(pi) Gamma((d-1)/2)),
        h_d(s) = s_1 + sum_k c_k [s C_d / (d-1) (1-a^2)^((d-1)/2) - t_k P(omega_1 > a)]

    for sigma(u) = s_1 + sum_k c_k (u - t_k)_+ with t_k >= 0; twice the sums for sigma(|u|).
    """
    from scipy.special import betainc

    offset, slopes, kinks = hinges
    half = (dimension - 1) / 2
    factor = np.exp(lgamma(dimension / 2) - lgamma(half) - log(pi) / 2) * (2 if even else 1)
    value, slope, bend = np.full(s.shape, float(offset)), np.zeros(s.shape), np.zeros(s.shape)
    for c, t in zip(slopes, kinks):
        on = s >= t
        a = np.divide(t, s, out=np.zeros(s.shape), where=on & (s > 0))
        rest = np.where(on, np.maximum(1 - a * a, 0.0), 0.0)
        edge = np.where(on, rest**half, 0.0) * factor / (2 * half)
        share = on * betainc(half, 0.5, rest) / 2 * (2 if even else 1)
        value += c * (s * edge - t * share)
        slope += c * edge
        bend += (
            c
            * factor
            * np.where(on, rest ** (half - 1), 0.0)
            * np.divide(t * t, s**3, out=np.zeros(s.shape), where=on & (s > 0))
        )
    return value, slope, bend


class RadialTable:
    """h_d as cubic Hermite pieces between its kinks."""

    def __init__(self, dimension: int, hinges: tuple, even: bool):
        order = np.argsort(hinges[2])
        self._dimension, self._even = dimension, even
        self._hinges = (hinges[0], hinges[1][order], hinges[2][order])
        self._tables: dict[int, tuple] = {}

    def up_to(self, reach: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cells, starts and knots (piece, knot, derivative) of pieces that hold s up to `reach`.

        Tables end at powers of two times the last kink, so that numbers do not depend on what was asked for
        before.
        """
        unit = max(float(self._hinges[2][-1]), 1.0)
        level = max(4, math.ceil(math.log2(min(max(reach, unit), 1e9) / unit)))
        if level not in self._tables:
            self._tables[level] = self._table(unit * 2.0**level)
        return self._tables[level]

    def _table(self, end: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        offset, slopes, kinks = self._hinges
        starts = kinks.astype(float)
        ends = np.append(starts[1:], end)
        table = np.empty((len(starts), CELLS + 1, 3))
        for k, (low, high) in enumerate(zip(starts, ends)):
            active = (offset, slopes[: k + 1], kinks[: k + 1])
            table[k] = np.stack(
                sphere_average(np.linspace(low, high, CELLS + 1), self._dimension, active, self._even), axis=1
            )
        return (ends - starts) / CELLS, starts, table

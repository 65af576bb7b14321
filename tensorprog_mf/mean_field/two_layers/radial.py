"""Averages of a unit over directions: h_d(s) = E sigma(s omega_1), omega uniform on the sphere in d
dimensions."""

import math
from math import lgamma, log, pi

import numpy as np

from .units import Hinges

CELLS = 16384  # of a piece; the error of a cubic is far below 1e-10 then


def sphere_average(
    s: np.ndarray, dimension: int, hinges: Hinges
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """h_d(s), h_d'(s) and h_d''(s) for s >= 0, from the right at kinks.

        h_d'(s) = sum_k c_k C_d / (d-1) (1-a^2)^((d-1)/2),   a = t_k / s <= 1,
        h_d(s)  = s_1 + sum_k c_k [s C_d / (d-1) (1-a^2)^((d-1)/2) - t_k P(omega_1 > a)],
        C_d     = Gamma(d/2) / (sqrt(pi) Gamma((d-1)/2))

    for sigma(u) = s_1 + sum_k c_k (u - t_k)_+ with t_k >= 0; twice the sums for sigma(|u|).
    """
    from scipy.special import betainc

    half, sides = (dimension - 1) / 2, 2 if hinges.even else 1
    factor = np.exp(lgamma(dimension / 2) - lgamma(half) - log(pi) / 2) * sides  # C_d on each side
    value, slope, bend = np.full(s.shape, float(hinges.offset)), np.zeros(s.shape), np.zeros(s.shape)
    for c, t in zip(hinges.slopes, hinges.kinks):
        on = s >= t
        inside = on & (s > 0)
        a = np.divide(t, s, out=np.zeros(s.shape), where=inside)
        rest = np.where(on, np.maximum(1 - a * a, 0.0), 0.0)
        edge = np.where(on, rest**half, 0.0) * factor / (2 * half)
        share = on * betainc(half, 0.5, rest) / 2 * sides  # P(omega_1 > a), an incomplete beta function
        value += c * (s * edge - t * share)
        slope += c * edge
        # The derivative of (1 - a^2)^((d-1)/2) / (d-1) in s, a = t / s.
        turn = np.divide(t * t, s**3, out=np.zeros(s.shape), where=inside)
        bend += c * factor * np.where(on, rest ** (half - 1), 0.0) * turn
    return value, slope, bend


class RadialTable:
    """h_d as cubic Hermite pieces between its kinks."""

    def __init__(self, dimension: int, hinges: Hinges) -> None:
        order = np.argsort(hinges.kinks)
        self._dimension = dimension
        self._hinges = hinges._replace(slopes=hinges.slopes[order], kinks=hinges.kinks[order])
        self._tables: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def up_to(self, reach: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cells, starts and knots (piece, knot, derivative) of pieces that hold s up to `reach`.

        Tables end at powers of two times the last kink, so that numbers do not depend on what was asked for
        before.
        """
        unit = max(float(self._hinges.kinks[-1]), 1.0)
        level = max(4, math.ceil(math.log2(min(max(reach, unit), 1e9) / unit)))
        if level not in self._tables:
            self._tables[level] = self._table(unit * 2.0**level)
        return self._tables[level]

    def _table(self, end: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        slopes, kinks = self._hinges.slopes, self._hinges.kinks
        starts = kinks.astype(float)
        ends = np.append(starts[1:], end)
        table = np.empty((len(starts), CELLS + 1, 3))
        for k, (low, high) in enumerate(zip(starts, ends)):
            # Hinges that begin further up are 0 in this piece.
            active = self._hinges._replace(slopes=slopes[: k + 1], kinks=kinks[: k + 1])
            table[k] = np.stack(
                sphere_average(np.linspace(low, high, CELLS + 1), self._dimension, active), axis=1
            )
        return (ends - starts) / CELLS, starts, table

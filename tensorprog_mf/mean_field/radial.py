"""Averages of a unit over directions: h_d(s) = E sigma(s omega_1), omega uniform on the sphere in d dimensions."""

from math import lgamma, log, pi

import numpy as np

CELLS = 16384  # of a piece; the error of a cubic is far below 1e-10 then
_REACH = 4.0  # how far a table goes beyond what is asked


def sphere_average(s: np.ndarray, dimension: int, hinges: tuple, even: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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
        bend += c * factor * np.where(on, rest ** (half - 1), 0.0) * np.divide(t * t, s**3, out=np.zeros(s.shape), where=on & (s > 0))
    return value, slope, bend


class RadialTable:
    """h_d as cubic Hermite pieces between its kinks, up to a reach that grows as it is asked for."""

    def __init__(self, dimension: int, hinges: tuple, even: bool):
        order = np.argsort(hinges[2])
        self._dimension, self._even = dimension, even
        self._hinges = (hinges[0], hinges[1][order], hinges[2][order])
        self.starts = self._hinges[2].astype(float)
        self.reach = 0.0

    def extend(self, reach: float) -> None:
        """Make the table good for s up to `reach`."""
        if reach <= self.reach:
            return
        self.reach = _REACH * max(reach, self.starts[-1] + 1.0)
        ends = np.append(self.starts[1:], self.reach)
        self.cell = (ends - self.starts) / CELLS
        self.table = np.empty((len(self.starts), CELLS + 1, 3))
        offset, slopes, kinks = self._hinges
        for k, (low, high) in enumerate(zip(self.starts, ends)):
            active = (offset, slopes[: k + 1], kinks[: k + 1])
            self.table[k] = np.stack(sphere_average(np.linspace(low, high, CELLS + 1), self._dimension, active, self._even), axis=1)

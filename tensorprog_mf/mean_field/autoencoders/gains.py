"""Gains of the limit: one number per direction, in closed form, as a flow, or in steps.

Legend: r gain, u = gamma r^2 reconstructed share, S2 variances Sigma^2 and f their fractions, c = 2 gamma S2,
a = c - weight decay.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...ground.status import Status
from ..outcomes import RunEnd
from .matrix import end_of_flow
from .slopes import Slopes
from .spectrum import CovarianceSpectrum

_HUGE = 1e100  # of a gain that diverges: its powers are still finite
_LATE = 2000.0  # over the fastest rate: from where the fixed point is looked for
Solution = Callable[[float], np.ndarray]  # gains at a time
Piece = tuple[float, float, Solution]  # begin, end, and the solution between them


@dataclass(frozen=True)
class GainTrajectory:
    """Gains and reconstructed shares (time, direction) at the recorded times that were reached, half-rise
    times and final shares (direction,), and errors of the gains and of the averages that they follow from."""

    gain: np.ndarray
    reconstruction: np.ndarray
    half_rise: np.ndarray
    final: np.ndarray
    end: RunEnd
    error: float = 0.0
    quadrature_error: float = 0.0


def closed_form(
    slope: float, spectrum: CovarianceSpectrum, scale: np.ndarray, decay: float, times: np.ndarray
) -> GainTrajectory:
    """The flow of a homogeneous activation, du/dt = 2 u (c (1 - u) - decay), solved: a logistic curve.

        u(t) = u_0 / (e^{-2 a t} + c u_0 (1 - e^{-2 a t}) / a)

    Where a < 0 numerator and denominator are multiplied by e^{2 a t}, so that no exponential overflows.
    """
    c, u0 = 2 * slope * spectrum.variances, slope * scale**2
    a, t = c - decay, times[:, None]
    x = -2 * np.abs(a) * t
    filled = 2 * c * u0 * t * _expm1_ratio(x)  # c u_0 |1 - e^{-2 a t}| / a without overflow, at a = 0 too
    growth = np.where(
        a >= 0, 1 / np.maximum(np.exp(x) + filled, np.finfo(float).tiny), np.exp(x) / (1 + filled)
    )
    gain = np.where(scale > 0, scale * np.sqrt(growth), 0.0)
    final = homogeneous_final(slope, spectrum, scale, decay)
    with np.errstate(all="ignore"):
        half = np.log(final / u0 - 1) / (2 * a)
    half = np.where((half > 0) & (a > 0), half, np.nan)
    return GainTrajectory(gain, slope * gain**2, half, final, RunEnd(Status.COMPLETED, float(times[-1])))


def _expm1_ratio(x: np.ndarray) -> np.ndarray:
    """(e^x - 1) / x, 1 at 0."""
    return np.divide(np.expm1(x), x, out=np.ones_like(x), where=x != 0)


def homogeneous_final(
    slope: float, spectrum: CovarianceSpectrum, scale: np.ndarray, decay: float
) -> np.ndarray:
    """u_inf = max(0, 1 - decay / c); 0 stays 0, and so does all that neither data nor decay moves."""
    c, u0 = 2 * slope * spectrum.variances, slope * scale**2
    learned = np.maximum(0.0, 1 - decay / np.where(c > 0, c, np.inf))
    rest = 0.0 if decay > 0 else np.where(c < 0, 0.0, u0)
    return np.where(u0 == 0, 0.0, np.where(c > 0, learned, rest))


class GainRates:
    """dr_i/dt = -[2 gamma S2_i (b_i - 1) + gamma3 S2_i Q + decay] r_i.

    b = gamma r^2,   Q = sum_i f_i S2_i (b_i - 1) r_i^2
    """

    def __init__(self, slopes: Slopes, spectrum: CovarianceSpectrum, decay: float) -> None:
        self.slopes, self.variances, self.decay = slopes, spectrum.variances, decay
        self.weighted = spectrum.variances * spectrum.fractions

    def variance(self, r: np.ndarray) -> np.ndarray:
        """s^2 = sum_i f_i S2_i r_i^2 of gains (..., direction)."""
        return r**2 @ self.weighted

    def share(self, r: np.ndarray) -> np.ndarray:
        """b of gains (..., direction)."""
        return self.slopes(self.variance(r))[0][..., None] * r**2

    def __call__(self, r: np.ndarray) -> np.ndarray:
        gamma, third = self.slopes(self.variance(r))
        missing = gamma * r**2 - 1
        q = self.weighted @ (missing * r**2)
        return -(self.variances * (2 * gamma * missing + third * q) + self.decay) * r

    def at_rest(self, variance: float, q: float, alive: np.ndarray) -> np.ndarray:
        """b of directions that have come to rest, given s^2 and Q."""
        gamma, third = self.slopes(np.float64(variance))
        speed = np.where(2 * gamma * self.variances > 0, 2 * gamma * self.variances, np.inf)
        kept = np.maximum(0.0, 1 - (self.decay + third * self.variances * q) / speed)
        return np.where(alive & np.isfinite(speed), kept, 0.0)


def flow(rates: GainRates, scale: np.ndarray, times: np.ndarray, tolerance: float) -> GainTrajectory:
    """The gain equations integrated by an explicit Runge-Kutta method of order 8, from recorded time to
    recorded time."""
    rough, _ = _integrate(rates, scale, times, 100 * tolerance)
    gain, pieces = _integrate(rates, scale, times, tolerance)
    kept = min(len(rough), len(gain))
    error = float(np.abs(gain[:kept] - rough[:kept]).max(initial=0.0))
    final = _final(rates, scale)
    half, end = _crossings(rates, pieces, final), end_of_flow(times, len(gain))
    quadrature = rates.slopes.error(rates.variance(gain))
    return GainTrajectory(gain, rates.share(gain), half, final, end, error, quadrature)


def _integrate(
    rates: GainRates, scale: np.ndarray, times: np.ndarray, tolerance: float
) -> tuple[np.ndarray, list[Piece]]:
    """Gains at the times that are reached, and interpolants between them."""
    from scipy.integrate import solve_ivp

    gain, pieces, now, r = [], [], 0.0, scale
    options = {
        "method": "DOP853",
        "rtol": max(tolerance, 3e-14),
        "atol": tolerance * 1e-3,
        "dense_output": True,
    }
    for time in times:
        if time > now:
            piece = solve_ivp(lambda _, r: rates(r), (now, time), r, **options)
            r = piece.y[:, -1]
            if not piece.success or not np.isfinite(r).all():
                break
            pieces.append((now, time, piece.sol))
        gain.append(r)
        now = time
    return np.array(gain).reshape(-1, len(scale)), pieces


def _crossings(rates: GainRates, pieces: list[Piece], final: np.ndarray) -> np.ndarray:
    """First times at which shares pass half of their final values from below."""
    from scipy.optimize import brentq

    found = np.full(len(final), np.nan)

    def excess(t: float, solution: Solution, i: int) -> float:
        return rates.share(solution(t))[i] - final[i] / 2

    for begin, end, solution in pieces:
        first, last = (rates.share(solution(t)) < final / 2 for t in (begin, end))
        for i in np.flatnonzero(first & ~last & np.isnan(found) & (final > 0)):
            found[i] = brentq(excess, begin, end, (solution, i), xtol=1e-12)
    return found


def steps(
    rates: GainRates, scale: np.ndarray, step: float, counts: np.ndarray, final: np.ndarray | None = None
) -> GainTrajectory:
    """Gradient descent in steps, r <- r + step dr/dt, recorded after `counts` of them; half-rise times are
    interpolated linearly within a step."""
    r, gains, half, before = scale, [], np.full(len(scale), np.nan), None
    end = RunEnd(Status.COMPLETED, step * float(counts[-1]))
    final, recorded = _final(rates, scale) if final is None else final, set(counts.tolist())
    for k in range(counts[-1] + 1):
        share = rates.share(r)
        if before is not None:
            passed = (before < final / 2) & (share >= final / 2) & np.isnan(half) & (final > 0)
            part = (final[passed] / 2 - before[passed]) / (share[passed] - before[passed])
            half[passed] = step * (k - 1 + part)
        if k in recorded:
            gains.append(r)
        before, r = share, r + step * rates(r)
        if not (np.abs(r) < _HUGE).all():
            if k < counts[-1]:  # the last step is not asked for
                end = RunEnd(Status.DIVERGED, step * (k + 1))
            break
    gain = np.array(gains).reshape(-1, len(scale))
    quadrature = rates.slopes.error(rates.variance(gain))
    return GainTrajectory(gain, rates.share(gain), half, final, end, 0.0, quadrature)


def _final(rates: GainRates, scale: np.ndarray) -> np.ndarray:
    """Shares at the fixed point in which the flow ends; NaN where none was found.

    Two equations for s^2 and Q, given that all directions have grown that can:

        b_i = max(0, 1 - (decay + gamma3 S2_i Q) / (2 gamma S2_i)),
        s^2 = sum_i f_i S2_i b_i / gamma,   Q = sum_i f_i S2_i (b_i - 1) b_i / gamma

    The search starts where the flow is after a long time.
    """
    from scipy.optimize import root

    alive = scale > 0
    fastest = 2 * np.abs(rates.slopes(rates.variance(scale))[0]) * rates.variances.max() + rates.decay
    if fastest == 0 or not alive.any():
        return rates.share(scale)
    late, _ = _integrate(rates, scale, np.array([_LATE / fastest]), 1e-8)
    if not len(late):
        return np.full_like(scale, np.nan)

    def after(variance: float, q: float) -> np.ndarray:
        share = rates.at_rest(variance, q, alive)
        gamma = float(rates.slopes(variance)[0])
        square = share / gamma if gamma > 0 else np.zeros_like(share)
        return np.array([rates.weighted @ square, rates.weighted @ ((share - 1) * square)])

    def positive(unknown: np.ndarray) -> tuple[float, float]:
        return abs(unknown[0]), unknown[1]

    def left(unknown: np.ndarray) -> np.ndarray:
        return after(*positive(unknown)) - np.array(positive(unknown))

    r = late[0]
    begin = np.array([rates.variance(r), rates.weighted @ ((rates.share(r) - 1) * r**2)])
    found = positive(root(left, begin, tol=1e-13).x)
    good = np.abs(after(*found) - np.array(found)).max() < 1e-9 * (1 + found[0])
    return rates.at_rest(*found, alive) if good else np.full_like(scale, np.nan)

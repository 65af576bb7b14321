"""The flow of a homogeneous activation for any covariance of initial weights: theta(t) = A(t) theta(0).

Matrices are in the directions of the data: S diagonal, C = d Cov(theta(0)), B = gamma A C A^T.
"""

from dataclasses import dataclass

import numpy as np

from ...ground.status import Status
from ..outcomes import RunEnd

_HUGE = 1e50


@dataclass(frozen=True)
class MatrixTrajectory:
    """A (time, direction, direction_prime) at the recorded times that were reached."""

    matrices: np.ndarray
    end: RunEnd
    error: float = 0.0


class MatrixRates:
    """dA/dt = -gamma [(B - 1) S + S (B - 1)] A - decay A."""

    def __init__(self, slope: float, variances: np.ndarray, covariance: np.ndarray, decay: float) -> None:
        self.slope, self.variances, self.covariance, self.decay = slope, variances, covariance, decay

    def output(self, a: np.ndarray) -> np.ndarray:
        """B of matrices A (..., direction, direction_prime)."""
        return self.slope * a @ self.covariance @ np.swapaxes(a, -1, -2)

    def __call__(self, a: np.ndarray) -> np.ndarray:
        missing = self.output(a) - np.eye(len(a))
        both = missing * self.variances + self.variances[:, None] * missing  # (B - 1) S + S (B - 1)
        return -self.slope * both @ a - self.decay * a


def flow(rates: MatrixRates, times: np.ndarray, tolerance: float) -> MatrixTrajectory:
    """Integrated by an explicit Runge-Kutta method of order 8; the error is the distance from a tolerance 100
    times larger."""
    rough, found = (_integrate(rates, times, factor * tolerance) for factor in (100, 1))
    kept = min(len(rough), len(found))
    error = float(np.abs(found[:kept] - rough[:kept]).max(initial=0.0))
    return MatrixTrajectory(found, end_of_flow(times, len(found)), error)


def end_of_flow(times: np.ndarray, reached: int) -> RunEnd:
    """How an integration that reached so many of the times ended."""
    if reached == len(times):
        return RunEnd(Status.COMPLETED, float(times[-1]))
    return RunEnd(Status.DIVERGED, float(times[reached]))


def _integrate(rates: MatrixRates, times: np.ndarray, tolerance: float) -> np.ndarray:
    """A at the times that are reached."""
    from scipy.integrate import solve_ivp

    size = len(rates.variances)
    found, now, a = [], 0.0, np.eye(size)
    options = {"method": "DOP853", "rtol": max(tolerance, 3e-14), "atol": tolerance * 1e-3}
    for time in times:
        if time > now:
            piece = solve_ivp(
                lambda _, a: rates(a.reshape(size, size)).ravel(), (now, time), a.ravel(), **options
            )
            a = piece.y[:, -1].reshape(size, size)
            if not piece.success or not np.isfinite(a).all():
                break
        found.append(a)
        now = time
    return np.array(found).reshape(-1, size, size)


def steps(rates: MatrixRates, step: float, counts: np.ndarray) -> MatrixTrajectory:
    """Gradient descent in steps, A <- A + step dA/dt: exactly what a finite network of pairs (theta, -theta)
    does."""
    a, found, recorded = np.eye(len(rates.variances)), [], set(counts.tolist())
    for k in range(counts[-1] + 1):
        if k in recorded:
            found.append(a)
        if k == counts[-1]:
            break
        a = a + step * rates(a)
        if not (np.abs(a) < _HUGE).all():
            return MatrixTrajectory(np.array(found), RunEnd(Status.DIVERGED, step * (k + 1)))
    return MatrixTrajectory(np.array(found), RunEnd(Status.COMPLETED, step * float(counts[-1])))

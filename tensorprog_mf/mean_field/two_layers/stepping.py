"""Steps of sites in time."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ...ground.errors import InputError, real, require
from .population import Population

METHODS = ("rk4", "euler")
_MOST_STEPS = 10**12


def checked_times(times) -> np.ndarray:
    """Increasing times from 0 on."""
    try:
        times = np.atleast_1d(np.array(times, float))
    except (TypeError, ValueError):
        raise InputError(f"times={times!r} must be numbers.") from None
    good = (
        times.ndim == 1
        and times.size > 0
        and np.isfinite(times).all()
        and times[0] >= 0
        and (np.diff(times) > 0).all()
    )
    require(good, "times must be one or more finite numbers, 0 or more and increasing.")
    return times


def checked_step(name: str, step, times: np.ndarray) -> float:
    """A step that is positive, and not so small that the last time is never reached."""
    step = real(name, step, "be positive", lambda v: v > 0)
    require(
        times[-1] < _MOST_STEPS * step,
        f"{name}={step:g} is too small: time {times[-1]:g} would take more than {_MOST_STEPS:g} steps.",
    )
    return step


def checked_schedule(schedule) -> Callable[[float], float]:
    """xi(t), from a function or a number."""
    if callable(schedule):
        return lambda t: real("schedule", schedule(t), f"be 0 or more at time {t:g}", lambda v: v >= 0)
    value = real("schedule", schedule, "be a function of time, or a number, 0 or more", lambda v: v >= 0)
    return lambda t: value


def steps_between(begin: float, end: float, dt: float) -> Iterator[tuple[float, float]]:
    """(time, step) of equal steps of at most dt from `begin` to `end` exactly."""
    count = math.ceil((end - begin) / dt - 1e-9) if end > begin else 0
    h = (end - begin) / max(count, 1)
    return ((begin + k * h, h) for k in range(count))


@dataclass
class Stepper:
    """theta <- theta + h drift + sqrt(4 xi tau h) noise, drift = -2 xi(t) (E[loss' grad sigma_*] + lambda
    theta)."""

    population: Population
    weight: np.ndarray
    weight_decay: float
    temperature: float
    schedule: Callable[[float], float]
    method: str
    rng: np.random.Generator

    def __post_init__(self):
        self._decay = (self.weight_decay * self.population.trained)[:, None]

    def _drift(self, theta: np.ndarray, t: float) -> np.ndarray:
        output, seen = self.population.look(theta, self.weight)
        pulled = self.population.pull(theta, self.population.residual(output), seen)
        if self.weight_decay:
            pulled += self._decay * theta
        pulled *= -2 * self.schedule(t)
        return pulled

    def step(self, theta: np.ndarray, t: float, h: float) -> np.ndarray:
        """One step."""
        first = self._drift(theta, t)
        if self.method == "rk4":
            second = self._drift(theta + h / 2 * first, t + h / 2)
            third = self._drift(theta + h / 2 * second, t + h / 2)
            fourth = self._drift(theta + h * third, t + h)
            return theta + h / 6 * (first + 2 * second + 2 * third + fourth)
        theta = theta + h * first
        if self.temperature:
            rows = np.flatnonzero(self.population.trained)
            theta[rows] += math.sqrt(4 * self.schedule(t) * self.temperature * h) * self.rng.standard_normal(
                (len(rows), theta.shape[1])
            )
        return theta

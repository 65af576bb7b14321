"""Steps of particles in time."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...ground.errors import real, require
from ..arguments import checked_times
from .reduction import Reduction

METHODS = ("rk4", "euler")
_MOST_STEPS = 10**12
Schedule = Callable[[float], float] | float


@dataclass(frozen=True, kw_only=True)
class StepPlan:
    """When and how parameters move: `times` to record, the largest `step` between them, the factor xi(t) on
    it, the temperature tau and the weight decay lambda."""

    times: np.ndarray
    step: float
    factor: Callable[[float], float]
    schedule: float | str  # the factor as a plain value
    temperature: float
    weight_decay: float

    @property
    def total(self) -> int:
        """Number of steps of a run."""
        begins = np.concatenate([[0.0], self.times[:-1]])
        return sum(step_count(begin, end, self.step) for begin, end in zip(begins, self.times))

    def settings(self) -> dict:
        """Plain values, but for the step, whose name depends on the solver."""
        return {
            "times": self.times.tolist(),
            "temperature": self.temperature,
            "weight_decay": self.weight_decay,
            "schedule": self.schedule,
        }


def step_plan(
    times: ArrayLike, name: str, step: float, schedule: Schedule, temperature: float, weight_decay: float
) -> StepPlan:
    """The plan of checked arguments; the step is called `name`.

    Raises
    ------
    InputError
        An argument that cannot be used; a step so small that the last time is never reached.
    """
    good = checked_times(times)
    size = real(name, step, "be positive", lambda v: v > 0)
    require(
        good[-1] < _MOST_STEPS * size,
        f"{name}={size:g} is too small: time {good[-1]:g} would take more than {_MOST_STEPS:g} steps.",
    )
    return StepPlan(
        times=good,
        step=size,
        factor=_checked_factor(schedule),
        schedule="function" if callable(schedule) else float(schedule),
        temperature=real("temperature", temperature, "be 0 or more", lambda v: v >= 0),
        weight_decay=real("weight_decay", weight_decay, "be 0 or more", lambda v: v >= 0),
    )


def _checked_factor(schedule: Schedule) -> Callable[[float], float]:
    """xi(t), from a function or a number."""
    if callable(schedule):
        return lambda t: real("schedule", schedule(t), f"be 0 or more at time {t:g}", lambda v: v >= 0)
    value = real("schedule", schedule, "be a function of time, or a number, 0 or more", lambda v: v >= 0)
    return lambda t: value


def step_count(begin: float, end: float, step: float) -> int:
    """How many steps of at most `step` lead from `begin` to `end`; rounding adds none."""
    return math.ceil((end - begin) / step - 1e-9) if end > begin else 0


def steps_between(begin: float, end: float, step: float) -> Iterator[tuple[float, float]]:
    """(time, size) of equal steps of at most `step` from `begin` to `end` exactly."""
    count = step_count(begin, end, step)
    h = (end - begin) / max(count, 1)
    return ((begin + k * h, h) for k in range(count))


@dataclass
class Stepper:
    """theta <- theta + h drift + sqrt(4 xi tau h) noise, drift = -2 xi(t) (E[loss' grad sigma_*] + lambda
    theta)."""

    reduced: Reduction
    weight: np.ndarray
    plan: StepPlan
    method: str
    rng: np.random.Generator

    def __post_init__(self) -> None:
        self._decay = (self.plan.weight_decay * self.reduced.trained)[:, None]

    def _drift(self, theta: np.ndarray, t: float) -> np.ndarray:
        output, seen = self.reduced.look(theta, self.weight)
        drift = self.reduced.pull(theta, self.reduced.residual(output), seen)
        if self.plan.weight_decay:
            drift += self._decay * theta
        drift *= -2 * self.plan.factor(t)
        return drift

    def step(self, theta: np.ndarray, t: float, h: float) -> np.ndarray:
        """One step."""
        first = self._drift(theta, t)
        if self.method == "rk4":
            second = self._drift(theta + h / 2 * first, t + h / 2)
            third = self._drift(theta + h / 2 * second, t + h / 2)
            fourth = self._drift(theta + h * third, t + h)
            return theta + h / 6 * (first + 2 * second + 2 * third + fourth)
        theta = theta + h * first
        if self.plan.temperature:
            rows = np.flatnonzero(self.reduced.trained)
            scale = math.sqrt(4 * self.plan.factor(t) * self.plan.temperature * h)
            theta[rows] += scale * self.rng.standard_normal((len(rows), theta.shape[1]))
        return theta

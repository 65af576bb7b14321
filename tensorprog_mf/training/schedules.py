"""Learning-rate schedules: functions that give the factor on the learning rate of each step."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import real, require, whole

Schedule = Callable[[int, int], float]  # step k = 0 ... steps - 1, number of steps -> factor


@checked_call
def constant() -> Schedule:
    """1 at every step."""
    return lambda k, steps: 1.0


@checked_call
def step(every: int, factor: float = 0.1) -> Schedule:
    """factor^(k // every): times `factor` after every `every` steps."""
    every = whole("every", every, 1)
    factor = real("factor", factor, "be positive", lambda v: v > 0)
    return lambda k, steps: factor ** (k // every)


@checked_call
def cosine(end: float = 0.0) -> Schedule:
    """end + (1 - end) (1 + cos(pi k / steps)) / 2: from 1 towards `end`."""
    end = real("end", end, "be 0 or more", lambda v: v >= 0)
    return lambda k, steps: end + (1 - end) * (1 + np.cos(np.pi * k / steps)) / 2


@checked_call
def warmup(rise: int, then: Schedule | None = None) -> Schedule:
    """(k + 1) / rise for the first `rise` steps, then another schedule over the steps that are left."""
    rise = whole("rise", rise, 1)
    then = then or constant()
    return lambda k, steps: (k + 1) / rise if k < rise else then(k - rise, steps - rise)


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "constant": constant,
    "step": step,
    "cosine": cosine,
    "warmup": warmup,
}


def factors(
    given: Schedule | Mapping | Sequence[float] | np.ndarray | str | None, steps: int
) -> tuple[float, ...] | None:
    """The factor of every step, from None (all 1), a schedule, a name, a table {name = ..., options}, or the
    factors themselves.

    Raises
    ------
    InputError
        An unknown name or option, a wrong number of factors, factors that are negative or not finite.
    """
    if given is None:
        return None
    if isinstance(given, (str, Mapping)):
        given = _named({"name": given} if isinstance(given, str) else dict(given))
    if callable(given):
        given = [given(k, steps) for k in range(steps)]
    require(
        isinstance(given, (Sequence, np.ndarray)),
        f"schedule={given!r} must be a schedule, its name, or one factor for every step.",
    )
    require(
        len(given) == steps,
        f"schedule has {len(given)} factors, but there are {steps} steps; give one for each.",
    )
    return tuple(real("schedule", factor, "have factors of 0 or more", lambda v: v >= 0) for factor in given)


def _named(options: dict) -> Schedule:
    name = options.pop("name", None)
    require(name in SCHEDULES, f"schedule={name!r} is unknown; choose one of {', '.join(SCHEDULES)}.")
    if isinstance(options.get("then"), (str, Mapping)):
        then = options["then"]
        options["then"] = _named({"name": then} if isinstance(then, str) else dict(then))
    return SCHEDULES[name](**options)

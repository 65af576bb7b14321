"""The iteration of one replicate: rounds until nothing changes, kernels run away, or there were enough."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...ground.errors import InputError, real, whole
from ...ground.fields import set_fields
from ...ground.status import Status
from .alternation import Alternation, Guess, Solution

_ZERO = 1e-10  # norm of outputs that are zero but for rounding


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """How the iteration goes on and when it ends.

    Parameters
    ----------
    iterations
        Largest number of rounds.
    damping
        Weight of the guess in the next one.
    target_residual
        Residual at which the iteration has converged.

    Raises
    ------
    InputError
        A value that cannot be used.
    """

    iterations: int
    damping: float
    target_residual: float

    def __post_init__(self) -> None:
        checked = {
            "iterations": whole("iterations", self.iterations, 1),
            "damping": real("damping", self.damping, "lie in [0, 1)", lambda v: 0 <= v < 1),
            "target_residual": real("target_residual", self.target_residual, "be positive", lambda v: v > 0),
        }
        set_fields(self, **checked)


@dataclass(frozen=True)
class Iterated:
    """What one replicate ended with, and how."""

    guess: Guess
    solution: Solution
    residuals: list[float]
    status: Status


def iterate(
    map_: Alternation, guess: Guess, rounds: Rounds, samples: int, advance: Callable[[], bool]
) -> Iterated:
    """Rounds from a guess until nothing changes, kernels run away, or there have been enough."""
    residuals: list[float] = []
    status, moved = Status.NOT_CONVERGED, 1 - rounds.damping
    best: tuple[Guess, Solution] | None = None
    for _ in range(rounds.iterations):
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                found, solution = map_.round(guess, slice(0, samples))
        except FloatingPointError:
            status = Status.DIVERGED
            break
        before = np.zeros_like(solution.output) if best is None else best[1].output
        residuals.append(max(found.distance(guess), _change(solution.output, before) / moved))
        best, guess = (found, solution), guess.mixed(found, moved)
        if residuals[-1] <= rounds.target_residual:
            status = Status.CONVERGED
            break
        if not advance():
            status = Status.INTERRUPTED
            break
    if best is None:
        raise InputError(
            "alternate ran away in its first iteration, so there is nothing to return; take a smaller"
            " learning rate or tp.sample."
        )
    return Iterated(*best, residuals, status)


def _change(outputs: np.ndarray, before: np.ndarray) -> float:
    """Relative change of the outputs, which move by what the damped guess lets them.

    At small richness they depend on responses while kernels hardly move, so kernels alone would not tell.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # of outputs that run away, late in time
        return float(np.linalg.norm(outputs - before) / max(float(np.linalg.norm(outputs)), _ZERO))

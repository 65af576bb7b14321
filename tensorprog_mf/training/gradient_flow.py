"""Gradient flow, the limit of small learning rates: its checked settings, and what follows from them."""

import math
from dataclasses import dataclass

import numpy as np

from ..ground.errors import real, require
from ..ground.fields import set_fields
from .dynamics import Dynamics


@dataclass(frozen=True, kw_only=True)
class GradientFlow(Dynamics):
    """A training in continuous time; the arguments are those of `Training`, and so are the errors.

    d theta / d time = gradient - weight_decay theta, recorded at increasing `times`.
    """

    times: tuple[float, ...]
    tolerance: float = 1e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            np.ndim(self.times) == 1 and len(self.times) > 0,
            f"times={self.times!r} must list the times at which the flow is recorded.",
        )
        times = tuple(
            math.inf if t == math.inf else real("times", t, "be 0 or more", lambda v: v >= 0)
            for t in self.times
        )
        require(all(a < b for a, b in zip(times, times[1:])), f"times={self.times!r} must increase.")
        set_fields(
            self,
            times=times,
            tolerance=checked_tolerance(self.tolerance),
            weight_decay=real("weight_decay", self.weight_decay, "be 0 or more", lambda v: v >= 0),
        )

    @property
    def last(self) -> int:
        """Index of the last of the `times`."""
        return len(self.times) - 1

    def clock(self) -> np.ndarray:
        """The `times`, (time,)."""
        return np.array(self.times)

    @property
    def full_batch(self) -> bool:
        """True: a flow sees all training examples at all times."""
        return True

    def largest_batch(self, count: int) -> int:
        """All of `count` training examples."""
        return count

    def example_weights(self, step: int, count: int) -> np.ndarray:
        """Weight of each of `count` training examples in the loss, (example,): the same for all."""
        return np.full(count, 1 / count)


def checked_tolerance(given: float) -> float:
    """The argument `tolerance` of a training."""
    return real("tolerance", given, "lie between 1e-12 and 0.1", lambda v: 1e-12 <= v <= 0.1)

"""What every way of moving the parameters has: weight decay, learning-rate multipliers, a learning rule."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..ground.errors import real, require
from ..ground.fields import set_fields
from .roles import Role, multipliers_by_name
from .rules import GradientDescent, Rule, as_rule


@dataclass(frozen=True, kw_only=True)
class Dynamics(ABC):
    """Checked settings of a training of either kind; the arguments are those of `Training`."""

    weight_decay: float = 0.0
    multipliers: tuple[float, ...] | None = None
    bias_multipliers: tuple[float, ...] | None = None
    learning_rule: Rule = GradientDescent()

    def __post_init__(self) -> None:
        set_fields(
            self,
            learning_rule=as_rule(self.learning_rule),
            multipliers=_factors("multipliers", self.multipliers, "weight"),
            bias_multipliers=_factors("bias_multipliers", self.bias_multipliers, "bias"),
        )

    @property
    @abstractmethod
    def last(self) -> int:
        """Index of the last time of a result."""

    @abstractmethod
    def clock(self) -> np.ndarray:
        """The times of a result, (time,)."""

    @property
    @abstractmethod
    def full_batch(self) -> bool:
        """Whether all training examples are seen at all times."""

    @abstractmethod
    def largest_batch(self, count: int) -> int:
        """How many of `count` training examples are seen at a time, at most."""

    @abstractmethod
    def example_weights(self, step: int, count: int) -> np.ndarray:
        """Weight of each of `count` training examples in the loss at a time of a result, (example,)."""

    @property
    def ruled(self) -> bool:
        """Whether a learning rule takes the place of the gradient."""
        return not isinstance(self.learning_rule, GradientDescent)

    def rates(self, roles: Mapping[str, Role]) -> dict[str, float]:
        """The learning-rate multiplier of every parameter, given its role, in the order of the layers.

        Raises
        ------
        InputError
            More or fewer multipliers than weights, or bias_multipliers than biases.
        """
        return multipliers_by_name(roles, self.multipliers, self.bias_multipliers)


def _factors(name: str, given: tuple[float, ...] | None, of: str) -> tuple[float, ...] | None:
    """An argument that is None or lists one factor for each parameter of a kind."""
    if given is None:
        return None
    require(np.ndim(given) == 1, f"{name}={given!r} must be a list of one number per {of}.")
    return tuple(real(name, kappa, "be 0 or more", lambda v: v >= 0) for kappa in given)

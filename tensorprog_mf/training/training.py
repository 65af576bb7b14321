"""How the parameters move: the settings of a training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import UnsupportedError, boolean, require
from ..ground.fields import set_fields
from .discrete_descent import DiscreteDescent
from .dynamics import Dynamics
from .gradient_flow import GradientFlow, checked_tolerance
from .roles import Role
from .rules import GradientDescent, Rule


@checked_call
@dataclass(frozen=True)
class Training:
    """Gradient descent in discrete time, on all examples or on batches of them, with noise or without, or
    gradient flow.

    v <- momentum v + gradient, theta <- theta (1 - learning_rate weight_decay) + learning_rate v, with the
    gradient richness^2 N sum_nu Delta_nu d f_nu / d theta, for every parameter; Nesterov's method takes the
    gradient at theta + learning_rate momentum v, outputs are reported at theta (Sutskever et al. 2013).
    Gradient flow, d theta / d time = gradient - weight_decay theta, is the limit of small learning rates.
    With a temperature T every weight gains sqrt(2 learning_rate T) N(0,1) per step: as learning_rate -> 0 it
    samples exp(-(richness^2 N / T) loss - (weight_decay / 2 T) |theta|^2), the posterior of a Bayesian
    network that learns features.

    Parameters
    ----------
    steps
        Number of steps; results have steps + 1 times.
    learning_rate
        eta, in units in which the limit of wide networks exists. The loss is a mean over examples: papers
        that sum use eta / P.
    momentum, weight_decay
        Heavy-ball beta in [0, 1) and decay lambda >= 0.
    multipliers
        Factors kappa_0 ... kappa_L on the learning rate of each weight, input first, readout last. A weight
        with the factor 0 learns nothing; weight decay and noise still act on it. None: all 1.
    bias_multipliers
        The same for the biases b^0 ... b^{L-1}; the output bias has none.
    nesterov
        Take gradients ahead of the parameters.
    schedule
        Factor on the learning rate of every step: a schedule of `tensorprog_mf.schedules`, a function (step,
        steps) -> factor, a name, or the factors themselves. None: all 1. Velocities are not rescaled where it
        changes.
    batch_size, replacement, batch_seed
        Number of examples per step: the next ones of a shuffled epoch, whose last batch may be smaller, or
        with replacement=True independent draws, where an example drawn twice counts twice. The loss of a step
        is the mean over its batch. None: all examples.
    batches
        In place of batch_size: the indices of the training examples of every step.
    temperature
        T of Langevin noise, the same for every weight at any width; the prior variance of a weight is T /
        weight_decay.
    learning_rule
        A rule of `tensorprog_mf.rules` in place of the gradient, its name, or a table {"name": ..., options}.
    flow, times, tolerance
        True for gradient flow, recorded at these increasing times to this relative accuracy, instead of steps
        and learning_rate. Where the activation or loss has a kink, as relu or hinge, error control needs ten
        times as many steps for every digit: in place of the usual 1e-6 such runs take 1e-3, and say so in a
        `ToleranceWarning`; any other tolerance is kept. In `static_ntk` with the squared loss the last time
        may be math.inf, the end of training.

    Raises
    ------
    InputError
        A negative or non-finite value, steps or learning_rate missing, arguments of steps mixed with those of
        flow.
    """

    steps: int | None = None
    learning_rate: float | None = None
    momentum: float = 0.0
    weight_decay: float = 0.0
    multipliers: tuple[float, ...] | None = None
    flow: bool = False
    times: tuple[float, ...] | None = None
    tolerance: float = GradientFlow.tolerance
    nesterov: bool = False
    schedule: object = None
    bias_multipliers: tuple[float, ...] | None = None
    batch_size: int | None = None
    replacement: bool = False
    batch_seed: int = 0
    batches: tuple[tuple[int, ...], ...] | None = None
    temperature: float = 0.0
    learning_rule: Rule | str | dict = GradientDescent()

    if TYPE_CHECKING:  # what the constructor takes; fields hold tuples

        def __init__(  # noqa: PLR0913
            self,
            steps: int | None = None,
            learning_rate: float | None = None,
            momentum: float = 0.0,
            weight_decay: float = 0.0,
            multipliers: Sequence[float] | np.ndarray | None = None,
            flow: bool = False,
            times: Sequence[float] | np.ndarray | None = None,
            tolerance: float = GradientFlow.tolerance,
            nesterov: bool = False,
            schedule: object = None,
            bias_multipliers: Sequence[float] | np.ndarray | None = None,
            batch_size: int | None = None,
            replacement: bool = False,
            batch_seed: int = 0,
            batches: Sequence[Sequence[int]] | np.ndarray | None = None,
            temperature: float = 0.0,
            learning_rule: Rule | str | dict = ...,
        ) -> None: ...

    def __post_init__(self) -> None:
        set_fields(self, flow=boolean("flow", self.flow), tolerance=checked_tolerance(self.tolerance))
        self._check_flow() if self.flow else self._check_steps()
        set_fields(self, **_settings(self.dynamics, type(self.dynamics)))

    def _check_steps(self) -> None:
        require(
            self.times is None,
            "times belong to gradient flow; pass flow=True, or record= to the route for some of the steps.",
        )
        for name in ("steps", "learning_rate"):
            require(
                getattr(self, name) is not None,
                f"{name} is missing; pass steps and learning_rate, or flow=True and times.",
            )

    def _check_flow(self) -> None:
        shared = {field.name for field in fields(Dynamics)} | {"steps"}
        names = [field.name for field in fields(DiscreteDescent) if field.name not in shared]
        discrete = [name for name in names if _is_given(getattr(self, name))]
        discrete += ["steps"] * (self.steps is not None)
        require(
            not discrete, f"{' and '.join(discrete)} belong to discrete steps; leave them out with flow=True."
        )

    @cached_property
    def dynamics(self) -> DiscreteDescent | GradientFlow:
        """The checked settings of one kind of training: of discrete steps, or of gradient flow."""
        if self.flow:
            return GradientFlow(**_settings(self, GradientFlow))
        return DiscreteDescent(**_settings(self, DiscreteDescent))

    @property
    def descent(self) -> DiscreteDescent:
        """The settings of discrete steps.

        Raises
        ------
        UnsupportedError
            A gradient flow.
        """
        if isinstance(self.dynamics, DiscreteDescent):
            return self.dynamics
        raise UnsupportedError(
            "this Training is a gradient flow, which has no steps; pass steps and learning_rate in place of"
            " flow=True and times."
        )

    @property
    def gradient_flow(self) -> GradientFlow:
        """The settings of a gradient flow.

        Raises
        ------
        UnsupportedError
            Discrete steps.
        """
        if isinstance(self.dynamics, GradientFlow):
            return self.dynamics
        raise UnsupportedError(
            "this Training goes in discrete steps; for gradient flow pass flow=True and times in place of"
            " steps and learning_rate."
        )

    @property
    def last(self) -> int:
        """Index of the last time of a result: the number of steps, or that of the last time of a flow."""
        return self.dynamics.last

    def clock(self) -> np.ndarray:
        """Time of every step, the learning rates so far summed, or the requested times of a flow."""
        return self.dynamics.clock()

    @property
    def full_batch(self) -> bool:
        """Whether every step sees all training examples."""
        return self.dynamics.full_batch

    def largest_batch(self, count: int) -> int:
        """How many of `count` training examples a step sees, at most."""
        return self.dynamics.largest_batch(count)

    def example_weights(self, step: int, count: int) -> np.ndarray:
        """Weight of each of `count` training examples in the loss of a step, (example,): how often it comes,
        divided by the size of the batch.

        What comes after the last step, where only outputs are reported, sees all examples.

        Raises
        ------
        InputError
            An index or a size beyond the number of training examples.
        """
        return self.dynamics.example_weights(step, count)

    @property
    def ruled(self) -> bool:
        """Whether a learning rule takes the place of the gradient."""
        return self.dynamics.ruled

    def rates(self, roles: Mapping[str, Role]) -> dict[str, float]:
        """The learning-rate multiplier of every parameter, given its role, in the order of the layers.

        Raises
        ------
        InputError
            More or fewer multipliers than weights, or bias_multipliers than biases.
        """
        return self.dynamics.rates(roles)

    def describe(self) -> dict[str, Any]:
        """The settings as plain values."""
        return _settings(self, type(self)) | {"learning_rule": self.dynamics.learning_rule.describe()}


def _is_given(value: object) -> bool:
    """Whether an argument is something else than the None, 0 or False that it is by default."""
    return value is not None and not (np.isscalar(value) and not value)


def _settings(given: Training | Dynamics, kind: type[Training | Dynamics]) -> dict[str, Any]:
    """The values that `given` holds of the fields of a kind of settings, by name."""
    return {field.name: getattr(given, field.name) for field in fields(kind)}

"""How the parameters move: settings of the training, and the optimiser step."""

from dataclasses import dataclass

import numpy as np

from .errors import real, require, whole
from .matrices.parameter import Parameter


@dataclass(frozen=True)
class Training:
    """Full-batch gradient descent in discrete time.

    v <- momentum v + gradient, theta <- theta (1 - learning_rate weight_decay) + learning_rate v, with the gradient
    richness^2 N sum_nu Delta_nu d f_nu / d theta, for every parameter.

    Parameters
    ----------
    steps
        Number of steps; results have steps + 1 times.
    learning_rate
        eta, in units in which the limit of wide networks exists. The loss is a mean over examples: papers that sum use
        eta / P.
    momentum, weight_decay
        Heavy-ball beta in [0, 1) and decay lambda >= 0.
    multipliers
        Factors kappa_0 ... kappa_L on the learning rate of each weight, input first, readout last; with 0 a weight learns
        nothing (weight decay still acts). None: all 1.

    Raises
    ------
    InputError
        A negative or non-finite value.
    """

    steps: int
    learning_rate: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    multipliers: tuple[float, ...] | None = None

    def __post_init__(self):
        rate = real("learning_rate", self.learning_rate, "be positive", lambda v: v > 0)
        object.__setattr__(self, "steps", whole("steps", self.steps))
        object.__setattr__(self, "learning_rate", rate)
        object.__setattr__(self, "momentum", real("momentum", self.momentum, "lie in [0, 1)", lambda v: 0 <= v < 1))
        decay = real("weight_decay", self.weight_decay, "be 0 or more and below 2 / learning_rate", lambda v: 0 <= v < 2 / rate)
        object.__setattr__(self, "weight_decay", decay)
        if self.multipliers is not None:
            require(np.ndim(self.multipliers) == 1, f"multipliers={self.multipliers!r} must be a list of one number per weight.")
            each = tuple(real("multipliers", kappa, "be 0 or more", lambda v: v >= 0) for kappa in self.multipliers)
            object.__setattr__(self, "multipliers", each)

    def times(self) -> np.ndarray:
        """Time eta * step of steps 0 ... steps."""
        return self.learning_rate * np.arange(self.steps + 1)

    def rates(self, weights: list[str]) -> dict[str, float]:
        """The multiplier of each weight, named in the order of the layers.

        Raises
        ------
        InputError
            Another number of multipliers than weights.
        """
        each = (1.0,) * len(weights) if self.multipliers is None else self.multipliers
        require(len(each) == len(weights), f"{len(each)} multipliers but {len(weights)} weights ({', '.join(weights)}).")
        return dict(zip(weights, each))


class Descent:
    """The optimiser of `Training`: keeps velocities where there is momentum and moves parameters in place."""

    def __init__(self, training: Training, weights: list[str]):
        self.training, self.velocities, self.multipliers = training, {}, training.rates(weights)

    def step(self, parameters: dict[str, Parameter], gradients: dict[str, Parameter]) -> None:
        """One step: all parameters, with the gradients of this pass."""
        rate, decay = self.training.learning_rate, 1 - self.training.learning_rate * self.training.weight_decay
        for name, gradient in gradients.items():
            if self.multipliers[name] != 1:
                gradient.scaled(self.multipliers[name])
            velocity = gradient
            if self.training.momentum and name in self.velocities:
                velocity = self.velocities[name].scaled(self.training.momentum).add(1.0, gradient)
            if self.training.momentum:
                self.velocities[name] = velocity if velocity is not gradient else gradient.copy()
            if decay != 1:
                parameters[name].scaled(decay)
            parameters[name].add(rate, velocity)

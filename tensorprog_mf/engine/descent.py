"""Gradient descent in steps: what moves the parameters in place."""

from ..matrices.parameter import Parameter
from ..training.discrete_descent import DiscreteDescent


class DescentOptimizer:
    """Moves parameters in place, step by step; keeps velocities where there is momentum.

    Parameters
    ----------
    descent
        The steps.
    multipliers
        Factor on the learning rate of every parameter, by name.
    """

    def __init__(self, descent: DiscreteDescent, multipliers: dict[str, float]):
        self.descent, self.multipliers = descent, multipliers
        self.velocities: dict[str, Parameter] = {}
        self._done = 0

    def ahead(self, parameters: dict[str, Parameter]) -> dict[str, Parameter]:
        """Where the next gradient is taken: at the parameters themselves, or ahead of them by Nesterov's
        method."""
        if not (self.descent.nesterov and self.velocities):
            return parameters
        reach = self.descent.learning_rate_at(self._done) * self.descent.momentum
        return {
            name: parameter.copy().add(reach, self.velocities[name]) for name, parameter in parameters.items()
        }

    @property
    def noise(self) -> float:
        """Variance of the noise of the step that was done last."""
        return 2 * self.descent.learning_rate_at(self._done - 1) * self.descent.temperature

    def step(self, parameters: dict[str, Parameter], gradients: dict[str, Parameter]) -> None:
        """One step of all parameters, with the gradients of this pass, which it may change."""
        rate, momentum = self.descent.learning_rate_at(self._done), self.descent.momentum
        decay = 1 - rate * self.descent.weight_decay
        self._done += 1
        for name, gradient in gradients.items():
            if self.multipliers[name] != 1:
                gradient.scaled(self.multipliers[name])
            velocity = gradient
            if momentum and name in self.velocities:
                velocity = self.velocities[name].scaled(momentum).add(1.0, gradient)
            if momentum:
                self.velocities[name] = velocity if velocity is not gradient else gradient.copy()
            if decay != 1:
                parameters[name].scaled(decay)
            parameters[name].add(rate, velocity)

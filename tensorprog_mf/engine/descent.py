"""Gradient descent in steps: what moves the parameters in place."""

from ..matrices.parameter import Parameter
from ..training.training import Training


class Descent:
    """The optimiser of `Training`: keeps velocities where there is momentum and moves parameters in place."""

    def __init__(self, training: Training, weights: list[str]):
        self.training, self.velocities, self.multipliers = training, {}, training.rates(weights)
        self._done = 0

    def ahead(self, parameters: dict[str, Parameter]) -> dict[str, Parameter]:
        """Where the next gradient is taken: the parameters themselves, or ahead of them by Nesterov's
        method."""
        if not (self.training.nesterov and self.velocities):
            return parameters
        reach = self.training.learning_rate_at(self._done) * self.training.momentum
        return {
            name: parameter.copy().add(reach, self.velocities[name]) for name, parameter in parameters.items()
        }

    @property
    def noise(self) -> float:
        """Variance of the noise of the step that was done last."""
        return 2 * self.training.learning_rate_at(self._done - 1) * self.training.temperature

    def step(self, parameters: dict[str, Parameter], gradients: dict[str, Parameter]) -> None:
        """One step: all parameters, with the gradients of this pass."""
        rate = self.training.learning_rate_at(self._done)
        decay = 1 - rate * self.training.weight_decay
        self._done += 1
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

"""One pass through a network: forward, and back in the two ways that training and its record ask for."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ground.divergence import LossWatch, RunAway
from ..layers.layer import Layer, Parameters, Signal
from ..layers.passage import Backward, Forward, Passage
from ..networks import Network
from ..problems.source import DataSource, Shown, error_signal
from ..training.training import Training


@dataclass(frozen=True)
class Task:
    """What is trained, on what, and how."""

    network: Network
    problem: DataSource
    training: Training


@dataclass
class Pass:
    """A forward pass: outputs and errors e = -d loss / d f of the examples shown, (example[, output]), and
    the ways back that have been gone."""

    task: Task
    layers: Layer[Any, Any]
    parameters: Parameters
    shown: Shown
    outputs: np.ndarray
    errors: np.ndarray
    forward: Forward[Any]
    back: Backward[Any] | None = None  # of every output, one column of fields each
    taught: Backward[Any] | None = None  # of the learning rule, or of all outputs weighted by their errors

    @property
    def delta(self) -> np.ndarray:
        """The error signal, (example[, output])."""
        return error_signal(self.errors, self.shown.weights, len(self.outputs))

    @property
    def single(self) -> bool:
        """Whether outputs have no dimension of their own."""
        return self.outputs.ndim == 1

    def differentiate(self) -> Backward[Any]:
        """The backward pass of every output, once."""
        if self.back is None:
            examples, outputs = len(self.outputs), 1 if self.single else self.outputs.shape[1]
            seed = np.repeat(np.eye(outputs)[:, None], examples, axis=1)
            self.back = Backward(seed, *self.layers.backward(self.parameters, self.forward.trace, seed))
        return self.back

    def teach(self) -> Backward[Any]:
        """The backward pass of the learning rule, once; with several outputs for the training examples,
        weighted by their errors."""
        if self.taught is None:
            count = len(self.outputs)
            errors = error_signal(self.errors, np.ones(len(self.errors)), count).reshape(count, -1)
            seed = np.ones((count, 1)) if self.single else self.errors
            signal, trace = (
                Signal(seed, errors, self.task.training.dynamics.learning_rule.hebbian),
                self.forward.trace,
            )
            sent = self.layers.feedback(self.parameters, trace, seed[None], signal)
            self.taught = Backward(seed[None], *sent)
        return self.taught

    def gradients(self) -> Parameters:
        """The gradient step of every parameter.

        With one output the backward field of f itself, weighted by Delta afterwards, serves kernels and
        gradient; with several only their sum weighted by errors is asked for, whatever their number.
        """
        way = self.differentiate() if self.single and not self.task.training.ruled else self.teach()
        weights = self.delta if self.single else self.shown.weights
        return self.layers.gradients(self.forward.trace, way.own, self.task.network.richness * weights)

    def left_out(self, way: Backward[Any]) -> list[np.ndarray]:
        """What every matrix leaves out of the outputs, as seen by one of the ways back."""
        return self.layers.left_out(self.parameters, self.forward.trace, way.own)

    def passage(self, back: bool, taught: bool) -> Passage[Any, Any]:
        """What the pass leaves at the layers: forward, on the way `back` from the outputs, and as the rule
        has `taught`."""
        return Passage(
            self.forward,
            self.differentiate() if back else None,
            self.teach() if taught else None,
        )


def forward_pass(
    task: Task, layers: Layer[Any, Any], parameters: Parameters, shown: Shown, growth: LossWatch
) -> Pass:
    """A forward pass; `RunAway` where values are not finite or the loss has grown too much."""
    loss, richness = task.problem.loss, task.network.richness
    y, trace = layers.forward(parameters, shown.examples)
    outputs = y / richness if task.problem.outputs else y[:, 0] / richness
    growth.look(outputs, lambda f: shown.mean_loss(loss, f))
    errors = shown.errors(loss, outputs)
    if not np.isfinite(errors).all():
        raise RunAway("the derivative of the loss was not finite")
    return Pass(task, layers, parameters, shown, outputs, errors, Forward(shown.examples, y, trace))

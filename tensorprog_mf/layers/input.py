"""The first layer: inputs to preactivations."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..matrices.input import InputMatrix
from ..matrices.matrix import Parts
from .bias import Bias
from .layer import Layer, Observation, root_mean_square


@dataclass
class _Trace:
    rows: slice | np.ndarray  # what the matrix was asked for
    h: np.ndarray
    g: np.ndarray | None = None
    taught: np.ndarray | None = None


class Input(Layer):
    """h^1 = W^0 x / sqrt(D) + b^0; its input are the examples to show, known ones by number or new ones.

    Each example may be several vectors, `positions` of them: `vectors` turns new inputs into (example x
    position, feature).
    """

    def __init__(
        self,
        matrix: InputMatrix,
        layer: int = 1,
        std: float = 1.0,
        bias: Bias | None = None,
        of_stream: bool = False,
        positions: int | None = None,
        vectors: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        self.matrix, self.layer, self.std, self.bias, self.of_stream = matrix, layer, std, bias, of_stream
        self.positions, self.vectors = positions, vectors

    def _rows(self, examples) -> slice | np.ndarray:
        """What the matrix knows the vectors of the examples by."""
        if isinstance(examples, np.ndarray) and examples.ndim > 1:
            return self.vectors(examples) if self.vectors else examples
        if self.positions is None:
            return examples
        if isinstance(examples, slice):
            known = len(self.matrix.coordinates) // self.positions
            examples = np.arange(known)[examples]
        return (examples[:, None] * self.positions + np.arange(self.positions)).ravel()

    def initial(self):
        return {
            self.matrix.name: self.matrix.initial().scaled(self.std),
            **(self.bias.initial() if self.bias else {}),
        }

    def forward(self, parameters, x):
        rows = self._rows(x)
        h = self.matrix.apply(parameters[self.matrix.name], rows)
        h = self.bias.added(parameters, h) if self.bias else h
        return h, _Trace(rows, h)

    def backward(self, parameters, trace, z):
        trace.g = z
        return None

    def feedback(self, parameters, trace, z, signal):
        trace.taught = z
        return None

    def gradients(self, trace, weights):
        g = trace.g[0] if trace.taught is None else trace.taught
        weights = weights if self.positions is None else np.repeat(weights, self.positions)
        biases = self.bias.gradients(weights, g) if self.bias else {}
        return {self.matrix.name: self.matrix.outer(weights, g, trace.rows), **biases}

    def refresh(self, parameters, trace, variance):
        self.matrix.refresh(parameters[self.matrix.name].heat(variance))
        if self.bias:
            self.bias.refresh(parameters, variance)

    def sizes(self, parameters):
        found = {self.matrix.name: root_mean_square(parameters[self.matrix.name].learned)}
        return found | (self.bias.sizes(parameters) if self.bias else {})

    def observe(self, parameters, trace, view):
        seen, positions = [], self.positions
        if not self.of_stream:  # which observes its fields and gradients itself
            parts = self.matrix.parts(parameters[self.matrix.name], trace.rows, view.sites)
            parts = self.bias.parts(parameters, parts, view.sites) if self.bias else parts
            parts = Parts(*(view.forward_field(part, positions) for part in parts))
            seen += view.field("preactivation", self.layer, view.forward_field(trace.h, positions), parts)
        if self.matrix.entire:
            seen += view.weights("input_weight", self.matrix.weights(parameters[self.matrix.name]))
        if not view.backward:
            return seen
        g = trace.g.reshape(-1, trace.g.shape[2])
        kernels, effective = view.gradient_kernels(
            self.layer, self.matrix.out.mean, g, trace.taught, len(trace.g), positions
        )
        seen += [] if self.of_stream else kernels
        inputs = view.features(self.matrix.kernel(trace.rows), positions)
        seen.append(
            Observation("tangent_kernel", None, view.share(effective, inputs, positions), self.matrix.name)
        )
        return seen + ([self.bias.observe(effective)] if self.bias else [])

"""The first layer: inputs to preactivations."""

from dataclasses import dataclass

import numpy as np

from ..matrices.input import InputMatrix
from .bias import Bias
from .layer import Layer, Observation, observed_field, root_mean_square


@dataclass
class _Trace:
    examples: slice
    h: np.ndarray
    g: np.ndarray | None = None


class Input(Layer):
    """h^1 = W^0 x / sqrt(D) + b^0; its input is the slice or the indices of examples to show, its matrix knows them."""

    def __init__(self, matrix: InputMatrix, layer: int = 1, std: float = 1.0, bias: Bias | None = None):
        self.matrix, self.layer, self.std, self.bias = matrix, layer, std, bias

    def initial(self):
        return {self.matrix.name: self.matrix.initial().scaled(self.std), **(self.bias.initial() if self.bias else {})}

    def forward(self, parameters, x):
        h = self.matrix.apply(parameters[self.matrix.name], x)
        h = self.bias.added(parameters, h) if self.bias else h
        return h, _Trace(x, h)

    def backward(self, parameters, trace, z):
        trace.g = z
        return None

    def gradients(self, trace, weights):
        biases = self.bias.gradients(weights, trace.g) if self.bias else {}
        return {self.matrix.name: self.matrix.outer(weights, trace.g, trace.examples), **biases}

    def sizes(self, parameters):
        found = {self.matrix.name: root_mean_square(parameters[self.matrix.name].learned)}
        return found | (self.bias.sizes(parameters) if self.bias else {})

    def observe(self, parameters, trace, chosen):
        parts = self.matrix.parts(parameters[self.matrix.name], trace.examples, chosen)
        gradient = self.matrix.out.mean(trace.g, trace.g)
        parts = self.bias.parts(parameters, parts, chosen) if self.bias else parts
        seen = [
            *observed_field("preactivation", self.layer, trace.h, parts, chosen),
            Observation("gradient_kernel", self.layer, gradient),
            Observation("tangent_kernel", None, gradient * self.matrix.kernel(trace.examples), self.matrix.name),
        ]
        return [*seen, self.bias.observe(gradient)] if self.bias else seen

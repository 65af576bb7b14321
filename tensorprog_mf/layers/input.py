"""The first layer: inputs to preactivations."""

from dataclasses import dataclass

import numpy as np

from ..matrices.input import InputMatrix
from .bias import Bias
from .layer import Layer, Observation, root_mean_square


@dataclass
class _Trace:
    examples: slice | np.ndarray
    h: np.ndarray
    g: np.ndarray | None = None
    taught: np.ndarray | None = None


class Input(Layer):
    """h^1 = W^0 x / sqrt(D) + b^0; its input are the examples to show, as its matrix takes them."""

    def __init__(self, matrix: InputMatrix, layer: int = 1, std: float = 1.0, bias: Bias | None = None, of_stream: bool = False):
        self.matrix, self.layer, self.std, self.bias, self.of_stream = matrix, layer, std, bias, of_stream

    def initial(self):
        return {self.matrix.name: self.matrix.initial().scaled(self.std), **(self.bias.initial() if self.bias else {})}

    def forward(self, parameters, x):
        h = self.matrix.apply(parameters[self.matrix.name], x)
        h = self.bias.added(parameters, h) if self.bias else h
        return h, _Trace(x, h)

    def backward(self, parameters, trace, z):
        trace.g = z
        return None

    def feedback(self, parameters, trace, z, signal):
        trace.taught = z
        return None

    def gradients(self, trace, weights):
        g = trace.g[0] if trace.taught is None else trace.taught
        biases = self.bias.gradients(weights, g) if self.bias else {}
        return {self.matrix.name: self.matrix.outer(weights, g, trace.examples), **biases}

    def refresh(self, parameters, trace, variance):
        self.matrix.refresh(parameters[self.matrix.name].heat(variance))
        if self.bias:
            self.bias.refresh(parameters, variance)

    def sizes(self, parameters):
        found = {self.matrix.name: root_mean_square(parameters[self.matrix.name].learned)}
        return found | (self.bias.sizes(parameters) if self.bias else {})

    def observe(self, parameters, trace, view):
        seen = []
        if not self.of_stream:  # which observes its fields and gradients itself
            parts = self.matrix.parts(parameters[self.matrix.name], trace.examples, view.sites)
            parts = self.bias.parts(parameters, parts, view.sites) if self.bias else parts
            parts = parts._make(part[view.kept] for part in parts)
            seen += view.field("preactivation", self.layer, trace.h[view.kept], parts)
        if not view.backward:
            return seen
        mean, g = self.matrix.out.mean, trace.g.reshape(-1, trace.g.shape[2])
        gradient = effective = view.kernel(mean(g, g), len(trace.g))
        if view.taught:
            effective = view.kernel(mean(g, trace.taught))
        if not self.of_stream:
            seen.append(Observation("gradient_kernel", self.layer, gradient))
        if not self.of_stream and view.taught:
            seen += [
                Observation("gradient_pseudogradient_kernel", self.layer, effective),
                Observation("pseudogradient_kernel", self.layer, view.kernel(mean(trace.taught, trace.taught))),
            ]
        inputs = view.features(self.matrix.kernel(trace.examples))
        seen.append(Observation("tangent_kernel", None, view.product(effective, inputs), self.matrix.name))
        return seen + ([self.bias.observe(effective)] if self.bias else [])

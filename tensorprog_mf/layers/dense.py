"""A fully connected hidden layer over any matrix."""

from dataclasses import dataclass

import numpy as np

from ..matrices.matrix import Matrix
from .bias import Bias
from .layer import Layer, Observation, observed_field


@dataclass
class _Trace:
    x: np.ndarray  # handles, not site arrays
    h: np.ndarray
    g: np.ndarray | None = None
    z: np.ndarray | None = None
    incoming: np.ndarray | None = None  # g itself, for the bias


class Dense(Layer):
    """h^{l+1} = W^l phi(h^l) / sqrt(N) + b^l, with l = `layer`, entries of W^l starting as N(0, std^2)."""

    def __init__(self, matrix: Matrix, layer: int, std: float = 1.0, bias: Bias | None = None):
        self.matrix, self.layer, self.std, self.bias = matrix, layer, std, bias

    def initial(self):
        return {self.matrix.name: self.matrix.initial().scaled(self.std), **(self.bias.initial() if self.bias else {})}

    def forward(self, parameters, x):
        h, handle = self.matrix.apply(parameters[self.matrix.name], x)
        h = self.bias.added(parameters, h) if self.bias else h
        return h, _Trace(handle, h)

    def backward(self, parameters, trace, z):
        trace.incoming = z if self.bias else None
        trace.z, trace.g = self.matrix.apply_transpose(parameters[self.matrix.name], z)
        return trace.z

    def gradients(self, trace, weights):
        biases = self.bias.gradients(weights, trace.incoming) if self.bias else {}
        return {self.matrix.name: self.matrix.outer(weights, trace.g, trace.x), **biases}

    def sizes(self, parameters):
        found = {self.matrix.name: self.matrix.size(parameters[self.matrix.name])}
        return found | (self.bias.sizes(parameters) if self.bias else {})

    def observe(self, parameters, trace, chosen):
        matrix, parameter, below, above = self.matrix, parameters[self.matrix.name], self.layer, self.layer + 1
        feature, gradient = matrix.inner(trace.x, trace.x, matrix.into), matrix.inner(trace.g, trace.g, matrix.out)
        parts = matrix.parts_forward(parameter, trace.x, chosen)
        seen = [
            *observed_field("preactivation", above, trace.h, self.bias.parts(parameters, parts, chosen) if self.bias else parts, chosen),
            *observed_field("backward_field", below, trace.z, matrix.parts_backward(parameter, trace.g, chosen), chosen),
            Observation("feature_kernel", below, feature),
            Observation("gradient_kernel", above, gradient),
            Observation("tangent_kernel", None, gradient * feature, matrix.name),
        ]
        if self.bias:
            seen.append(self.bias.observe(gradient))
        if matrix.rank is not None:
            seen += [Observation("rank_forward", below, matrix.rank[0]), Observation("rank_backward", above, matrix.rank[1])]
        return seen

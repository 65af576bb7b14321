"""A fully connected hidden layer over any matrix."""

from dataclasses import dataclass

import numpy as np

from ..matrices.matrix import Matrix
from .layer import Layer, Observation, observed_field


@dataclass
class _Trace:
    x: np.ndarray  # handles, not site arrays
    h: np.ndarray
    g: np.ndarray | None = None
    z: np.ndarray | None = None


class Dense(Layer):
    """h^{l+1} = W^l phi(h^l) / sqrt(N), with l = `layer`."""

    def __init__(self, matrix: Matrix, layer: int):
        self.matrix, self.layer = matrix, layer

    def initial(self):
        return {self.matrix.name: self.matrix.initial()}

    def forward(self, parameters, x):
        h, handle = self.matrix.apply(parameters[self.matrix.name], x)
        return h, _Trace(handle, h)

    def backward(self, parameters, trace, z):
        trace.z, trace.g = self.matrix.apply_transpose(parameters[self.matrix.name], z)
        return trace.z

    def gradients(self, trace, weights):
        return {self.matrix.name: self.matrix.outer(weights, trace.g, trace.x)}

    def observe(self, parameters, trace, chosen):
        matrix, parameter, below, above = self.matrix, parameters[self.matrix.name], self.layer, self.layer + 1
        feature, gradient = matrix.inner(trace.x, trace.x, matrix.into), matrix.inner(trace.g, trace.g, matrix.out)
        seen = [
            *observed_field("preactivation", above, trace.h, matrix.parts_forward(parameter, trace.x, chosen), chosen),
            *observed_field("backward_field", below, trace.z, matrix.parts_backward(parameter, trace.g, chosen), chosen),
            Observation("feature_kernel", below, feature),
            Observation("gradient_kernel", above, gradient),
            Observation("tangent_kernel", None, gradient * feature, matrix.name),
        ]
        if matrix.rank is not None:
            seen += [Observation("rank_forward", below, matrix.rank[0]), Observation("rank_backward", above, matrix.rank[1])]
        return seen

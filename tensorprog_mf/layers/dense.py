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

    def observe(self, parameters, trace, selection):
        matrix, parameter, chosen = self.matrix, parameters[self.matrix.name], selection.sites
        below, above = self.layer, self.layer + 1
        seen = observed_field("preactivation", above, trace.h, matrix.parts_forward(parameter, trace.x, chosen), chosen)
        seen += observed_field("backward_field", below, trace.z, matrix.parts_backward(parameter, trace.g, chosen), chosen)
        forward, backward = matrix.rank
        seen += [Observation("rank_forward", below, forward), Observation("rank_backward", above, backward)]
        if selection.kernels:
            feature = matrix.inner(trace.x, trace.x, matrix.into)
            gradient = matrix.inner(trace.g, trace.g, matrix.out)
            seen += [
                Observation("feature_kernel", below, feature),
                Observation("gradient_kernel", above, gradient),
                Observation("tangent_kernel", None, gradient * feature),
            ]
        return seen

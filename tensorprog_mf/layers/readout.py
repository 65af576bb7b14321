"""The last layer: features to outputs."""

from dataclasses import dataclass

import numpy as np

from ..matrices.readout import ReadoutMatrix
from .layer import Layer, Observation, observed_field


@dataclass
class _Trace:
    x: np.ndarray
    seed: np.ndarray | None = None
    z: np.ndarray | None = None


class Readout(Layer):
    """gamma0 f = <w phi(h^L)>; its backward input is the seed (vector, output) that weights the outputs."""

    def __init__(self, matrix: ReadoutMatrix, layer: int):
        self.matrix, self.layer = matrix, layer

    def initial(self):
        return {self.matrix.name: self.matrix.initial()}

    def forward(self, parameters, x):
        return self.matrix.apply(parameters[self.matrix.name], x), _Trace(x)

    def backward(self, parameters, trace, z):
        trace.seed, trace.z = z, self.matrix.apply_transpose(parameters[self.matrix.name], z)
        return trace.z

    def gradients(self, trace, weights):
        return {self.matrix.name: self.matrix.outer(weights, trace.seed, trace.x)}

    def observe(self, parameters, trace, chosen):
        parts = self.matrix.parts(parameters[self.matrix.name], trace.seed, chosen)
        feature = self.matrix.into.mean(trace.x, trace.x)
        return [
            *observed_field("backward_field", self.layer, trace.z, parts, chosen),
            Observation("feature_kernel", self.layer, feature),
            Observation("tangent_kernel", None, feature, self.matrix.name),
        ]

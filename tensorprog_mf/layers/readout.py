"""The last layer: features to outputs."""

from dataclasses import dataclass

import numpy as np

from ..matrices.parameter import Parameter
from ..matrices.readout import ReadoutMatrix
from .layer import Layer, Observation, observed_field, root_mean_square

OUTPUT_BIAS = "b_out"


@dataclass
class _Trace:
    x: np.ndarray
    seed: np.ndarray | None = None
    z: np.ndarray | None = None


class Readout(Layer):
    """gamma0 f = <w phi(h^L)> + s (gamma0 B); its backward input is the seed (vector, output) that weights the outputs.

    The output bias B starts at zero and learns at the rate eta s, as one number per output does, not as N weights:
    `bias` is its factor s, and its parameter, called b_out, is gamma0 s B. Without factor there is none.
    """

    def __init__(self, matrix: ReadoutMatrix, layer: int, std: float = 1.0, bias: float = 0.0):
        self.matrix, self.layer, self.std, self.bias = matrix, layer, std, bias

    def initial(self):
        biases = {OUTPUT_BIAS: Parameter(1.0, np.zeros((1, self.matrix.outputs)))} if self.bias else {}
        return {self.matrix.name: self.matrix.initial().scaled(self.std), **biases}

    def forward(self, parameters, x):
        outputs = self.matrix.apply(parameters[self.matrix.name], x)
        return outputs + parameters[OUTPUT_BIAS].learned if self.bias else outputs, _Trace(x)

    def backward(self, parameters, trace, z):
        trace.seed, trace.z = z, self.matrix.apply_transpose(parameters[self.matrix.name], z)
        return trace.z

    def gradients(self, trace, weights):
        biases = {OUTPUT_BIAS: Parameter(0.0, self.bias**2 * weights[None, :] @ trace.seed)} if self.bias else {}
        return {self.matrix.name: self.matrix.outer(weights, trace.seed, trace.x), **biases}

    def sizes(self, parameters):
        return {name: root_mean_square(parameters[name].learned) for name in self.initial()}

    def observe(self, parameters, trace, chosen):
        parts = self.matrix.parts(parameters[self.matrix.name], trace.seed, chosen)
        feature = self.matrix.into.mean(trace.x, trace.x)
        seen = [
            *observed_field("backward_field", self.layer, trace.z, parts, chosen),
            Observation("feature_kernel", self.layer, feature),
            Observation("tangent_kernel", None, feature, self.matrix.name),
        ]
        if self.bias:
            seen.append(Observation("tangent_kernel", None, np.full_like(feature, self.bias**2), OUTPUT_BIAS))
        return seen

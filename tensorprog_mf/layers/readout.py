"""The last layer: features to outputs."""

from dataclasses import dataclass

import numpy as np

from ..matrices.parameter import Parameter
from ..matrices.readout import ReadoutMatrix
from ..training.roles import Role
from .layer import Layer, Observation, root_mean_square

OUTPUT_BIAS = "b_out"


@dataclass
class _Trace:
    x: np.ndarray
    seed: np.ndarray | None = None
    z: np.ndarray | None = None
    taught: np.ndarray | None = None  # the seed of the learning rule


class Readout(Layer):
    """gamma0 f = <w phi(h^L)> + s (gamma0 B); its backward input is the seed (column, vector, output) that
    weights the outputs.

    The output bias B starts at zero and learns at the rate eta s, as one number per output does, not as N
    weights: `bias` is its factor s, and its parameter, called b_out, is gamma0 s B. Without factor there is
    none.
    """

    def __init__(
        self,
        matrix: ReadoutMatrix,
        layer: int,
        std: float = 1.0,
        bias: float = 0.0,
        of_stream: bool = False,
        observed: bool = True,
    ):
        self.matrix, self.layer, self.std, self.bias = matrix, layer, std, bias
        self.of_stream, self.observed = of_stream, observed

    def initial(self):
        bias = Parameter(1.0, np.zeros((1, self.matrix.outputs)), Role.OUTPUT_BIAS)
        biases = {OUTPUT_BIAS: bias} if self.bias else {}
        return {self.matrix.name: self.matrix.initial().scaled(self.std), **biases}

    def forward(self, parameters, x):
        outputs = self.matrix.apply(parameters[self.matrix.name], x)
        return outputs + parameters[OUTPUT_BIAS].learned if self.bias else outputs, _Trace(x)

    def backward(self, parameters, trace, z):
        trace.seed, columns = z, len(z)
        flat = self.matrix.apply_transpose(parameters[self.matrix.name], z.reshape(-1, self.matrix.outputs))
        trace.z = flat.reshape(columns, -1, flat.shape[1])
        return trace.z

    def feedback(self, parameters, trace, z, signal):
        trace.taught = z
        return self.matrix.feedback(parameters[self.matrix.name], z)

    def gradients(self, trace, weights):
        seed = trace.seed[0] if trace.taught is None else trace.taught
        biases = (
            {OUTPUT_BIAS: Parameter(0.0, self.bias**2 * weights[None, : len(seed)] @ seed)}
            if self.bias
            else {}
        )
        return {self.matrix.name: self.matrix.outer(weights, seed, trace.x), **biases}

    def refresh(self, parameters, trace, variance):
        self.matrix.refresh(parameters[self.matrix.name].heat(variance), trace.x)

    def sizes(self, parameters):
        return {name: root_mean_square(parameters[name].learned) for name in self.initial()}

    def observe(self, parameters, trace, view):
        feature = view.features(self.matrix.into.mean(trace.x, trace.x))
        seen = [Observation("feature_kernel", self.layer, feature)] if self.observed else []
        if not view.backward:
            return seen
        if self.observed and not self.of_stream:  # whose backward field is observed there
            seed, columns = trace.seed.reshape(-1, self.matrix.outputs), len(trace.z)
            parts = view.parts(self.matrix.parts(parameters[self.matrix.name], seed, view.sites), columns)
            seen += view.field("backward_field", self.layer, view.backward_field(trace.z), parts)
        same = (
            np.eye(view.outputs)[None, :, None, :] if view.outputs else np.ones(1)
        )  # outputs have weights of their own
        seen.append(Observation("tangent_kernel", None, view.share(same, feature), self.matrix.name))
        if self.bias:
            ones = view.share(same, np.ones_like(feature))
            seen.append(Observation("tangent_kernel", None, self.bias**2 * ones, OUTPUT_BIAS))
        return seen

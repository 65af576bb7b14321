"""The last layer: features to outputs."""

from dataclasses import dataclass

import numpy as np

from ..matrices.parameter import Parameter
from ..matrices.readout import ReadoutMatrix
from ..training.roles import Role
from .layer import Layer, Parameters, Signal, root_mean_square

OUTPUT_BIAS = "b_out"


@dataclass(frozen=True)
class _Trace:
    x: np.ndarray


@dataclass(frozen=True)
class _Back:
    seed: np.ndarray


class Readout(Layer[_Trace, _Back]):
    """gamma0 f = <w phi(h^L)> + s (gamma0 B); its backward input is the seed (column, vector, output) that
    weights the outputs.

    The output bias B starts at zero and learns at the rate eta s, as one number per output does, not as N
    weights: `bias` is its factor s, and its parameter, called b_out, is gamma0 s B. Without factor there is
    none.
    """

    def __init__(self, matrix: ReadoutMatrix, std: float = 1.0, bias: float = 0.0):
        self.matrix, self.std, self.bias = matrix, std, bias

    def initial(self) -> Parameters:
        bias = Parameter(1.0, np.zeros((1, self.matrix.outputs)), Role.OUTPUT_BIAS)
        biases = {OUTPUT_BIAS: bias} if self.bias else {}
        return {self.matrix.name: self.matrix.initial().scaled(self.std), **biases}

    def forward(self, parameters: Parameters, x: np.ndarray) -> tuple[np.ndarray, _Trace]:
        outputs = self.matrix.apply(parameters[self.matrix.name], x)
        return outputs + parameters[OUTPUT_BIAS].learned if self.bias else outputs, _Trace(x)

    def backward(self, parameters: Parameters, trace: _Trace, z: np.ndarray) -> tuple[np.ndarray, _Back]:
        flat = self.matrix.apply_transpose(parameters[self.matrix.name], z.reshape(-1, self.matrix.outputs))
        return flat.reshape(len(z), -1, flat.shape[1]), _Back(z)

    def feedback(
        self, parameters: Parameters, trace: _Trace, z: np.ndarray, signal: Signal
    ) -> tuple[np.ndarray, _Back]:
        return self.matrix.feedback(parameters[self.matrix.name], z[0])[None], _Back(z)

    def gradients(self, trace: _Trace, back: _Back, weights: np.ndarray) -> Parameters:
        seed = back.seed[0]
        found = {self.matrix.name: self.matrix.outer(weights, seed, trace.x)}
        if self.bias:
            found[OUTPUT_BIAS] = Parameter(0.0, self.bias**2 * weights[None, : len(seed)] @ seed)
        return found

    def refresh(self, parameters: Parameters, trace: _Trace, variance: float) -> None:
        self.matrix.refresh(parameters[self.matrix.name].heat(variance), trace.x)

    def sizes(self, parameters: Parameters) -> dict[str, float]:
        return {name: root_mean_square(parameters[name].learned) for name in self.initial()}

"""The first layer: inputs to preactivations."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..matrices.input import InputMatrix
from .bias import Bias
from .layer import Layer, Parameters, root_mean_square

Examples = slice | np.ndarray  # known ones by number, or new ones


@dataclass(frozen=True)
class _Trace:
    rows: Examples  # what the matrix was asked for


@dataclass(frozen=True)
class _Back:
    g: np.ndarray


class Input(Layer[_Trace, _Back]):
    """h^1 = W^0 x / sqrt(D) + b^0; its input are the examples to show, known ones by number or new ones.

    Each example may be several vectors, `positions` of them: `vectors` turns new inputs into (example x
    position, feature). On the way back inputs have no sites.
    """

    def __init__(
        self,
        matrix: InputMatrix,
        std: float = 1.0,
        bias: Bias | None = None,
        positions: int | None = None,
        vectors: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        self.matrix, self.std, self.bias = matrix, std, bias
        self.positions, self.vectors = positions, vectors

    def _rows(self, examples: Examples) -> Examples:
        """What the matrix knows the vectors of the examples by."""
        if isinstance(examples, np.ndarray) and examples.ndim > 1:
            return self.vectors(examples) if self.vectors else examples
        if self.positions is None:
            return examples
        if isinstance(examples, slice):
            known = len(self.matrix.coordinates) // self.positions
            examples = np.arange(known)[examples]
        return (examples[:, None] * self.positions + np.arange(self.positions)).ravel()

    def initial(self) -> Parameters:
        return {
            self.matrix.name: self.matrix.initial().scaled(self.std),
            **(self.bias.initial() if self.bias else {}),
        }

    def forward(self, parameters: Parameters, x: Examples) -> tuple[np.ndarray, _Trace]:
        rows = self._rows(x)
        h = self.matrix.apply(parameters[self.matrix.name], rows)
        h = self.bias.added(parameters, h) if self.bias else h
        return h, _Trace(rows)

    def backward(self, parameters: Parameters, trace: _Trace, z: np.ndarray) -> tuple[np.ndarray, _Back]:
        return z[..., :0], _Back(z)

    def gradients(self, trace: _Trace, back: _Back, weights: np.ndarray) -> Parameters:
        g = back.g[0]
        weights = weights if self.positions is None else np.repeat(weights, self.positions)
        biases = self.bias.gradients(weights, g) if self.bias else {}
        return {self.matrix.name: self.matrix.outer(weights, g, trace.rows), **biases}

    def refresh(self, parameters: Parameters, trace: _Trace, variance: float) -> None:
        self.matrix.refresh(parameters[self.matrix.name].heat(variance))
        if self.bias:
            self.bias.refresh(parameters, variance)

    def sizes(self, parameters: Parameters) -> dict[str, float]:
        found = {self.matrix.name: root_mean_square(parameters[self.matrix.name].learned)}
        return found | (self.bias.sizes(parameters) if self.bias else {})

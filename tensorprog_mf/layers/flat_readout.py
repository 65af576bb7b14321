"""The last layer of a convolutional network that reads every position by weights of its own."""

from dataclasses import dataclass

import numpy as np

from ..matrices.parameter import Parameter
from ..matrices.readout import ReadoutMatrix
from .layer import Layer, Parameters, root_mean_square


@dataclass(frozen=True)
class _Trace:
    x: np.ndarray


@dataclass(frozen=True)
class _Back:
    seed: np.ndarray


class FlatReadout(Layer[_Trace, _Back]):
    """gamma0 f_c = sum_a <w_{ca} phi(h^L_a)> / sqrt(A), a row of weights for every output and position."""

    def __init__(self, matrix: ReadoutMatrix, positions: int):
        self.matrix, self.positions = matrix, positions
        self.outputs = matrix.outputs // positions

    def initial(self) -> Parameters:
        return {self.matrix.name: self.matrix.initial()}

    def _rows(self, parameters: Parameters) -> np.ndarray:
        """(position, output, site), divided by sqrt(positions)."""
        rows = self.matrix.weights(parameters[self.matrix.name])
        return rows.reshape(self.positions, self.outputs, -1) / np.sqrt(self.positions)

    def _at(self, x: np.ndarray) -> np.ndarray:
        """(position, example, site)."""
        return np.ascontiguousarray(x.reshape(-1, self.positions, x.shape[-1]).transpose(1, 0, 2))

    def forward(self, parameters: Parameters, x: np.ndarray) -> tuple[np.ndarray, _Trace]:
        self.matrix.reveal(x)
        mean = self.matrix.into.mean
        each = [mean(here, rows) for here, rows in zip(self._at(x), self._rows(parameters))]
        return sum(each[1:], each[0]), _Trace(x)

    def backward(self, parameters: Parameters, trace: _Trace, z: np.ndarray) -> tuple[np.ndarray, _Back]:
        combine, columns = self.matrix.into.combine, len(z)
        each = [combine(z.reshape(-1, self.outputs), rows) for rows in self._rows(parameters)]
        return np.stack(each, axis=1).reshape(columns, -1, self.matrix.into.count), _Back(z)

    def gradients(self, trace: _Trace, back: _Back, weights: np.ndarray) -> Parameters:
        seed = back.seed[0]
        coefficients = (weights[: len(seed), None] * seed).T / np.sqrt(self.positions)
        rows = [self.matrix.into.combine(coefficients, x[: len(seed)]) for x in self._at(trace.x)]
        return {self.matrix.name: Parameter(0.0, np.concatenate(rows))}

    def refresh(self, parameters: Parameters, trace: _Trace, variance: float) -> None:
        self.matrix.refresh(parameters[self.matrix.name].heat(variance), trace.x)

    def sizes(self, parameters: Parameters) -> dict[str, float]:
        return {self.matrix.name: root_mean_square(parameters[self.matrix.name].learned)}

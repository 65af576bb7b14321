"""The last layer of a convolutional network that reads every position by weights of its own."""

from dataclasses import dataclass

import numpy as np

from ..matrices.parameter import Parameter
from ..matrices.readout import ReadoutMatrix
from .layer import Layer, Observation, root_mean_square


@dataclass
class _Trace:
    x: np.ndarray
    seed: np.ndarray | None = None
    z: np.ndarray | None = None


class FlatReadout(Layer):
    """gamma0 f_c = sum_a <w_{ca} phi(h^L_a)> / sqrt(A), a row of weights for every output and position."""

    def __init__(self, matrix: ReadoutMatrix, layer: int, positions: int):
        self.matrix, self.layer, self.positions = matrix, layer, positions
        self.outputs = matrix.outputs // positions

    def initial(self):
        return {self.matrix.name: self.matrix.initial()}

    def _rows(self, parameters) -> np.ndarray:
        """(position, output, site), divided by sqrt(positions)."""
        parameter = parameters[self.matrix.name]
        rows = parameter.scale * self.matrix.rows + parameter.learned
        return rows.reshape(self.positions, self.outputs, -1) / np.sqrt(self.positions)

    def _at(self, x: np.ndarray) -> np.ndarray:
        """(position, example, site)."""
        return np.ascontiguousarray(x.reshape(-1, self.positions, x.shape[-1]).transpose(1, 0, 2))

    def forward(self, parameters, x):
        self.matrix.reveal(x)
        mean = self.matrix.into.mean
        return sum(mean(each, rows) for each, rows in zip(self._at(x), self._rows(parameters))), _Trace(x)

    def backward(self, parameters, trace, z):
        combine, columns = self.matrix.into.combine, len(z)
        each = [combine(z.reshape(-1, self.outputs), rows) for rows in self._rows(parameters)]
        trace.seed = z
        trace.z = np.stack(each, axis=1).reshape(columns, -1, self.matrix.into.count)
        return trace.z

    def feedback(self, parameters, trace, z, signal):
        return self.backward(parameters, trace, z[None])[0]

    def gradients(self, trace, weights):
        seed = trace.seed[0]
        coefficients = (weights[: len(seed), None] * seed).T / np.sqrt(self.positions)
        rows = [self.matrix.into.combine(coefficients, x[: len(seed)]) for x in self._at(trace.x)]
        return {self.matrix.name: Parameter(0.0, np.concatenate(rows))}

    def refresh(self, parameters, trace, variance):
        self.matrix.refresh(parameters[self.matrix.name].heat(variance), trace.x)

    def sizes(self, parameters):
        return {self.matrix.name: root_mean_square(parameters[self.matrix.name].learned)}

    def observe(self, parameters, trace, view):
        feature = view.features(self.matrix.into.mean(trace.x, trace.x), self.positions)
        seen = [Observation("feature_kernel", self.layer, feature)]
        if view.backward:
            seen += view.field(
                "backward_field", self.layer, view.backward_field(trace.z, self.positions), None
            )
            own = np.einsum("mana->mn", feature) / self.positions
            seen.append(Observation("tangent_kernel", None, own, self.matrix.name))
        return seen

"""A recurrent layer: one random matrix asked at every position of a sequence."""

from dataclasses import dataclass

import numpy as np

from ..matrices.input import InputMatrix
from ..matrices.matrix import Matrix
from ..sites.activations import Activation
from .input import Examples
from .layer import Layer, Parameters, root_mean_square
from .left_out import left_out


@dataclass(frozen=True)
class _Trace:
    rows: np.ndarray  # of the input matrix, (example x position)
    h: np.ndarray  # (position, example, site), as all that follow
    phi: np.ndarray
    slope: np.ndarray
    asked: list[np.ndarray]  # handles of phi(h_k), k < last


@dataclass(frozen=True)
class _Back:
    z: np.ndarray  # (position, example, site): what comes back to phi(h_k)
    g: np.ndarray  # phi'(h_k) z_k
    answered: list[np.ndarray]  # handles of g_k, k > first
    below: list[np.ndarray]  # W^T g_k, k > first


class Recurrent(Layer[_Trace, _Back]):
    """h_1 = U x_1 / sqrt(D), h_k = W phi(h_{k-1}) / sqrt(N) + U x_k / sqrt(D); gives phi(h_S), or the mean of
    all phi(h_k).

    Its input are examples by number, whose positions the matrix U knows, or new ones. Queries come in the
    order of the network: forward k = 1 ... S - 1, backward k = S ... 2, all on the same matrix, so that each
    answer is conditioned on all the queries before it.
    """

    def __init__(
        self, matrix: Matrix, inputs: InputMatrix, activation: Activation, positions: int, averaged: bool
    ):
        self.matrix, self.inputs, self.activation = matrix, inputs, activation
        self.positions, self.averaged = positions, averaged
        self.examples = len(inputs.coordinates) // positions

    def initial(self) -> Parameters:
        return {self.inputs.name: self.inputs.initial(), self.matrix.name: self.matrix.initial()}

    def _rows(self, examples: Examples) -> np.ndarray:
        """What the input matrix knows the positions of the examples by: numbers of known ones, or new
        inputs."""
        if isinstance(examples, np.ndarray) and examples.ndim > 1:
            return examples.reshape(-1, examples.shape[2])
        shown = np.arange(self.examples)[examples]
        return (shown[:, None] * self.positions + np.arange(self.positions)).ravel()

    def forward(self, parameters: Parameters, x: Examples) -> tuple[np.ndarray, _Trace]:
        rows = self._rows(x)
        flat = self.inputs.apply(parameters[self.inputs.name], rows)
        driven = flat.reshape(-1, self.positions, flat.shape[1])
        h, both, asked = [driven[:, 0]], [], []
        for k in range(1, self.positions):
            both.append(self.activation(h[-1]))
            y, handle = self.matrix.apply(parameters[self.matrix.name], both[-1][0])
            asked.append(handle)
            h.append(y + driven[:, k])
        both.append(self.activation(h[-1]))
        phi, slope = (np.array(each) for each in zip(*both))
        return phi.mean(axis=0) if self.averaged else phi[-1], _Trace(rows, np.array(h), phi, slope, asked)

    def backward(self, parameters: Parameters, trace: _Trace, z: np.ndarray) -> tuple[np.ndarray, _Back]:
        if len(z) > 1:
            raise RuntimeError("a recurrent layer goes back for one column of fields at a time.")
        m, each = z.shape[1], z[0] / (self.positions if self.averaged else 1)
        # Lists begin with the last position; the readout reaches the others only where it averages.
        fields, gradients = [each], [trace.slope[-1][:m] * each]
        answered, below = [], []
        for k in range(self.positions - 1, 0, -1):
            sent, handle = self.matrix.apply_transpose(parameters[self.matrix.name], gradients[-1])
            answered.append(handle)
            below.append(sent)
            fields.append(sent + each if self.averaged else sent)
            gradients.append(trace.slope[k - 1][:m] * fields[-1])
        back = _Back(np.array(fields[::-1]), np.array(gradients[::-1]), answered[::-1], below[::-1])
        return z[..., :0], back

    def gradients(self, trace: _Trace, back: _Back, weights: np.ndarray) -> Parameters:
        positions, m, sites = back.g.shape
        pairs = list(zip(back.answered, trace.asked))
        if pairs:
            total = self.matrix.outer(weights, *pairs[0])
            for g, x in pairs[1:]:
                total.add(1.0, self.matrix.outer(weights, g, x))
        else:  # a single position never asks the matrix
            total = self.matrix.initial().scaled(0.0)
        by_example = back.g.transpose(1, 0, 2).reshape(m * positions, sites)
        drive = self.inputs.outer(np.repeat(weights[:m], positions), by_example, trace.rows)
        return {self.inputs.name: drive, self.matrix.name: total}

    def refresh(self, parameters: Parameters, trace: _Trace, variance: float) -> None:
        self.inputs.refresh(parameters[self.inputs.name].heat(variance))
        self.matrix.refresh(parameters[self.matrix.name].heat(variance))

    def sizes(self, parameters: Parameters) -> dict[str, float]:
        return {
            self.inputs.name: root_mean_square(parameters[self.inputs.name].learned),
            self.matrix.name: self.matrix.size(parameters[self.matrix.name]),
        }

    def left_out(self, parameters: Parameters, trace: _Trace, back: _Back) -> list[np.ndarray]:
        found: list[np.ndarray] = []
        for z, g, c, x in zip(back.below, back.answered, trace.asked, trace.phi):
            held = self.matrix.held(parameters[self.matrix.name], g, c[: len(g)])
            found += left_out(held, z[None], x)
        return found

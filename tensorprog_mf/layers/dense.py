"""A fully connected hidden layer over any matrix."""

from dataclasses import dataclass

import numpy as np

from ..matrices.matrix import Matrix
from .bias import Bias
from .layer import Layer, Parameters, Signal
from .left_out import left_out


@dataclass(frozen=True)
class _Trace:
    x: np.ndarray  # handles, not site arrays
    fed: np.ndarray  # features themselves


@dataclass(frozen=True)
class _Back:
    g: np.ndarray  # handles, (column x vector)
    above: np.ndarray  # g itself, for the bias
    below: np.ndarray


class Dense(Layer[_Trace, _Back]):
    """h^{l+1} = W^l phi(h^l) / sqrt(N) + b^l, entries of W^l starting as N(0, std^2).

    Each example may be several vectors, `positions` of them.
    """

    def __init__(
        self, matrix: Matrix, std: float = 1.0, bias: Bias | None = None, positions: int | None = None
    ):
        self.matrix, self.std, self.bias, self.positions = matrix, std, bias, positions

    def initial(self) -> Parameters:
        return {
            self.matrix.name: self.matrix.initial().scaled(self.std),
            **(self.bias.initial() if self.bias else {}),
        }

    def forward(self, parameters: Parameters, x: np.ndarray) -> tuple[np.ndarray, _Trace]:
        h, handle = self.matrix.apply(parameters[self.matrix.name], x)
        h = self.bias.added(parameters, h) if self.bias else h
        return h, _Trace(handle, x)

    def backward(self, parameters: Parameters, trace: _Trace, z: np.ndarray) -> tuple[np.ndarray, _Back]:
        columns, vectors, sites = z.shape
        flat, g = self.matrix.apply_transpose(parameters[self.matrix.name], z.reshape(-1, sites))
        below = flat.reshape(columns, vectors, flat.shape[1])
        return below, _Back(g, z, below)

    def feedback(
        self, parameters: Parameters, trace: _Trace, z: np.ndarray, signal: Signal
    ) -> tuple[np.ndarray, _Back]:
        sent, g = self.matrix.feedback(parameters[self.matrix.name], z[0], signal.seed)
        return sent[None], _Back(g, z, sent[None])

    def gradients(self, trace: _Trace, back: _Back, weights: np.ndarray) -> Parameters:
        weights = weights if self.positions is None else np.repeat(weights, self.positions)
        biases = self.bias.gradients(weights, back.above[0]) if self.bias else {}
        return {self.matrix.name: self.matrix.outer(weights, back.g, trace.x), **biases}

    def refresh(self, parameters: Parameters, trace: _Trace, variance: float) -> None:
        self.matrix.refresh(parameters[self.matrix.name].heat(variance))
        if self.bias:
            self.bias.refresh(parameters, variance)

    def sizes(self, parameters: Parameters) -> dict[str, float]:
        found = {self.matrix.name: self.matrix.size(parameters[self.matrix.name])}
        return found | (self.bias.sizes(parameters) if self.bias else {})

    def left_out(self, parameters: Parameters, trace: _Trace, back: _Back) -> list[np.ndarray]:
        columns, vectors, _ = back.below.shape
        x = np.tile(trace.x[:vectors], (columns, 1))
        held = self.matrix.held(parameters[self.matrix.name], back.g, x)
        return left_out(held, back.below, trace.fed, self.positions or 1)

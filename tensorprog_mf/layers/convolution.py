"""A convolution over positions: taps of random matrices, a table that says which position each tap looks
at."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..matrices.taps import Taps
from .layer import Layer, Parameters
from .left_out import left_out

Answers = np.ndarray | Sequence[np.ndarray]  # of every tap


@dataclass(frozen=True)
class _Trace:
    x: np.ndarray  # handles
    fed: np.ndarray  # features themselves


@dataclass(frozen=True)
class _Back:
    g: np.ndarray  # handles
    below: np.ndarray


class Convolution(Layer[_Trace, _Back]):
    """h_a = sum_b W_b x_{window[a, b]} / sqrt(N K), positions a of layer l + 1, taps b = 0 ... K - 1; -1 is
    outside and adds nothing.

    Parameters
    ----------
    taps
        K matrices.
    window
        (position of the output, tap): position of the input.
    positions
        Of the input.
    """

    def __init__(self, taps: Taps, window: np.ndarray, positions: int):
        self.taps, self.into, self.out = taps, positions, len(window)
        self._links = [
            (np.flatnonzero(column >= 0), column[column >= 0]) for column in window.T
        ]  # (outputs, inputs) of every tap
        self.scale = 1 / np.sqrt(taps.count)

    def initial(self) -> Parameters:
        return {self.taps.name: self.taps.initial()}

    def gathered(self, answers: Answers) -> np.ndarray:
        """Answers (tap, example x input position, site) at the positions of the output, (example x output
        position, site)."""
        examples = len(answers[0]) // self.into
        total = np.zeros((examples, self.out, answers[0].shape[-1]))
        for answer, (outputs, inputs) in zip(answers, self._links):
            total[:, outputs] += answer.reshape(examples, self.into, answer.shape[1])[:, inputs]
        return self.scale * total.reshape(examples * self.out, total.shape[2])

    def scattered(self, answers: Answers) -> np.ndarray:
        """The transposed way: (tap, example x output position, site) to (example x input position, site)."""
        examples = len(answers[0]) // self.out
        total = np.zeros((examples, self.into, answers[0].shape[-1]))
        for answer, (outputs, inputs) in zip(answers, self._links):
            # A tap looks at no position twice.
            total[:, inputs] += answer.reshape(examples, self.out, answer.shape[1])[:, outputs]
        return self.scale * total.reshape(examples * self.into, total.shape[2])

    def forward(self, parameters: Parameters, x: np.ndarray) -> tuple[np.ndarray, _Trace]:
        answers, handle = self.taps.apply(parameters[self.taps.name], x)
        return self.gathered(answers), _Trace(handle, x)

    def backward(self, parameters: Parameters, trace: _Trace, z: np.ndarray) -> tuple[np.ndarray, _Back]:
        columns, _, sites = z.shape
        answers, g = self.taps.apply_transpose(parameters[self.taps.name], z.reshape(-1, sites))
        below = self.scattered(answers).reshape(columns, -1, self.taps.into.count)
        return below, _Back(g, below)

    def left_out(self, parameters: Parameters, trace: _Trace, back: _Back) -> list[np.ndarray]:
        return left_out(self._held(parameters, trace, back), back.below, trace.fed, self.into)

    def _by_example(self, trace: _Trace, back: _Back) -> tuple[np.ndarray, np.ndarray]:
        """Handles g and x, (example, position, coefficient), of the examples that went back."""
        examples = len(back.g) // self.out
        g = back.g.reshape(examples, self.out, back.g.shape[1])
        return g, trace.x[: examples * self.into].reshape(examples, self.into, trace.x.shape[1])

    def _held(self, parameters: Parameters, trace: _Trace, back: _Back) -> np.ndarray | None:
        """Averages <z . E c>, (example x input position,), of the fields that come back with what the basis
        holds of features."""
        g, x = self._by_example(trace, back)
        total = np.zeros((len(g), self.into))
        for (matrix, own), (outputs, inputs) in zip(self.taps.each(parameters[self.taps.name]), self._links):
            held = matrix.held(
                own, g[:, outputs].reshape(-1, g.shape[2]), x[:, inputs].reshape(-1, x.shape[2])
            )
            if held is None:
                return None
            total[:, inputs] += held.reshape(len(g), -1)
        return self.scale * total.ravel()

    def gradients(self, trace: _Trace, back: _Back, weights: np.ndarray) -> Parameters:
        g, x = self._by_example(trace, back)
        pairs = []
        for outputs, inputs in self._links:
            each = np.repeat(weights[: len(g)] * self.scale, len(outputs))
            pairs.append(
                (
                    each,
                    g[:, outputs].reshape(len(each), g.shape[2]),
                    x[:, inputs].reshape(len(each), x.shape[2]),
                )
            )
        return {self.taps.name: self.taps.outer(pairs)}

    def refresh(self, parameters: Parameters, trace: _Trace, variance: float) -> None:
        self.taps.refresh(parameters[self.taps.name].heat(variance))

    def sizes(self, parameters: Parameters) -> dict[str, float]:
        return {self.taps.name: self.taps.size(parameters[self.taps.name])}

    def of_patches(self, kernel: np.ndarray) -> np.ndarray:
        """Kernel of the patches seen, (1/K) sum_b of (example, position, example', position') at every tap's
        positions."""
        n = kernel.shape[0]
        total = np.zeros((n, self.out, n, self.out))
        for outputs, inputs in self._links:
            total[:, outputs[:, None], :, outputs] += kernel[:, inputs[:, None], :, inputs]
        return total / self.taps.count

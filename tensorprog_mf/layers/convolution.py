"""A convolution over positions: taps of random matrices, a table that says which position each tap looks
at."""

from dataclasses import dataclass

import numpy as np

from ..matrices.matrix import Parts
from ..matrices.taps import Taps
from .layer import Layer, Observation
from .left_out import left_out


@dataclass
class _Trace:
    x: np.ndarray  # handles
    fed: np.ndarray  # features themselves
    h: np.ndarray
    g: np.ndarray | None = None
    z: np.ndarray | None = None


class Convolution(Layer):
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
    layer
        l, whose features it sees.
    """

    def __init__(self, taps: Taps, window: np.ndarray, positions: int, layer: int):
        self.taps, self.layer, self.into, self.out = taps, layer, positions, len(window)
        self._links = [
            (np.flatnonzero(column >= 0), column[column >= 0]) for column in window.T
        ]  # (outputs, inputs) of every tap
        self.scale = 1 / np.sqrt(taps.count)

    def initial(self):
        return {self.taps.name: self.taps.initial()}

    def _gathered(self, answers) -> np.ndarray:
        """Answers (tap, example x input position, site) at the positions of the output, (example x output
        position, site)."""
        examples = len(answers[0]) // self.into
        total = np.zeros((examples, self.out, answers[0].shape[-1]))
        for answer, (outputs, inputs) in zip(answers, self._links):
            total[:, outputs] += answer.reshape(examples, self.into, answer.shape[1])[:, inputs]
        return self.scale * total.reshape(examples * self.out, total.shape[2])

    def _scattered(self, answers) -> np.ndarray:
        """The transposed way: (tap, example x output position, site) to (example x input position, site)."""
        examples = len(answers[0]) // self.out
        total = np.zeros((examples, self.into, answers[0].shape[-1]))
        for answer, (outputs, inputs) in zip(answers, self._links):
            total[:, inputs] += answer.reshape(examples, self.out, answer.shape[1])[
                :, outputs
            ]  # a tap looks at no position twice
        return self.scale * total.reshape(examples * self.into, total.shape[2])

    def forward(self, parameters, x):
        answers, handle = self.taps.apply(parameters[self.taps.name], x)
        h = self._gathered(answers)
        return h, _Trace(handle, x, h)

    def backward(self, parameters, trace, z):
        columns, vectors, sites = z.shape
        answers, trace.g = self.taps.apply_transpose(parameters[self.taps.name], z.reshape(-1, sites))
        trace.z = self._scattered(answers).reshape(columns, -1, self.taps.into.count)
        return trace.z

    def feedback(self, parameters, trace, z, signal):
        return self.backward(parameters, trace, z[None])[
            0
        ]  # with the weights themselves: other rules are refused

    def left_out(self, parameters, trace):
        return left_out(self._held(parameters[self.taps.name], trace), trace.z, trace.fed, self.into)

    def _held(self, parameter, trace) -> np.ndarray | None:
        """Averages <z . E c>, (example x input position,), of the fields that come back with what the basis
        holds of features."""
        examples = len(trace.g) // self.out
        g = trace.g.reshape(examples, self.out, trace.g.shape[1])
        x = trace.x[: examples * self.into].reshape(examples, self.into, trace.x.shape[1])
        total = np.zeros((examples, self.into))
        for (matrix, own), (outputs, inputs) in zip(self.taps.each(parameter), self._links):
            held = matrix.held(
                own, g[:, outputs].reshape(-1, g.shape[2]), x[:, inputs].reshape(-1, x.shape[2])
            )
            if held is None:
                return None
            total[:, inputs] += held.reshape(examples, -1)
        return self.scale * total.ravel()

    def gradients(self, trace, weights):
        examples = len(trace.g) // self.out
        g = trace.g.reshape(examples, self.out, trace.g.shape[1])
        x = trace.x[: examples * self.into].reshape(examples, self.into, trace.x.shape[1])
        pairs = []
        for outputs, inputs in self._links:
            each = np.repeat(weights[:examples] * self.scale, len(outputs))
            pairs.append(
                (
                    each,
                    g[:, outputs].reshape(len(each), g.shape[2]),
                    x[:, inputs].reshape(len(each), x.shape[2]),
                )
            )
        return {self.taps.name: self.taps.outer(pairs)}

    def refresh(self, parameters, trace, variance):
        self.taps.refresh(parameters[self.taps.name].heat(variance))

    def sizes(self, parameters):
        return {self.taps.name: self.taps.size(parameters[self.taps.name])}

    def _windowed(self, kernel: np.ndarray) -> np.ndarray:
        """Kernel of the patches seen, (1/K) sum_b of (example, position, example', position') at every tap's
        positions."""
        n = kernel.shape[0]
        total = np.zeros((n, self.out, n, self.out))
        for outputs, inputs in self._links:
            total[:, outputs[:, None], :, outputs] += kernel[:, inputs[:, None], :, inputs]
        return total / self.taps.count

    def observe(self, parameters, trace, view):
        taps, parameter = self.taps, parameters[self.taps.name]
        feature = view.features(taps.matrices[0].inner(trace.x, trace.x, taps.into), self.into)
        parts = taps.parts(parameter, trace.x, view.sites, False)
        parts = (
            None
            if parts is None
            else Parts(*(view.forward_field(self._gathered(part), self.out) for part in zip(*parts)))
        )
        seen = [
            *view.field("preactivation", self.layer + 1, view.forward_field(trace.h, self.out), parts),
            Observation("feature_kernel", self.layer, feature),
        ]
        if view.backward:
            gradient = view.kernel(taps.matrices[0].inner(trace.g, trace.g, taps.out), 1, self.out)
            parts = taps.parts(parameter, trace.g, view.sites, True)
            parts = (
                None
                if parts is None
                else view.parts(Parts(*(self._scattered(part) for part in zip(*parts))), 1, self.into)
            )
            seen += [
                Observation("gradient_kernel", self.layer + 1, gradient),
                Observation(
                    "tangent_kernel", None, view.share(gradient, self._windowed(feature), self.out), taps.name
                ),
                *view.field("backward_field", self.layer, view.backward_field(trace.z, self.into), parts),
            ]
        if taps.rank is not None:
            seen += [
                Observation("rank_forward", self.layer, taps.rank[0]),
                Observation("rank_backward", self.layer + 1, taps.rank[1]),
            ]
        return seen

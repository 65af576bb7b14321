"""A recurrent layer: one random matrix asked at every position of a sequence."""

from dataclasses import dataclass, field

import numpy as np

from ..matrices.input import InputMatrix
from ..matrices.matrix import Matrix
from ..sites.activations import Activation
from .layer import Layer, Observation, root_mean_square
from .left_out import left_out


@dataclass
class _Trace:
    rows: np.ndarray  # of the input matrix, (example x position)
    h: np.ndarray  # (position, example, site), as all that follow
    phi: np.ndarray
    slope: np.ndarray
    asked: list[np.ndarray]  # handles of phi(h_k), k < last
    g: np.ndarray | None = None
    z: np.ndarray | None = None
    answered: list[np.ndarray] = field(default_factory=list)  # handles of g_k, k > first
    below: list[np.ndarray] = field(default_factory=list)  # W^T g_k, k > first


class Recurrent(Layer):
    """h_1 = U x_1 / sqrt(D), h_k = W phi(h_{k-1}) / sqrt(N) + U x_k / sqrt(D); gives phi(h_S), or the mean of
    all phi(h_k).

    Its input are examples by number, whose positions the matrix U knows, or new ones. Queries come in the
    order of the network: forward
    k = 1 ... S - 1, backward k = S ... 2, all on the same matrix.
    """

    def __init__(
        self, matrix: Matrix, inputs: InputMatrix, activation: Activation, positions: int, averaged: bool
    ):
        self.matrix, self.inputs, self.activation = matrix, inputs, activation
        self.positions, self.averaged, self.examples = (
            positions,
            averaged,
            len(inputs.coordinates) // positions,
        )

    def initial(self):
        return {self.inputs.name: self.inputs.initial(), self.matrix.name: self.matrix.initial()}

    def _rows(self, examples) -> np.ndarray:
        """What the input matrix knows the positions of the examples by: numbers of known ones, or new
        inputs."""
        if isinstance(examples, np.ndarray) and examples.ndim > 1:
            return examples.reshape(-1, examples.shape[2])
        shown = np.arange(self.examples)[examples]
        return (shown[:, None] * self.positions + np.arange(self.positions)).ravel()

    def forward(self, parameters, x):
        rows = self._rows(x)
        driven = self.inputs.apply(parameters[self.inputs.name], rows)
        driven = driven.reshape(-1, self.positions, driven.shape[1])
        h, both, asked = [driven[:, 0]], [], []
        for k in range(1, self.positions):
            both.append(self.activation(h[-1]))
            y, handle = self.matrix.apply(parameters[self.matrix.name], both[-1][0])
            asked.append(handle)
            h.append(y + driven[:, k])
        both.append(self.activation(h[-1]))
        phi, slope = (np.array(each) for each in zip(*both))
        return phi.mean(axis=0) if self.averaged else phi[-1], _Trace(rows, np.array(h), phi, slope, asked)

    def backward(self, parameters, trace, z):
        if len(z) > 1:
            raise RuntimeError("a recurrent layer goes back for one column of fields at a time.")
        m, each = z.shape[1], z[0] / (self.positions if self.averaged else 1)
        fields, gradients, trace.answered = [each], [trace.slope[-1][:m] * each], []
        trace.below = []
        for k in range(self.positions - 1, 0, -1):
            below, handle = self.matrix.apply_transpose(parameters[self.matrix.name], gradients[-1])
            trace.answered.append(handle)
            trace.below.append(below)
            fields.append(below + each if self.averaged else below)
            gradients.append(trace.slope[k - 1][:m] * fields[-1])
        trace.answered.reverse()
        trace.below.reverse()
        trace.z, trace.g = np.array(fields[::-1]), np.array(gradients[::-1])
        return None

    def feedback(self, parameters, trace, z, signal):
        return self.backward(parameters, trace, z[None])

    def gradients(self, trace, weights):
        m = trace.g.shape[1]
        total = (
            self.matrix.outer(weights, trace.answered[0], trace.asked[0])
            if trace.asked
            else self.matrix.initial().scaled(0.0)
        )
        for g, x in zip(trace.answered[1:], trace.asked[1:]):
            total.add(1.0, self.matrix.outer(weights, g, x))
        by_example = trace.g.transpose(1, 0, 2).reshape(m * self.positions, trace.g.shape[2])
        drive = self.inputs.outer(np.repeat(weights[:m], self.positions), by_example, trace.rows)
        return {self.inputs.name: drive, self.matrix.name: total}

    def refresh(self, parameters, trace, variance):
        for weight in (self.inputs, self.matrix):
            weight.refresh(parameters[weight.name].heat(variance))

    def sizes(self, parameters):
        learned = parameters[self.inputs.name].learned
        return {
            self.inputs.name: root_mean_square(learned),
            self.matrix.name: self.matrix.size(parameters[self.matrix.name]),
        }

    def left_out(self, parameters, trace):
        found = []
        for z, g, c, x in zip(trace.below, trace.answered, trace.asked, trace.phi):
            held = self.matrix.held(parameters[self.matrix.name], g, c[: len(g)])
            found += left_out(held, z[None], x)
        return found

    def _parts(self, parameters, trace, view):
        """Parts of h: of the drive, and from the second position on of what the matrix gives."""
        drive = self.inputs.parts(parameters[self.inputs.name], trace.rows, view.sites)
        found = [part.reshape(len(part) // self.positions, self.positions, part.shape[1]) for part in drive]
        for k, handle in enumerate(trace.asked, 1):
            parts = self.matrix.parts_forward(parameters[self.matrix.name], handle, view.sites)
            if parts is None:
                return None
            for total, part in zip(found, parts):
                total[:, k] += part
        return drive._make(total[view.kept] for total in found)

    def observe(self, parameters, trace, view):
        def flat(fields):  # (example x position, site)
            return fields.transpose(1, 0, 2).reshape(-1, fields.shape[2])

        mean, a = self.matrix.into.mean, self.positions
        feature = view.features(mean(flat(trace.phi), flat(trace.phi)), a)
        seen = [
            *view.field(
                "preactivation", 1, view.forward_field(flat(trace.h), a), self._parts(parameters, trace, view)
            ),
            *view.entire("feature", 1, view.forward_field(flat(trace.phi), a)),
            Observation("feature_kernel", 1, feature),
            view.tails(1, flat(trace.phi), trace.g),
        ]
        if view.backward:
            gradient = view.kernel(mean(flat(trace.g), flat(trace.g)), 1, a)
            inputs = view.features(self.inputs.kernel(trace.rows), a)
            seen += [
                Observation("gradient_kernel", 1, gradient),
                *view.field("backward_field", 1, view.forward_field(flat(trace.z), a), None),
                *view.entire("gradient", 1, view.forward_field(flat(trace.g), a)),
                Observation("tangent_kernel", None, view.share(gradient, inputs, a), self.inputs.name),
                Observation(
                    "tangent_kernel",
                    None,
                    view.share(gradient[:, 1:, :, 1:], feature[:, :-1, :, :-1], a),
                    self.matrix.name,
                ),
            ]
        if self.matrix.rank is not None:
            seen += [
                Observation("rank_forward", 1, self.matrix.rank[0]),
                Observation("rank_backward", 1, self.matrix.rank[1]),
            ]
        return seen

"""A fully connected hidden layer over any matrix."""

from dataclasses import dataclass

import numpy as np

from ..matrices.matrix import Matrix, Parts
from .bias import Bias
from .layer import Layer, Observation, View
from .left_out import left_out


@dataclass
class _Trace:
    x: np.ndarray  # handles, not site arrays
    fed: np.ndarray  # features themselves
    h: np.ndarray
    g: np.ndarray | None = None
    z: np.ndarray | None = None
    incoming: np.ndarray | None = None  # g itself, for the bias
    taught: np.ndarray | None = None
    sent: np.ndarray | None = None  # back under a learning rule


class Dense(Layer):
    """h^{l+1} = W^l phi(h^l) / sqrt(N) + b^l, with l = `layer`, entries of W^l starting as N(0, std^2).

    In a branch, what it makes and is sent back are not fields of a layer: features, ranks and its share of K
    are observed. There examples may be several vectors, `positions` of them.
    """

    def __init__(
        self,
        matrix: Matrix,
        layer: int,
        std: float = 1.0,
        bias: Bias | None = None,
        in_branch: bool = False,
        positions: int | None = None,
    ):
        self.matrix, self.layer, self.std, self.bias, self.in_branch, self.positions = (
            matrix,
            layer,
            std,
            bias,
            in_branch,
            positions,
        )

    def initial(self):
        return {
            self.matrix.name: self.matrix.initial().scaled(self.std),
            **(self.bias.initial() if self.bias else {}),
        }

    def forward(self, parameters, x):
        h, handle = self.matrix.apply(parameters[self.matrix.name], x)
        h = self.bias.added(parameters, h) if self.bias else h
        return h, _Trace(handle, x, h)

    def backward(self, parameters, trace, z):
        columns, vectors, sites = z.shape
        trace.incoming = z[0] if self.bias else None
        below, trace.g = self.matrix.apply_transpose(parameters[self.matrix.name], z.reshape(-1, sites))
        trace.z = below.reshape(columns, vectors, below.shape[1])
        return trace.z

    def feedback(self, parameters, trace, z, signal):
        trace.incoming = z if self.bias else None
        trace.sent, trace.taught = self.matrix.feedback(parameters[self.matrix.name], z, signal.seed)
        return trace.sent

    def gradients(self, trace, weights):
        weights = weights if self.positions is None else np.repeat(weights, self.positions)
        biases = self.bias.gradients(weights, trace.incoming) if self.bias else {}
        g = trace.g if trace.taught is None else trace.taught
        return {self.matrix.name: self.matrix.outer(weights, g, trace.x), **biases}

    def refresh(self, parameters, trace, variance):
        self.matrix.refresh(parameters[self.matrix.name].heat(variance))
        if self.bias:
            self.bias.refresh(parameters, variance)

    def sizes(self, parameters):
        found = {self.matrix.name: self.matrix.size(parameters[self.matrix.name])}
        return found | (self.bias.sizes(parameters) if self.bias else {})

    def left_out(self, parameters, trace):
        z, g = (trace.sent[None], trace.taught) if trace.z is None else (trace.z, trace.g)
        held = self.matrix.held(parameters[self.matrix.name], g, np.tile(trace.x[: z.shape[1]], (len(z), 1)))
        return left_out(held, z, trace.fed, self.positions or 1)

    def observe(self, parameters, trace, view):
        matrix, parameter, below, above = (
            self.matrix,
            parameters[self.matrix.name],
            self.layer,
            self.layer + 1,
        )
        feature = view.features(matrix.inner(trace.x, trace.x, matrix.into), self.positions)
        seen = [Observation("feature_kernel", below, feature)]
        if not self.in_branch:
            parts = matrix.parts_forward(parameter, trace.x, view.sites)
            parts = self.bias.parts(parameters, parts, view.sites) if self.bias else parts
            parts = None if parts is None else Parts(*map(view.forward_field, parts))
            seen = [*view.field("preactivation", above, view.forward_field(trace.h), parts), *seen]
        if view.backward:
            seen += self._observe_backward(parameter, trace, view, feature)
        if (entries := matrix.entries(parameter)) is not None:
            seen += [
                Observation(name, above, np.array(value))
                for name, value in zip(("hidden_weight_mean", "hidden_weight_variance"), entries)
            ]
        if matrix.rank is not None:
            seen += [
                Observation("rank_forward", below, matrix.rank[0]),
                Observation("rank_backward", above, matrix.rank[1]),
            ]
        return seen

    def _observe_backward(self, parameter, trace, view: View, feature: np.ndarray) -> list[Observation]:
        matrix, columns = self.matrix, len(trace.z)
        kernels, effective = view.gradient_kernels(
            self.layer + 1,
            lambda a, b: matrix.inner(a, b, matrix.out),
            trace.g,
            trace.taught,
            columns,
            self.positions,
        )
        share = [
            Observation("tangent_kernel", None, view.share(effective, feature, self.positions), matrix.name)
        ]
        share += [self.bias.observe(effective)] if self.bias else []
        if self.in_branch:
            return share
        parts = view.parts(matrix.parts_backward(parameter, trace.g, view.sites), columns)
        return [
            *kernels,
            *view.field("backward_field", self.layer, view.backward_field(trace.z), parts),
            *share,
        ]

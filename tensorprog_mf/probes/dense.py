"""Probes of fully connected layers."""

from collections.abc import Iterator

import numpy as np

from ..layers.dense import Dense
from .probe import Probe, Seen
from .readings import OfLayer, Reading, TangentShare, ranks
from .wanted import GradientKernels


class _OfDense(Probe):
    """What there is of a dense layer; `number` is l, that of the features it sees, `above` that of what it
    makes, by default l + 1."""

    def __init__(self, layer: Dense, number: int, above: int | None = None):
        self.layer, self.number = layer, number
        self.above = number + 1 if above is None else above

    def _features(self, seen: Seen) -> np.ndarray:
        """E[phi phi'] of what the matrix sees."""
        matrix, x = self.layer.matrix, seen.at(self.layer).forward.trace.x
        return seen.cut(self.layer.positions).features(matrix.inner(x, x, matrix.into))

    def _gradients(self, seen: Seen) -> GradientKernels | None:
        """Kernels of what the matrix is asked backward."""
        matrix, passage = self.layer.matrix, seen.at(self.layer)
        if passage.back is None:
            return None
        return seen.cut(self.layer.positions).gradient_kernels(
            lambda a, b: matrix.inner(a, b, matrix.out),
            passage.back.own.g,
            passage.taught.own.g if passage.taught else None,
            len(passage.back.above),
        )

    def _weights(
        self, seen: Seen, features: np.ndarray, gradients: GradientKernels | None
    ) -> Iterator[Reading]:
        """Shares of the tangent kernel, statistics of entries, ranks."""
        matrix, bias, above = self.layer.matrix, self.layer.bias, self.above
        if gradients is not None:
            share = seen.cut(self.layer.positions).share(gradients.effective, features)
            yield TangentShare(matrix.name, share)
            if bias:
                yield TangentShare(bias.name, gradients.effective)
        if (entries := matrix.entries(seen.parameters[matrix.name])) is not None:
            yield OfLayer("hidden_weight_mean", above, np.array(entries[0]))
            yield OfLayer("hidden_weight_variance", above, np.array(entries[1]))
        yield from ranks(matrix.rank, self.number, above)

    def _preactivation(self, seen: Seen) -> Iterator[Reading]:
        forward, cut, sites = seen.at(self.layer).forward, seen.cut(self.layer.positions), seen.wanted.sites
        matrix, bias = self.layer.matrix, self.layer.bias
        parts = matrix.parts_forward(seen.parameters[matrix.name], forward.trace.x, sites)
        parts = bias.parts(seen.parameters, parts, sites) if bias else parts
        return cut.field("preactivation", self.above, cut.forward_field(forward.y), cut.forward_parts(parts))


class BranchProbe(_OfDense):
    """Of a dense layer in a branch: its features, share of the tangent kernel and ranks. What it makes and
    what comes back to it are not fields of a layer of the network."""

    def read(self, seen: Seen) -> Iterator[Reading]:
        features = self._features(seen)
        yield OfLayer("feature_kernel", self.number, features)
        yield from self._weights(seen, features, self._gradients(seen))


class ParallelProbe(_OfDense):
    """Of a dense layer that sees features of layer `number` beside other layers, and makes layer `above`:
    preactivations with their parts, gradient kernel, share of the tangent kernel and ranks.

    The features, and what comes back to them from all that see them, are read where the layers part:
    `FeatureKernelProbe`, `BackwardFieldProbe`.
    """

    def read(self, seen: Seen) -> Iterator[Reading]:
        features, gradients = self._features(seen), self._gradients(seen)
        yield from self._preactivation(seen)
        if gradients is not None:
            yield from gradients.readings(self.above)
        yield from self._weights(seen, features, gradients)


class DenseProbe(_OfDense):
    """Of a dense layer between layers l = `number` and l + 1: preactivations h^{l+1} and backward fields z^l
    with their parts, kernels, share of the tangent kernel and ranks."""

    def read(self, seen: Seen) -> Iterator[Reading]:
        features, gradients = self._features(seen), self._gradients(seen)
        yield from self._preactivation(seen)
        yield OfLayer("feature_kernel", self.number, features)
        if gradients is not None:
            yield from gradients.readings(self.above)
            yield from self._backward_field(seen)
        yield from self._weights(seen, features, gradients)

    def _backward_field(self, seen: Seen) -> Iterator[Reading]:
        back, cut, matrix = seen.at(self.layer).back, seen.cut(self.layer.positions), self.layer.matrix
        if back is None:
            return
        parts = matrix.parts_backward(seen.parameters[matrix.name], back.own.g, seen.wanted.sites)
        yield from cut.field(
            "backward_field",
            self.number,
            cut.backward_field(back.below),
            cut.backward_parts(parts, len(back.above)),
        )

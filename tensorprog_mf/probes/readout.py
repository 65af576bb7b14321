"""Probes of last layers."""

from collections.abc import Iterator

import numpy as np

from ..layers.flat_readout import FlatReadout
from ..layers.readout import OUTPUT_BIAS, Readout
from .probe import Probe, Seen
from .readings import OfLayer, Reading, TangentShare


class _OfReadout(Probe):
    """What there is of a readout."""

    def __init__(self, layer: Readout):
        self.layer = layer

    def _features(self, seen: Seen) -> np.ndarray:
        """E[phi phi'] of what it reads."""
        x = seen.at(self.layer).forward.trace.x
        return seen.cut().features(self.layer.matrix.into.mean(x, x))

    def _shares(self, seen: Seen, features: np.ndarray) -> Iterator[Reading]:
        """Shares of the tangent kernel, of a pass that went back."""
        if seen.at(self.layer).back is None:
            return
        cut, outputs, bias = seen.cut(), seen.wanted.outputs, self.layer.bias
        # Outputs have weights of their own.
        same = np.eye(outputs)[None, :, None, :] if outputs else np.ones(1)
        yield TangentShare(self.layer.matrix.name, cut.share(same, features))
        if bias:
            yield TangentShare(OUTPUT_BIAS, bias**2 * cut.share(same, np.ones_like(features)))


class ReadoutShareProbe(_OfReadout):
    """Of a readout of pooled features, which are those of no layer: its share of the tangent kernel."""

    def read(self, seen: Seen) -> Iterator[Reading]:
        if seen.at(self.layer).back is not None:
            yield from self._shares(seen, self._features(seen))


class StreamReadoutProbe(_OfReadout):
    """Of a readout of features of a stream: their kernel and its share of the tangent kernel. What comes back
    is recorded as the gradient of the stream."""

    def __init__(self, layer: Readout, number: int):
        super().__init__(layer)
        self.number = number

    def read(self, seen: Seen) -> Iterator[Reading]:
        features = self._features(seen)
        yield OfLayer("feature_kernel", self.number, features)
        yield from self._shares(seen, features)


class ReadoutProbe(_OfReadout):
    """Of the readout of layer `number`: its features' kernel, backward fields with their parts, share of the
    tangent kernel."""

    def __init__(self, layer: Readout, number: int):
        super().__init__(layer)
        self.number = number

    def read(self, seen: Seen) -> Iterator[Reading]:
        features = self._features(seen)
        yield OfLayer("feature_kernel", self.number, features)
        yield from self._backward_field(seen)
        yield from self._shares(seen, features)

    def _backward_field(self, seen: Seen) -> Iterator[Reading]:
        back, cut, matrix = seen.at(self.layer).back, seen.cut(), self.layer.matrix
        if back is None:
            return
        seed = back.above.reshape(-1, matrix.outputs)
        parts = matrix.parts(seen.parameters[matrix.name], seed, seen.wanted.sites)
        field = cut.backward_field(back.below)
        yield from cut.field("backward_field", self.number, field, cut.backward_parts(parts, len(back.above)))


class FlatReadoutProbe(Probe):
    """Of a readout of every position of layer `number`: its features' kernel, backward fields, share of the
    tangent kernel."""

    def __init__(self, layer: FlatReadout, number: int):
        self.layer, self.number = layer, number

    def read(self, seen: Seen) -> Iterator[Reading]:
        passage, positions, matrix = seen.at(self.layer), self.layer.positions, self.layer.matrix
        cut, x = seen.cut(positions), passage.forward.trace.x
        features = cut.features(matrix.into.mean(x, x))
        yield OfLayer("feature_kernel", self.number, features)
        if passage.back:
            yield from cut.field("backward_field", self.number, cut.backward_field(passage.back.below))
            yield TangentShare(matrix.name, np.einsum("mana->mn", features) / positions)

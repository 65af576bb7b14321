"""Probe of convolutions."""

from collections.abc import Iterator

import numpy as np

from ..layers.convolution import Convolution
from ..matrices.matrix import Parts
from .probe import Probe, Seen
from .readings import OfLayer, Reading, TangentShare, ranks


class ConvolutionProbe(Probe):
    """Of a convolution between layers l = `number` and l + 1: preactivations h^{l+1} and backward fields z^l
    with their parts, kernels, share of the tangent kernel and ranks."""

    def __init__(self, layer: Convolution, number: int):
        self.layer, self.number = layer, number

    def read(self, seen: Seen) -> Iterator[Reading]:
        taps, x = self.layer.taps, seen.at(self.layer).forward.trace.x
        features = seen.cut(self.layer.into).features(taps.inner(x, x, taps.into))
        yield from self._preactivation(seen)
        yield OfLayer("feature_kernel", self.number, features)
        yield from self._backward(seen, features)
        yield from ranks(taps.rank, self.number, self.number + 1)

    def _preactivation(self, seen: Seen) -> Iterator[Reading]:
        forward, cut, taps = seen.at(self.layer).forward, seen.cut(self.layer.out), self.layer.taps
        each = taps.parts(seen.parameters[taps.name], forward.trace.x, seen.wanted.sites, False)
        parts = None if each is None else Parts(*(self.layer.gathered(part) for part in zip(*each)))
        return cut.field(
            "preactivation", self.number + 1, cut.forward_field(forward.y), cut.forward_parts(parts)
        )

    def _backward(self, seen: Seen, features: np.ndarray) -> Iterator[Reading]:
        back, taps = seen.at(self.layer).back, self.layer.taps
        if back is None:
            return
        above, below, g = seen.cut(self.layer.out), seen.cut(self.layer.into), back.own.g
        gradients = above.gradients(taps.inner(g, g, taps.out))
        yield OfLayer("gradient_kernel", self.number + 1, gradients)
        yield TangentShare(taps.name, above.share(gradients, self.layer.of_patches(features)))
        each = taps.parts(seen.parameters[taps.name], g, seen.wanted.sites, True)
        parts = None if each is None else Parts(*(self.layer.scattered(part) for part in zip(*each)))
        field = below.backward_field(back.below)
        yield from below.field("backward_field", self.number, field, below.backward_parts(parts, 1))

"""Probes of the fields that pass between layers, whatever the layers are."""

from collections.abc import Iterator
from typing import Any

from ..layers.layer import Layer
from ..sites.sites import Sites
from .probe import Probe, Seen
from .readings import OfLayer, Reading


class StreamProbe(Probe):
    """Of a residual stream h^l where it comes to a `layer`: E[h h'], E[g g'] with g = df/dh^l, both fields.

    `number` is l, `sites` are those of the stream.
    """

    def __init__(self, layer: Layer[Any, Any], number: int, sites: Sites, positions: int | None = None):
        self.layer, self.number, self.sites, self.positions = layer, number, sites, positions

    def read(self, seen: Seen) -> Iterator[Reading]:
        passage, cut, mean = seen.at(self.layer), seen.cut(self.positions), self.sites.mean
        h = passage.forward.x
        yield from cut.field("preactivation", self.number, cut.forward_field(h))
        yield OfLayer("preactivation_kernel", self.number, cut.features(mean(h, h)))
        if passage.back is None:
            return
        g, taught = passage.back.below, passage.taught.below[0] if passage.taught else None
        kernels = cut.gradient_kernels(mean, g.reshape(-1, g.shape[2]), taught, len(g))
        yield from kernels.readings(self.number)
        field = cut.backward_field(g)
        yield from cut.field("backward_field", self.number, field)
        yield from cut.at_all_sites("gradient", self.number, field)


class FeatureKernelProbe(Probe):
    """Of features of layer `number` where they come to a `layer` that no matrix asks for: E[phi phi']."""

    def __init__(self, layer: Layer[Any, Any], number: int, sites: Sites, positions: int | None = None):
        self.layer, self.number, self.sites, self.positions = layer, number, sites, positions

    def read(self, seen: Seen) -> Iterator[Reading]:
        x = seen.at(self.layer).forward.x
        kernel = seen.cut(self.positions).features(self.sites.mean(x, x))
        yield OfLayer("feature_kernel", self.number, kernel)


class BackwardFieldProbe(Probe):
    """Of what a `layer` sends back to the features of layer `number`: the field, whose parts are not told
    apart."""

    def __init__(self, layer: Layer[Any, Any], number: int, positions: int | None = None):
        self.layer, self.number, self.positions = layer, number, positions

    def read(self, seen: Seen) -> Iterator[Reading]:
        back, cut = seen.at(self.layer).back, seen.cut(self.positions)
        if back:
            yield from cut.field("backward_field", self.number, cut.backward_field(back.below))

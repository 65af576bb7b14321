"""Probes of activations."""

from collections.abc import Iterator

import numpy as np

from ..layers.elementwise import Elementwise
from ..sites.tails import largest_share
from .probe import Probe, Seen
from .readings import LargestOfLayer, Reading


class FeatureProbe(Probe):
    """Of an activation that reads a stream: features, and what the largest sites carry. The gradient of a
    stream is that of all its branches, not the one that comes back here."""

    def __init__(self, layer: Elementwise, number: int, positions: int | None = None):
        self.layer, self.number, self.positions = layer, number, positions

    def read(self, seen: Seen) -> Iterator[Reading]:
        passage = seen.at(self.layer)
        features = passage.forward.y
        yield from seen.cut(self.positions).at_all_sites(
            "feature", self.number, seen.cut(self.positions).forward_field(features)
        )
        fields = (features, passage.back.below) if passage.back else (features,)
        yield LargestOfLayer("largest_share", self.number, np.array(largest_share(*fields)))


class ActivationProbe(Probe):
    """Of the activation of layer `number`: features and gradients g = phi'(h) z, and what the largest sites
    carry."""

    def __init__(self, layer: Elementwise, number: int, positions: int | None = None):
        self.features, self.layer = FeatureProbe(layer, number, positions), layer

    def read(self, seen: Seen) -> Iterator[Reading]:
        yield from self.features.read(seen)
        back, cut = seen.at(self.layer).back, seen.cut(self.features.positions)
        if back:
            field = cut.backward_field(back.below)
            yield from cut.at_all_sites("gradient", self.features.number, field)

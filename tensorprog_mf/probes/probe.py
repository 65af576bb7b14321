"""The interface of a probe: it reads what a pass left at its layer."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..layers.layer import Layer, Parameters
from ..layers.passage import Back, Passage, Trace
from .readings import Reading
from .wanted import Cut, Wanted


@dataclass(frozen=True)
class Seen:
    """A pass as probes see it: the parameters it was made with, what it left at every layer, and what of it
    is wanted."""

    parameters: Parameters
    passages: dict[Layer[Any, Any], list[Passage[Any, Any]]]
    wanted: Wanted

    def at(self, layer: Layer[Trace, Back]) -> Passage[Trace, Back]:
        """What the pass left at a layer."""
        found = self.passages.get(layer, [])
        if len(found) != 1:
            kind = type(layer).__name__
            raise RuntimeError(
                f"a probe looks at a layer ({kind}) that the network passes {len(found)} times; compose the"
                " network of exactly the layers that its probes hold, each of them in one place."
            )
        return found[0]

    def cut(self, positions: int | None = None) -> Cut:
        """What cuts arrays to what is wanted, where examples are `positions` vectors each."""
        return Cut(self.wanted, positions)


class Probe(ABC):
    """Reads what is recorded of one place in a network, named by the layer object that it holds.

    The backward pass of the outputs is there only where their gradients are recorded, and that of a learning
    rule only where it differs from it: see `Passage`.
    """

    @abstractmethod
    def read(self, seen: Seen) -> Iterable[Reading]:
        """The readings of a pass."""


@dataclass(frozen=True)
class Composition:
    """A network composed: its `layers`, which are one layer, and the `probes` that look at them."""

    layers: Layer[Any, Any]
    probes: tuple[Probe, ...]

    def read(self, parameters: Parameters, passage: Passage[Any, Any], wanted: Wanted) -> list[Reading]:
        """What all probes read of a pass through the layers."""
        passages: dict[Layer[Any, Any], list[Passage[Any, Any]]] = {}
        for layer, own in self.layers.walk(passage):
            passages.setdefault(layer, []).append(own)
        seen = Seen(parameters, passages, wanted)
        return [reading for probe in self.probes for reading in probe.read(seen)]

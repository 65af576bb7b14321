"""What probes read of a pass: arrays under names of the schema, gathered each by its kind."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..matrices.matrix import Parts


@dataclass(frozen=True)
class OfNetwork:
    """An array of the network: the only one of its name."""

    name: str
    values: np.ndarray


@dataclass(frozen=True)
class OfLayer:
    """An array of one layer: the only one of its name and layer. Layers that have none are NaN, and so are
    positions that a layer has fewer of than another."""

    name: str
    layer: int
    values: np.ndarray


@dataclass(frozen=True)
class LargestOfLayer:
    """An array of one layer, 0 or more, of which several probes may have one: the largest of each entry
    stands, 0 where there is none."""

    name: str
    layer: int
    values: np.ndarray


@dataclass(frozen=True)
class TangentShare:
    """What one weight contributes to the tangent kernel; contributions are summed, each times the
    learning-rate multiplier of its weight."""

    name: ClassVar[str] = "tangent_kernel"
    weight: str
    values: np.ndarray


@dataclass(frozen=True)
class AtSites:
    """A field of one layer, (..., site), at the sites that are kept, and its parts where they are known."""

    name: str
    layer: int
    values: np.ndarray
    parts: Parts | None = None

    def arrays(self) -> list[OfLayer]:
        """The field and its parts, under names of their own."""
        parts = {} if self.parts is None else self.parts._asdict()
        found = {self.name: self.values} | {f"{self.name}_{part}_part": each for part, each in parts.items()}
        return [OfLayer(name, self.layer, values) for name, values in found.items()]


@dataclass(frozen=True)
class FieldAtAllSites:
    """A field of one layer, (..., site), at all sites, of which averages are kept."""

    name: str
    layer: int
    values: np.ndarray


@dataclass(frozen=True)
class WeightAtAllSites:
    """Weights of the network, (row, site), at all sites, of which averages are kept."""

    name: str
    values: np.ndarray


ReadingOfLayer = OfLayer | LargestOfLayer | AtSites | FieldAtAllSites
Reading = ReadingOfLayer | OfNetwork | TangentShare | WeightAtAllSites


def ranks(rank: tuple[int, int] | None, below: int, above: int) -> list[Reading]:
    """Directions that a matrix between two layers has revealed: forward of features of the one `below`,
    backward of gradients of the one `above`; nothing of a stored matrix."""
    if rank is None:
        return []
    forward, backward = np.array([rank[0], 0]), np.array([0, rank[1]])
    return [LargestOfLayer("basis_rank", below, forward), LargestOfLayer("basis_rank", above, backward)]

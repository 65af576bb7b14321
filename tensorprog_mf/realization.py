"""One draw of all random weights: makes the populations and matrices of a network, of the kind that a route wants."""

from dataclasses import dataclass

import numpy as np

from .draws import Draws
from .errors import require
from .matrices.conditioned import Conditioned
from .matrices.dense import Dense
from .matrices.input import InputMatrix
from .matrices.matrix import Matrix
from .matrices.readout import ReadoutMatrix
from .matrices.untied import Untied
from .sites import Sites

MATRICES = ("conditioned", "dense", "untied")


@dataclass(frozen=True)
class Ensemble:
    """How weights are drawn: all that replicates share.

    Parameters
    ----------
    count
        Sites per population: samples of the limit, or the width of a finite network.
    matrix
        "conditioned", "dense" or "untied".
    draws
        "sobol" or "pseudo-random".
    seed
        Seed of the run; replicates and populations derive theirs from it.
    tolerance
        Relative size below which a query adds no direction.
    centred
        Readout orthogonal to the initial features, so that outputs start at zero.
    slots
        Per replicate and population, the map from slot to column of an earlier run (common draws), or None.
    """

    count: int
    matrix: str
    draws: str
    seed: int
    tolerance: float = 1e-4
    centred: bool = True
    slots: list[dict[str, dict]] | None = None

    def __post_init__(self):
        require(self.count == int(self.count) and self.count > 0, f"the number of sites, {self.count}, must be a whole number above 0.")
        require(self.matrix in MATRICES, f"matrix={self.matrix!r} is unknown; choose one of {', '.join(MATRICES)}.")
        require(0 < self.tolerance < 1, f"tolerance={self.tolerance} must lie between 0 and 1; 1e-4 is usual.")
        require(self.seed == int(self.seed) and self.seed >= 0, f"seed={self.seed} must be a whole number, 0 or more.")
        Draws(self.count, (self.seed,), self.draws)  # refuses what draws cannot be


class Realization:
    """The weights of one replicate: networks ask it for populations and matrices when they compose themselves."""

    def __init__(self, ensemble: Ensemble, replicate: int):
        self.ensemble, self.replicate = ensemble, replicate
        self.populations: list[Sites] = []
        self.matrices: list[Matrix] = []

    def sites(self, name: str) -> Sites:
        """A new population with its own sequence of draws."""
        given = None if self.ensemble.slots is None else self.ensemble.slots[self.replicate].get(name, {})
        key = (self.ensemble.seed, self.replicate, 0, len(self.populations))
        self.populations.append(Sites(name, self.ensemble.count, Draws(self.ensemble.count, key, self.ensemble.draws, given)))
        return self.populations[-1]

    def hidden(self, name: str, out: Sites, into: Sites) -> Matrix:
        """A random matrix between two populations."""
        if self.ensemble.matrix == "dense":
            key = (self.replicate, 1, len(self.matrices))
            matrix = Dense(name, out, into, np.random.default_rng(np.random.SeedSequence(self.ensemble.seed, spawn_key=key)))
        else:
            kind = {"conditioned": Conditioned, "untied": Untied}[self.ensemble.matrix]
            matrix = kind(name, out, into, self.ensemble.tolerance)
        self.matrices.append(matrix)
        return matrix

    def input(self, name: str, out: Sites, coordinates: np.ndarray, features: int) -> InputMatrix:
        """The matrix that sees the inputs."""
        return InputMatrix(name, out, coordinates, features)

    def readout(self, name: str, into: Sites, outputs: int) -> ReadoutMatrix:
        """The matrix that makes the outputs."""
        return ReadoutMatrix(name, into, outputs, self.ensemble.centred)

    @property
    def rank_fraction(self) -> float:
        """Largest number of directions that one side of a matrix has revealed, over the number of sites."""
        return max((max(matrix.rank) for matrix in self.matrices), default=0) / self.ensemble.count

    def slots(self) -> dict[str, dict]:
        """Per population, the map from slot to draw column of this run."""
        return {sites.name: sites.draws.slots for sites in self.populations}

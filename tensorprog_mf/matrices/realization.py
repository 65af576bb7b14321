"""One draw of all random weights: makes the populations and matrices of a network, of the kind that a route
wants."""

from dataclasses import dataclass

import numpy as np

from ..ground.errors import require
from ..sites.draws import Axes, Draws
from ..sites.laws import Law
from ..sites.sites import Sites
from ..training.rules import DirectFeedbackAlignment, FeedbackAlignment, GradientDescent, Rule
from .conditioned import Conditioned
from .feedback import Aligned, Static
from .input import InputMatrix
from .matrix import Matrix
from .mean import Mean
from .readout import ReadoutMatrix
from .revealed import Revealed
from .stored import StoredMatrix
from .taps import Taps
from .untied import Untied

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
        require(
            self.matrix in MATRICES,
            f"matrix={self.matrix!r} is unknown; choose one of {', '.join(MATRICES)}.",
        )
        self.population((), None, 1)  # refuses what draws cannot be

    def population(self, key: tuple[int, ...], given: dict | None, group: int) -> Draws:
        """The draws of a population that `key` names, in groups of sites; those of an earlier run's map if it
        is `given`."""
        return Draws(self.count, (self.seed, *key), self.draws, given, group)


class Coordinates(Ensemble):
    """Sites that are coordinates of Gaussian fields, not samples: the limit itself where fields are linear in
    what is drawn.

    Its one realization needs no centring, as new axes are orthogonal to all before. It ends with `AxesSpent`
    if `count` is too small.
    """

    def __init__(self, count: int, tolerance: float):
        super().__init__(count, "conditioned", "axes", 0, tolerance, centred=False)

    def population(self, key, given, group):
        return Axes(self.count)


class Realization:
    """The weights of one replicate: networks ask it for populations and matrices when they compose
    themselves.

    They serve a learning `rule` and a number of `outputs`; backward fields are `weighted` where they carry
    the errors.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        replicate: int,
        outputs: int = 1,
        rule: Rule = GradientDescent(),
        weighted: bool = False,
    ):
        self.ensemble, self.replicate, self.outputs, self.rule, self.weighted = (
            ensemble,
            replicate,
            outputs,
            rule,
            weighted,
        )
        self.populations: list[Sites] = []
        self.matrices: list[Matrix | InputMatrix | ReadoutMatrix] = []

    def _key(self, *own: int) -> tuple[int, ...]:
        """Runs of another size draw independently of this one, as do stored matrices, replicates,
        populations, matrices."""
        return self.replicate, int(self.ensemble.matrix == "dense"), self.ensemble.count, *own

    def sites(self, name: str, group: int = 1) -> Sites:
        """A new population of the ensemble's count, in groups of that many sites, with its own sequence of
        draws."""
        ensemble, key = self.ensemble, self._key(0, len(self.populations))
        given = None if ensemble.slots is None else ensemble.slots[self.replicate].get(name, {})
        self.populations.append(Sites(name, ensemble.count, ensemble.population(key, given, group)))
        return self.populations[-1]

    def hidden(self, name: str, out: Sites, into: Sites, std: float = 1.0) -> Matrix:
        """A random matrix between two populations, whose entries start with a standard deviation `std`."""
        matrix = self._random(name, out, into)
        if isinstance(self.rule, FeedbackAlignment):
            matrix.teacher = Aligned(self._random(f"{name} feedback", out, into), self.rule.correlation, std)
        elif isinstance(self.rule, DirectFeedbackAlignment):
            matrix.teacher = Static(name, into, self.outputs)
        return matrix

    def mean_field(
        self, name: str, out: Sites, into: Sites, u: np.ndarray, v: np.ndarray, std: float
    ) -> Matrix:
        """A matrix of entries of mean sum_k u_k v_k and standard deviation `std` that averages over what it
        sees."""
        if self.ensemble.matrix == "dense":
            stored = self._random(name, out, into)
            stored.recentre(u.T @ v, std)
            return stored
        return self._kept(Mean(name, out, into, self.ensemble.tolerance, u, v))

    def taps(self, name: str, out: Sites, into: Sites, count: int) -> Taps:
        """Random matrices that see the same vectors."""
        return Taps([self._random(f"{name} tap {tap}" if tap else name, out, into) for tap in range(count)])

    def _random(self, name: str, out: Sites, into: Sites) -> Matrix:
        if self.ensemble.matrix == "dense":
            seed = np.random.SeedSequence(self.ensemble.seed, spawn_key=self._key(1, len(self.matrices)))
            matrix = StoredMatrix(name, out, into, np.random.default_rng(seed))
        else:
            kind = {"conditioned": Conditioned, "untied": Untied}[self.ensemble.matrix]
            matrix = kind(name, out, into, self.ensemble.tolerance, self.weighted)
        return self._kept(matrix)

    def input(self, name: str, out: Sites, inputs: np.ndarray, law: Law | None = None) -> InputMatrix:
        """The matrix that sees the inputs, of which those given are known; of N(0,1) entries or of another
        law."""
        return self._kept(InputMatrix(name, out, inputs, law))

    def readout(
        self, name: str, into: Sites, std: float = 1.0, positions: int = 1, law: Law | None = None
    ) -> ReadoutMatrix:
        """The matrix that makes the outputs, with a row for each and each of the positions it reads."""
        feedback = (0.0, 1.0) if isinstance(self.rule, DirectFeedbackAlignment) else None
        if isinstance(self.rule, FeedbackAlignment) and not self.rule.current_readout:
            feedback = (std * self.rule.correlation, std * (1 - self.rule.correlation**2) ** 0.5)
        return self._kept(
            ReadoutMatrix(name, into, positions * self.outputs, self.ensemble.centred, feedback, law)
        )

    def _kept(self, matrix):
        self.matrices.append(matrix)
        return matrix

    @property
    def rank_fraction(self) -> float:
        """Largest number of directions that one side of a matrix has been asked about, over its number of
        sites."""
        return max(matrix.fraction for matrix in self.matrices)

    @property
    def refused(self) -> float:
        """On common draws: the largest part of a query, relative to it, that had no recorded direction."""
        return max((matrix.refused for matrix in self.matrices if isinstance(matrix, Revealed)), default=0.0)

    @property
    def leaves_out(self) -> bool:
        """Whether there are matrices whose answers lack what the tolerance leaves out."""
        return any(isinstance(matrix, Conditioned) for matrix in self.matrices)

    def slots(self) -> dict[str, dict]:
        """Per population, the map from slot to draw column of this run."""
        return {sites.name: sites.draws.slots for sites in self.populations}

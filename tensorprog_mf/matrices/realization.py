"""One draw of all random weights: the populations and matrices of a network."""

from typing import TypeVar

import numpy as np

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
from .sampling import Sampling
from .stored import StoredMatrix
from .taps import Taps
from .untied import Untied

Random = Matrix | InputMatrix | ReadoutMatrix
Kept = TypeVar("Kept", bound=Random)
_GRADIENT = GradientDescent()


class Realization:
    """The weights of one replicate: networks ask it for populations and matrices to make their layers of.

    Parameters
    ----------
    sampling
        How weights are drawn.
    replicate
        Number of the replicate.
    outputs
        Number of outputs of the network.
    rule
        Learning rule, which may need feedback matrices beside the weights.
    weighted
        Whether backward fields carry the errors of the outputs.
    """

    def __init__(
        self,
        sampling: Sampling,
        replicate: int,
        outputs: int = 1,
        rule: Rule = _GRADIENT,
        weighted: bool = False,
    ):
        self.sampling, self.replicate, self.outputs = sampling, replicate, outputs
        self.rule, self.weighted = rule, weighted
        self.populations: list[Sites] = []
        self.matrices: list[Random] = []

    def _key(self, *own: int) -> tuple[int, ...]:
        """Part of a seed: runs of another size draw independently of this one, and so do stored matrices and
        different replicates, populations and matrices."""
        return self.replicate, int(self.sampling.matrix == "dense"), self.sampling.n_samples, *own

    def sites(self, name: str, group: int = 1) -> Sites:
        """A new population with its own sequence of draws, in groups of that many sites."""
        sampling, key = self.sampling, self._key(0, len(self.populations))
        given = None if sampling.slots is None else sampling.slots[self.replicate].get(name, {})
        self.populations.append(Sites(name, sampling.n_samples, sampling.population(key, given, group)))
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
        """A matrix whose outputs are averages over the neurons below, of entries with mean sum_k u_k v_k and
        standard deviation `std`."""
        if self.sampling.matrix == "dense":
            stored = self._stored(name, out, into)
            stored.recentre(u.T @ v, std)
            return stored
        return self._kept(Mean(name, out, into, self.sampling.tolerance, u, v))

    def taps(self, name: str, out: Sites, into: Sites, count: int) -> Taps:
        """Random matrices that are asked about the same vectors."""
        return Taps([self._random(f"{name} tap {tap}" if tap else name, out, into) for tap in range(count)])

    def _random(self, name: str, out: Sites, into: Sites) -> Matrix:
        if self.sampling.matrix == "dense":
            return self._stored(name, out, into)
        kind = {"conditioned": Conditioned, "untied": Untied}[self.sampling.matrix]
        return self._kept(kind(name, out, into, self.sampling.tolerance, self.weighted))

    def _stored(self, name: str, out: Sites, into: Sites) -> StoredMatrix:
        seed = np.random.SeedSequence(self.sampling.seed, spawn_key=self._key(1, len(self.matrices)))
        return self._kept(StoredMatrix(name, out, into, np.random.default_rng(seed)))

    def input(self, name: str, out: Sites, inputs: np.ndarray, law: Law | None = None) -> InputMatrix:
        """The matrix that sees the `inputs` and later ones, with entries N(0,1) or of another law."""
        return self._kept(InputMatrix(name, out, inputs, law))

    def readout(
        self, name: str, into: Sites, std: float = 1.0, positions: int = 1, law: Law | None = None
    ) -> ReadoutMatrix:
        """The matrix that makes the outputs, with a row for each output and each position that it reads."""
        feedback = (0.0, 1.0) if isinstance(self.rule, DirectFeedbackAlignment) else None
        if isinstance(self.rule, FeedbackAlignment) and not self.rule.current_readout:
            feedback = (std * self.rule.correlation, std * (1 - self.rule.correlation**2) ** 0.5)
        return self._kept(
            ReadoutMatrix(name, into, positions * self.outputs, self.sampling.centred, feedback, law)
        )

    def _kept(self, matrix: Kept) -> Kept:
        self.matrices.append(matrix)
        return matrix

    @property
    def rank_fraction(self) -> float:
        """Largest number of directions asked of one side of a matrix, over its number of sites."""
        return max(matrix.fraction for matrix in self.matrices)

    @property
    def refused(self) -> float:
        """On common draws: the largest part of a query without a recorded direction, relative to it."""
        return max((matrix.refused for matrix in self.matrices if isinstance(matrix, Revealed)), default=0.0)

    @property
    def leaves_out(self) -> bool:
        """Whether answers of some matrix lack what the tolerance leaves out."""
        return any(isinstance(matrix, Conditioned) for matrix in self.matrices)

    def slots(self) -> dict[str, dict]:
        """Per population, the map from slot to column of its draws in this run."""
        return {sites.name: sites.draws.slots for sites in self.populations if sites.draws is not None}

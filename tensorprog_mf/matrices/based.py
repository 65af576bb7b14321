"""Matrices that know vectors by coefficients in bases, which grow with what the matrices are asked about."""

from typing import Self

import numpy as np

from ..sites.sites import Sites
from .basis import Basis
from .matrix import Matrix, Query
from .parameter import Parameter


class Side:
    """Queries of one direction, forward or backward: their basis, their number, where their answers live."""

    def __init__(self, role: str, into: Sites, out: Sites, tolerance: float, absolute: bool = False) -> None:
        self.role, self.out = role, out
        self.basis = Basis(into, tolerance, absolute)
        self.queries = 0


class Based(Matrix):
    """A matrix whose learned part is a small matrix between the directions that both sides have shown.

    In averages, with E the directions of forward queries and F those of backward ones, the learned part L is

        L x / sqrt(n_in) = F l <E x>,        L^T g / sqrt(n_out) = sqrt(n_out / n_in) E l^T <F g>

    with l, the `learned` of its parameter, (direction of F, direction of E). Subclasses say what W(0)
    answers.

    Parameters
    ----------
    tolerance
        Relative size of a remainder from which a vector adds a direction, see `Basis`.
    weighted
        Whether backward queries carry an error signal, so that they are compared with the largest of them.
    """

    side: type[Side] = Side  # which subclasses extend

    def __init__(self, name: str, out: Sites, into: Sites, tolerance: float, weighted: bool = False) -> None:
        super().__init__(name, out, into)
        self._stretch = np.sqrt(out.count / into.count)
        self.forward = self.side("forward", into, out, tolerance)
        self.backward = self.side("backward", out, into, tolerance, weighted)

    def initial(self) -> Parameter:
        return Parameter(1.0, np.zeros((0, 0)))

    @property
    def rank(self) -> tuple[int, int]:
        return self.forward.basis.rank, self.backward.basis.rank

    @property
    def fraction(self) -> float:
        return max(side.basis.rank / side.basis.sites.count for side in (self.forward, self.backward))

    def ask(self, x: np.ndarray, transposed: bool = False) -> Query:
        side = self.backward if transposed else self.forward
        number = side.queries
        side.queries += 1
        handle, added = side.basis.absorb(x, lambda vector: self._accepts(side, number, vector))
        return Query(handle, added, number, transposed)

    def share(self, other: Self, transposed: bool = True) -> None:
        self.forward.basis = other.forward.basis
        if transposed:
            self.backward.basis = other.backward.basis

    def inner(self, a: np.ndarray, b: np.ndarray, sites: Sites) -> np.ndarray:
        # The earlier of two queries has fewer coefficients: nothing along later directions.
        shared = min(a.shape[1], b.shape[1])
        return a[:, :shared] @ b[:, :shared].T

    def outer(self, weights: np.ndarray, g: np.ndarray, x: np.ndarray) -> Parameter:
        return Parameter(0.0, (weights[: len(g), None] * g).T @ x[: len(g)])

    def size(self, parameter: Parameter) -> float:
        return float(np.linalg.norm(parameter.learned))

    def _accepts(self, side: Side, number: int, vector: int) -> bool | None:
        """Whether a vector of a query has to add a direction or must not; None leaves it to the tolerance."""
        return None

"""Matrices that know vectors by their coefficients in bases, which grow with what they are asked about."""

import numpy as np

from ..sites.sites import Sites
from .basis import Basis
from .matrix import Matrix, Query
from .parameter import Parameter


class Side:
    """One direction of queries: their basis, how many there were, where their answers live."""

    def __init__(self, role: str, into: Sites, out: Sites, tolerance: float, absolute: bool = False):
        self.role, self.out = role, out
        self.basis, self.queries = Basis(into, tolerance, absolute), 0


class Based(Matrix):
    """A matrix between two populations whose learned part is a small matrix between the directions that both
    sides have shown.

    In averages, with E the directions of forward queries and F those of backward ones, the learned part L is

        L x / sqrt(n_in) = F l <E x>,        L^T g / sqrt(n_out) = sqrt(n_out / n_in) E l^T <F g>

    Subclasses say what W(0) answers.
    """

    side = Side

    def __init__(self, name: str, out: Sites, into: Sites, tolerance: float, weighted: bool = False):
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

    def ask(self, x, transposed=False):
        side = self.backward if transposed else self.forward
        number = side.queries
        side.queries += 1
        handle, added = side.basis.absorb(x, lambda vector: self._accepts(side, number, vector))
        return Query(handle, added, number, transposed)

    def share(self, other, transposed=True):
        self.forward.basis = other.forward.basis
        if transposed:
            self.backward.basis = other.backward.basis

    def inner(self, a, b, sites):
        shared = min(a.shape[1], b.shape[1])
        return a[:, :shared] @ b[:, :shared].T

    def outer(self, weights, g, x):
        return Parameter(0.0, (weights[: len(g), None] * g).T @ x[: len(g)])

    def size(self, parameter):
        return float(np.linalg.norm(parameter.learned))

    def _accepts(self, side: Side, number: int, vector: int) -> bool | None:
        """Whether a vector of a query is to add a direction; None leaves it to the tolerance."""
        return None

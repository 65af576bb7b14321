"""The matrix of a mean-field network, of whose initial entries only the mean is seen."""

import numpy as np

from ..sites.sites import Sites
from .based import Based
from .matrix import Query
from .parameter import Parameter


class Mean(Based):
    """W of entries w(c, c') / n_in with mean m(c, c') = sum_k u_k(c) v_k(c') given the labels of the two
    neurons.

        H(c) = (1/n_in) sum_c' w(c, c') x(c') -> E[m(c, .) x] + learned,

    since whatever else is random in w(0) averages out (Nguyen & Pham 2020, arXiv:2001.11443).

    Parameters
    ----------
    u, v
        Factors of the mean, (k, site) over the populations `out` and `into`; no rows for a mean of zero.

    Notes
    -----
    u and v are the first directions of the bases, so that W(0), like the learned part, is a small matrix of
    coefficients between directions: the memory kernels sum_s C(t, s) delta(s) in compressed form. Cost:
    O(sites x rank x vectors) per query.
    """

    def __init__(
        self, name: str, out: Sites, into: Sites, tolerance: float, u: np.ndarray, v: np.ndarray
    ) -> None:
        super().__init__(name, out, into, tolerance)
        left, _ = self.backward.basis.absorb(u)
        right, _ = self.forward.basis.absorb(v)
        self._coefficients = left.T @ right

    @property
    def fraction(self) -> float:
        # Nothing random is used up: with all directions shown, these are still neurons of the limit.
        return 0.0

    def answer(self, parameter: Parameter, query: Query) -> np.ndarray:
        whole = self._whole(parameter)
        this, other = (self.backward, self.forward) if query.transposed else (self.forward, self.backward)
        # (direction of this side, direction of the other side)
        along = whole * self._stretch if query.transposed else whole.T
        return this.out.combine(query.handle[:, : len(along)] @ along, other.basis.rows[: along.shape[1]])

    def entries(self, parameter: Parameter) -> tuple[float, float]:
        whole, sides = self._whole(parameter), (self.backward, self.forward)
        up, down = (np.mean(side.basis.rows[:rank], axis=1) for side, rank in zip(sides, whole.shape))
        mean = float(up @ whole @ down)
        return mean, float((whole**2).sum()) - mean**2  # as directions are orthonormal in averages

    def _whole(self, parameter: Parameter) -> np.ndarray:
        """scale W(0) + learned, (direction of `out`, direction of `into`)."""
        start = Parameter(0.0, parameter.scale * self._coefficients)
        return start.add(1.0, Parameter(0.0, parameter.learned)).learned  # of the larger of both shapes

    def refresh(self, keep: float) -> None:
        self._coefficients *= keep  # fresh entries of mean zero are not seen

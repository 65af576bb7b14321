"""The matrix of a mean-field network, whose hidden averages are over 1/n: only the mean of its initial
entries is seen."""

import numpy as np

from ..sites.sites import Sites
from .based import Based
from .parameter import Parameter


class Mean(Based):
    """W of entries w(c, c') / n_in with mean m(c, c') = sum_k u_k(c) v_k(c') given the labels of the two
    neurons.

        H(c) = (1/n_in) sum_c' w(c, c') x(c') -> E[m(c, .) x] + learned,

    what is random about w(0) beside m averages out (Nguyen & Pham 2020, arXiv:2001.11443).

    Parameters
    ----------
    u, v
        (k, site) over the populations `out` and `into`; no rows for a mean of zero.

    Notes
    -----
    u and v are the first directions of the bases, so that W(0) is coefficients between them, as the learned
    part is: the memory kernels sum_s C(t, s) delta(s) in compressed form. Cost: O(sites x rank x vectors) per
    query.
    """

    def __init__(self, name: str, out: Sites, into: Sites, tolerance: float, u: np.ndarray, v: np.ndarray):
        super().__init__(name, out, into, tolerance)
        left, _ = self.backward.basis.absorb(u)
        right, _ = self.forward.basis.absorb(v)
        self._coefficients = left.T @ right

    @property
    def fraction(self):
        # nothing random is used up: with all directions shown these are still the ideal neurons of the limit
        return 0.0

    def answer(self, parameter, query):
        whole = self._whole(parameter)
        this, other = (self.backward, self.forward) if query.transposed else (self.forward, self.backward)
        along = (
            whole * self._stretch if query.transposed else whole.T
        )  # (direction of this side, direction of the other)
        return this.out.combine(query.handle[:, : len(along)] @ along, other.basis.rows[: along.shape[1]])

    def entries(self, parameter):
        whole, sides = self._whole(parameter), (self.backward, self.forward)
        up, down = (np.mean(side.basis.rows[:rank], axis=1) for side, rank in zip(sides, whole.shape))
        mean = float(up @ whole @ down)
        return mean, float((whole**2).sum()) - mean**2  # directions are orthonormal in averages

    def _whole(self, parameter: Parameter) -> np.ndarray:
        """scale W(0) + learned, (direction of `out`, direction of `into`)."""
        return (
            Parameter(0.0, parameter.scale * self._coefficients)
            .add(1.0, Parameter(0.0, parameter.learned))
            .learned
        )

    def refresh(self, keep):
        self._coefficients *= keep

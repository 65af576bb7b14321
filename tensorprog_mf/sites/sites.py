"""A population of neurons: its random draws, averages over its sites, combinations of vectors at them."""

import numpy as np

from ..ground.accelerate import BLOCK, block_count, over_blocks
from . import kernels as sites_numba
from .draws import Draws

_WIDE = 16  # from this many vectors on BLAS beats the register-tiled kernels


class Sites:
    """A population of `count` exchangeable neurons: a layer's units, a residual stream, heads x coordinates.

    Arrays over a population are (vector, site) with sites contiguous, where vectors are whatever the layers
    see: examples, positions, directions. Averages over sites are the expectations E[.] of the theory.

    Parameters
    ----------
    name
        Name of the population, by which common draws find it.
    count
        Number of sites.
    draws
        Where its random numbers come from; None for a population that is only averaged over.
    """

    def __init__(self, name: str, count: int, draws: Draws | None = None):
        self.name, self.count, self._draws = name, count, draws

    @property
    def draws(self) -> Draws:
        """Where its random numbers come from."""
        if self._draws is None:
            raise RuntimeError(
                f"population {self.name!r} was made without draws; give it some to draw weights."
            )
        return self._draws

    def mean(self, rows: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Averages of products over sites, <rows[i] x[j]> as (row, vector).

        The sums of the blocks are added in the order of the blocks: the bits do not depend on threads.
        """
        if len(rows) < min(len(x), _WIDE):
            return self.mean(x, rows).T  # the kernel takes rows four at a time: they should be many
        partial = np.empty((block_count(self.count), len(rows), len(x)))
        if partial.size == 0:
            return np.zeros((len(rows), len(x)))

        def work(first: int, last: int) -> None:
            if min(len(rows), len(x)) < _WIDE:
                sites_numba.project_blocks(first, last, rows, x, partial)
                return
            for block in range(first, last):
                cut = slice(block * BLOCK, (block + 1) * BLOCK)
                np.matmul(rows[:, cut], x[:, cut].T, out=partial[block])

        over_blocks(work, self.count, rows.size * len(x))
        return partial.sum(axis=0) / self.count

    def combine(
        self, coefficients: np.ndarray, rows: np.ndarray, out: np.ndarray | None = None
    ) -> np.ndarray:
        """out[j] + sum_k coefficients[j, k] rows[k], (vector, site), in place; `out` is zero if not given."""
        coefficients = np.ascontiguousarray(coefficients)
        if out is None:
            out = np.zeros((len(coefficients), self.count))
        if coefficients.size == 0:
            return out

        def work(first: int, last: int) -> None:
            if len(coefficients) < _WIDE:
                sites_numba.combine_blocks(first, last, coefficients, rows, out)
                return
            for block in range(first, last):
                cut = slice(block * BLOCK, (block + 1) * BLOCK)
                out[:, cut] += coefficients @ rows[:, cut]

        over_blocks(work, self.count, coefficients.size * self.count)
        return out

"""An orthonormal basis of the vectors asked of a matrix, growing at its end only."""

import numpy as np

from ..sites.kernels import orthonormalise
from ..sites.sites import Sites

# vectors taken at a time; 8 and 16 read the basis more often, measured 20-30 % slower at 24 and 100 examples
_PANEL = 64
_ROUNDING = 1e-13  # relative rounding of <x x> - c.c
# of <x x> left over: what rounding has left along the basis is then below 1e-15 of the rest, once cleaned
_MUCH = 1e-2
_TINY = (
    1e-6  # tolerances at which rounding along the basis, 1e-16 of a vector, can be seen in what is left of it
)


class Basis:
    """Directions E (direction, site) with <e e'> = 1 or 0, in the order in which queries revealed them.

    Averages, not sums, normalise them: then coefficients c = <E x> give kernels as plain products, <x x'> =
    c.c', no factor of the number of sites appears anywhere, and images of directions have entries of variance
    one.

    Parameters
    ----------
    tolerance
        A vector adds a direction if the root mean square of its remainder exceeds tolerance times its own.
    absolute
        Times the largest one seen so far instead: for vectors that shrink with an error signal, where a
        relative bound would resolve ever smaller directions (twice the rank, no more accuracy).
    """

    def __init__(self, sites: Sites, tolerance: float, absolute: bool = False):
        self.sites, self.tolerance, self.absolute = sites, tolerance, absolute
        self._largest = 0.0
        self._store, self.rank = np.empty((0, sites.count)), 0
        self.refused = 0.0  # largest relative remainder kept out by force

    @property
    def rows(self) -> np.ndarray:
        """(direction, site)."""
        return self._store[: self.rank]

    def __getstate__(self):
        return self.__dict__ | {"_store": self.rows}  # without what is reserved for growth

    def absorb(self, x: np.ndarray, accepts=lambda vector: None) -> tuple[np.ndarray, list[int]]:
        """Coefficients of x (vector, direction) and the vectors that added a direction, one new direction
        each.

        `accepts(vector)` may force the decision (common draws); None leaves it to the tolerance.
        """
        known, added = [], []
        for start in range(0, len(x), _PANEL):
            panel = x[start : start + _PANEL]
            coefficients, new = self._absorb_panel(panel, [accepts(start + i) for i in range(len(panel))])
            known.append(coefficients)
            added += [start + i for i in new]
        result = np.zeros((len(x), self.rank))
        for start, coefficients in zip(range(0, len(x), _PANEL), known):
            result[start : start + len(coefficients), : coefficients.shape[1]] = coefficients
        return result, added

    def _absorb_panel(self, x: np.ndarray, forced: list[bool | None]) -> tuple[np.ndarray, list[int]]:
        coefficients = self.sites.mean(x, self.rows)
        square = np.diag(self.sites.mean(x, x))
        remainder = square - (coefficients**2).sum(axis=1)
        size = np.sqrt(square)
        if self.absolute:
            self._largest = max(self._largest, size.max(initial=0.0))
            size = np.full(len(x), self._largest)
        smallest = self.tolerance * size
        candidates = [
            i
            for i, force in enumerate(forced)
            if (force if force is not None else remainder[i] > smallest[i] ** 2 - _ROUNDING * square[i])
            and square[i] > 0
        ]
        # A forced direction is refused only where nothing is left of the vector but rounding.
        threshold = np.array(
            [smallest[i] if forced[i] is None else 1e-14 * square[i] ** 0.5 for i in candidates]
        )
        accepted = np.zeros(0, int)
        if candidates:
            rest = self.sites.combine(-coefficients[candidates], self.rows, x[candidates])
            new, accepted = self._directions(
                rest, threshold, bool((remainder[candidates] < _MUCH * square[candidates]).any())
            )
            self._append(new)
            coefficients = np.hstack([coefficients, self.sites.mean(x, new)])
        left = square - (coefficients**2).sum(axis=1)
        kept_out = [left[i] / square[i] for i, force in enumerate(forced) if force is False and square[i] > 0]
        self.refused = max([self.refused, *np.sqrt(np.maximum(kept_out, 0))])
        return coefficients, [candidates[i] for i in accepted]

    def _directions(
        self, rest: np.ndarray, smallest: np.ndarray, again: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Ordered Gram-Schmidt of what is left of vectors, cleaned `again` where that is little; at most as
        many directions as there are sites.

        Rounding has left 1e-16 of the vectors along the basis. Without a second subtraction this is amplified
        by every small remainder that follows and orthogonality is lost: measured, outputs off by 0.1 after 20
        steps.
        """
        if again:
            rest = self.sites.combine(-self.sites.mean(rest, self.rows), self.rows, rest)
        flags = np.zeros(len(rest), np.uint8)
        orthonormalise(rest, smallest, flags)
        accepted = np.flatnonzero(flags)[: self.sites.count - self.rank]
        new = rest[accepted]
        if (
            again and self.tolerance < _TINY
        ):  # what new directions left of a vector may be rounding, and lie along known ones
            new = self.sites.combine(-self.sites.mean(new, self.rows), self.rows, new)
            orthonormalise(new, np.zeros(len(new)), np.zeros(len(new), np.uint8))
        return new, accepted

    def _append(self, new: np.ndarray) -> None:
        self._store = appended(self._store, self.rank, new)
        self.rank += len(new)


def appended(store: np.ndarray, filled: int, new: np.ndarray) -> np.ndarray:
    """`store` with `new` rows written from row `filled` on, in a larger array (half as much again) where it
    is full."""
    needed = filled + len(new)
    if needed > len(store):
        wanted = min(filled + max(filled // 2, _PANEL), store.shape[1])  # no more directions than sites
        larger = np.empty((max(needed, wanted), store.shape[1]))
        larger[:filled] = store[:filled]
        store = larger
    store[filled:needed] = new
    return store

"""An orthonormal basis of the vectors that a matrix has been asked about; it only ever grows at its end."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..sites.kernels import orthonormalise
from ..sites.sites import Sites

# Vectors taken at a time: with 8 or 16 the basis is read more often, measured 20-30 % slower at 24 and 100
# examples.
_PANEL = 64
_ROUNDING = 1e-13  # of <x x> - c.c, relative to <x x>
# If more than this part of <x x> remains, one subtraction leaves less than 1e-15 of the rest along the basis.
_MUCH = 1e-2
# Below this tolerance, rounding along the basis (1e-16 of a vector) shows in what remains of the vector.
_TINY = 1e-6


class Basis:
    """Directions E (direction, site) with <e e'> = 1 or 0, in the order in which queries revealed them.

    They are normalised by averages, not sums. Coefficients c = <E x> then give kernels as plain products,
    <x x'> = c.c', no factor of the number of sites appears anywhere, and images of directions have entries of
    variance one.

    Parameters
    ----------
    tolerance
        A vector adds a direction if the root mean square of its remainder exceeds tolerance times its own.
    absolute
        Compare with the largest root mean square seen so far instead: for vectors that shrink with an error
        signal, of which a relative bound would resolve ever smaller directions (twice the rank, no more
        accuracy).
    """

    def __init__(self, sites: Sites, tolerance: float, absolute: bool = False) -> None:
        self.sites, self.tolerance, self.absolute = sites, tolerance, absolute
        self._largest = 0.0  # root mean square of a vector so far
        self._store, self.rank = np.empty((0, sites.count)), 0
        self.refused = 0.0  # the largest relative remainder that common draws kept out

    @property
    def rows(self) -> np.ndarray:
        """The directions, (direction, site)."""
        return self._store[: self.rank]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_store": self.rows}  # without what is reserved for growth

    def absorb(
        self, x: np.ndarray, accepts: Callable[[int], bool | None] = lambda vector: None
    ) -> tuple[np.ndarray, list[int]]:
        """Coefficients of x, (vector, direction), and the vectors that added one new direction each.

        `accepts(vector)` may force the decision (common draws); None leaves it to the tolerance.
        """
        known, added = [], []
        for start in range(0, len(x), _PANEL):
            panel = x[start : start + _PANEL]
            coefficients, new = self._absorb_panel(panel, [accepts(start + i) for i in range(len(panel))])
            known.append(coefficients)
            added += [start + i for i in new]
        result = np.zeros((len(x), self.rank))  # earlier panels have nothing along directions of later ones
        for start, coefficients in zip(range(0, len(x), _PANEL), known):
            result[start : start + len(coefficients), : coefficients.shape[1]] = coefficients
        return result, added

    def _absorb_panel(self, x: np.ndarray, forced: list[bool | None]) -> tuple[np.ndarray, list[int]]:
        """`absorb` for up to _PANEL vectors: all are projected at once, remainders then added in order."""
        coefficients = self.sites.mean(x, self.rows)
        square = np.diag(self.sites.mean(x, x))
        remainder = square - (coefficients**2).sum(axis=1)  # <rest rest>, by Pythagoras
        size = np.sqrt(square)
        if self.absolute:
            self._largest = max(self._largest, size.max(initial=0.0))
            size = np.full(len(x), self._largest)
        smallest = self.tolerance * size
        # Whatever may turn out large enough once its remainder is known without rounding.
        perhaps = remainder > smallest**2 - _ROUNDING * square
        candidates = [
            i for i, force in enumerate(forced) if (perhaps[i] if force is None else force) and square[i] > 0
        ]
        # A forced direction is refused only where nothing is left of the vector but rounding.
        threshold = np.array(
            [smallest[i] if forced[i] is None else 1e-14 * square[i] ** 0.5 for i in candidates]
        )
        accepted = np.zeros(0, int)
        if candidates:
            rest = self.sites.combine(-coefficients[candidates], self.rows, x[candidates])
            little = bool((remainder[candidates] < _MUCH * square[candidates]).any())
            new, accepted = self._directions(rest, threshold, little)
            self._append(new)
            coefficients = np.hstack([coefficients, self.sites.mean(x, new)])
        left = square - (coefficients**2).sum(axis=1)
        kept_out = [left[i] / square[i] for i, force in enumerate(forced) if force is False and square[i] > 0]
        self.refused = max([self.refused, *np.sqrt(np.maximum(kept_out, 0))])
        return coefficients, [candidates[i] for i in accepted]

    def _directions(
        self, rest: np.ndarray, smallest: np.ndarray, again: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """New directions (direction, site) by ordered Gram-Schmidt of what remains of vectors, and theirs.

        A remainder below its `smallest` root mean square adds none, and there are never more directions than
        sites. Where little remains, what lies along the basis is subtracted `again`: rounding has left 1e-16
        of the vectors there, every small remainder that follows would amplify it, and orthogonality would be
        lost (measured: outputs off by 0.1 after 20 steps).
        """
        if again:
            rest = self.sites.combine(-self.sites.mean(rest, self.rows), self.rows, rest)
        flags = np.zeros(len(rest), np.uint8)
        orthonormalise(rest, smallest, flags)
        accepted = np.flatnonzero(flags)[: self.sites.count - self.rank]
        new = rest[accepted]
        if again and self.tolerance < _TINY:
            # What new directions have left of a vector may be mere rounding, which lies along known ones.
            new = self.sites.combine(-self.sites.mean(new, self.rows), self.rows, new)
            orthonormalise(new, np.zeros(len(new)), np.zeros(len(new), np.uint8))
        return new, accepted

    def _append(self, new: np.ndarray) -> None:
        self._store = appended(self._store, self.rank, new)
        self.rank += len(new)


def appended(store: np.ndarray, filled: int, new: np.ndarray) -> np.ndarray:
    """`store` with `new` rows from row `filled` on: in place, or in an array half as large again if full."""
    needed = filled + len(new)
    if needed > len(store):
        wanted = min(filled + max(filled // 2, _PANEL), store.shape[1])  # no more directions than sites
        larger = np.empty((max(needed, wanted), store.shape[1]))
        larger[:filled] = store[:filled]
        store = larger
    store[filled:needed] = new
    return store

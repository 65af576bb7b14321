"""Units on a finite set of points: blocks of sites small enough to stay in the cache, products by BLAS."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...ground.accelerate import BLOCK, block_count, over_blocks
from ...ground.errors import UnsupportedError, require
from .data import FiniteData
from .reduction import Points, Reduction
from .units import Neuron, Unit, UserUnit

_IN_CACHE = 1 << 15  # entries (point, site) of a part of a block
_KEPT = 1 << 23  # numbers, 64 MB, up to which values and slopes are kept between a pass and its pull


class _OnPoints(Reduction):
    """Passes over blocks of sites, and over parts of these, from values and slopes at the points."""

    kept = 2  # numbers per entry (point, site) that a pass leaves behind

    def _parts(self, first: int, last: int, sites: int) -> Iterator[tuple[int, slice]]:
        """(block, part) of sites, for blocks `first` to `last`."""
        size = min(BLOCK, max(64, _IN_CACHE // len(self.targets) // 64 * 64))
        for block in range(first, last):
            end = min((block + 1) * BLOCK, sites)
            for low in range(block * BLOCK, end, size):
                yield block, slice(low, min(low + size, end))

    @abstractmethod
    def _at(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What values and gradients of some sites are made of."""

    @abstractmethod
    def _sum(self, theta: np.ndarray, weight: np.ndarray, found: tuple) -> np.ndarray:
        """sum_i weight_i sigma_* of some sites."""

    @abstractmethod
    def _pull(self, theta: np.ndarray, residual: np.ndarray, found: tuple) -> np.ndarray:
        """sum_m residual_m grad sigma_* of some sites."""

    def _over(self, work: Callable[[int, int], None], theta: np.ndarray) -> None:
        over_blocks(work, theta.shape[1], theta.size * len(self.targets))

    def output(self, theta: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return self._look(theta, weight, None)

    def look(self, theta: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, dict[int, tuple]]:
        seen: dict[int, tuple] = {}
        keep = self.kept * theta.shape[1] * len(self.targets) <= _KEPT
        return self._look(theta, weight, seen if keep else None), seen

    def _look(self, theta: np.ndarray, weight: np.ndarray, seen: dict[int, tuple] | None) -> np.ndarray:
        sites = theta.shape[1]
        partial = np.zeros((block_count(sites), *self.targets.shape))

        def work(first: int, last: int) -> None:
            for block, part in self._parts(first, last, sites):
                found = self._at(theta[:, part])
                partial[block] += self._sum(theta[:, part], weight[part], found)
                if seen is not None:
                    seen[part.start] = found

        self._over(work, theta)
        return partial.sum(axis=0)

    def pull(self, theta: np.ndarray, residual: np.ndarray, seen: Any = None) -> np.ndarray:
        out, known = np.empty(theta.shape), seen or {}

        def work(first: int, last: int) -> None:
            for _, part in self._parts(first, last, theta.shape[1]):
                found = known[part.start] if part.start in known else self._at(theta[:, part])
                out[:, part] = self._pull(theta[:, part], residual, found)

        self._over(work, theta)
        out[~self.trained] = 0.0
        return out


class NeuronOnPoints(_OnPoints):
    """sigma_* = a phi(<w, x> + b) of one output, or a_c phi(<w, x> + b) of output c.

    Rows of theta are the output weights, `_heads` of them, then w, then b.
    """

    def __init__(self, unit: Neuron, inputs: np.ndarray, points: Points) -> None:
        super().__init__(points)
        self._phi, self._inputs = unit.activation, inputs
        self._heads = (self.targets.shape[1] if self.targets.ndim > 1 else 1) if unit.output_weight else 0
        self._w, self._bias = slice(self._heads, self._heads + inputs.shape[1]), unit.bias

    def _at(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """phi and phi' (point, site)."""
        h = self._inputs @ theta[self._w]
        if self._bias:
            h += theta[-1]
        return self._phi(h)

    def _sum(self, theta: np.ndarray, weight: np.ndarray, found: tuple) -> np.ndarray:
        if self.targets.ndim > 1:
            return found[0] @ (theta[: self._heads] * weight).T
        return found[0] @ (theta[0] * weight if self._heads else weight)

    def _pull(self, theta: np.ndarray, residual: np.ndarray, found: tuple) -> np.ndarray:
        (phi, slope), out = found, np.empty(theta.shape)
        if self.targets.ndim > 1:
            out[: self._heads] = residual.T @ phi
            back = (residual @ theta[: self._heads]) * slope
            out[self._w] = self._inputs.T @ back
            if self._bias:
                out[-1] = back.sum(axis=0)
            return out
        # One output: a is a factor of all but its own gradient, and multiplies sums over points, not entries.
        out[self._w] = (self._inputs * residual[:, None]).T @ slope
        if self._bias:
            out[-1] = residual @ slope
        if self._heads:
            out[1:] *= theta[0]
            out[0] = residual @ phi
        return out

    def values(self, theta: np.ndarray) -> np.ndarray:
        phi, _ = self._at(theta)
        return (phi * theta[0] if self._heads else phi).T


class UserUnitOnPoints(_OnPoints):
    """A unit of the user's own."""

    def __init__(self, unit: UserUnit, inputs: np.ndarray, points: Points) -> None:
        super().__init__(points)
        self._function, self._inputs = unit.function, inputs
        self.kept = 1 + len(self.names)

    def _over(self, work: Callable[[int, int], None], theta: np.ndarray) -> None:
        work(0, block_count(theta.shape[1]))  # a function that was not written for threads

    def _at(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values (point, site) and gradients (parameter, point, site)."""
        given = self._function(self._inputs, theta)
        points, sites = len(self._inputs), theta.shape[1]
        value, gradient = (np.asarray(each, float) for each in given)
        fits = value.shape == (points, sites) and gradient.shape == (len(theta), points, sites)
        wanted = f"a value of shape {(points, sites)} and a gradient of shape {(len(theta), points, sites)}"
        require(fits, f"the unit must return {wanted}, not {value.shape} and {gradient.shape}.")
        return value, gradient

    def _sum(self, theta: np.ndarray, weight: np.ndarray, found: tuple) -> np.ndarray:
        return found[0] @ weight

    def _pull(self, theta: np.ndarray, residual: np.ndarray, found: tuple) -> np.ndarray:
        return np.einsum("m,pmi->pi", residual, found[1])

    def values(self, theta: np.ndarray) -> np.ndarray:
        return self._at(theta)[0].T


def on_points(unit: Unit, data: FiniteData, names: tuple[str, ...], trained: np.ndarray) -> Reduction:
    """The unit on the data; `names` and `trained` are those of its parameters.

    Raises
    ------
    UnsupportedError
        Several outputs of a unit that has one value.
    """
    outputs = 1 if data.targets.ndim == 1 else data.targets.shape[1]
    points = Points(names=names, trained=trained, weights=data.weights, targets=data.targets, loss=data.loss)
    if isinstance(unit, UserUnit):
        _require_one(data.targets.ndim == 1, "a UserUnit", outputs)
        return UserUnitOnPoints(unit, data.inputs, points)
    _require_one(data.targets.ndim == 1 or unit.output_weight, "a Neuron without output weight", outputs)
    return NeuronOnPoints(unit, data.inputs, points)


def _require_one(good: bool, what: str, outputs: int) -> None:
    if not good:
        raise UnsupportedError(
            f"{what} has one output, but the targets have {outputs}; take a Neuron with output weights."
        )

"""Units on a finite set of points: blocks of sites small enough to stay in the cache, products by BLAS."""

import numpy as np

from ...ground.accelerate import BLOCK, block_count, over_blocks
from ...ground.errors import UnsupportedError, require
from .data import FiniteData
from .population import Population
from .units import Neuron, UserUnit

_IN_CACHE = 1 << 15  # entries (point, site) of a part of a block
_KEPT = 1 << 23  # numbers, 64 MB, up to which values and slopes are kept between a pass and its pull


class _OnPoints(Population):
    """Passes over blocks of sites, and over parts of these, from values and slopes at the points."""

    kept = 2  # numbers per entry (point, site) that a pass leaves behind

    def _parts(self, first: int, last: int, sites: int):
        """(block, part) of sites, for blocks `first` to `last`."""
        size = min(BLOCK, max(64, _IN_CACHE // len(self.targets) // 64 * 64))
        for block in range(first, last):
            end = min((block + 1) * BLOCK, sites)
            for low in range(block * BLOCK, end, size):
                yield block, slice(low, min(low + size, end))

    def _at(self, theta: np.ndarray):
        """What values and gradients of some sites are made of."""
        raise NotImplementedError

    def _sum(self, theta: np.ndarray, weight: np.ndarray, found) -> np.ndarray:
        """sum_i weight_i sigma_* of some sites."""
        raise NotImplementedError

    def _pull(self, theta: np.ndarray, residual: np.ndarray, found) -> np.ndarray:
        """sum_m residual_m grad sigma_* of some sites."""
        raise NotImplementedError

    def _over(self, work, theta: np.ndarray) -> None:
        over_blocks(work, theta.shape[1], theta.size * len(self.targets))

    def output(self, theta, weight):
        return self._look(theta, weight, None)

    def look(self, theta, weight):
        seen: dict = {}
        keep = self.kept * theta.shape[1] * len(self.targets) <= _KEPT
        return self._look(theta, weight, seen if keep else None), seen

    def _look(self, theta, weight, seen):
        sites = theta.shape[1]
        partial = np.zeros((block_count(sites), *self.targets.shape))

        def work(first, last):
            for block, part in self._parts(first, last, sites):
                found = self._at(theta[:, part])
                partial[block] += self._sum(theta[:, part], weight[part], found)
                if seen is not None:
                    seen[part.start] = found

        self._over(work, theta)
        return partial.sum(axis=0)

    def pull(self, theta, residual, seen=None):
        out, seen = np.empty(theta.shape), seen or {}

        def work(first, last):
            for _, part in self._parts(first, last, theta.shape[1]):
                found = seen[part.start] if part.start in seen else self._at(theta[:, part])
                out[:, part] = self._pull(theta[:, part], residual, found)

        self._over(work, theta)
        out[~self.trained] = 0.0
        return out


class Neurons(_OnPoints):
    """sigma_* = a phi(<w, x> + b) of one output, or a_c phi(<w, x> + b) of output c."""

    def __init__(self, unit: Neuron, inputs: np.ndarray, *rest):
        super().__init__(*rest)
        self._phi, self._inputs = unit.activation, inputs
        self._heads = (self.targets.shape[1] if self.targets.ndim > 1 else 1) if unit.output_weight else 0
        self._w, self._bias = slice(self._heads, self._heads + inputs.shape[1]), unit.bias

    def _at(self, theta):
        h = self._inputs @ theta[self._w]
        if self._bias:
            h += theta[-1]
        return self._phi(h)

    def _sum(self, theta, weight, found):
        if self.targets.ndim > 1:
            return found[0] @ (theta[: self._heads] * weight).T
        return found[0] @ (theta[0] * weight if self._heads else weight)

    def _pull(self, theta, residual, found):
        (phi, slope), out = found, np.empty(theta.shape)
        if self.targets.ndim > 1:
            out[: self._heads] = residual.T @ phi
            back = (residual @ theta[: self._heads]) * slope
            out[self._w] = self._inputs.T @ back
            if self._bias:
                out[-1] = back.sum(axis=0)
            return out
        out[self._w] = (self._inputs * residual[:, None]).T @ slope
        if self._bias:
            out[-1] = residual @ slope
        if self._heads:
            out[1:] *= theta[0]
            out[0] = residual @ phi
        return out

    def values(self, theta):
        phi, _ = self._at(theta)
        return (phi * theta[0] if self._heads else phi).T


class Given(_OnPoints):
    """A unit of the user's own."""

    def __init__(self, unit: UserUnit, inputs: np.ndarray, *rest):
        super().__init__(*rest)
        self._function, self._inputs = unit.function, inputs
        self.kept = 1 + len(self.names)

    def _over(self, work, theta):
        work(0, block_count(theta.shape[1]))  # a function that was not written for threads

    def _at(self, theta):
        value, gradient = self._function(self._inputs, theta)
        points, sites = len(self._inputs), theta.shape[1]
        value, gradient = np.asarray(value, float), np.asarray(gradient, float)
        fits = value.shape == (points, sites) and gradient.shape == (len(theta), points, sites)
        wanted = f"a value of shape {(points, sites)} and a gradient of shape {(len(theta), points, sites)}"
        require(fits, f"the unit must return {wanted}, not {value.shape} and {gradient.shape}.")
        return value, gradient

    def _sum(self, theta, weight, found):
        return found[0] @ weight

    def _pull(self, theta, residual, found):
        return np.einsum("m,pmi->pi", residual, found[1])

    def values(self, theta):
        return self._at(theta)[0].T


def on_points(
    unit: Neuron | UserUnit, data: FiniteData, names: tuple[str, ...], trained: np.ndarray
) -> Population:
    """The unit on the data, `names` and `trained` those of its parameters.

    Raises
    ------
    UnsupportedError
        Several outputs of a unit that has one value.
    """
    given = data.inputs, names, trained, data.weights, data.targets, data.loss
    one_value = isinstance(unit, UserUnit) or not unit.output_weight
    if data.targets.ndim > 1 and one_value:
        kind = "a UserUnit" if isinstance(unit, UserUnit) else "a Neuron without output weight"
        raise UnsupportedError(
            f"{kind} has one output, but the targets have {data.targets.shape[1]}; take a Neuron with output"
            " weights."
        )
    return Given(unit, *given) if isinstance(unit, UserUnit) else Neurons(unit, *given)

"""The part of a weight that training changes, as a plain value."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..training.roles import Role


@dataclass
class Parameter:
    """A weight W(t) = scale W(0) + learned, without W(0): optimisers and ODE steppers copy and combine it.

    `learned` has the shape that its matrix gives it: coefficients in growing bases (old entries stay where
    they are, new ones count as zero), site arrays, or a stored matrix. A gradient or a velocity is a
    Parameter with scale 0; nobody asks for its role.
    """

    scale: float
    learned: np.ndarray
    role: Role = Role.WEIGHT

    def copy(self) -> "Parameter":
        """An independent copy."""
        return Parameter(self.scale, self.learned.copy(), self.role)

    def scaled(self, factor: float) -> "Parameter":
        """factor * self, in place."""
        self.scale *= factor
        self.learned *= factor
        return self

    def heat(self, variance: float) -> float:
        """Add noise of a variance per weight to the initial part, in place. Its entries stay of variance one:
        returned is the factor with which the old ones are kept in them."""
        before, self.scale = self.scale, float(np.hypot(self.scale, np.sqrt(variance)))
        return before / self.scale if self.scale else 1.0

    def add(self, factor: float, other: "Parameter") -> "Parameter":
        """self + factor * other, in place; grows to the larger of the two shapes."""
        self.scale += factor * other.scale
        if other.learned.shape != self.learned.shape:
            self.learned = grown(self.learned, np.maximum(self.learned.shape, other.learned.shape))
        self.learned[tuple(map(slice, other.learned.shape))] += factor * other.learned
        return self


def grown(array: np.ndarray, shape: Sequence[int] | np.ndarray) -> np.ndarray:
    """`array` with zeros appended up to `shape`."""
    larger = np.zeros(shape)
    larger[tuple(map(slice, array.shape))] = array
    return larger

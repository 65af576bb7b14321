"""The first weight matrix: explicit columns, one for each direction that the inputs span."""

import numpy as np

from ..sites.laws import Law
from ..sites.sites import Sites
from .matrix import Parts
from .parameter import Parameter

_TOLERANCE = 1e-10  # of what is left of an input, relative to the largest one, for a direction of its own


def spanning(inputs: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    """Orthonormal rows (direction, feature) that span the inputs (example, feature); `known` ones first.

    Ordered Gram-Schmidt with positive diagonal: never more directions than features or examples, first
    examples first.
    """
    basis, scale = (
        np.empty((0, inputs.shape[1])) if known is None else known,
        np.linalg.norm(inputs, axis=1).max(initial=0.0),
    )
    for x in inputs:
        if len(basis) == inputs.shape[1]:
            break
        for _ in range(2):
            x = x - (x @ basis.T) @ basis
        if np.linalg.norm(x) > _TOLERANCE * scale:
            basis = np.vstack([basis, x / np.linalg.norm(x)])
    return basis


class InputMatrix:
    """W^0 (site, feature), N(0,1) at the start, in an orthonormal basis of the span of the inputs: same law,
    fewer columns.

    What it is asked for are a slice or indices of the known `inputs`, or new inputs (example, feature), which
    add to the basis what they need. The learned part is (direction, site), in the same coordinates. It is
    never queried backward.

    Entries of another `law` are stored for every feature, and nothing is divided by sqrt(D).
    """

    def __init__(self, name: str, out: Sites, inputs: np.ndarray, law: Law | None = None):
        self.name, self.out, self.features, self._law = name, out, inputs.shape[1], law
        self._divisor = np.sqrt(self.features) if law is None else 1.0
        self.basis, self.columns, self._extended = np.empty((0, self.features)), np.empty((0, out.count)), 0
        self._extend(inputs if law is None else np.eye(self.features))
        self.coordinates = self._in_basis(inputs)

    def _extend(self, inputs: np.ndarray) -> None:
        before, self.basis = len(self.basis), spanning(inputs, self.basis)
        new = [self.out.draws.take((self.name, self._extended, j)) for j in range(len(self.basis) - before)]
        self.columns = np.vstack([self.columns, *(column[None] for column in new)])
        if self._law is not None:
            self.columns = self._law.of_normals(self.columns)
        self._extended += 1

    def _in_basis(self, inputs: np.ndarray) -> np.ndarray:
        return inputs @ self.basis.T / self._divisor

    def _coordinates(self, examples) -> np.ndarray:
        """(example, direction), divided by the root of the number of features; not where entries have a law
        of their own."""
        if np.ndim(examples) < 2:
            return self.coordinates[examples]
        if len(self.basis) < self.features:
            self._extend(examples)
        return self._in_basis(examples)

    def initial(self) -> Parameter:
        """The parameter before training."""
        return Parameter(1.0, np.zeros_like(self.columns))

    def apply(self, parameter: Parameter, examples) -> np.ndarray:
        """W^0 x / sqrt(D) of the examples, (example, site)."""
        s = self._coordinates(examples)
        learned = parameter.learned[: s.shape[1]]
        field = self.out.combine(parameter.scale * s, self.columns[: s.shape[1]])
        return self.out.combine(s[:, : len(learned)], learned, field)

    @property
    def entire(self) -> bool:
        """Whether the entries of every feature are stored, not of directions that the inputs span."""
        return self._law is not None

    def weights(self, parameter: Parameter) -> np.ndarray:
        """The entries, (feature, site), of a matrix that is `entire`."""
        return parameter.scale * self.columns + parameter.learned

    def refresh(self, keep: float) -> None:
        """Replace W(0) by keep W(0) + sqrt(1 - keep^2) fresh entries."""
        self.columns = keep * self.columns + np.sqrt(1 - keep**2) * self.out.draws.noise(self.columns.shape)

    @property
    def fraction(self) -> float:
        """Directions that the inputs span over the number of sites."""
        return len(self.columns) / self.out.count

    def kernel(self, examples) -> np.ndarray:
        """K^x = x . x' / D, (example, example_prime)."""
        s = self._coordinates(examples)
        return s @ s.T

    def outer(self, weights: np.ndarray, g: np.ndarray, examples) -> Parameter:
        """The gradient sum_v weights_v g_v x_v^T / sqrt(D), (direction, site); examples beyond those of g
        count nothing."""
        s = self._coordinates(examples)[: len(g)]
        return Parameter(0.0, self.out.combine((weights[: len(g), None] * s).T, g))

    def parts(self, parameter: Parameter, examples, chosen: slice) -> Parts:
        """Parts of W^0 x / sqrt(D) at the `chosen` sites; there is no response."""
        s = self._coordinates(examples)
        gaussian = parameter.scale * s @ self.columns[: s.shape[1], chosen]
        known = len(parameter.learned)
        return Parts(
            gaussian, np.zeros_like(gaussian), s[:, :known] @ parameter.learned[: s.shape[1], chosen]
        )

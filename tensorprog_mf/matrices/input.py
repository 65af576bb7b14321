"""The first weight matrix: stored columns, one for each direction that the inputs span."""

import numpy as np

from ..sites.laws import Law
from ..sites.sites import Sites
from .matrix import Parts
from .parameter import Parameter

Examples = slice | np.ndarray  # which of the known inputs, or new ones (example, feature)

_TOLERANCE = 1e-10  # an input adds a direction if more of it remains, relative to the largest input


def spanning(inputs: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    """Orthonormal rows (direction, feature) that span the inputs (example, feature); `known` ones first.

    Gram-Schmidt in the order of the examples, with a positive diagonal: there are never more directions than
    features or examples.
    """
    basis = np.empty((0, inputs.shape[1])) if known is None else known
    scale = np.linalg.norm(inputs, axis=1).max(initial=0.0)
    for x in inputs:
        if len(basis) == inputs.shape[1]:
            break
        for _ in range(2):  # the second time for what rounding has left
            x = x - (x @ basis.T) @ basis
        if np.linalg.norm(x) > _TOLERANCE * scale:
            basis = np.vstack([basis, x / np.linalg.norm(x)])
    return basis


class InputMatrix:
    """W^0 (site, feature), N(0,1) at the start, in an orthonormal basis of the span of the inputs.

    Its law is the same as that of the whole matrix, with fewer columns. It is asked about a slice or indices
    of the known `inputs`, or about new inputs (example, feature), which add to the basis what they need. The
    learned part is (direction, site), in the same coordinates. It is never queried backward.

    Entries of another `law` are stored for every feature, and nothing is divided by sqrt(D).
    """

    def __init__(self, name: str, out: Sites, inputs: np.ndarray, law: Law | None = None) -> None:
        self.name, self.out, self.features, self._law = name, out, inputs.shape[1], law
        self._divisor = np.sqrt(self.features) if law is None else 1.0
        self.basis, self.columns = np.empty((0, self.features)), np.empty((0, out.count))
        self._extended = 0  # how often, which numbers the queries of its draws
        self._extend(inputs if law is None else np.eye(self.features))
        self.coordinates = self._in_basis(inputs)

    def _extend(self, inputs: np.ndarray) -> None:
        """Add to the basis what the inputs need, with fresh columns."""
        before, self.basis = len(self.basis), spanning(inputs, self.basis)
        new = [self.out.draws.take((self.name, self._extended, j)) for j in range(len(self.basis) - before)]
        self.columns = np.vstack([self.columns, *(column[None] for column in new)])
        if self._law is not None:
            self.columns = self._law.of_normals(self.columns)
        self._extended += 1

    def _in_basis(self, inputs: np.ndarray) -> np.ndarray:
        return inputs @ self.basis.T / self._divisor

    def _coordinates(self, examples: Examples) -> np.ndarray:
        """x / sqrt(D) in the basis, (example, direction); x itself where entries have a law of their own."""
        if isinstance(examples, slice) or examples.ndim < 2:
            return self.coordinates[examples]
        if len(self.basis) < self.features:
            self._extend(examples)
        return self._in_basis(examples)

    def initial(self) -> Parameter:
        """The parameter before training."""
        return Parameter(1.0, np.zeros_like(self.columns))

    def apply(self, parameter: Parameter, examples: Examples) -> np.ndarray:
        """W^0 x / sqrt(D) of the examples, (example, site)."""
        s = self._coordinates(examples)
        learned = parameter.learned[: s.shape[1]]  # either may be from before the basis grew
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

    def kernel(self, examples: Examples) -> np.ndarray:
        """K^x = x . x' / D, (example, example_prime)."""
        s = self._coordinates(examples)
        return s @ s.T

    def outer(self, weights: np.ndarray, g: np.ndarray, examples: Examples) -> Parameter:
        """The gradient sum_v weights_v g_v x_v^T / sqrt(D), (direction, site), over the examples of g."""
        s = self._coordinates(examples)[: len(g)]
        return Parameter(0.0, self.out.combine((weights[: len(g), None] * s).T, g))

    def parts(self, parameter: Parameter, examples: Examples, chosen: slice) -> Parts:
        """Parts of W^0 x / sqrt(D) at the `chosen` sites; there is no response."""
        s = self._coordinates(examples)
        gaussian = parameter.scale * s @ self.columns[: s.shape[1], chosen]
        known = len(parameter.learned)
        return Parts(
            gaussian, np.zeros_like(gaussian), s[:, :known] @ parameter.learned[: s.shape[1], chosen]
        )

"""The first weight matrix: explicit columns, one for each direction that the inputs span."""

import numpy as np

from ..sites import Sites
from .matrix import Parts
from .parameter import Parameter


def input_coordinates(inputs: np.ndarray, tolerance: float = 1e-10) -> np.ndarray:
    """Coordinates S (example, direction) of the inputs in an orthonormal basis of their span: S S^T = X X^T.

    Ordered Gram-Schmidt with positive diagonal: never more directions than features or examples, first examples first.
    """
    basis, scale = np.empty((0, inputs.shape[1])), np.linalg.norm(inputs, axis=1).max(initial=0.0)
    for x in inputs:
        for _ in range(2):
            x = x - (x @ basis.T) @ basis
        if np.linalg.norm(x) > tolerance * scale and len(basis) < inputs.shape[1]:
            basis = np.vstack([basis, x / np.linalg.norm(x)])
    return inputs @ basis.T


class InputMatrix:
    """W^0 (site, feature), N(0,1) at the start, in the coordinates of `input_coordinates`: same law, fewer columns.

    The learned part is (direction, site), in the same coordinates. It is never queried backward.
    """

    def __init__(self, name: str, out: Sites, coordinates: np.ndarray, features: int):
        self.name, self.out, self.features = name, out, features
        self.coordinates = coordinates / np.sqrt(features)
        self.columns = np.array([out.draws.take((name, 0, j)) for j in range(coordinates.shape[1])])
        self.columns = self.columns.reshape(coordinates.shape[1], out.count)

    def initial(self) -> Parameter:
        """The parameter before training."""
        return Parameter(1.0, np.zeros_like(self.columns))

    def apply(self, parameter: Parameter, examples) -> np.ndarray:
        """W^0 x / sqrt(D) of the examples, (example, site)."""
        s = self.coordinates[examples]
        return self.out.combine(s, parameter.learned, self.out.combine(parameter.scale * s, self.columns))

    @property
    def fraction(self) -> float:
        """Directions that the inputs span over the number of sites."""
        return len(self.columns) / self.out.count

    def kernel(self, examples: slice) -> np.ndarray:
        """K^x = x . x' / D, (example, example_prime)."""
        return self.coordinates[examples] @ self.coordinates[examples].T

    def outer(self, weights: np.ndarray, g: np.ndarray, examples: slice) -> Parameter:
        """The gradient sum_v weights_v g_v x_v^T / sqrt(D), (direction, site)."""
        return Parameter(0.0, self.out.combine((weights[:, None] * self.coordinates[examples]).T, g))

    def parts(self, parameter: Parameter, examples: slice, chosen: slice) -> Parts:
        """Parts of W^0 x / sqrt(D) at the `chosen` sites; there is no response."""
        s = self.coordinates[examples]
        gaussian = parameter.scale * s @ self.columns[:, chosen]
        return Parts(gaussian, np.zeros_like(gaussian), s @ parameter.learned[:, chosen])

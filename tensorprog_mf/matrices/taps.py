"""Several random matrices that are asked about the same vectors: the taps of a convolution."""

import numpy as np

from .matrix import Matrix, Parts
from .parameter import Parameter


class Taps:
    """W_b, b = 0 ... taps - 1, all applied to every vector; they share bases of queries, but not the answers.

    The learned part of their parameter is (tap, ...). Fields are divided as those of each matrix by itself.
    """

    def __init__(self, matrices: list[Matrix]) -> None:
        first = matrices[0]
        for other in matrices[1:]:
            other.share(first)
        self.matrices, self.name, self.out, self.into = matrices, first.name, first.out, first.into
        self.inner, self.count = first.inner, len(matrices)

    def initial(self) -> Parameter:
        """The parameter before training."""
        return Parameter(1.0, np.array([matrix.initial().learned for matrix in self.matrices]))

    def each(self, parameter: Parameter) -> list[tuple[Matrix, Parameter]]:
        """Every matrix with its own parameter."""
        return [
            (matrix, Parameter(parameter.scale, learned, parameter.role))
            for matrix, learned in zip(self.matrices, parameter.learned)
        ]

    def apply(self, parameter: Parameter, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """W_b x / sqrt(n_in), (tap, vector, site of `out`), and the handle of x."""
        query = self.matrices[0].ask(x)
        return np.array([matrix.answer(own, query) for matrix, own in self.each(parameter)]), query.handle

    def apply_transpose(self, parameter: Parameter, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """W_b^T g / sqrt(n_out), (tap, vector, site of `into`), and the handle of g."""
        query = self.matrices[0].ask(g, transposed=True)
        return np.array([matrix.answer(own, query) for matrix, own in self.each(parameter)]), query.handle

    def outer(self, pairs: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Parameter:
        """Gradients sum_v weights_v g_v x_v^T / sqrt(n_in), from (weights, handles of g and x) per tap."""
        return Parameter(
            0.0, np.array([matrix.outer(*pair).learned for matrix, pair in zip(self.matrices, pairs)])
        )

    def refresh(self, keep: float) -> None:
        """As of `Matrix`."""
        for matrix in self.matrices:
            matrix.refresh(keep)

    def size(self, parameter: Parameter) -> float:
        """As of `Matrix`, of all taps together."""
        return float(np.sqrt(sum(matrix.size(own) ** 2 for matrix, own in self.each(parameter))))

    def parts(
        self, parameter: Parameter, handle: np.ndarray, chosen: slice, transposed: bool
    ) -> list[Parts] | None:
        """Parts of the answers of every tap at the `chosen` sites; None if they cannot be told apart."""
        found = []
        for matrix, own in self.each(parameter):
            of = matrix.parts_backward if transposed else matrix.parts_forward
            if (parts := of(own, handle, chosen)) is None:
                return None
            found.append(parts)
        return found

    @property
    def rank(self) -> tuple[int, int] | None:
        """As of `Matrix`."""
        return self.matrices[0].rank

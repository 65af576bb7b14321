"""A stored matrix, for networks of finite width."""

from typing import Self

import numpy as np

from ..sites.sites import Sites
from .matrix import Matrix, Query
from .parameter import Parameter


class StoredMatrix(Matrix):
    """W(0) stored, with entries N(0,1) until `recentre`; handles are the vectors themselves.

    Its `learned` part is an array of the same shape, (site of `out`, site of `into`).
    """

    def __init__(self, name: str, out: Sites, into: Sites, rng: np.random.Generator) -> None:
        super().__init__(name, out, into)
        self._rng = rng
        self.initial_weights = rng.standard_normal((out.count, into.count))

    def recentre(self, mean: np.ndarray, std: float) -> None:
        """Give entries the law (mean + std N(0,1)) / sqrt(n_in): fields are then averages over neurons."""
        self.initial_weights *= std
        self.initial_weights += mean
        self.initial_weights /= np.sqrt(self.into.count)

    def initial(self) -> Parameter:
        return Parameter(1.0, np.zeros_like(self.initial_weights))

    @property
    def untrained(self) -> Parameter:
        return Parameter(1.0, np.zeros((1, 1)))  # broadcasts

    def refresh(self, keep: float) -> None:
        self.initial_weights *= keep
        self.initial_weights += np.sqrt(1 - keep**2) * self._rng.standard_normal(self.initial_weights.shape)

    def weights(self, parameter: Parameter) -> np.ndarray:
        """W(t), (site of `out`, site of `into`)."""
        return parameter.scale * self.initial_weights + parameter.learned

    def ask(self, x: np.ndarray, transposed: bool = False) -> Query:
        return Query(x, [], 0, transposed)

    def answer(self, parameter: Parameter, query: Query) -> np.ndarray:
        if query.transposed:
            return query.handle @ self.weights(parameter) / np.sqrt(self.out.count)
        return query.handle @ self.weights(parameter).T / np.sqrt(self.into.count)

    def share(self, other: Self, transposed: bool = True) -> None:
        pass  # there are no bases

    def inner(self, a: np.ndarray, b: np.ndarray, sites: Sites) -> np.ndarray:
        return sites.mean(a, b)

    def size(self, parameter: Parameter) -> float:
        return float(np.linalg.norm(parameter.learned) / np.sqrt(self.out.count))

    def outer(self, weights: np.ndarray, g: np.ndarray, x: np.ndarray) -> Parameter:
        return Parameter(0.0, (weights[: len(g), None] * g).T @ x[: len(g)] / np.sqrt(self.into.count))

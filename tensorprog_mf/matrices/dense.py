"""A stored matrix: a real network of finite width, for comparison."""

import numpy as np

from .matrix import Matrix, Query
from .parameter import Parameter


class Dense(Matrix):
    """W(0) stored, entries N(0,1) unless `recentred`; handles are the queries themselves."""

    def __init__(self, name, out, into, rng: np.random.Generator):
        super().__init__(name, out, into)
        self._rng = rng
        self.initial_weights = rng.standard_normal((out.count, into.count))

    def recentred(self, mean: np.ndarray, std: float) -> "Dense":
        """Itself, with entries (mean + std N(0,1)) / sqrt(n_in) at the start: averages over the neurons
        below, not sums."""
        self.initial_weights *= std
        self.initial_weights += mean
        self.initial_weights /= np.sqrt(self.into.count)
        return self

    def initial(self) -> Parameter:
        return Parameter(1.0, np.zeros_like(self.initial_weights))

    @property
    def untrained(self) -> Parameter:
        return Parameter(1.0, np.zeros((1, 1)))

    def refresh(self, keep):
        self.initial_weights *= keep
        self.initial_weights += np.sqrt(1 - keep**2) * self._rng.standard_normal(self.initial_weights.shape)

    def weights(self, parameter: Parameter) -> np.ndarray:
        """W(t), (site of `out`, site of `into`)."""
        return parameter.scale * self.initial_weights + parameter.learned

    def ask(self, x, transposed=False):
        return Query(x, [], 0, transposed)

    def answer(self, parameter, query):
        if query.transposed:
            return query.handle @ self.weights(parameter) / np.sqrt(self.out.count)
        return query.handle @ self.weights(parameter).T / np.sqrt(self.into.count)

    def share(self, other, transposed=True):
        pass

    def inner(self, a, b, sites):
        return sites.mean(a, b)

    def size(self, parameter):
        return float(np.linalg.norm(parameter.learned) / np.sqrt(self.out.count))

    def outer(self, weights, g, x):
        return Parameter(0.0, (weights[: len(g), None] * g).T @ x[: len(g)] / np.sqrt(self.into.count))

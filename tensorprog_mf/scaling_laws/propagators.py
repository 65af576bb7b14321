"""How weights and projection depend on the gradients before: the propagators of descent.

Legend:

    w(t) = sum_s W(t, s) v3(s)                      readout weights
    Cw(t, t') = w(t) . w(t') / N                    their correlation
    c(t, s) = sum_{s <= u < t} eta_u mu^(u - s)     what momentum and schedule make of the gradient of step s
                                                    by time t
    X = C3 if projected, otherwise C2               gradient correlation that the projection sees
"""

import numpy as np

from .model import Descent


class Propagators:
    """W, Cw, c and Th = W + richness c Cw, all (time, time_prime), a row at a time; row 0 is 0."""

    def __init__(self, training: Descent, richness: float) -> None:
        self.rates, self.momentum, self.richness = training.rates(), training.momentum, richness
        times = training.steps + 1
        self.w, self.cw, self.c = (np.zeros((times, times)) for _ in range(3))
        self._velocity = np.zeros(times)

    def advance(self, t: int, x: np.ndarray, c3: np.ndarray) -> None:
        """Row t + 1, from X and C3 up to time t:

            W(t + 1) = W(t) + eta_t velocity
            velocity <- mu velocity + delta_t + richness sum_{u < t} c(t, u) X(t, u) W(u)

        delta_t is the gradient v3(t) itself, the sum what the projection has learned from the steps before.
        """
        gradient = self.richness * (self.c[t, :t] * x[t, :t]) @ self.w[:t]
        gradient[t] += 1.0
        self._velocity = self.momentum * self._velocity + gradient
        self.w[t + 1] = self.w[t] + self.rates[t] * self._velocity
        self.c[t + 1, : t + 1] = self.c[t, : t + 1] + self.rates[t] * self.momentum ** np.arange(t, -1, -1.0)
        now = slice(0, t + 2)
        self.cw[t + 1, now] = self.cw[now, t + 1] = self.w[now, now] @ (c3[now, now] @ self.w[t + 1, now])

    def learned(self, t: int) -> np.ndarray:
        """Row t of richness c Cw: what the projection has learned."""
        return self.richness * self.c[t] * self.cw[t]

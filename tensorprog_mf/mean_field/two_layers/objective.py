"""The objective of training on laws on a grid of nodes: its derivative, its least value, bounds on it."""

import numpy as np

from .box import Box
from .reduction import Reduction

_ITERATIONS = 20000
_HALVINGS = 50  # of a step along which the objective is convex
_STARTS = 8  # of local searches for a lower potential between nodes


class Objective:
    """J(rho) = E loss(f_rho, y) + (lambda / 2) int |theta|^2 d rho, of laws on a box and on its nodes.

    J is convex in rho; its derivative is the potential Psi(theta; rho) = E[loss'(f_rho, y) sigma_*] +
    (lambda / 2) |theta|^2.
    """

    def __init__(self, reduced: Reduction, box: Box, weight_decay: float) -> None:
        self.reduced, self.nodes, self.weight_decay = reduced, box.theta, weight_decay
        self.values = reduced.values(self.nodes)  # (node, point)
        self.cost = self.decay(self.nodes)
        self._bounds = [(axis[0], axis[-1]) for axis in box.axes.values()]

    def decay(self, theta: np.ndarray) -> np.ndarray:
        """(lambda / 2) |theta|^2 of every site."""
        return self.weight_decay / 2 * (theta[self.reduced.trained] ** 2).sum(axis=0)

    def potential(self, theta: np.ndarray, residual: np.ndarray) -> np.ndarray:
        """Psi at every site."""
        return self.reduced.values(theta) @ residual + self.decay(theta)

    def gradient(self, theta: np.ndarray, residual: np.ndarray) -> np.ndarray:
        """grad Psi, (parameter, site)."""
        pull = self.reduced.pull(theta, residual)
        return pull + self.weight_decay * theta * self.reduced.trained[:, None]

    def at_nodes(self, residual: np.ndarray) -> np.ndarray:
        """Psi at the nodes."""
        return self.values @ residual + self.cost

    def least(self, residual: np.ndarray) -> float:
        """The least Psi on the box, by local searches from the lowest nodes."""
        from scipy.optimize import minimize

        at_nodes, moving = self.at_nodes(residual), self.reduced.trained
        found = at_nodes.min()

        def of(x: np.ndarray, start: np.ndarray) -> tuple[float, np.ndarray]:
            theta = start.copy()
            theta[moving, 0] = x
            return float(self.potential(theta, residual)[0]), self.gradient(theta, residual)[moving, 0]

        for k in np.argsort(at_nodes)[:_STARTS]:
            start = np.ascontiguousarray(self.nodes[:, k : k + 1])
            search = minimize(of, start[moving, 0], (start,), "L-BFGS-B", jac=True, bounds=self._bounds)
            found = min(found, search.fun)
        return float(found)

    def best(self, enough: float) -> np.ndarray:
        """Weights of the best law on the nodes, up to `enough` in J, by pairwise Frank-Wolfe steps.

        Each moves mass from the node with the highest potential among those that have some to the node with
        the lowest, as far as J falls. J exceeds its least value by at most the mean potential minus the
        least one.
        """
        loss, points = self.reduced.loss, self.reduced.weights
        alone = loss.value(self.values, self.reduced.targets) @ points + self.cost  # J of a point mass
        share = np.zeros(len(alone))
        share[alone.argmin()] = 1.0
        for _ in range(_ITERATIONS):
            output = share @ self.values
            slope = self.at_nodes(self.reduced.residual(output))
            to, of = slope.argmin(), np.where(share > 0, slope, -np.inf).argmax()
            if slope @ share - slope[to] < enough:
                break
            move, cost = self.values[to] - self.values[of], self.cost[to] - self.cost[of]
            size = self._size(output, move, cost, share[of])
            share[to] += size
            share[of] = max(share[of] - size, 0.0)
        return share

    def _size(self, output: np.ndarray, move: np.ndarray, cost: float, most: float) -> float:
        """Where J is least between 0 and `most`, at outputs output + size move and with size cost added."""
        reduced = self.reduced

        def slope(size: float) -> float:
            return reduced.residual(output + size * move) @ move + cost

        if reduced.loss.name == "squared":
            return min(most, -slope(0.0) / max(reduced.weights @ move**2, 1e-300))
        if slope(most) <= 0:
            return most
        low, high = 0.0, most
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if slope(middle) < 0 else (low, middle)
        return low

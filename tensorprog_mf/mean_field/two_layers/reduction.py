"""All that a solver knows of a unit on data: values and gradients over sites, whatever the reduction.

Every reduction has one form: points m of weight p_m and target y_m, f_m = E sigma_*(x_m; theta), and
d theta / dt = -2 xi [sum_m p_m loss'(f_m, y_m) grad sigma_*(x_m; theta) + lambda theta].
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ground.errors import UnsupportedError
from ...problems.losses import Loss


@dataclass(frozen=True, kw_only=True)
class Points:
    """Points that stand for the data, and the parameters of the unit on them.

    Attributes
    ----------
    names
        Names of the parameters, in the order of the rows of theta (parameter, site).
    trained
        (parameter,): which of them move.
    weights, targets
        p_m (point,) and y_m (point[, output]).
    loss
        The loss of one example.
    """

    names: tuple[str, ...]
    trained: np.ndarray
    weights: np.ndarray
    targets: np.ndarray
    loss: Loss


class Reduction(ABC):
    """A unit on data, reduced to `Points`, whose attributes it has.

    `radius` (point,) is |x| where points are norms of inputs, otherwise None; `two_classes` says that each
    point belongs to one of two classes of Gaussians.
    """

    radius: np.ndarray | None = None
    two_classes = False

    def __init__(self, points: Points) -> None:
        self.names, self.trained = points.names, points.trained
        self.weights, self.targets, self.loss = points.weights, points.targets, points.loss

    @abstractmethod
    def output(self, theta: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """f_m = sum_i weight_i sigma_*(x_m; theta_i), (point[, output]); bits do not depend on threads."""

    @abstractmethod
    def pull(self, theta: np.ndarray, residual: np.ndarray, seen: Any = None) -> np.ndarray:
        """sum_m residual_m grad sigma_*(x_m; theta), (parameter, site); zero for parameters that stay.

        `seen` is what `look` has returned at the same theta, if anything.
        """

    def look(self, theta: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, Any]:
        """`output`, and what `pull` need not compute again."""
        return self.output(theta, weight), None

    def values(self, theta: np.ndarray) -> np.ndarray:
        """sigma_*(x_m; theta_i), (site, point), of one output."""
        one = np.ones(1)
        return np.stack([self.output(np.ascontiguousarray(column[:, None]), one) for column in theta.T])

    def slope(self, output: np.ndarray) -> np.ndarray:
        """loss'(f_m, y_m), which is f_m - y_m for the squared loss."""
        return -self.loss.error(output, self.targets)

    def residual(self, output: np.ndarray) -> np.ndarray:
        """p_m loss'(f_m, y_m)."""
        return self.weights.reshape(-1, *[1] * (self.targets.ndim - 1)) * self.slope(output)

    def mean_loss(self, output: np.ndarray) -> float:
        """E loss(f, y)."""
        return float(self.weights @ self.loss.each(output, self.targets))

    def risk(self, output: np.ndarray) -> float:
        """E loss(f, y); of the squared loss without its 1/2, E (y - f)^2."""
        return (2 if self.loss.name == "squared" else 1) * self.mean_loss(output)

    def refuse_outputs(self, route: str) -> None:
        """Raise `UnsupportedError` for several outputs, in the name of a route for one."""
        if self.targets.ndim > 1:
            outputs = self.targets.shape[1]
            raise UnsupportedError(
                f"{route} is for one output; with {outputs} outputs take distributional_dynamics."
            )

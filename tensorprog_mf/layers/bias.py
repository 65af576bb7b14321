"""A number for every site, added to what a weight matrix gives."""

import numpy as np

from ..matrices.matrix import Parts
from ..matrices.parameter import Parameter
from ..sites.sites import Sites
from ..training.roles import Role
from .layer import root_mean_square


class Bias:
    """b (site), entries N(0, std^2) at the start; part of the layer whose matrix it stands beside."""

    def __init__(self, name: str, sites: Sites, std: float):
        self.name, self.sites, self.std = name, sites, std
        self.column = sites.draws.take((name, 0, 0)) if std > 0 else np.zeros(sites.count)

    def initial(self) -> dict[str, Parameter]:
        """The parameter before training."""
        return {self.name: Parameter(self.std, np.zeros((1, self.sites.count)), Role.BIAS)}

    def added(self, parameters: dict[str, Parameter], h: np.ndarray) -> np.ndarray:
        """h + b, (vector, site)."""
        parameter = parameters[self.name]
        return h + (parameter.scale * self.column + parameter.learned)

    def gradients(self, weights: np.ndarray, g: np.ndarray) -> dict[str, Parameter]:
        """sum_v weights_v g_v."""
        return {self.name: Parameter(0.0, self.sites.combine(weights[None, : len(g)], g))}

    def refresh(self, parameters: dict[str, Parameter], variance: float) -> None:
        """Add Gaussian noise of a variance."""
        keep = parameters[self.name].heat(variance)
        self.column = keep * self.column + np.sqrt(1 - keep**2) * self.sites.draws.noise(self.column.shape)

    def parts(self, parameters: dict[str, Parameter], parts: Parts | None, chosen: slice) -> Parts | None:
        """Parts of a field with the bias: its start is Gaussian, the rest learned."""
        if parts is None:
            return None
        parameter = parameters[self.name]
        initial, learned = parameter.scale * self.column[chosen], parameter.learned[:, chosen]
        return Parts(parts.gaussian + initial, parts.response, parts.learned + learned)

    def sizes(self, parameters: dict[str, Parameter]) -> dict[str, float]:
        """Root mean square of what has been learned."""
        return {self.name: root_mean_square(parameters[self.name].learned)}

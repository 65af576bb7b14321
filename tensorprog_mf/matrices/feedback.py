"""What learning rules send back in place of the transposed weights."""

import numpy as np

from ..sites.sites import Sites
from .matrix import Feedback, Matrix


class Aligned(Feedback):
    """Feedback alignment: B^T g / sqrt(n_out) with a fixed B = std (rho W(0) + sqrt(1 - rho^2) R).

    The entries of R are independent N(0,1), and rho is the `correlation` (Lillicrap et al. 2016; in this
    limit Bordelon & Pehlevan 2023, arXiv:2210.02157).
    """

    def __init__(self, random: Matrix, correlation: float, std: float) -> None:
        self.random, self.correlation, self.std = random, correlation, std

    def field(self, initial: np.ndarray, g: np.ndarray, seed: np.ndarray) -> np.ndarray:
        fresh, _ = self.random.apply_transpose(self.random.untrained, g)
        return self.std * (self.correlation * initial + np.sqrt(1 - self.correlation**2) * fresh)


class Static(Feedback):
    """Direct feedback alignment: sum_c seed_c b_c with fixed rows b_c ~ N(0,1) of each layer (Nokland
    2016)."""

    def __init__(self, name: str, sites: Sites, outputs: int) -> None:
        self.sites = sites
        self.rows = np.array([sites.draws.take((f"{name} feedback", 0, c)) for c in range(outputs)])

    def field(self, initial: np.ndarray, g: np.ndarray, seed: np.ndarray) -> np.ndarray:
        return self.sites.combine(seed, self.rows)

"""What learning rules send backward in place of the transposed weights."""

import numpy as np

from ..sites.sites import Sites
from .matrix import Feedback, Matrix


class Aligned(Feedback):
    """B^T g / sqrt(n_out) with a fixed B = std (rho W(0) + sqrt(1 - rho^2) R), R iid N(0,1): feedback
    alignment.

    (Lillicrap et al. 2016; in this limit Bordelon & Pehlevan 2023, arXiv:2210.02157.)
    """

    def __init__(self, random: Matrix, correlation: float, std: float):
        self.random, self.correlation, self.std = random, correlation, std

    def field(self, initial, g, seed):
        fresh, _ = self.random.apply_transpose(self.random.untrained, g)
        return self.std * (self.correlation * initial + np.sqrt(1 - self.correlation**2) * fresh)


class Static(Feedback):
    """sum_c seed_c b_c with fixed random rows b_c, N(0,1), of the layer itself: direct feedback alignment
    (Nokland 2016)."""

    def __init__(self, name: str, sites: Sites, outputs: int):
        self.sites = sites
        self.rows = np.array([sites.draws.take((f"{name} feedback", 0, c)) for c in range(outputs)])

    def field(self, initial, g, seed):
        return self.sites.combine(seed, self.rows)

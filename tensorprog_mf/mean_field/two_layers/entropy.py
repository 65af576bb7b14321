"""Entropy of a law from independent samples of it."""

import math

import numpy as np

NEIGHBOUR = 4


def nearest_neighbour_entropy(samples: np.ndarray) -> float:
    """-E log rho from samples (sample, dimension) by distances to the fourth nearest neighbour.

        psi(n) - psi(k) + log V_D + (D / n) sum_i log |x_i - x_i^(k)|

    (Kozachenko & Leonenko 1987, with k neighbours), V_D the volume of the unit ball. -inf for a point mass.
    """
    from scipy.spatial import cKDTree
    from scipy.special import digamma

    count, dimension = samples.shape
    if count <= NEIGHBOUR or not np.isfinite(samples).all():
        return math.nan
    distance = cKDTree(samples).query(samples, NEIGHBOUR + 1)[0][:, NEIGHBOUR]
    if (distance == 0).any():
        return -math.inf
    ball = dimension / 2 * math.log(math.pi) - math.lgamma(dimension / 2 + 1)
    return float(digamma(count) - digamma(NEIGHBOUR) + ball + dimension * np.log(distance).mean())

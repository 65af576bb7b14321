"""How much of an average the largest sites carry: what standard errors do not tell of heavy tails."""

import numpy as np

SHARE = 0.01  # of the sites


def largest_share(*fields: np.ndarray) -> float:
    """Share of the largest 1 % of sites in the sum of squares of a field; of several fields the largest.

    Fields are (..., site); the size of a site is its square summed over all vectors. Equal sites give 0.01
    and Gaussian ones about 0.07. Squares that follow a power law of tail index a give 0.01^(1 - 1/a), which
    is 0.1 where their variance becomes infinite, a = 2. Of fewer than 100 sites, the same part of the largest
    one counts.
    """
    return max((_share(field.reshape(-1, field.shape[-1])) for field in fields), default=0.0)


def _share(field: np.ndarray) -> float:
    sizes = np.einsum("vi,vi->i", field, field)
    total, count = float(sizes.sum()), SHARE * len(sizes)
    if total == 0.0:
        return 0.0
    whole = int(count)  # sites that count in full; the next one counts with what is left
    top = np.partition(sizes, len(sizes) - 1 - whole)[len(sizes) - 1 - whole :]
    return float((top[1:].sum() + (count - whole) * top[0]) / total)

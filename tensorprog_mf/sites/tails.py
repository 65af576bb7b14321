"""How much of an average over sites the largest of them carry: what standard errors of heavy tails do not
tell."""

import numpy as np

SHARE = 0.01  # of the sites


def largest_share(*fields: np.ndarray) -> float:
    """Share of the largest 1 % of sites in the mean squares of a field over sites, summed over its vectors;
    of several the largest.

    Fields are (..., site). Equal sites give 0.01, Gaussian ones about 0.07; of a power law with tail index a
    (of squares) it is 0.01^(1 - 1/a), 0.1 where the variance becomes infinite, a = 2. Of less than 100 sites,
    that part of the largest one.
    """
    return max((_share(field.reshape(-1, field.shape[-1])) for field in fields), default=0.0)


def _share(field: np.ndarray) -> float:
    sizes = np.einsum("vi,vi->i", field, field)
    total, count = float(sizes.sum()), SHARE * len(sizes)
    if total == 0.0:
        return 0.0
    whole = int(count)
    top = np.partition(sizes, len(sizes) - 1 - whole)[len(sizes) - 1 - whole :]
    return float((top[1:].sum() + (count - whole) * top[0]) / total)

"""What matrices leave out of their answers, as seen at the outputs."""

import numpy as np


def left_out(held: np.ndarray | None, z: np.ndarray, x: np.ndarray, positions: int = 1) -> list[np.ndarray]:
    """E[z . rest], (column, example), of what the basis does not hold of features x = E c + rest, summed over
    `positions`.

    Given the fields z (column, vector, site) that come back, x (vector, site) and the averages <z . E c>
    `held`, (column x vector), of None where nothing is left out. To first order an output lacks it, over the
    richness.
    """
    if held is None:
        return []
    columns, vectors = z.shape[:2]
    seen = np.vecdot(z, x[:vectors]) / x.shape[1]
    return [(seen - held.reshape(columns, vectors)).reshape(columns, -1, positions).sum(axis=2)]

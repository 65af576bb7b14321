"""Factors of kernels and regressions on drivers that respect the order of time."""

import numpy as np
from scipy.linalg import solve_triangular

_ROUNDING = 1e-13  # relative rounding of what is left of a variance


def causal_factor(kernel: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """L (slot, direction), lower trapezoidal with L L^T = kernel, and the slots that added a direction, in
    order.

    Gram-Schmidt in the given order of slots: a slot whose remainder has a root mean square below `tolerance`
    times its own adds nothing, so that trajectories that are smooth in time need few directions.
    """
    accepted: list[int] = []
    columns, left = np.zeros((len(kernel), len(kernel))), np.diag(kernel).copy()
    floor = max(tolerance**2, _ROUNDING) * left
    for slot in range(len(kernel)):
        if not left[slot] > floor[slot]:
            continue
        k = len(accepted)
        column = kernel[slot:, slot] - columns[slot:, :k] @ columns[slot, :k]
        columns[slot:, k] = column / np.sqrt(left[slot])
        left[slot:] -= columns[slot:, k] ** 2
        accepted.append(slot)
    return columns[:, : len(accepted)], np.array(accepted, dtype=int)


def undo_factor(coefficients: np.ndarray, factor: np.ndarray, accepted: np.ndarray) -> np.ndarray:
    """Coefficients (row, slot) on the fields, given those (row, direction) on the innovations that `factor`
    makes them of."""
    on_slots = np.zeros((len(coefficients), len(factor)))
    on_slots[:, accepted] = solve_triangular(factor[accepted], coefficients.T, trans="T", lower=True).T
    return on_slots


def regress(products: np.ndarray, gram: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Least squares of rows on drivers, (row, driver): row i on its first `known[i]` drivers only, in their
    order.

    `products` are the averages <row driver>, `gram` those of drivers.
    """
    lower, result = np.linalg.cholesky(gram), np.zeros_like(products)
    white = solve_triangular(lower, products.T, lower=True).T  # the first entries need the first drivers only
    for count in np.unique(known):
        rows = known == count
        result[rows, :count] = solve_triangular(
            lower[:count, :count], white[rows, :count].T, trans="T", lower=True
        ).T
    return result

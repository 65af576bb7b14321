"""A matrix that reveals itself, stored."""

import numpy as np


def stored(matrix):
    """A full matrix that has answered every query as a revealed one did: its known part, any Gaussian
    rest."""
    e, u = matrix.forward.basis.rows, matrix.forward.images
    f, v = matrix.backward.basis.rows, matrix.backward.images
    n, m = matrix.out.count, matrix.into.count
    known = u.T @ e / np.sqrt(m)
    rest = f.T @ (v - v @ e.T @ e / m) / np.sqrt(n)
    other = np.random.default_rng(0).standard_normal((n, m))
    other -= f.T @ (f @ other) / n
    return known + rest + (other - other @ e.T @ e / m)

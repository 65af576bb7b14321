"""Compiled loops over blocks of sites; `ground.accelerate` has the rules that they follow.

Products of few vectors with many rows are computed in tiles of 4 rows x 2 vectors that stay in registers:
measured 25-35 GFLOP/s per core, against 10-18 for BLAS, at 4-10 vectors and some hundred rows. All arrays
have sites contiguous in their last dimension, and `first` ... `last` - 1 are the blocks that a call works on.
"""

import numpy as np

from ..ground.accelerate import BLOCK, kernel


@kernel(sums=True)
def project_blocks(first: int, last: int, rows: np.ndarray, x: np.ndarray, partial: np.ndarray) -> None:
    """partial[block, i, j] = sum over the sites of a block of rows[i] x[j].

    rows (row, site), x (vector, site), partial (block, row, vector).
    """
    n_rows, n_vectors, n_sites = rows.shape[0], x.shape[0], x.shape[1]
    for block in range(first, last):
        low = block * BLOCK
        high = min(low + BLOCK, n_sites)
        for i in range(0, n_rows, 4):
            # Past the edge a tile repeats its last row: the same number is written twice.
            i1, i2, i3 = min(i + 1, n_rows - 1), min(i + 2, n_rows - 1), min(i + 3, n_rows - 1)
            p0, p1, p2, p3 = rows[i, low:high], rows[i1, low:high], rows[i2, low:high], rows[i3, low:high]
            for j in range(0, n_vectors, 2):
                j1 = min(j + 1, n_vectors - 1)
                x0, x1 = x[j, low:high], x[j1, low:high]
                a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = 0.0
                for s in range(high - low):
                    u, w = x0[s], x1[s]
                    a0 += u * p0[s]
                    a1 += u * p1[s]
                    a2 += u * p2[s]
                    a3 += u * p3[s]
                    b0 += w * p0[s]
                    b1 += w * p1[s]
                    b2 += w * p2[s]
                    b3 += w * p3[s]
                partial[block, i, j], partial[block, i, j1] = a0, b0
                partial[block, i1, j], partial[block, i1, j1] = a1, b1
                partial[block, i2, j], partial[block, i2, j1] = a2, b2
                partial[block, i3, j], partial[block, i3, j1] = a3, b3


@kernel()
def combine_blocks(
    first: int, last: int, coefficients: np.ndarray, rows: np.ndarray, out: np.ndarray
) -> None:
    """out[j] += sum_k coefficients[j, k] rows[k] on the sites of the blocks.

    coefficients (vector, row), rows (row, site), out (vector, site).
    """
    c, n_rows, n_vectors, n_sites = coefficients, rows.shape[0], out.shape[0], out.shape[1]
    tiled = n_rows - n_rows % 4
    for block in range(first, last):
        low = block * BLOCK
        high = min(low + BLOCK, n_sites)
        for i in range(0, tiled, 4):
            p0, p1 = rows[i, low:high], rows[i + 1, low:high]
            p2, p3 = rows[i + 2, low:high], rows[i + 3, low:high]
            for j in range(0, n_vectors - 1, 2):
                x, y, j1 = out[j, low:high], out[j + 1, low:high], j + 1
                a0, a1, a2, a3 = c[j, i], c[j, i + 1], c[j, i + 2], c[j, i + 3]
                b0, b1, b2, b3 = c[j1, i], c[j1, i + 1], c[j1, i + 2], c[j1, i + 3]
                for s in range(high - low):
                    x[s] += a0 * p0[s] + a1 * p1[s] + a2 * p2[s] + a3 * p3[s]
                    y[s] += b0 * p0[s] + b1 * p1[s] + b2 * p2[s] + b3 * p3[s]
            if n_vectors % 2:  # the last vector has no partner
                j = n_vectors - 1
                x = out[j, low:high]
                a0, a1, a2, a3 = c[j, i], c[j, i + 1], c[j, i + 2], c[j, i + 3]
                for s in range(high - low):
                    x[s] += a0 * p0[s] + a1 * p1[s] + a2 * p2[s] + a3 * p3[s]
        for i in range(tiled, n_rows):  # rows that fill no tile
            p0 = rows[i, low:high]
            for j in range(n_vectors):
                x, a0 = out[j, low:high], c[j, i]
                for s in range(high - low):
                    x[s] += a0 * p0[s]


@kernel(sums=True)
def _mean_product(x: np.ndarray, y: np.ndarray) -> float:
    """Mean over sites of x y, both (site,), summed block by block so that long arrays lose no digits."""
    total = 0.0
    for low in range(0, x.shape[0], BLOCK):
        a, b = x[low : low + BLOCK], y[low : low + BLOCK]
        part = 0.0
        for s in range(a.shape[0]):
            part += a[s] * b[s]
        total += part
    return total / x.shape[0]


@kernel()
def orthonormalise(x: np.ndarray, smallest: np.ndarray, accepted: np.ndarray) -> None:
    """Gram-Schmidt in order and in place, with a positive diagonal and <q q> = 1.

    x (vector, site), smallest (vector,), accepted (vector,) of uint8. A vector whose remainder has a root
    mean square of smallest[j] or less is left out: accepted[j] = 0.
    """
    for j in range(x.shape[0]):
        for _ in range(2):  # the second pass takes away what rounding has left in the first
            for i in range(j):
                if accepted[i]:
                    overlap = _mean_product(x[i], x[j])
                    for s in range(x.shape[1]):
                        x[j, s] -= overlap * x[i, s]
        size = _mean_product(x[j], x[j]) ** 0.5
        accepted[j] = size > smallest[j]
        if accepted[j]:
            for s in range(x.shape[1]):
                x[j, s] /= size


@kernel()
def digital_sequence(
    directions: np.ndarray, rows: np.ndarray, shift: np.uint32, points: np.ndarray, uniforms: np.ndarray
) -> None:
    """Points of a scrambled digital sequence in binary order, (point,), as whole numbers and in (0, 1).

    `directions` (digit of the index), `rows` of the scrambling matrix (digit of the point, most significant
    first). A row times a direction is the parity of the digits that they share.
    """
    digits, size = len(rows), 1
    points[0] = shift
    for k in range(len(directions)):
        scrambled = np.uint32(0)
        for digit in range(digits):
            shared = np.uint32(rows[digit] & directions[k])
            for half in (16, 8, 4, 2, 1):
                shared ^= shared >> np.uint32(half)
            scrambled |= np.uint32((shared & np.uint32(1)) << np.uint32(digits - 1 - digit))
        # Points 2^k ... 2^(k + 1) - 1 are those before, plus direction k.
        for point in range(size):
            points[size + point] = points[point] ^ scrambled
        size *= 2
    for point in range(len(points)):
        uniforms[point] = (points[point] + 0.5) * 2.0**-digits

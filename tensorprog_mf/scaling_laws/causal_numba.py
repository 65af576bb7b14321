"""Rows of the causal recursion over modes. Modes are walked in fixed blocks; sums over them leave as a
partial per block.

Legend, row t, columns before it: th4, e, q propagators; m = H 1; g4 = H Th4, g2 = H E, H = (1 + lam Q)^-1; r1
response of data sites; rm, rg4 = R1 m, R1 G4; j = 1 - lam R1 G2; k* covariances (time, time_prime) of the
Gaussian sources.
"""

import numpy as np

from ..ground.accelerate import kernel

MODES = 16  # of a block, part of the numerical definition


@kernel(sums=True)
def _quadratic(rows, t, covariance, width, factor, out):
    """out[s] += factor rows[t] covariance rows[s]^T for s <= t; rows[s] reaches to s + width."""
    count = t + width
    y = np.zeros(count)
    for u in range(count):
        value = rows[t, u]
        for v in range(count):
            y[v] += value * covariance[u, v]
    for s in range(t + 1):
        total = 0.0
        for u in range(s + width):
            total += y[u] * rows[s, u]
        out[s] += factor * total


@kernel(sums=True)
def _apply(q, rows, t, factor, out):
    """out[s] += factor sum_{s<u<t} q[u] rows[u, s]."""
    for u in range(t):
        value = factor * q[u]
        for s in range(u):
            out[s] += value * rows[u, s]


@kernel(sums=True)
def propagate(first, last, t, lam, count, th4, e, q, m, g4, g2, with_g4, with_g2, partial):
    """Row t of m, g4 and g2; partial[block, s] of R02(t, s)."""
    for block in range(first, last):
        for k in range(block * MODES, min(block * MODES + MODES, len(lam))):
            total = 1.0
            for u in range(t):
                total -= lam[k] * q[u] * m[k, u]
            m[k, t] = total
            if with_g4:
                g4[k, t, :t] = th4[:t]
                _apply(q, g4[k], t, -lam[k], g4[k, t])
            if with_g2:
                g2[k, t, :t] = e[:t]
                _apply(q, g2[k], t, -lam[k], g2[k, t])
                for s in range(t):
                    partial[block, s] -= count[k] * lam[k] * g2[k, t, s]


@kernel(sums=True)
def respond(
    first,
    last,
    t,
    lam,
    count,
    weight,
    r1,
    m,
    g4,
    g2,
    rm,
    rg4,
    j,
    with_g4,
    with_g2,
    k4,
    k2,
    cross4,
    cross2,
    with_cross,
    variance,
    partial,
):
    """Rows t of rm, rg4, j; variance[k] of v0; partial[block] of R24, of C0 and of its parts with the same
    features, data, none."""
    for block in range(first, last):
        row, c0, c0a, c0d, bias = (
            partial[block, 0],
            partial[block, 1],
            partial[block, 2],
            partial[block, 3],
            partial[block, 4],
        )
        for k in range(block * MODES, min(block * MODES + MODES, len(lam))):
            total = 0.0
            for u in range(t + 1):
                total += r1[u] * m[k, u]
            rm[k, t] = total
            own, mean = np.zeros(t + 1), count[k] * lam[k] * weight[k] ** 2 * m[k, t]
            for s in range(t + 1):
                bias[s] += mean * m[k, s]
            if with_g4:
                _apply(r1, g4[k], t + 1, 1.0, rg4[k, t])
                for s in range(t):
                    row[s] -= count[k] * lam[k] * rg4[k, t, s]
                _quadratic(g4[k], t, k4, 0, 1.0, own)
                if with_cross:
                    _quadratic(g4[k], t, cross4, 0, count[k] * lam[k], c0a)
            if with_g2:
                _apply(r1, g2[k], t + 1, -lam[k], j[k, t])
                j[k, t, t] = 1.0
                _quadratic(g2[k], t, k2, 0, lam[k], own)
                if with_cross:
                    _quadratic(g2[k], t, cross2, 0, count[k] * lam[k] ** 2, c0d)
            variance[k] = own[t]
            for s in range(t + 1):
                c0[s] += count[k] * lam[k] * own[s]


@kernel(sums=True)
def gather(
    first, last, t, lam, count, weight, rm, rg4, j, with_g4, with_g2, k4, k2, cross4, with_cross, partial
):
    """partial[block] of C2 and of its part with the same features only."""
    for block in range(first, last):
        c2, c2a = partial[block, 0], partial[block, 1]
        for k in range(block * MODES, min(block * MODES + MODES, len(lam))):
            mean = count[k] * (lam[k] * weight[k]) ** 2 * rm[k, t]
            for s in range(t + 1):
                c2[s] += mean * rm[k, s]
                c2a[s] += mean * rm[k, s]
            if with_g4:
                _quadratic(rg4[k], t, k4, 0, count[k] * lam[k] ** 2, c2)
                if with_cross:
                    _quadratic(rg4[k], t, cross4, 0, count[k] * lam[k] ** 2, c2a)
            if with_g2:
                _quadratic(j[k], t, k2, 1, count[k] * lam[k], c2)

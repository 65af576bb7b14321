"""Rows of the causal recursion over modes. Modes are walked in fixed blocks; sums over them leave as a
partial per block.

Legend, with t the row that is added and s, u, v < t columns before it:

    lam, count, weight      (mode,) eigenvalue, multiplicity and target weight w*
    th4, e, q               (time,) row t of the propagators Th4, E = Th4 R3 + Th2 and Q = E R1
    r1                      (time,) row t of the response R1 of data sites
    m                       (mode, time) H 1 with H = (1 + lam Q)^-1: the mean of v0 / w*
    g4, g2                  (mode, time, time_prime) H Th4 and H E: how v0 depends on its two noises
    rm, rg4, j              R1 m, R1 G4 and 1 - lam R1 G2: the same of v2 / lam
    k4, k2                  (time, time_prime) covariances of the noises, C3 / N and S
    cross4, cross2          the same between students that share only their features, or only their data
    with_g4, with_g2        whether there are such noises; without, arrays of them have one entry
    partial                 (block, row, time), or (block, time) for a single row: sums that are added to
"""

import numpy as np

from ..ground.accelerate import kernel

MODES = 16  # of a block, part of the numerical definition


@kernel(sums=True)
def _quadratic(
    rows: np.ndarray, t: int, covariance: np.ndarray, width: int, factor: float, out: np.ndarray
) -> None:
    """out[s] += factor rows[t] covariance rows[s]^T for s <= t; rows[s] reaches to s + width."""
    count = t + width
    y = np.zeros(count)  # rows[t] covariance, once for all s
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
def _apply(q: np.ndarray, rows: np.ndarray, t: int, factor: float, out: np.ndarray) -> None:
    """out[s] += factor sum_{s<u<t} q[u] rows[u, s]."""
    for u in range(t):
        value = factor * q[u]
        for s in range(u):
            out[s] += value * rows[u, s]


@kernel(sums=True)
def propagate(  # noqa: PLR0913
    first: int,
    last: int,
    t: int,
    lam: np.ndarray,
    count: np.ndarray,
    th4: np.ndarray,
    e: np.ndarray,
    q: np.ndarray,
    m: np.ndarray,
    g4: np.ndarray,
    g2: np.ndarray,
    with_g4: bool,
    with_g2: bool,
    partial: np.ndarray,
) -> None:
    """Row t of m, g4 and g2 in blocks `first` ... `last` - 1; partial[block, s] gets R02(t, s).

    (1 + lam Q) H = 1 is solved row by row, as Q is strictly causal:

        H(t, s) = delta_ts - lam sum_{s<=u<t} Q(t, u) H(u, s)
    """
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
def respond(  # noqa: PLR0913
    first: int,
    last: int,
    t: int,
    lam: np.ndarray,
    count: np.ndarray,
    weight: np.ndarray,
    r1: np.ndarray,
    m: np.ndarray,
    g4: np.ndarray,
    g2: np.ndarray,
    rm: np.ndarray,
    rg4: np.ndarray,
    j: np.ndarray,
    with_g4: bool,
    with_g2: bool,
    k4: np.ndarray,
    k2: np.ndarray,
    cross4: np.ndarray,
    cross2: np.ndarray,
    with_cross: bool,
    variance: np.ndarray,
    partial: np.ndarray,
) -> None:
    """Rows t of rm, rg4 and j in blocks `first` ... `last` - 1, and the variance of v0 at t, (mode,).

    partial[block] gets row t of R24, of C0 less its mean part, of what students with the same features have
    of it, of what students on the same data have, and of the mean part, which all of them have:

        C0(t, s) = sum lam w*^2 m(t) m(s) + sum lam [G4 k4 G4^T + lam G2 k2 G2^T](t, s)
    """
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
            # `own` is row t of the covariance of this mode's v0.
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
def gather(  # noqa: PLR0913
    first: int,
    last: int,
    t: int,
    lam: np.ndarray,
    count: np.ndarray,
    weight: np.ndarray,
    rm: np.ndarray,
    rg4: np.ndarray,
    j: np.ndarray,
    with_g4: bool,
    with_g2: bool,
    k4: np.ndarray,
    k2: np.ndarray,
    cross4: np.ndarray,
    with_cross: bool,
    partial: np.ndarray,
) -> None:
    """partial[block] gets row t of C2, and of what students with the same features only have of it:

    C2(t, s) = sum (lam w*)^2 rm(t) rm(s) + sum [lam^2 (R1 G4) k4 (R1 G4)^T + lam j k2 j^T](t, s)
    """
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

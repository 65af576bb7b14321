"""Gradient flow of learned features as one scalar equation over modes, or over nodes of a spectral measure.

The kernel along b = w* - v0 is 1 + m, and that of the projection adds m everywhere. So |b|^2 =
m (1 + m) / gamma grows at the rate 2 (1 + 2 m) b_g, and the pull (m / |b|^2) b_g of `solve_reduced` is the
derivative of log(1 + m) / 2. In tau with d tau = (1 + m) dt,

    1 - H_k = y_k / g,   dy_k / d tau = lam_k (g - y_k),   g = (1 + m)^(-1/2),   m = gamma sum_k w*_k^2 y_k^2

which no fast mode makes stiff.

Legend: u (node,) eigenvalues; weight (node,) w*^2 of all equal ones; in a step of length h of tau, g is the
quadratic through its last two values and the new one, so that y = fixed + free g_new.
"""

import numpy as np

from ..ground.accelerate import kernel


@kernel()
def _pull(m: float) -> float:
    """g(m)."""
    return 1 / np.sqrt(1 + m)


@kernel()
def _scale(fixed: float, linear: float, square: float, m: float) -> float:
    """m = fixed + linear g(m) + square g(m)^2, by Newton's method from a value nearby."""
    for _ in range(100):
        g = _pull(m)
        move = (m - fixed - linear * g - square * g * g) / (1 + 0.5 * g**3 * (linear + 2 * square * g))
        m = max(m - move, 0.0)
        if abs(move) <= 1e-15 * (1 + m):
            break
    return m


@kernel(sums=True)
def _step(  # noqa: PLR0913
    u: np.ndarray,
    weight: np.ndarray,
    gamma: float,
    h: float,
    back: float,
    g_back: float,
    g: float,
    m: float,
    y: np.ndarray,
    fixed: np.ndarray,
    free: np.ndarray,
) -> float:
    """`fixed` and `free`, (node,), of a step of length h; the new m, of which `m` is a guess.

    The step before had the length `back` (0: there was none) and began at g_back.
    """
    bend = 0.0 if back == 0 else 1 / (1 + back / h)  # of the quadratic term in g_new
    bent = 0.0 if back == 0 else bend * ((g_back - g) * h / back - g)
    s0 = s1 = s2 = 0.0
    for k in range(len(u)):
        z = u[k] * h
        gone = -np.expm1(-z)
        # Integrals of exp with a linear and a quadratic source; series where they would cancel.
        if z > 1e-3:
            one = 1 - gone / z
            two = 1 - 2 * one / z
        else:
            one, two = z / 2 - z * z / 6 + z * z * z / 24, z / 3 - z * z / 12 + z * z * z / 60
        fixed[k] = y[k] + gone * (g - y[k]) - g * one + bent * (two - one)
        free[k] = one + bend * (two - one)
        s0 += weight[k] * fixed[k] * fixed[k]
        s1 += weight[k] * fixed[k] * free[k]
        s2 += weight[k] * free[k] * free[k]
    return _scale(gamma * s0, 2 * gamma * s1, gamma * s2, m)


@kernel()
def _elapsed(h: float, back: float, m_back: float, m: float, m_new: float) -> float:
    """Time that passes in a step of tau: integral of the quadratic through three values of 1 / (1 + m)."""
    q, rise = 1 / (1 + m), 1 / (1 + m_new) - 1 / (1 + m)
    if back == 0:
        return h * (q + rise / 2)
    second = (rise + (1 / (1 + m_back) - q) * h / back) / (1 + back / h)
    return h * (q + (rise - second) / 2 + second / 3)


@kernel()
def flow(
    u: np.ndarray,
    power: np.ndarray,
    gamma: float,
    first: float,
    growth: float,
    times: np.ndarray,
    kept_h: np.ndarray,
    kept_m: np.ndarray,
) -> None:
    """H (time, node) and m (time,) at rising times, into `kept_h` and `kept_m`.

    The first ten steps of tau have the length `first`, and then every one is `growth` times the one before.
    """
    weight, y = power / u, np.zeros(len(u))
    fixed, free = np.empty_like(u), np.empty_like(u)
    m, m_back, h, back, t = 0.0, 0.0, first, 0.0, 0.0
    i, count = 0, 0
    while i < len(times) and times[i] == 0:
        kept_h[i], kept_m[i] = 1.0, 0.0
        i += 1
    while i < len(times):
        g, g_back = _pull(m), _pull(m_back)
        m_new = _step(u, weight, gamma, h, back, g_back, g, m, y, fixed, free)
        after = t + _elapsed(h, back, m_back, m, m_new)
        # Times inside this step: `part` of it in tau, such that as much time passes, by iteration.
        while i < len(times) and times[i] <= after:
            part, m_part = (times[i] - t) * (1 + m), m
            for _ in range(60):
                m_part = _step(u, weight, gamma, part, back, g_back, g, m_part, y, fixed, free)
                move = (times[i] - t) / _elapsed(part, back, m_back, m, m_part)
                part *= move
                if abs(move - 1) < 1e-14:
                    break
            g_part = _pull(m_part)
            kept_h[i], kept_m[i] = 1 - (fixed + free * g_part) / g_part, m_part
            i += 1
        # Once more, as those parts have overwritten `fixed` and `free`.
        m_new = _step(u, weight, gamma, h, back, g_back, g, m_new, y, fixed, free)
        y[:] = fixed + free * _pull(m_new)
        m_back, m, t, back, count = m, m_new, after, h, count + 1
        if count >= 10:
            h *= growth

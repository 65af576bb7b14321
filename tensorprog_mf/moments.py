"""Gaussian moments of an activation: E[phi(u) phi(v)] and E[phi'(u) phi'(v)] where (u, v) ~ N(0, covariance).

Closed forms where they are known, a Gauss-Hermite expansion for any other function.
"""

import functools
from typing import NamedTuple

import numpy as np

from .activations import Activation


class Moments(NamedTuple):
    """E[phi(u_i) phi(u_j)] and E[phi'(u_i) phi'(u_j)], (example, example_prime) each."""

    feature: np.ndarray
    derivative: np.ndarray


def _scale_and_cosine(k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """sqrt(k_ii k_jj) and the correlation, 0 where a variance is."""
    scale = np.sqrt(np.multiply.outer(np.diag(k), np.diag(k)))
    return scale, np.clip(np.divide(k, scale, out=np.zeros_like(k), where=scale > 0), -1, 1)


def _linear(k):
    return Moments(k, np.ones_like(k))


def _relu(k):
    """Arc-cosine kernels of orders one and zero (Cho & Saul 2009)."""
    scale, cosine = _scale_and_cosine(k)
    angle = np.arccos(cosine)
    feature = scale * (np.sin(angle) + (np.pi - angle) * cosine) / (2 * np.pi)
    return Moments(feature, np.where(scale > 0, (np.pi - angle) / (2 * np.pi), 0.0))


def _scaled_relu(k):
    return Moments(*(2 * moment for moment in _relu(k)))


def _erf(k):
    """Arcsine kernel (Williams 1997) and its derivative."""
    size = np.sqrt(np.multiply.outer(1 + 2 * np.diag(k), 1 + 2 * np.diag(k)))
    return Moments(2 / np.pi * np.arcsin(2 * k / size), 4 / np.pi / np.sqrt(size**2 - 4 * k**2))


def _quadratic(k):
    return Moments(np.multiply.outer(np.diag(k), np.diag(k)) + 2 * k**2, 4 * k)


CLOSED = {"linear": _linear, "relu": _relu, "scaled_relu": _scaled_relu, "erf": _erf, "quadratic": _quadratic}


def has_closed_form(activation: Activation) -> bool:
    """Whether the moments of this activation are known in closed form."""
    return activation.function is None and activation.name in CLOSED


def closed_moments(activation: Activation, covariance: np.ndarray) -> Moments:
    """Moments by the closed form; `gain` scales the covariance and, twice, the derivative."""
    feature, derivative = CLOSED[activation.name](activation.gain**2 * covariance)
    return Moments(feature, activation.gain**2 * derivative)


@functools.cache
def _hermite(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Hermite nodes, and he_k(node) sqrt(weight) as an orthogonal matrix (order, node) (Golub & Welsch 1969)."""
    from scipy.linalg import eigh_tridiagonal

    return eigh_tridiagonal(np.zeros(nodes), np.sqrt(np.arange(1.0, nodes)))


def stein_mismatch(activation: Activation, variances: np.ndarray, nodes: int) -> float:
    """Largest violation of E[u phi(u)] = var(u) E[phi'(u)] by quadrature with `nodes` nodes, relative to either side.

    Shows where nodes stand too far apart to see phi', of which a comparison of two numbers of nodes knows nothing.
    """
    x, table = _hermite(nodes)
    root = np.sqrt(variances[variances > 0])[:, None]
    phi, dphi = activation(root * x)
    weights = table[0] ** 2
    slope, mean = (phi * x / root) @ weights, dphi @ weights
    size = np.maximum(np.abs(slope), np.sqrt(dphi**2 @ weights))
    return float(np.max(np.abs(slope - mean) / np.where(size > 0, size, 1.0), initial=0.0))


def hermite_moments(activation: Activation, covariance: np.ndarray, nodes: int) -> Moments:
    """Moments of any activation by its expansion in normalised Hermite polynomials (Mehler's formula),

        E[phi(u) phi(v)] = sum_k c_k(var u) c_k(var v) rho^k,     c_k(a) = E[phi(sqrt(a) x) he_k(x)], x ~ N(0, 1)

    with the coefficients from `nodes` Gauss-Hermite nodes.

    The error falls exponentially in sqrt(nodes) for functions that are analytic around the real line, as a power of it for those
    with kinks; compare two numbers of nodes. Cost: O(examples nodes^2 + examples^2 nodes).
    """
    x, table = _hermite(nodes)
    values = activation(np.sqrt(np.diag(covariance))[:, None] * x)
    coefficients = [(value * table[0]) @ table.T for value in values]
    _, cosine = _scale_and_cosine(covariance)
    sums, power = [np.zeros_like(covariance) for _ in values], np.ones_like(covariance)
    for k in range(nodes):
        for total, c in zip(sums, coefficients):
            total += np.multiply.outer(c[:, k], c[:, k]) * power
        power *= cosine
    return Moments(*sums)

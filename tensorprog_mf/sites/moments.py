"""Gaussian moments of an activation: E[phi(u) phi(v)] and E[phi'(u) phi'(v)] where (u, v) ~ N(0, covariance).

Closed forms where they are known, and a Gauss-Hermite expansion for any other function. In formulas k is the
covariance (example, example_prime) of preactivations u.
"""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .activations import Activation


class Moments(NamedTuple):
    """E[phi(u_i) phi(u_j)] and E[phi'(u_i) phi'(u_j)], (example, example_prime) each."""

    feature: np.ndarray
    derivative: np.ndarray


def _scale_and_cosine(k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """sqrt(k_ii k_jj) and the correlation of u_i and u_j, 0 where a variance is 0."""
    scale = np.sqrt(np.multiply.outer(np.diag(k), np.diag(k)))
    return scale, np.clip(np.divide(k, scale, out=np.zeros_like(k), where=scale > 0), -1, 1)


def _linear(k: np.ndarray) -> Moments:
    return Moments(k, np.ones_like(k))


def _relu(k: np.ndarray) -> Moments:
    """Arc-cosine kernels of orders one and zero (Cho & Saul 2009)."""
    scale, cosine = _scale_and_cosine(k)
    angle = np.arccos(cosine)
    feature = scale * (np.sin(angle) + (np.pi - angle) * cosine) / (2 * np.pi)
    return Moments(feature, np.where(scale > 0, (np.pi - angle) / (2 * np.pi), 0.0))


def _scaled_relu(k: np.ndarray) -> Moments:
    return Moments(*(2 * moment for moment in _relu(k)))


def _erf(k: np.ndarray) -> Moments:
    """Arcsine kernel (Williams 1997) and its derivative."""
    size = np.sqrt(np.multiply.outer(1 + 2 * np.diag(k), 1 + 2 * np.diag(k)))
    return Moments(2 / np.pi * np.arcsin(2 * k / size), 4 / np.pi / np.sqrt(size**2 - 4 * k**2))


def _leaky_relu(k: np.ndarray, slope: float) -> Moments:
    """phi(u) = (1 - s) relu(u) + s u with slope s; E[relu(u) v] is half of E[u v], and phi'(0) = s."""
    relu = _relu(k)
    above = np.where(np.diag(k) > 0, 0.5, 0.0)
    derivative = (
        slope**2 + slope * (1 - slope) * np.add.outer(above, above) + (1 - slope) ** 2 * relu.derivative
    )
    return Moments((1 - slope) ** 2 * relu.feature + slope * k, derivative)


def _quadratic(k: np.ndarray) -> Moments:
    return Moments(np.multiply.outer(np.diag(k), np.diag(k)) + 2 * k**2, 4 * k)


def _sin(k: np.ndarray) -> Moments:
    """E[sin u sin v] = exp(-(k_uu + k_vv) / 2) sinh(k_uv), with cosh for the cosines; does not overflow."""
    size = np.exp(np.abs(k) - np.add.outer(np.diag(k), np.diag(k)) / 2) / 2
    return Moments(-np.sign(k) * size * np.expm1(-2 * np.abs(k)), size * (1 + np.exp(-2 * np.abs(k))))


def _hermite(k: np.ndarray, order: int) -> Moments:
    """he_n = He_n / sqrt(n!), with he_n' = sqrt(n) he_{n-1}."""
    return Moments(_polynomial(k, order), order * _polynomial(k, order - 1))


def _polynomial(k: np.ndarray, n: int) -> np.ndarray:
    """E[he_n(u) he_n(v)] = sum_i n! / ((n - 2 i)! i!^2 4^i) [(k_uu - 1) (k_vv - 1)]^i k_uv^(n - 2 i).

    From the expansion of He_n(s x) in He_m(x), x ~ N(0, 1).
    """
    excess = np.multiply.outer(np.diag(k) - 1, np.diag(k) - 1)
    factor = [
        math.comb(n, 2 * i) * math.factorial(2 * i) / math.factorial(i) ** 2 / 4**i for i in range(n // 2 + 1)
    ]
    return sum((f * excess**i * k ** (n - 2 * i) for i, f in enumerate(factor)), np.zeros_like(k))


CLOSED: dict[str, Callable[..., Moments]] = {
    "linear": _linear,
    "relu": _relu,
    "scaled_relu": _scaled_relu,
    "leaky_relu": _leaky_relu,
    "erf": _erf,
    "sin": _sin,
    "quadratic": _quadratic,
    "hermite": _hermite,
}


def has_closed_form(activation: Activation) -> bool:
    """Whether the moments of this activation are known in closed form."""
    return activation.function is None and activation.name in CLOSED


def closed_moments(activation: Activation, covariance: np.ndarray) -> Moments:
    """Moments by the closed form; gain^2 scales the covariance, and the moment of the derivative again."""
    feature, derivative = CLOSED[activation.name](activation.gain**2 * covariance, **activation.options)
    return Moments(feature, activation.gain**2 * derivative)


@functools.cache
def _nodes(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Hermite nodes, and the orthogonal matrix he_k(node) sqrt(weight), (order, node).

    They are eigenvalues and eigenvectors of the recursion of the he_k (Golub & Welsch 1969).
    """
    from scipy.linalg import eigh_tridiagonal

    return eigh_tridiagonal(np.zeros(nodes), np.sqrt(np.arange(1.0, nodes)))


def stein_mismatch(activation: Activation, variances: np.ndarray, nodes: int) -> float:
    """Largest relative violation of E[u phi(u)] = var(u) E[phi'(u)] by quadrature with `nodes` nodes.

    It shows where nodes stand too far apart to see phi', which a comparison of two numbers of nodes cannot.
    """
    x, table = _nodes(nodes)
    root = np.sqrt(variances[variances > 0])[:, None]
    phi, dphi = activation(root * x)
    weights = table[0] ** 2
    slope, mean = (phi * x / root) @ weights, dphi @ weights
    size = np.maximum(np.abs(slope), np.sqrt(dphi**2 @ weights))
    return float(np.max(np.abs(slope - mean) / np.where(size > 0, size, 1.0), initial=0.0))


def hermite_moments(activation: Activation, covariance: np.ndarray, nodes: int) -> Moments:
    """Moments of any activation by its expansion in normalised Hermite polynomials (Mehler's formula).

        E[phi(u) phi(v)] = sum_k c_k(var u) c_k(var v) rho^k,    c_k(a) = E[phi(sqrt(a) x) he_k(x)]

    with x ~ N(0, 1) and the coefficients from `nodes` Gauss-Hermite nodes.

    The error falls exponentially in sqrt(nodes) for functions that are analytic around the real line, and as
    a power of it for functions with kinks; compare two numbers of nodes. Cost: O(examples nodes^2 +
    examples^2 nodes).
    """
    x, table = _nodes(nodes)
    values = activation(np.sqrt(np.diag(covariance))[:, None] * x)
    coefficients = [(value * table[0]) @ table.T for value in values]
    _, cosine = _scale_and_cosine(covariance)
    sums, power = [np.zeros_like(covariance) for _ in values], np.ones_like(covariance)
    for k in range(nodes):
        for total, c in zip(sums, coefficients):
            total += np.multiply.outer(c[:, k], c[:, k]) * power
        power *= cosine
    return Moments(*sums)

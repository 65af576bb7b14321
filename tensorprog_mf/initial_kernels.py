"""Kernels of a network before training, without sampling: the recursion over layers."""

from typing import NamedTuple

import numpy as np

from .errors import UnsupportedError
from .moments import closed_moments, has_closed_form, hermite_moments
from .networks import MLP

_NODES = (64, 128, 256, 512, 1024)
_GOOD = 1e-12  # relative change from half as many nodes at which doubling them stops


class InitialKernels(NamedTuple):
    """Feature and gradient kernels (layer, example, example_prime) at step 0, tangent kernel per weight, their error.

    `error` is the largest change of an entry from half as many quadrature nodes, relative to the largest entry of its
    kernel and layer; 0 for closed forms.
    """

    feature: np.ndarray
    gradient: np.ndarray
    tangent: np.ndarray
    error: float


def initial_kernels(network: MLP, inputs: np.ndarray) -> InitialKernels:
    """Kernels of an infinitely wide MLP before training,

        Phi^0 = x . x' / D,  Phi^l = E[phi(u) phi(u')],  G^l = E[phi'(u) phi'(u')] G^{l+1},  u ~ N(0, Phi^{l-1}),  G^{L+1} = 1

    and G^{l+1} Phi^l, the tangent kernel of weight l = 0 ... L (Jacot, Gabriel & Hongler 2018, arXiv:1806.07572).
    Closed forms for linear, relu, scaled_relu, erf and quadratic; Gauss-Hermite quadrature for any other activation.

    Raises
    ------
    UnsupportedError
        A network that is not an MLP.
    """
    if not isinstance(network, MLP):
        raise UnsupportedError(f"closed-form kernels are known for MLP, not for {type(network).__name__}; take kernel='sampled'.")
    activation = network.activation
    if has_closed_form(activation):
        return InitialKernels(*_recursion(network.depth, inputs, lambda k: closed_moments(activation, k)), 0.0)
    kernels, error = None, np.inf
    for nodes in _NODES:
        finer = _recursion(network.depth, inputs, lambda k: hermite_moments(activation, k, nodes))
        if kernels is not None:
            error = max(_change(a, b) for coarse, fine in zip(kernels, finer) for a, b in zip(coarse, fine))
        kernels = finer
        if error < _GOOD:
            break
    return InitialKernels(*kernels, error)


def _change(coarse: np.ndarray, fine: np.ndarray) -> float:
    largest = np.abs(fine).max()
    return float(np.abs(fine - coarse).max() / largest) if largest > 0 else 0.0


def _recursion(depth: int, inputs: np.ndarray, moments) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Feature, gradient and tangent kernels, given the moments of the activation."""
    feature, derivative = [inputs @ inputs.T / inputs.shape[1]], []
    for _ in range(depth):
        both = moments(feature[-1])
        feature.append(both.feature)
        derivative.append(both.derivative)
    gradient = [np.ones_like(feature[0])]
    for factor in reversed(derivative):
        gradient.insert(0, factor * gradient[0])
    return np.array(feature[1:]), np.array(gradient[:-1]), np.array(gradient) * np.array(feature)

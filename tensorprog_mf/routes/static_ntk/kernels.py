"""Kernels of a network before training, without sampling: the recursion over layers."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ...ground.errors import require
from ...networks import MLP
from ...sites.activations import Activation
from ...sites.moments import Moments, closed_moments, has_closed_form, hermite_moments, stein_mismatch
from ...training.roles import Role

_NODES = (64, 128, 256, 512, 1024)
_GOOD = 1e-12  # relative change from half as many nodes at which doubling them stops


class InitialKernels(NamedTuple):
    """Feature and gradient kernels (layer, example, example_prime) at step 0, tangent kernel by parameter,
    their error.

    `error` is the largest change of an entry from half as many quadrature nodes, relative to the largest
    entry of its kernel and layer, or the relative violation of Stein's lemma if that is larger; 0 for closed
    forms.
    """

    feature: np.ndarray
    gradient: np.ndarray
    tangent: dict[str, np.ndarray]
    error: float


def initial_kernels(network: MLP, inputs: np.ndarray) -> InitialKernels:
    """Kernels of an infinitely wide MLP before training,

        Phi^0 = x . x' / D,  Phi^l = E[phi(u) phi(u')],  u ~ N(0, sigma_{l-1}^2 Phi^{l-1} + sigma_{b,l-1}^2)
        G^{L+1} = 1,         G^l = sigma_l^2 E[phi'(u) phi'(u')] G^{l+1}

    and the tangent kernels G^{l+1} Phi^l of weight l = 0 ... L, G^{l+1} of bias l, s^2 of the output bias
    (Jacot, Gabriel & Hongler 2018, arXiv:1806.07572). Closed forms for linear, relu, scaled_relu, leaky_relu,
    erf, sin, quadratic and hermite; Gauss-Hermite quadrature for any other activation.

    Raises
    ------
    InputError
        Kernels that are not finite.
    """
    activation = network.activation
    if has_closed_form(activation):
        return _named(network, *_recursion(network, inputs, lambda k: closed_moments(activation, k)), 0.0)
    kernels, error, nodes = _by_quadrature(network, activation, inputs)
    finite = all(np.isfinite(kernel).all() for kernel in kernels)
    require(
        finite,
        f"the kernels of activation {activation.name!r} are not finite at these inputs; take smaller ones, or"
        " another activation.",
    )
    for below, std, bias_std in zip(kernels[0], *_stds(network)):
        error = max(error, stein_mismatch(activation, std**2 * np.diag(below) + bias_std**2, nodes))
    return _named(network, *kernels, error)


def _by_quadrature(
    network: MLP, activation: Activation, inputs: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], float, int]:
    """Feature and gradient kernels with enough nodes, their change from half as many, the number of nodes."""
    kernels: tuple[np.ndarray, np.ndarray] | None = None
    error = np.inf
    for nodes in _NODES:
        moments = functools.partial(hermite_moments, activation, nodes=nodes)
        with np.errstate(all="ignore"):  # kernels that are not finite are refused by the caller
            finer = _recursion(network, inputs, moments)
        if kernels is not None:
            error = max(_change(a, b) for coarse, fine in zip(kernels, finer) for a, b in zip(coarse, fine))
        kernels = finer
        if error < _GOOD:
            break
    return finer, error, nodes


def _stds(network: MLP) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Standard deviations of the initial weights and of the biases, zero where there are none."""
    return network.weight_std, network.bias_std or (0.0,) * network.depth


def _named(network: MLP, feature: np.ndarray, gradient: np.ndarray, error: float) -> InitialKernels:
    """Kernels with all layers, the input's and the output's too, cut to the hidden ones, and their products
    by name."""
    of_weights, of_biases = iter(gradient * feature), iter(gradient[:-1])
    tangent = {}
    for name, role in network.roles.items():
        if role is Role.OUTPUT_BIAS:
            tangent[name] = np.full_like(feature[0], network.output_bias**2)
        else:
            tangent[name] = next(of_biases if role is Role.BIAS else of_weights)
    return InitialKernels(feature[1:], gradient[:-1], tangent, error)


def _change(coarse: np.ndarray, fine: np.ndarray) -> float:
    largest = np.abs(fine).max()
    return float(np.abs(fine - coarse).max() / largest) if largest > 0 else 0.0


def _recursion(
    network: MLP, inputs: np.ndarray, moments: Callable[[np.ndarray], Moments]
) -> tuple[np.ndarray, np.ndarray]:
    """Phi^0 ... Phi^L and G^1 ... G^{L+1}, given the moments of the activation."""
    feature, derivative = [inputs @ inputs.T / inputs.shape[1]], []
    stds, bias_stds = _stds(network)
    for std, bias_std in zip(stds, bias_stds):
        both = moments(std**2 * feature[-1] + bias_std**2)
        feature.append(both.feature)
        derivative.append(both.derivative)
    gradient = [np.ones_like(feature[0])]
    for factor, std in zip(reversed(derivative), reversed(stds)):
        gradient.insert(0, std**2 * factor * gradient[0])
    return np.array(feature), np.array(gradient)

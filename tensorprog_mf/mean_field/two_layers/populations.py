"""A unit on data: values and gradients over sites, whatever the reduction. All the solver knows of either.

Every reduction has one form: points m of weight p_m and target y_m, f_m = E sigma_*(x_m; theta), and
d theta / dt = -2 xi [sum_m p_m (f_m - y_m) grad sigma_*(x_m; theta) + lambda theta].
"""

import math
from abc import ABC, abstractmethod

import numpy as np

from ... import activations
from ...accelerate import block_count, over_blocks
from ...errors import InputError, UnsupportedError, require
from . import units_numba as numba_kernels
from .data import AnisotropicGaussians, FiniteData, IsotropicGaussians
from .radial import RadialTable
from .units import Neuron, PiecewiseLinear, UserUnit

_NONE = (0.0, np.zeros(1), np.zeros(1), False)


class Population(ABC):
    """Points of the data and the unit on them.

    Attributes
    ----------
    names
        Names of the parameters, in the order of the rows of theta (parameter, site).
    trained
        (parameter,): which of them move.
    weights, targets
        (point,): p_m and y_m.
    """

    def __init__(self, names: tuple[str, ...], trained: np.ndarray, weights: np.ndarray, targets: np.ndarray):
        self.names, self.trained, self.weights, self.targets = names, trained, weights, targets

    @abstractmethod
    def output(self, theta: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """f_m = sum_i weight_i sigma_*(x_m; theta_i), (point,); bits do not depend on threads."""

    @abstractmethod
    def pull(self, theta: np.ndarray, residual: np.ndarray) -> np.ndarray:
        """sum_m residual_m grad sigma_*(x_m; theta), (parameter, site); zero for parameters that are not trained."""

    def values(self, theta: np.ndarray) -> np.ndarray:
        """sigma_*(x_m; theta_i), (site, point)."""
        one = np.ones(1)
        return np.stack([self.output(np.ascontiguousarray(column[:, None]), one) for column in theta.T])

    def residual(self, output: np.ndarray) -> np.ndarray:
        """p_m (f_m - y_m)."""
        return self.weights * (output - self.targets)

    def risk(self, output: np.ndarray) -> float:
        """E (y - f)^2."""
        return float(self.weights @ (output - self.targets) ** 2)


class _Compiled(Population):
    """Passes over blocks of sites by a pair of kernels with the same arguments in their middle."""

    def __init__(self, kernels, given: tuple, *rest):
        super().__init__(*rest)
        self._kernels, self._given = kernels, given

    def _arguments(self, theta: np.ndarray) -> tuple:
        return self._given

    def _cost(self, theta: np.ndarray) -> int:
        """Multiply-adds of a pass, about."""
        return 20 * theta.size * len(self.targets)

    def output(self, theta, weight):
        given, sites = self._arguments(theta), theta.shape[1]
        partial = np.empty((block_count(sites), len(self.targets)))
        over_blocks(lambda first, last: self._kernels[0](first, last, theta, weight, *given, partial), sites, self._cost(theta))
        return partial.sum(axis=0)

    def pull(self, theta, residual):
        given, out = self._arguments(theta), np.empty(theta.shape)
        over_blocks(lambda first, last: self._kernels[1](first, last, theta, residual, *given, out), theta.shape[1], self._cost(theta))
        out[~self.trained] = 0.0
        return out


class _Radial(_Compiled):
    """h_d(R r) from tables."""

    def __init__(self, table: RadialTable, radius: np.ndarray, has_a: int, *rest):
        super().__init__((numba_kernels.forward_radial, numba_kernels.pull_radial), (), *rest)
        self._table, self.radius, self._has_a = table, radius, has_a

    def _arguments(self, theta):
        reach = float(np.abs(theta[self._has_a]).max()) * self.radius.max()
        return self.radius, self._has_a, *self._table.up_to(reach if math.isfinite(reach) else 0.0)


class _Python(Population):
    """A unit in numpy: value and gradient of blocks of sites."""

    def __init__(self, function, inputs: np.ndarray, *rest):
        super().__init__(*rest)
        self._function, self._inputs = function, inputs

    def _of(self, theta):
        value, gradient = self._function(self._inputs, theta)
        points, sites = len(self._inputs), theta.shape[1]
        value, gradient = np.asarray(value, float), np.asarray(gradient, float)
        fits = value.shape == (points, sites) and gradient.shape == (len(theta), points, sites)
        require(
            fits, f"the unit must return a value of shape {(points, sites)} and a gradient of shape {(len(theta), points, sites)}, "
            f"not {value.shape} and {gradient.shape}.",
        )  # fmt: skip
        return value, gradient

    def output(self, theta, weight):
        return self._of(theta)[0] @ weight

    def pull(self, theta, residual):
        return np.einsum("m,pmi->pi", residual, self._of(theta)[1]) * self.trained[:, None]


def population(unit, data, radial_nodes: int | None = None) -> Population:
    """The unit on the data.

    Raises
    ------
    InputError
        Things that are no unit or no data.
    UnsupportedError
        A unit that has no reduction on these data.
    """
    if not isinstance(unit, (Neuron, UserUnit)):
        raise InputError(f"unit={unit!r} must be a Neuron or a UserUnit of tensorprog_mf.mean_field.")
    if isinstance(data, FiniteData):
        return _on_points(unit, data)
    if not isinstance(data, (IsotropicGaussians, AnisotropicGaussians)):
        raise InputError(f"data={data!r} must be FiniteData, IsotropicGaussians or AnisotropicGaussians of tensorprog_mf.mean_field.")
    if isinstance(unit, UserUnit):
        raise UnsupportedError("a UserUnit has no known average over Gaussian inputs; draw examples and pass them as FiniteData.")
    isotropic = isinstance(data, IsotropicGaussians)
    if data.dimension == math.inf:
        return _in_infinite_dimension(unit, data, ("r",) if isotropic else ("r1", "r2"))
    if not isotropic:
        raise UnsupportedError(
            "the limit on AnisotropicGaussians is solved in infinite dimension; leave dimension out, or train real networks with train_particles."
        )
    return _in_finite_dimension(unit, data, radial_nodes or (40 if data.dimension >= 10 else 150))


def _rows(unit, vectors: tuple[str, ...]) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of all parameters, w replaced by its numbers, and which are trained."""
    names, trained = [], []
    for name in unit.names:
        more = vectors if name == "w" and isinstance(unit, Neuron) else (name,)
        names += more
        trained += [name in unit.trained] * len(more)
    return tuple(names), np.array(trained)


def hinges(activation) -> tuple:
    """(offset, slopes, kinks, even) of an activation that has corners only."""
    if isinstance(activation, PiecewiseLinear):
        return (*activation.hinges(), activation.even)
    if activation.named("relu", "scaled_relu") and activation.gain > 0:
        slope = activation.gain * (math.sqrt(2) if activation.name == "scaled_relu" else 1.0)
        return 0.0, np.array([slope]), np.zeros(1), False
    raise UnsupportedError(
        f"activation {activation.name!r} on Gaussian inputs has no closed form here: take relu, scaled_relu or a PiecewiseLinear, or draw examples and pass them as FiniteData."
    )


def _on_points(unit, data: FiniteData) -> Population:
    features = data.inputs.shape[1]
    names, trained = _rows(unit, tuple(f"w{j}" for j in range(features)))
    common = names, trained, data.weights, data.targets
    if isinstance(unit, UserUnit):
        return _Python(unit.function, data.inputs, *common)
    phi, has_a, has_b = unit.activation, int(unit.output_weight), int(unit.bias)
    if isinstance(phi, activations.Activation) and not phi.named(*numba_kernels.CODES):
        return _Python(_neuron_in_numpy(unit), data.inputs, *common)
    if isinstance(phi, PiecewiseLinear):
        shape = (numba_kernels.HINGES, 1.0, *hinges(phi))
    else:
        shape = (numba_kernels.CODES[phi.name], phi.gain, *_NONE)
    return _Compiled((numba_kernels.forward_finite, numba_kernels.pull_finite), (data.inputs, has_a, has_b, *shape), *common)


def _neuron_in_numpy(unit: Neuron):
    has_a, has_b, phi = int(unit.output_weight), int(unit.bias), unit.activation

    def function(inputs, theta):
        features = inputs.shape[1]
        h = inputs @ theta[has_a : has_a + features] + (theta[-1] if has_b else 0.0)
        value, slope = phi(h)
        a = theta[0] if has_a else np.ones(theta.shape[1])
        gradient = [value] * has_a + [a * slope * x[:, None] for x in inputs.T] + [a * slope] * has_b
        return a * value, np.stack(gradient)

    return function


_HALVES, _CLASSES = np.full(2, 0.5), np.array([1.0, -1.0])


def _in_infinite_dimension(unit: Neuron, data, radii: tuple[str, ...]) -> Population:
    given = (data.scales(), int(unit.output_weight), int(unit.bias), len(radii), *hinges(unit.activation))
    names, trained = _rows(unit, radii)
    return _Compiled((numba_kernels.forward_smoothed, numba_kernels.pull_smoothed), given, names, trained, _HALVES, _CLASSES)


def _in_finite_dimension(unit: Neuron, data: IsotropicGaussians, radial_nodes: int) -> Population:
    from .data import NormOfGaussian

    offset, slopes, kinks, even = hinges(unit.activation)
    if unit.bias or (kinks < 0).any():
        raise UnsupportedError(
            "on IsotropicGaussians of finite dimension there is no bias and no corner below 0; take dimension=math.inf, or draw examples and pass them as FiniteData."
        )
    norm = NormOfGaussian(math.sqrt(data.dimension), data.dimension)
    radius, weight = norm.nodes(radial_nodes)
    names, trained = _rows(unit, ("r",))
    table = RadialTable(data.dimension, (offset, slopes, kinks), even)
    points = np.concatenate([scale * radius for scale in data.scales()])
    return _Radial(table, points, int(unit.output_weight), names, trained, np.tile(weight / 2, 2), np.repeat(_CLASSES, radial_nodes))

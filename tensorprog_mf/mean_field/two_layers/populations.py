"""A unit on data: which reduction it has. On Gaussians only norms and classes are left of the inputs."""

import math

import numpy as np

from ...ground.accelerate import block_count, over_blocks
from ...ground.errors import InputError, UnsupportedError
from . import units_numba as numba_kernels
from .data import AnisotropicGaussians, FiniteData, IsotropicGaussians, NormOfGaussian
from .points import on_points
from .population import Population
from .radial import RadialTable
from .units import Neuron, PiecewiseLinear, UserUnit


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
        over_blocks(
            lambda first, last: self._kernels[0](first, last, theta, weight, *given, partial),
            sites,
            self._cost(theta),
        )
        return partial.sum(axis=0)

    def pull(self, theta, residual, seen=None):
        given, out = self._arguments(theta), np.empty(theta.shape)
        over_blocks(
            lambda first, last: self._kernels[1](first, last, theta, residual, *given, out),
            theta.shape[1],
            self._cost(theta),
        )
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
        features, outputs = data.inputs.shape[1], data.targets.shape[1:]
        heads = [f"a{c}" for c in range(*outputs)] if outputs else ["a"]
        vectors = {"w": [f"w{j}" for j in range(features)], "a": heads}
        return on_points(unit, data, *_rows(unit, vectors))
    if not isinstance(data, (IsotropicGaussians, AnisotropicGaussians)):
        raise InputError(
            f"data={data!r} must be FiniteData, IsotropicGaussians or AnisotropicGaussians of"
            " tensorprog_mf.mean_field."
        )
    if isinstance(unit, UserUnit):
        raise UnsupportedError(
            "a UserUnit has no known average over Gaussian inputs; draw examples and pass them as FiniteData."
        )
    isotropic = isinstance(data, IsotropicGaussians)
    if data.dimension == math.inf:
        return _in_infinite_dimension(unit, data, ["r"] if isotropic else ["r1", "r2"])
    if not isotropic:
        raise UnsupportedError(
            "the limit on AnisotropicGaussians is solved in infinite dimension; leave dimension out, or train"
            " real networks with train_particles."
        )
    return _in_finite_dimension(unit, data, radial_nodes or (40 if data.dimension >= 10 else 150))


def _rows(unit, vectors: dict[str, list[str]]) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of all parameters, `vectors` of a neuron replaced by their numbers, and which are trained."""
    names, trained = [], []
    for name in unit.names:
        more = vectors.get(name, [name]) if isinstance(unit, Neuron) else [name]
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
        f"activation {activation.name!r} on Gaussian inputs has no closed form here: take relu, scaled_relu"
        " or a PiecewiseLinear, or draw examples and pass them as FiniteData."
    )


_HALVES, _CLASSES = np.full(2, 0.5), np.array([1.0, -1.0])


def _in_infinite_dimension(unit: Neuron, data, radii: list[str]) -> Population:
    given = (data.scales(), int(unit.output_weight), int(unit.bias), len(radii), *hinges(unit.activation))
    rest = *_rows(unit, {"w": radii}), _HALVES, _CLASSES, data.loss
    return _Compiled((numba_kernels.forward_smoothed, numba_kernels.pull_smoothed), given, *rest)


def _in_finite_dimension(unit: Neuron, data: IsotropicGaussians, radial_nodes: int) -> Population:
    offset, slopes, kinks, even = hinges(unit.activation)
    if unit.bias or (kinks < 0).any():
        raise UnsupportedError(
            "on IsotropicGaussians of finite dimension there is no bias and no corner below 0; take"
            " dimension=math.inf, or draw examples and pass them as FiniteData."
        )
    norm = NormOfGaussian(math.sqrt(data.dimension), data.dimension)
    radius, weight = norm.nodes(radial_nodes)
    table = RadialTable(data.dimension, (offset, slopes, kinks), even)
    points = np.concatenate([scale * radius for scale in data.scales()])
    rest = *_rows(unit, {"w": ["r"]}), np.tile(weight / 2, 2), np.repeat(_CLASSES, radial_nodes), data.loss
    return _Radial(table, points, int(unit.output_weight), *rest)

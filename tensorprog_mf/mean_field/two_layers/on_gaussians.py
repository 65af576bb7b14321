"""Neurons on Gaussian inputs, where only norms and classes matter."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ground.accelerate import block_count, over_blocks
from ...ground.errors import UnsupportedError
from ...sites.activations import Activation
from . import units_numba
from .data import IsotropicGaussians, NormOfGaussian, TwoGaussians
from .radial import RadialTable
from .reduction import Points, Reduction
from .units import Hinges, Neuron, PiecewiseLinear

_HALVES, _CLASSES = np.full(2, 0.5), np.array([1.0, -1.0])


class _Compiled(Reduction):
    """Passes over blocks of sites by a pair of kernels, `forward` and `back`, that share the arguments in
    their middle."""

    two_classes = True

    def __init__(self, forward: Callable, back: Callable, points: Points) -> None:
        super().__init__(points)
        self._forward, self._back = forward, back

    def _arguments(self, theta: np.ndarray) -> tuple:
        """Arguments of both kernels between theta, weight or residual, and what is written."""
        raise NotImplementedError

    def _cost(self, theta: np.ndarray) -> int:
        """Multiply-adds of a pass, about."""
        return 20 * theta.size * len(self.targets)

    def output(self, theta: np.ndarray, weight: np.ndarray) -> np.ndarray:
        given, sites = self._arguments(theta), theta.shape[1]
        partial = np.empty((block_count(sites), len(self.targets)))
        over_blocks(
            lambda first, last: self._forward(first, last, theta, weight, *given, partial),
            sites,
            self._cost(theta),
        )
        return partial.sum(axis=0)

    def pull(self, theta: np.ndarray, residual: np.ndarray, seen: Any = None) -> np.ndarray:
        given, out = self._arguments(theta), np.empty(theta.shape)
        over_blocks(
            lambda first, last: self._back(first, last, theta, residual, *given, out),
            theta.shape[1],
            self._cost(theta),
        )
        out[~self.trained] = 0.0
        return out


class SmoothedNeuron(_Compiled):
    """In infinite dimension preactivations are Gaussian: two points, the classes."""

    def __init__(self, unit: Neuron, data: TwoGaussians, points: Points) -> None:
        super().__init__(units_numba.forward_smoothed, units_numba.pull_smoothed, points)
        shape = int(unit.output_weight), int(unit.bias), len(data.norms)
        self._given = (data.scales(), *shape, *_hinges(unit.activation))

    def _arguments(self, theta: np.ndarray) -> tuple:
        return self._given


class RadialNeuron(_Compiled):
    """In finite dimension averages over directions are functions h_d(|x| r), from tables; points are nodes of
    |x| in each class."""

    def __init__(self, table: RadialTable, radius: np.ndarray, has_a: int, points: Points) -> None:
        super().__init__(units_numba.forward_radial, units_numba.pull_radial, points)
        self._table, self.radius, self._has_a = table, radius, has_a
        self._reach = radius.max()

    def _arguments(self, theta: np.ndarray) -> tuple:
        reach = float(np.abs(theta[self._has_a]).max()) * self._reach
        return self.radius, self._has_a, *self._table.up_to(reach if math.isfinite(reach) else 0.0)


def _hinges(activation: Activation | PiecewiseLinear) -> Hinges:
    """A piecewise linear activation as a sum of hinges.

    Raises
    ------
    UnsupportedError
        Another activation.
    """
    if isinstance(activation, PiecewiseLinear):
        return activation.hinges()
    if activation.named("relu", "scaled_relu") and activation.gain > 0:
        slope = activation.gain * (math.sqrt(2) if activation.name == "scaled_relu" else 1.0)
        return Hinges(0.0, np.array([slope]), np.zeros(1), False)
    raise UnsupportedError(
        f"activation {activation.name!r} on Gaussian inputs has no closed form here: take relu, scaled_relu"
        " or a PiecewiseLinear, or draw examples and pass them as FiniteData."
    )


def in_infinite_dimension(
    unit: Neuron, data: TwoGaussians, names: tuple[str, ...], trained: np.ndarray
) -> Reduction:
    """The unit on Gaussians of infinite dimension."""
    points = Points(names=names, trained=trained, weights=_HALVES, targets=_CLASSES, loss=data.loss)
    return SmoothedNeuron(unit, data, points)


def in_finite_dimension(
    unit: Neuron, data: IsotropicGaussians, names: tuple[str, ...], trained: np.ndarray, radial_nodes: int
) -> Reduction:
    """The unit on isotropic Gaussians of finite dimension.

    Raises
    ------
    UnsupportedError
        A bias, or a corner below 0.
    """
    hinges = _hinges(unit.activation)
    if unit.bias or (hinges.kinks < 0).any():
        raise UnsupportedError(
            "on IsotropicGaussians of finite dimension there can be no bias and no corner below 0; take"
            " dimension=math.inf, or draw examples and pass them as FiniteData."
        )
    dimension = int(data.dimension)
    radius, weight = NormOfGaussian(math.sqrt(dimension), dimension).nodes(radial_nodes)
    points = Points(
        names=names,
        trained=trained,
        weights=np.tile(weight / 2, 2),
        targets=np.repeat(_CLASSES, radial_nodes),
        loss=data.loss,
    )
    table = RadialTable(dimension, hinges)
    radii = np.concatenate([scale * radius for scale in data.scales()])
    return RadialNeuron(table, radii, int(unit.output_weight), points)

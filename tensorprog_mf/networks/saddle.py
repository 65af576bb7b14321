"""Which mean-field networks start at a saddle, and how fast networks of finite width leave it."""

import math
from typing import Protocol, cast

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import InputError, UnsupportedError, require
from ..problems.problem import Problem
from ..problems.source import DataSource
from ..sites.activations import Activation
from ..sites.draws import Draws
from ..sites.laws import Gaussian, Law, Uniform
from ..sites.sites import Sites

_SITES = 2**14  # for the kernel in an escape rate


class MeanField(Protocol):
    """What decides whether a network starts at a saddle: the arguments of `MeanFieldMLP`."""

    @property
    def depth(self) -> int: ...
    @property
    def activation(self) -> Activation: ...
    @property
    def input_weight(self) -> Law: ...
    @property
    def hidden_mean(self) -> tuple[object, ...]: ...
    @property
    def readout_weight(self) -> Law: ...
    @property
    def bias_std(self) -> tuple[float, ...] | None: ...


def dead_span(network: MeanField) -> tuple[int, int] | None:
    """(p, q) of a network in which nothing moves; None for any other.

    Features of layers p, p + 1, ... are 0, and no gradient comes back to layers q, q - 1, ... The gradient of
    W^l is delta^{l+1} phi(H^l), so that all gradients are zero if and only if q >= p.
    """
    if network.bias_std is not None or len(_means(network)) < len(network.hidden_mean):
        return None
    silent = _silent(network)
    deaf = network.depth if silent <= network.depth and _at_zero(network)[1] == 0 else _deaf(network)
    return (silent, deaf) if silent <= deaf else None


def _means(network: MeanField) -> dict[int, float]:
    """Means of the hidden matrices by their number, of those whose mean is a number."""
    return {layer: mean for layer, mean in enumerate(network.hidden_mean, 1) if isinstance(mean, float)}


def _at_zero(network: MeanField) -> tuple[float, float]:
    """phi(0) and phi'(0)."""
    value, slope = network.activation(np.zeros(1))
    return float(value[0]), float(slope[0])


def _silent(network: MeanField) -> int:
    """The first layer in which H = 0 and phi(H) = 0; depth + 1 where there is none."""
    law, none = network.input_weight, network.depth + 1
    if _at_zero(network)[0] != 0:
        return none
    if law.fixed and law.mean == 0:
        return 1
    averaged_out = isinstance(law, (Gaussian, Uniform)) and law.mean == 0 and _odd(network.activation)
    means = _means(network).items()
    return next((below + 1 for below, mean in means if mean == 0 or (below == 1 and averaged_out)), none)


def _odd(activation: Activation) -> bool:
    h = np.linspace(0.0, 8.0, 257)
    return np.allclose(activation(-h)[0], -activation(h)[0], rtol=0, atol=1e-12)


def _deaf(network: MeanField) -> int:
    """The last layer to which no gradient comes back, because the means above it are zero or readout weights
    average out; 0 where there is none."""
    law, last = network.readout_weight, network.depth - 1
    if law.fixed and law.mean == 0:
        return network.depth
    means = _means(network)
    return next(
        (layer for layer in range(last, 0, -1) if means[layer] == 0 or (layer == last and law.mean == 0)), 0
    )


@checked_call
def escape_rate(network: MeanField, problem: Problem) -> float:
    """Rate at which networks of finite width leave the saddle at which the limit of `network` is frozen.

    Features vanish from layer p on, gradients from layer q >= p down. To first order, with s = phi'(0) and
    means m_l,

        dh/dt = s c Q beta,   dbeta/dt = T c h,   lambda^2 = s c^2 Q T,   c = prod_{l=p}^{q-1} m_l s,
        Q = sum_{mn} y_m K_mn y_n / P^2,
        K = E[phi phi] + m_1^2 E[phi' phi'] x x of layer 1 for p = 2, E[phi phi] of layer p - 1 above,
        T = s (q = L),   s^3 (E w^2 + m_q^2) (q = L - 1),   s (s^(L-q) E[w] prod_{l>q} m_l)^2 below,

    where h = sum_m y_m H^p_m / P, and beta is what comes back to layer q. With means of zero and three
    hidden layers, lambda^2 = s^4 E[w^2] Q. The loss has fallen after a time of log(N) / (2 lambda) + const.
    If lambda is zero, as it is for means of zero from four hidden layers on, networks leave the saddle as a
    power of time, and only after a power of N.

    Raises
    ------
    InputError
        A network whose limit moves; several outputs.
    UnsupportedError
        An activation with a corner at 0, as relu: half of the neurons of a real network are on one side of
        it, half on the other.
    """
    span = dead_span(network)
    if span is None:
        raise InputError(
            "escape_rate is for a network whose limit is frozen, see `frozen` of MeanFieldMLP; this one has"
            " biases, or means or laws that move it."
        )
    require(problem.outputs is None, "escape_rate is known for one output; pass targets (example,).")
    if _has_corner(network.activation):
        raise UnsupportedError(
            "escape_rate needs an activation that is smooth at 0; measure the rate in networks of finite"
            " width."
        )
    first, last = span
    slope, means = _at_zero(network)[1], _means(network)
    pull = problem.loss.error(np.zeros(problem.n_train), problem.targets) / problem.n_train
    through = math.prod(means[layer] * slope for layer in range(first, last))
    square = (
        slope
        * through**2
        * float(pull @ _kernel(network, problem.inputs, first, means) @ pull)
        * _top(network, last, slope, means)
    )
    return math.sqrt(max(square, 0.0))


def _has_corner(activation: Activation) -> bool:
    """Whether phi' jumps at 0."""
    left, right = activation(np.array([-1e-9, 1e-9]))[1]
    return abs(left - right) > 1e-6


def _kernel(network: MeanField, inputs: np.ndarray, first: int, means: dict[int, float]) -> np.ndarray:
    """What a unit of gradient into layer `first` adds to its H, (example, example_prime)."""
    if first == 1:
        return inputs @ inputs.T
    sites = Sites("layer 1", _SITES, Draws(_SITES, (0,)))
    weight = network.input_weight.of_normals(
        np.array([sites.draws.column(j) for j in range(inputs.shape[1])])
    )
    feature, slope = network.activation(inputs @ weight)
    if first == 2:
        return sites.mean(feature, feature) + means[1] ** 2 * sites.mean(slope, slope) * (inputs @ inputs.T)
    feature = feature.mean(axis=1)
    for layer in range(1, first - 1):
        feature = network.activation(means[layer] * feature)[0]
    return np.outer(feature, feature)


def _top(network: MeanField, last: int, slope: float, means: dict[int, float]) -> float:
    """T: how fast the signal to layer `last` grows, per unit of its H."""
    law, depth = network.readout_weight, network.depth
    if last == depth:
        return slope
    if last == depth - 1:
        return slope**3 * (law.std**2 + law.mean**2 + means[last] ** 2)
    above = math.prod(means[layer] for layer in range(last + 1, depth))
    return slope * (slope ** (depth - last) * law.mean * above) ** 2


def saddle_message(network: MeanField, problem: DataSource) -> str:
    """What a `SaddleWarning` says."""
    begin = "This network starts at a saddle, which its limit never leaves, and the result is constant; "
    remedy = "Give hidden_mean, and readout_weight or input_weight, means other than zero, or bias_std."
    if problem.outputs is not None or problem.streamed or _has_corner(network.activation):
        return begin + f"networks of finite width leave it. {remedy}"
    rate = escape_rate(network, cast(Problem, problem))  # a fixed set
    if rate == 0:
        return begin + f"networks of width N leave it as a power of time, after a power of N. {remedy}"
    return (
        begin
        + f"networks of width N leave it at the rate lambda = {rate:.3g}, after a time of log(N) / (2 lambda)"
        f" = {1 / (2 * rate):.3g} log N + const. {remedy}"
    )

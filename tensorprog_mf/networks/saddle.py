"""Mean-field networks that start at a saddle: which they are, and how fast networks of finite width leave
it."""

import math

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import UnsupportedError, require
from ..sites.draws import Draws
from ..sites.laws import Gaussian, Uniform
from ..sites.sites import Sites

_SITES = 2**14  # for the kernel in an escape rate


def dead_span(network) -> tuple[int, int] | None:
    """(p, q) where nothing moves: features of layers p, p + 1, ... are 0, and to q, q - 1, ... no gradient
    comes back; else None.

    The gradient of W^l is delta^{l+1} phi(H^l), so all are zero if and only if q >= p.
    """
    if network.bias_std is not None or not all(isinstance(mean, float) for mean in network.hidden_mean):
        return None
    silent = _silent(network)
    deaf = network.depth if silent <= network.depth and _at_zero(network)[1] == 0 else _deaf(network)
    return (silent, deaf) if silent <= deaf else None


def _at_zero(network) -> tuple[float, float]:
    """phi(0) and phi'(0)."""
    value, slope = network.activation(np.zeros(1))
    return float(value[0]), float(slope[0])


def _silent(network) -> int:
    """The first layer of which H = 0 and phi(H) = 0; depth + 1 where there is none."""
    law, none = network.input_weight, network.depth + 1
    if _at_zero(network)[0] != 0:
        return none
    if law.fixed and law.mean == 0:
        return 1
    averaged_out = isinstance(law, (Gaussian, Uniform)) and law.mean == 0 and _odd(network.activation)
    return next(
        (
            layer
            for layer, mean in enumerate(network.hidden_mean, 2)
            if mean == 0 or (layer == 2 and averaged_out)
        ),
        none,
    )


def _odd(activation) -> bool:
    h = np.linspace(0.0, 8.0, 257)
    return np.allclose(activation(-h)[0], -activation(h)[0], rtol=0, atol=1e-12)


def _deaf(network) -> int:
    """The last layer to which no gradient comes back: above it means are zero, or readout weights average
    out; 0 where there is none."""
    law, last = network.readout_weight, network.depth - 1
    if law.fixed and law.mean == 0:
        return network.depth
    means = dict(enumerate(network.hidden_mean, 1))
    return next(
        (layer for layer in range(last, 0, -1) if means[layer] == 0 or (layer == last and law.mean == 0)), 0
    )


@checked_call
def escape_rate(network, problem) -> float:
    """Rate at which networks of finite width leave the saddle at which the limit of `network` is frozen.

    Features vanish from layer p on, gradients from layer q >= p down. To first order, with s = phi'(0), m_l
    the means,

        dh/dt = s c Q beta,   dbeta/dt = T c h,   lambda^2 = s c^2 Q T,   c = prod_{l=p}^{q-1} m_l s,
        Q = sum_{mn} y_m K_mn y_n / P^2,
        K = E[phi phi] + m_1^2 E[phi' phi'] x x of layer 1 for p = 2, E[phi phi] of layer p - 1 above,
        T = s (q = L),   s^3 (E w^2 + m_q^2) (q = L - 1),   s (s^(L-q) E[w] prod_{l>q} m_l)^2 below,

    h = sum y H^p / P and beta what comes back to layer q. With means of zero and three hidden layers lambda^2
    = s^4 E[w^2] Q. The loss has fallen after log(N) / (2 lambda) + const. If lambda is zero, as with means of
    zero from four hidden layers on, the saddle is left as a power of time, and only after a power of N.

    Raises
    ------
    InputError
        A network whose limit moves; several outputs.
    UnsupportedError
        An activation with a corner at 0, as relu: half of the neurons of a real network are on its one side,
        half on the other.
    """
    span = dead_span(network)
    require(
        span is not None,
        "escape_rate is of a network whose limit is frozen, see `frozen` of MeanFieldMLP; this one has"
        " biases, or means or laws that move it.",
    )
    require(problem.outputs is None, "escape_rate is known for one output, targets (example,).")
    if _has_corner(network.activation):
        raise UnsupportedError(
            "escape_rate needs an activation that is smooth at 0; measure the rate in networks of finite"
            " width."
        )
    first, last = span
    slope, means = _at_zero(network)[1], dict(enumerate(network.hidden_mean, 1))
    pull = problem.loss.error(np.zeros(problem.n_train), problem.targets) / problem.n_train
    through = math.prod(means[layer] * slope for layer in range(first, last))
    square = (
        slope
        * through**2
        * float(pull @ _kernel(network, problem.inputs, first, means) @ pull)
        * _top(network, last, slope, means)
    )
    return math.sqrt(max(square, 0.0))


def _has_corner(activation) -> bool:
    left, right = activation(np.array([-1e-9, 1e-9]))[1]
    return abs(left - right) > 1e-6


def _kernel(network, inputs: np.ndarray, first: int, means: dict) -> np.ndarray:
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


def _top(network, last: int, slope: float, means: dict) -> float:
    """T: how fast the signal to layer `last` grows, per unit of its H."""
    law, depth = network.readout_weight, network.depth
    if last == depth:
        return slope
    if last == depth - 1:
        return slope**3 * (law.std**2 + law.mean**2 + means[last] ** 2)
    above = math.prod(means[layer] for layer in range(last + 1, depth))
    return slope * (slope ** (depth - last) * law.mean * above) ** 2


def saddle_message(network, problem) -> str:
    """What a `SaddleWarning` says."""
    begin = "This network starts at a saddle, which its limit never leaves, and the result is constant; "
    remedy = "Give hidden_mean, and readout_weight or input_weight, means other than zero, or bias_std."
    if problem.outputs is not None or problem.streamed or _has_corner(network.activation):
        return begin + f"networks of finite width leave it. {remedy}"
    rate = escape_rate(network, problem)
    if rate == 0:
        return begin + f"networks of width N leave it as a power of time, after a power of N. {remedy}"
    return (
        begin
        + f"networks of width N leave it at the rate lambda = {rate:.3g}, after a time of log(N) / (2 lambda)"
        f" = {1 / (2 * rate):.3g} log N + const. {remedy}"
    )

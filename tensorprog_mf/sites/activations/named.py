"""Activations with names: pure functions (h, options) -> (phi(h), phi'(h)) that do not overflow at any h."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...ground.errors import real, whole

Both = tuple[np.ndarray, np.ndarray]  # phi(h) and phi'(h), of the shape of h

_MOST = 100  # the highest order of a Hermite polynomial


class Option(NamedTuple):
    """A number that a named activation takes: its default, and what turns a given value into a plain one."""

    default: Any
    checked: Callable[[Any], float]


class Named(NamedTuple):
    """A function, its options by name, and whether phi' jumps, as a function of the options."""

    function: Callable[..., Both]
    options: dict[str, Option] = {}
    kinked: Callable[..., bool] = lambda **options: False


def _linear(h: np.ndarray) -> Both:
    return h, np.ones_like(h)


def _relu(h: np.ndarray) -> Both:
    return np.maximum(h, 0.0), (h > 0).astype(h.dtype)


def _scaled_relu(h: np.ndarray) -> Both:
    return np.sqrt(2) * np.maximum(h, 0.0), np.sqrt(2) * (h > 0)


def _leaky_relu(h: np.ndarray, slope: float) -> Both:
    return np.where(h > 0, h, slope * h), np.where(h > 0, 1.0, slope)


def _elu(h: np.ndarray) -> Both:
    below = np.minimum(h, 0.0)
    return np.where(h > 0, h, np.expm1(below)), np.exp(below)


def _erf(h: np.ndarray) -> Both:
    from scipy.special import erf

    return erf(h), (2 / np.sqrt(np.pi)) * np.exp(-h * h)


def _gelu(h: np.ndarray) -> Both:
    from scipy.special import ndtr

    share = ndtr(h)
    return h * share, share + h * np.exp(-h * h / 2) / np.sqrt(2 * np.pi)


def _tanh(h: np.ndarray) -> Both:
    phi = np.tanh(h)
    return phi, 1 - phi * phi


def _sin(h: np.ndarray) -> Both:
    return np.sin(h), np.cos(h)


def _softplus(h: np.ndarray, sharpness: float) -> Both:
    if sharpness != 1:
        phi, dphi = _softplus(sharpness * h, 1.0)
        return phi / sharpness, dphi
    small = np.exp(-np.abs(h))  # at most 1
    return np.maximum(h, 0.0) + np.log1p(small), np.where(h > 0, 1.0, small) / (1 + small)


def _silu(h: np.ndarray) -> Both:
    small = np.exp(-np.abs(h))
    share, rest = np.where(h > 0, 1.0, small) / (1 + small), np.where(h > 0, small, 1.0) / (1 + small)
    return h * share, share * (1 + h * rest)


def _quadratic(h: np.ndarray) -> Both:
    return h * h, 2 * h


def _hermite(h: np.ndarray, order: int) -> Both:
    """he_k = He_k / sqrt(k!) by its recursion in k, and its derivative sqrt(k) he_{k-1}."""
    before, now = np.zeros_like(h), np.ones_like(h)
    for k in range(order):
        before, now = now, (h * now - np.sqrt(k) * before) / np.sqrt(k + 1)
    return now, np.sqrt(order) * before


_SLOPE = Option(0.01, lambda v: real("activation slope", v, "be finite", lambda v: True))
_SHARPNESS = Option(1.0, lambda v: real("activation sharpness", v, "be positive", lambda v: v > 0))


def _order(given: object) -> int:
    return int(
        real(
            "activation order",
            whole("activation order", given, 1),
            f"be at most {_MOST}",
            lambda v: v <= _MOST,
        )
    )


NAMED: dict[str, Named] = {
    "linear": Named(_linear),
    "relu": Named(_relu, kinked=lambda: True),
    "scaled_relu": Named(_scaled_relu, kinked=lambda: True),
    "leaky_relu": Named(_leaky_relu, {"slope": _SLOPE}, lambda slope: slope != 1),
    "elu": Named(_elu),
    "erf": Named(_erf),
    "gelu": Named(_gelu),
    "tanh": Named(_tanh),
    "sin": Named(_sin),
    "softplus": Named(_softplus, {"sharpness": _SHARPNESS}),
    "silu": Named(_silu),
    "quadratic": Named(_quadratic),
    "hermite": Named(_hermite, {"order": Option(2, _order)}),
}

_CALLED = {"swish": "silu", "leaky": "leaky_relu", "identity": "linear", "sine": "sin", "square": "quadratic"}
_PLAIN = {name.replace("_", ""): name for name in NAMED} | _CALLED


def called(word: str) -> str | None:
    """The name here of what others call `word`, such as LeakyReLU or swish; None if there is none."""
    return _PLAIN.get(word.lower().replace("_", "").replace("-", ""))

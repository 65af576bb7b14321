"""Activation functions and their derivatives, a small registry of pure functions."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .calls import checked_call
from .errors import InputError, real, require


def _linear(h):
    return h, np.ones_like(h)


def _relu(h):
    return np.maximum(h, 0.0), (h > 0).astype(h.dtype)


def _scaled_relu(h):
    return np.sqrt(2) * np.maximum(h, 0.0), np.sqrt(2) * (h > 0)


def _erf(h):
    from scipy.special import erf

    return erf(h), (2 / np.sqrt(np.pi)) * np.exp(-h * h)


def _tanh(h):
    phi = np.tanh(h)
    return phi, 1 - phi * phi


def _softplus(h):
    small = np.exp(-np.abs(h))
    return np.maximum(h, 0.0) + np.log1p(small), np.where(h > 0, 1.0, small) / (1 + small)


def _quadratic(h):
    return h * h, 2 * h


FUNCTIONS: dict[str, Callable] = {
    "linear": _linear,
    "relu": _relu,
    "scaled_relu": _scaled_relu,
    "erf": _erf,
    "tanh": _tanh,
    "softplus": _softplus,
    "quadratic": _quadratic,
}


@checked_call
@dataclass(frozen=True)
class Activation:
    """phi(gain h) and its derivative in h.

    Parameters
    ----------
    name
        linear; relu = max(h, 0); scaled_relu = sqrt(2) max(h, 0); erf = erf(h); tanh; softplus = log(1 + e^h);
        quadratic = h^2; or any name for a function of your own.
    gain
        Factor on h.
    function
        For one of your own: h -> (phi(h), phi'(h)) on arrays.
    """

    name: str
    gain: float = 1.0
    function: Callable | None = None

    def __post_init__(self):
        require(
            self.function is not None or self.name in FUNCTIONS,
            f"activation={self.name!r} is unknown; choose one of {', '.join(FUNCTIONS)}, or pass a pair (phi, dphi) of functions.",
        )
        object.__setattr__(self, "gain", real("activation gain", self.gain, "be finite and not zero", lambda v: v != 0))

    @property
    def kinked(self) -> bool:
        """Whether the derivative is known to jump; a user's own function counts as smooth."""
        return self.function is None and self.name in ("relu", "scaled_relu")

    def describe(self) -> dict:
        """As plain values."""
        return {"name": self.name, "gain": self.gain}

    def __call__(self, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """phi(gain h) and gain phi'(gain h)."""
        function = self.function or FUNCTIONS[self.name]
        if self.gain == 1.0:
            return function(h)
        phi, dphi = function(self.gain * h)
        return phi, self.gain * dphi


@dataclass(frozen=True)
class _Pair:
    """A user's phi and dphi as one function."""

    phi: Callable
    dphi: Callable

    def __call__(self, h):
        return self.phi(h), self.dphi(h)


def as_activation(given) -> Activation:
    """An `Activation` from one, from a name, or from a user's (phi, dphi) pair of functions on arrays."""
    if isinstance(given, Activation):
        return given
    if isinstance(given, str):
        return Activation(given)
    if isinstance(given, tuple) and len(given) == 2 and all(map(callable, given)):
        phi, dphi = given
        return Activation(f"custom ({getattr(phi, '__name__', 'unnamed')})", function=_Pair(phi, dphi))
    raise InputError(f"activation={given!r} is not a name, an Activation or a pair (phi, dphi) of functions.")

"""An activation function: one with a name and options, or the user's own."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ...ground.calls import checked_call, meant
from ...ground.errors import InputError, boolean, real, require
from . import own
from .named import NAMED, called

_OPTIONS = tuple(dict.fromkeys(name for named in NAMED.values() for name in named.options))


@checked_call
@dataclass(frozen=True)
class Activation:
    """phi(gain h) and its derivative in h.

    Parameters
    ----------
    name
        linear; relu = max(h, 0); scaled_relu = sqrt(2) max(h, 0); leaky_relu = max(h, 0) + slope min(h, 0);
        elu = max(h, 0) + exp(min(h, 0)) - 1; erf = erf(h); gelu = h Phi(h), Phi the cumulative Gaussian;
        tanh; sin; softplus = log(1 + exp(sharpness h)) / sharpness; silu = h / (1 + exp(-h)); quadratic =
        h^2; hermite = He_k(h) / sqrt(k!) of order k, the probabilists' polynomials, normalised; or any name
        you like for a function of your own.
    gain
        Factor on h.
    function
        A function of your own: h -> (phi(h), phi'(h)) on arrays, entry by entry.
    kinked
        Whether phi' jumps, which matters to `perturbation` and to gradient flow. By default (None) this is
        known for names and found out for functions.
    slope
        Slope of leaky_relu below 0, by default 0.01; -1 gives |h|.
    sharpness
        Sharpness of softplus, by default 1; the larger, the closer to relu.
    order
        Order of hermite, 1 to 100, by default 2.

    Raises
    ------
    InputError
        An unknown name, an option of another activation, a value outside its range; a function whose phi' is
        not the derivative of phi, or whose entries depend on each other.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> tp.MLP(2, tp.Activation("leaky_relu", slope=0.2)).activation.describe()
    {'name': 'leaky_relu', 'gain': 1.0, 'slope': 0.2}
    """

    name: str
    gain: float = 1.0
    function: Callable[[np.ndarray], tuple[Any, Any]] | None = None
    kinked: bool | None = None
    slope: float | None = None
    sharpness: float | None = None
    order: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "gain", real("activation gain", self.gain, "be finite and not zero", lambda v: v != 0)
        )
        if self.function is not None:
            require(
                callable(self.function),
                f"activation function={self.function!r} must be a function h -> (phi(h), phi'(h)) on arrays.",
            )
        elif self.name not in NAMED:
            raise InputError(_unknown(self.name))
        known = {} if self.function is not None else NAMED[self.name].options
        for option in _OPTIONS:
            given = getattr(self, option)
            require(
                given is None or option in known,
                f"activation {self.name!r} has no {option}; leave {option}={given!r} out.",
            )
            if option in known:
                object.__setattr__(
                    self, option, known[option].checked(known[option].default if given is None else given)
                )
        jumps = (
            own.checked(self.name, self.function)
            if self.function is not None
            else NAMED[self.name].kinked(**self.options)
        )
        object.__setattr__(
            self, "kinked", jumps if self.kinked is None else boolean("activation kinked", self.kinked)
        )

    @property
    def options(self) -> dict[str, float]:
        """The options that an activation of this name has, and their values."""
        return {name: value for name in _OPTIONS if (value := getattr(self, name)) is not None}

    def named(self, *names: str) -> bool:
        """Whether it has one of these names and default options, and is not the user's own function."""
        if self.function is not None or self.name not in names:
            return False
        return all(
            value == NAMED[self.name].options[option].default for option, value in self.options.items()
        )

    def describe(self) -> dict:
        """The activation as plain values; the user's own function by its name and a few of its values."""
        described = {"name": self.name, "gain": self.gain, **self.options}
        if self.function is not None:
            return described | {"kinked": self.kinked, "values": own.fingerprint(self.function)}
        return (
            described
            if self.kinked == NAMED[self.name].kinked(**self.options)
            else described | {"kinked": self.kinked}
        )

    def __call__(self, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """phi(gain h) and gain phi'(gain h)."""
        if self.gain == 1.0:
            return self._function(h)
        phi, dphi = self._function(self.gain * h)
        return phi, self.gain * dphi

    def _function(self, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.function is None:
            return NAMED[self.name].function(h, **self.options)
        phi, dphi = self.function(h)
        return np.asarray(phi, float), np.asarray(dphi, float)


@dataclass(frozen=True)
class _Pair:
    """A user's phi and dphi as one function."""

    phi: Callable[[np.ndarray], Any]
    dphi: Callable[[np.ndarray], Any]

    def __call__(self, h: np.ndarray) -> tuple[Any, Any]:
        return self.phi(h), self.dphi(h)


def _unknown(name: object) -> str:
    here = called(name) if isinstance(name, str) else None
    remedy = f"here it is {here!r}." if here else meant(name, NAMED)
    more = "From Python it may also be a pair (phi, dphi) of functions."
    return f"activation={name!r} is unknown; {remedy} {more}"


def as_activation(given: Any) -> Activation:
    """An `Activation` from an activation, a name, a table {"name": ..., options} or a pair (phi, dphi).

    Raises
    ------
    InputError
        Anything else, such as a function without its derivative, or an unknown name or option.
    """
    if isinstance(given, Activation):
        return given
    if isinstance(given, str):
        return Activation(given)
    if isinstance(given, dict):
        return _from_table(given)
    if isinstance(given, (tuple, list)) and len(given) == 2 and all(map(callable, given)):
        phi, dphi = given
        return Activation(f"custom ({getattr(phi, '__name__', 'unnamed')})", function=_Pair(phi, dphi))
    if callable(given):
        raise InputError(_without_derivative(given))
    raise InputError(f"activation={given!r} is not a name, an Activation or a pair (phi, dphi) of functions.")


def _from_table(table: dict) -> Activation:
    allowed = [field.name for field in fields(Activation) if field.name != "function"]
    unknown = [str(key) for key in table if key not in allowed]
    require(
        not unknown,
        f"activation: {', '.join(unknown)} in its table is unknown; choose from {', '.join(allowed)}.",
    )
    require(
        isinstance(table.get("name"), str),
        f'activation={table!r} needs a name in quotes, as {{name = "leaky_relu", slope = 0.1}}.',
    )
    return Activation(**table)


def _without_derivative(given: Any) -> str:
    """A sentence that says what to pass instead of a function or class of another library."""
    name = getattr(given, "__name__", type(given).__name__)
    here = called(name)
    remedy = f'pass activation="{here}"' if here else "pass a pair (phi, dphi) of functions on numpy arrays"
    return f"activation={name}: a function without its derivative is not enough; {remedy}."

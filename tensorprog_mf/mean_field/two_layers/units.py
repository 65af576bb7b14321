"""Units sigma_*(x; theta): what one neuron of a two-layer network adds to its output."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...ground.calls import checked_call
from ...ground.errors import InputError, boolean, real, require
from ...sites.activations import Activation, as_activation


@checked_call
@dataclass(frozen=True)
class PiecewiseLinear:
    """sigma(u) = `low_value` for u <= `low`, `high_value` for u >= `high`, a straight line between.

    With `even`, sigma(|u|) instead, low >= 0.

    Raises
    ------
    InputError
        Numbers that are not finite; low >= high; an even one with low < 0.

    References
    ----------
    Mei, Montanari & Nguyen 2018, arXiv:1804.06561, numerical examples.
    """

    low: float
    high: float
    low_value: float
    high_value: float
    even: bool = False

    def __post_init__(self):
        for name in ("low", "high", "low_value", "high_value"):
            object.__setattr__(self, name, real(name, getattr(self, name), "be finite", lambda v: True))
        require(
            self.low < self.high,
            f"low={self.low!r} must be less than high={self.high!r}: the line rises between them.",
        )
        object.__setattr__(self, "even", boolean("even", self.even))
        require(
            not self.even or self.low >= 0,
            f"low={self.low!r} of an even activation must be 0 or more, as it is a value of |u|.",
        )

    def hinges(self) -> tuple[float, np.ndarray, np.ndarray]:
        """(s, c, t) of sigma(u) = s + sum_k c_k max(u - t_k, 0)."""
        slope = (self.high_value - self.low_value) / (self.high - self.low)
        return self.low_value, np.array([slope, -slope]), np.array([self.low, self.high])

    def __call__(self, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """sigma(h) and sigma'(h), which is 0 at the corners."""
        u = np.abs(h) if self.even else h
        slope = (self.high_value - self.low_value) / (self.high - self.low)
        inside = (u > self.low) & (u < self.high)
        value = self.low_value + slope * (np.clip(u, self.low, self.high) - self.low)
        return value, slope * inside * (np.sign(h) if self.even else 1.0)

    def describe(self) -> dict:
        """Plain values."""
        return {
            "low": self.low,
            "high": self.high,
            "low_value": self.low_value,
            "high_value": self.high_value,
            "even": self.even,
        }


@checked_call
@dataclass(frozen=True)
class Neuron:
    """One neuron, sigma_*(x; theta) = a phi(<w, x> + b); of several outputs c = 0, 1, ... a_c phi(<w, x> +
    b).

    Parameters
    ----------
    activation
        A name, an `Activation`, a pair (phi, phi') of functions, or a `PiecewiseLinear`.
    output_weight
        Whether there is a; without, a = 1.
    bias
        Whether there is b; without, b = 0.
    trained
        Names, of "a", "w", "b", of those that move; all that there are by default. Others stay where they
        start.

    Raises
    ------
    InputError
        Names that are not among the parameters; none trained.

    Notes
    -----
    On finite data activations run in numpy. `train_particles` compiles them, and takes linear, relu,
    scaled_relu, erf, tanh, softplus and quadratic without options, and no functions of your own.

    Examples
    --------
    >>> from tensorprog_mf.mean_field import Neuron
    >>> Neuron("tanh", bias=True, trained=("w",)).names
    ('a', 'w', 'b')
    """

    activation: str | Activation | PiecewiseLinear | tuple = "relu"
    output_weight: bool = True
    bias: bool = False
    trained: tuple[str, ...] | None = None

    def __post_init__(self):
        given = self.activation
        object.__setattr__(
            self, "activation", given if isinstance(given, PiecewiseLinear) else as_activation(given)
        )
        for name in ("output_weight", "bias"):
            object.__setattr__(self, name, boolean(name, getattr(self, name)))
        object.__setattr__(self, "trained", _some(self.trained, self.names))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return ("a",) * self.output_weight + ("w",) + ("b",) * self.bias

    def describe(self) -> dict:
        """Plain values."""
        phi = self.activation
        return {
            "unit": "Neuron",
            "activation": phi.describe(),
            "output_weight": self.output_weight,
            "bias": self.bias,
            "trained": list(self.trained),
        }


@checked_call
@dataclass(frozen=True)
class UserUnit:
    """A unit of your own on finite data.

    Parameters
    ----------
    function
        (inputs (example, feature), theta (parameter, sample)) -> value (example, sample), gradient
        (parameter, example, sample).
    names
        Names of the parameters, one number each.
    trained
        Those that move; all by default.

    Raises
    ------
    InputError
        A function that cannot be called; no names, or two alike; trained ones that are none of them.
    """

    function: Callable
    names: tuple[str, ...]
    trained: tuple[str, ...] | None = None

    def __post_init__(self):
        require(
            callable(self.function),
            f"function={self.function!r} must be a function of inputs and parameters.",
        )
        names = (self.names,) if isinstance(self.names, str) else tuple(self.names)
        require(
            len(names) > 0 and len(set(names)) == len(names),
            f"names={self.names!r} must be one or more different names.",
        )
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "trained", _some(self.trained, names))

    def describe(self) -> dict:
        """Plain values; a function is known by its name only."""
        name = getattr(self.function, "__name__", "unnamed")
        return {
            "unit": "UserUnit",
            "function": name,
            "names": list(self.names),
            "trained": list(self.trained),
        }


def _some(trained, names: tuple[str, ...]) -> tuple[str, ...]:
    """The trained ones, in the order of `names`."""
    if trained is None:
        return names
    chosen = (trained,) if isinstance(trained, str) else tuple(trained)
    if not chosen or not set(chosen) <= set(names):
        raise InputError(f"trained={trained!r} must name one or more of {', '.join(names)}.")
    return tuple(name for name in names if name in chosen)

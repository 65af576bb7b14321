"""Units sigma_*(x; theta): what one neuron of a two-layer network adds to its output."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np

from ...ground.calls import checked_call
from ...ground.errors import boolean, real, require
from ...ground.fields import set_fields
from ...sites.activations import Activation, as_activation


class Hinges(NamedTuple):
    """sigma(u) = offset + sum_k slopes_k max(u - kinks_k, 0), or the same of |u| if `even`."""

    offset: float
    slopes: np.ndarray
    kinks: np.ndarray
    even: bool


@checked_call
@dataclass(frozen=True)
class PiecewiseLinear:
    """sigma(u) = `low_value` for u <= `low`, `high_value` for u >= `high`, a straight line between.

    With `even`, sigma(|u|) instead, low >= 0.

    Raises
    ------
    InputError
        Numbers that are not finite; low >= high; `even` with low < 0.

    References
    ----------
    Mei, Montanari & Nguyen 2018, arXiv:1804.06561, numerical examples.
    """

    low: float
    high: float
    low_value: float
    high_value: float
    even: bool = False

    def __post_init__(self) -> None:
        for name in ("low", "high", "low_value", "high_value"):
            set_fields(self, **{name: real(name, getattr(self, name), "be finite", lambda v: True)})
        require(
            self.low < self.high,
            f"low={self.low!r} must be less than high={self.high!r}: the line runs between them.",
        )
        set_fields(self, even=boolean("even", self.even))
        require(
            not self.even or self.low >= 0,
            f"low={self.low!r} of an even activation must be 0 or more, as it is a value of |u|.",
        )

    def hinges(self) -> Hinges:
        """The same as a sum of hinges."""
        slope = (self.high_value - self.low_value) / (self.high - self.low)
        return Hinges(self.low_value, np.array([slope, -slope]), np.array([self.low, self.high]), self.even)

    def __call__(self, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """sigma(h) and sigma'(h), which is 0 at the corners."""
        u = np.abs(h) if self.even else h
        slope = (self.high_value - self.low_value) / (self.high - self.low)
        inside = (u > self.low) & (u < self.high)
        value = self.low_value + slope * (np.clip(u, self.low, self.high) - self.low)
        return value, slope * inside * (np.sign(h) if self.even else 1.0)

    def describe(self) -> dict:
        """Plain values."""
        return asdict(self)


@checked_call
@dataclass(frozen=True, init=False)
class Neuron:
    """One neuron, sigma_*(x; theta) = a phi(<w, x> + b).

    With several outputs c = 0, 1, ... it is a_c phi(<w, x> + b) for output c.

    Parameters
    ----------
    activation
        A name, an `Activation`, a pair (phi, phi') of functions, or a `PiecewiseLinear`.
    output_weight
        Whether there is a; without, a = 1.
    bias
        Whether there is b; without, b = 0.
    trained
        Names, of "a", "w", "b", of the parameters that move; by default all that there are. Others stay where
        they start.

    Raises
    ------
    InputError
        Names that are not among the parameters; none trained.

    Notes
    -----
    On finite data activations run in numpy. `train_particles` compiles them: it takes linear, relu,
    scaled_relu, erf, tanh, softplus and quadratic without options, and no functions of your own.

    Examples
    --------
    >>> from tensorprog_mf.mean_field import Neuron
    >>> Neuron("tanh", bias=True, trained=("w",)).names
    ('a', 'w', 'b')
    """

    activation: Activation | PiecewiseLinear
    output_weight: bool
    bias: bool
    trained: tuple[str, ...]

    def __init__(
        self,
        activation: str | Activation | PiecewiseLinear | tuple = "relu",
        output_weight: bool = True,
        bias: bool = False,
        trained: str | Sequence[str] | None = None,
    ) -> None:
        found = activation if isinstance(activation, PiecewiseLinear) else as_activation(activation)
        set_fields(self, activation=found, bias=boolean("bias", bias))
        set_fields(self, output_weight=boolean("output_weight", output_weight))
        set_fields(self, trained=_chosen(trained, self.names))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return ("a",) * self.output_weight + ("w",) + ("b",) * self.bias

    def describe(self) -> dict:
        """Plain values."""
        return {
            "unit": "Neuron",
            "activation": self.activation.describe(),
            "output_weight": self.output_weight,
            "bias": self.bias,
            "trained": list(self.trained),
        }


@checked_call
@dataclass(frozen=True, init=False)
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
        Names of the parameters that move; all by default.

    Raises
    ------
    InputError
        A function that cannot be called; no names, or the same name twice; trained ones that are not among
        the names.
    """

    function: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
    names: tuple[str, ...]
    trained: tuple[str, ...]

    def __init__(
        self,
        function: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
        names: str | Sequence[str],
        trained: str | Sequence[str] | None = None,
    ) -> None:
        require(callable(function), f"function={function!r} must be a function of inputs and parameters.")
        own = (names,) if isinstance(names, str) else tuple(names)
        good = len(own) > 0 and len(set(own)) == len(own)
        require(good, f"names={names!r} must be one or more different names.")
        set_fields(self, function=function, names=own, trained=_chosen(trained, own))

    def describe(self) -> dict:
        """Plain values; a function is known by its name only."""
        return {
            "unit": "UserUnit",
            "function": getattr(self.function, "__name__", "unnamed"),
            "names": list(self.names),
            "trained": list(self.trained),
        }


Unit = Neuron | UserUnit


def _chosen(given: str | Sequence[str] | None, names: tuple[str, ...]) -> tuple[str, ...]:
    """The trained parameters, in the order of `names`."""
    if given is None:
        return names
    chosen = (given,) if isinstance(given, str) else tuple(given)
    good = len(chosen) > 0 and set(chosen) <= set(names)
    require(good, f"trained={given!r} must name one or more of {', '.join(names)}.")
    return tuple(name for name in names if name in chosen)

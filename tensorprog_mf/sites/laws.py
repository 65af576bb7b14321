"""Laws of initial weights: maps of standard normals, and nodes of quadrature."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import InputError, real, require


@dataclass(frozen=True)
class Law(ABC):
    """The law of a random number."""

    @abstractmethod
    def of_normals(self, z: np.ndarray) -> np.ndarray:
        """Numbers of this law, a monotone map of standard normals, which keeps low discrepancy low."""

    @abstractmethod
    def interval(self) -> tuple[float, float]:
        """Both ends of where its mass lies, up to less than rounding."""

    @abstractmethod
    def density(self, x: np.ndarray) -> np.ndarray:
        """Its density at x."""

    @property
    @abstractmethod
    def mean(self) -> float:
        """Its mean."""

    @property
    @abstractmethod
    def std(self) -> float:
        """Its standard deviation."""

    @property
    def fixed(self) -> bool:
        """Whether it is a number, without randomness."""
        return self.std == 0

    def nodes(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Gauss-Legendre nodes and their probabilities on the interval; one node for a fixed number."""
        if self.fixed:
            return np.array([self.mean]), np.ones(1)
        low, high = self.interval()
        x, weight = np.polynomial.legendre.leggauss(count)
        x = low + (high - low) * (x + 1) / 2
        weight = weight * self.density(x)
        return x, weight / weight.sum()

    def describe(self) -> dict:
        """The law as plain values."""
        return {"law": type(self).__name__, **asdict(self)}


@checked_call
@dataclass(frozen=True)
class Gaussian(Law):
    """N(mean, std^2)."""

    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", real("mean", self.mean, "be finite", lambda v: True))
        object.__setattr__(self, "std", real("std", self.std, "be 0 or more", lambda v: v >= 0))

    def of_normals(self, z: np.ndarray) -> np.ndarray:
        return self.mean + self.std * z

    def interval(self) -> tuple[float, float]:
        return self.mean - 8.5 * self.std, self.mean + 8.5 * self.std

    def density(self, x: np.ndarray) -> np.ndarray:
        return np.exp(-(((x - self.mean) / self.std) ** 2) / 2) / (self.std * np.sqrt(2 * np.pi))


@checked_call
@dataclass(frozen=True)
class Uniform(Law):
    """Uniform between `low` and `high`."""

    low: float
    high: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", real("low", self.low, "be finite", lambda v: True))
        object.__setattr__(self, "high", real("high", self.high, "be more than low", lambda v: v > self.low))

    @property
    def mean(self) -> float:
        return (self.low + self.high) / 2

    @property
    def std(self) -> float:
        return (self.high - self.low) / np.sqrt(12)

    def of_normals(self, z: np.ndarray) -> np.ndarray:
        from scipy.special import ndtr

        return self.low + (self.high - self.low) * ndtr(z)

    def interval(self) -> tuple[float, float]:
        return self.low, self.high

    def density(self, x: np.ndarray) -> np.ndarray:
        return np.where((x >= self.low) & (x <= self.high), 1 / (self.high - self.low), 0.0)


LAWS: dict[str, type[Law]] = {law.__name__: law for law in (Gaussian, Uniform)}


def as_law(name: str, given: Law | float | Mapping) -> Law:
    """A `Law` from a law, from a number (which is always that) or from a table {"law": "Gaussian", ...}.

    Raises
    ------
    InputError
        Anything else, or an unknown law; the message begins with `name`.
    """
    if isinstance(given, Law):
        return given
    if isinstance(given, Mapping):
        options = dict(given)
        kind = LAWS.get(options.pop("law", None))
        if kind is None:
            raise InputError(f"{name}={given!r} names no known law; set law to one of {', '.join(LAWS)}.")
        return kind(**options)
    require(
        np.ndim(given) == 0 and not isinstance(given, str),
        f"{name}={given!r} must be a law (Gaussian, Uniform) or a number.",
    )
    try:
        return Gaussian(given, 0.0)
    except InputError:
        raise InputError(f"{name}={given!r} must be a law (Gaussian, Uniform) or a finite number.") from None

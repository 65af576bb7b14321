"""Laws of examples (x, y): weighted points, and two Gaussians that differ in scale."""

import math
from dataclasses import dataclass

import numpy as np

from ...calls import checked_call
from ...errors import InputError, real, require, whole
from ...laws import Law


@checked_call
class FiniteData:
    """Examples with weights: E = sum_m p_m at (x_m, y_m).

    Parameters
    ----------
    inputs
        (example, feature), or (example,) for one feature.
    targets
        (example,).
    weights
        p_m, 0 or more with sum 1; 1 / number of examples by default.

    Raises
    ------
    InputError
        Numbers that are not finite, sizes that do not fit, weights that are negative or do not add up to 1.
    """

    def __init__(self, inputs, targets, weights=None):
        self.inputs, self.targets = _numbers("inputs", inputs), _numbers("targets", targets)
        if self.inputs.ndim == 1:
            self.inputs = self.inputs[:, None]
        require(
            self.inputs.ndim == 2 and self.inputs.size > 0,
            f"inputs must be (example, feature) and not empty, not of shape {self.inputs.shape}.",
        )
        count = len(self.inputs)
        require(
            self.targets.shape == (count,), f"targets must be one number for each of the {count} inputs, not of shape {self.targets.shape}."
        )
        self.weights = np.full(count, 1 / count) if weights is None else _numbers("weights", weights)
        require(
            self.weights.shape == (count,), f"weights must be one number for each of the {count} inputs, not of shape {self.weights.shape}."
        )
        total = self.weights.sum()
        require(
            (self.weights >= 0).all() and abs(total - 1) < 1e-9,
            f"weights must be 0 or more and add up to 1, not to {total:.6g}; divide them by their sum.",
        )

    def describe(self) -> dict:
        """Plain values."""
        return {"data": "FiniteData", "inputs": self.inputs.tolist(), "targets": self.targets.tolist(), "weights": self.weights.tolist()}


@checked_call
@dataclass(frozen=True)
class IsotropicGaussians:
    """y = +-1 with probability 1/2; x given y is N(0, (1 + y delta)^2 I_d).

    Parameters
    ----------
    dimension
        d, 3 or more, or math.inf.
    delta
        Between -1 and 1, not included.

    Raises
    ------
    InputError
        A dimension or delta outside of that.
    """

    dimension: float
    delta: float

    def __post_init__(self):
        if self.dimension != math.inf:
            object.__setattr__(self, "dimension", whole("dimension", self.dimension, 3))
        object.__setattr__(self, "delta", _delta(self.delta))

    def scales(self) -> np.ndarray:
        """tau_y of y = +1 and -1."""
        return np.array([1 + self.delta, 1 - self.delta])

    def describe(self) -> dict:
        """Plain values."""
        return {"data": "IsotropicGaussians", "dimension": str(self.dimension), "delta": self.delta}


@checked_call
@dataclass(frozen=True)
class AnisotropicGaussians:
    """y = +-1 with probability 1/2; x given y is N(0, diag((1 + y delta)^2 I_s, I_(d - s))), s = fraction d.

    Parameters
    ----------
    delta
        Between -1 and 1, not included.
    fraction
        s / d, between 0 and 1, not included.
    dimension
        d: infinite for the limit, finite for real networks.

    Raises
    ------
    InputError
        Numbers outside of that; a finite d of which s is not a whole part.
    """

    delta: float
    fraction: float
    dimension: float = math.inf

    def __post_init__(self):
        object.__setattr__(self, "delta", _delta(self.delta))
        object.__setattr__(self, "fraction", real("fraction", self.fraction, "lie between 0 and 1", lambda v: 0 < v < 1))
        if self.dimension != math.inf:
            object.__setattr__(self, "dimension", whole("dimension", self.dimension, 2))
            part = self.fraction * self.dimension
            require(
                abs(part - round(part)) < 1e-9,
                f"fraction={self.fraction!r} of dimension={self.dimension} is {part:g}, which must be a whole number.",
            )

    def scales(self) -> np.ndarray:
        """tau_y of y = +1 and -1."""
        return np.array([1 + self.delta, 1 - self.delta])

    def describe(self) -> dict:
        """Plain values."""
        return {"data": "AnisotropicGaussians", "dimension": str(self.dimension), "delta": self.delta, "fraction": self.fraction}


@checked_call
@dataclass(frozen=True)
class NormOfGaussian(Law):
    """The law of |w| for w ~ N(0, scale^2 I_d / d): scale chi_d / sqrt(d).

    Parameters
    ----------
    scale
        Positive.
    dimension
        d, 1 or more.

    Raises
    ------
    InputError
        Numbers outside of that.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> round(tp.mean_field.NormOfGaussian(0.8, 40).mean, 6)
    0.795016
    """

    scale: float
    dimension: int

    def __post_init__(self):
        object.__setattr__(self, "scale", real("scale", self.scale, "be positive", lambda v: v > 0))
        object.__setattr__(self, "dimension", whole("dimension", self.dimension, 1))

    def _chi(self):
        from scipy.stats import chi

        return chi(self.dimension, scale=self.scale / math.sqrt(self.dimension))

    def of_normals(self, z):
        from scipy.special import ndtr

        # From the nearer end, where little would be lost to rounding.
        upper = z > 0
        tail = ndtr(-np.abs(z))
        return np.where(upper, self._chi().isf(tail), self._chi().ppf(tail))

    def interval(self):
        return float(self._chi().ppf(1e-17)), float(self._chi().isf(1e-17))

    def density(self, x):
        return self._chi().pdf(x)

    @property
    def mean(self):
        return float(self._chi().mean())

    @property
    def std(self):
        return float(self._chi().std())


def _delta(given) -> float:
    return real("delta", given, "lie between -1 and 1: both scales 1 + delta and 1 - delta are positive", lambda v: -1 < v < 1)


def _numbers(name: str, given) -> np.ndarray:
    try:
        values = np.array(given, float)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be numbers in a regular array.") from None
    require(np.isfinite(values).all(), f"{name} must be finite, but {np.count_nonzero(~np.isfinite(values))} of them are not.")
    return values

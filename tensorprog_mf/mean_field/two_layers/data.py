"""Laws of examples (x, y): weighted points, and two Gaussians that differ in scale."""

import math
from dataclasses import dataclass

import numpy as np

from ...ground.calls import checked_call
from ...ground.errors import InputError, UnsupportedError, real, require, whole
from ...problems.classes import as_targets, warn_of_empty
from ...problems.containers import Read, read
from ...problems.losses import Loss, as_loss
from ...problems.pairing import paired
from ...sites.laws import Law


@checked_call
class FiniteData:
    """Examples with weights: E = sum_m p_m at (x_m, y_m).

    Parameters
    ----------
    inputs
        (example, feature), or (example,) for one feature.
    targets
        (example,); (example, output) for several outputs, each with an output weight of its own in every
        `Neuron`. For cross_entropy labels of classes (example,), or probabilities (example, class); for the
        logistic and hinge losses -1 and +1, or two labels.
    weights
        p_m, 0 or more with sum 1; 1 / number of examples by default.
    loss, classes
        As of `tp.Problem`: "squared", (y - f)^2 / 2, "logistic", "hinge", "cross_entropy", or a pair (loss,
        derivative); all labels in the order of the outputs.

    Raises
    ------
    InputError
        Numbers that are not finite, sizes that do not fit, weights that are negative or do not add up to 1;
        an unknown loss, or targets that it cannot use.
    """

    def __init__(self, inputs, targets, weights=None, loss: str | Loss | tuple = "squared", classes=None):
        given = read("inputs", inputs)
        self.inputs = _numbers("inputs", given)
        if self.inputs.ndim == 1:
            self.inputs = self.inputs[:, None]
        require(
            self.inputs.ndim == 2 and self.inputs.size > 0,
            f"inputs must be (example, feature) and not empty, not of shape {self.inputs.shape}.",
        )
        self.loss, count = as_loss(loss), len(self.inputs)
        targets = read("targets", targets)
        shape = targets.values.shape
        fits = shape[:1] == (count,) and len(shape) in (1, 2) and targets.values.size > 0
        wanted = f"one number for each of the {count} inputs, or one row of outputs"
        require(fits, f"targets must be {wanted}, not of shape {shape}.")
        targets = paired("targets", targets, "inputs", given)
        self.targets, _, self.classes = as_targets(self.loss, targets, None, classes)
        warn_of_empty(self.loss, self.targets, self.classes)
        if weights is None:
            self.weights = np.full(count, 1 / count)
        else:
            self.weights = _numbers("weights", paired("weights", read("weights", weights), "inputs", given))
        require(
            self.weights.shape == (count,),
            f"weights must be one number for each of the {count} inputs, not of shape {self.weights.shape}.",
        )
        total = self.weights.sum()
        require(
            (self.weights >= 0).all() and abs(total - 1) < 1e-9,
            f"weights must be 0 or more and add up to 1, not to {total:.6g}; divide them by their sum.",
        )

    def describe(self) -> dict:
        """Plain values."""
        found = {
            "inputs": self.inputs.tolist(),
            "targets": self.targets.tolist(),
            "weights": self.weights.tolist(),
        }
        known = {} if self.classes is None else {"classes": list(self.classes)}
        return {"data": "FiniteData"} | found | _named(self.loss) | known


def _named(loss: Loss) -> dict:
    """The loss among plain values, where it is not the usual one."""
    return {} if loss.name == "squared" else {"loss": loss.name}


def _loss_of_signs(given) -> Loss:
    """A loss of one output and targets +-1."""
    loss = as_loss(given)
    if loss.classes:
        instead = f"in place of loss={loss.name!r} take 'logistic'"
        raise UnsupportedError(f"Gaussian data have one output and targets +1 and -1; {instead}.")
    loss.check(np.array([1.0, -1.0]))
    return loss


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
    loss
        As of `FiniteData`, of one output and targets +-1.

    Raises
    ------
    InputError
        A dimension or delta outside of that.
    """

    dimension: float
    delta: float
    loss: str | Loss | tuple = "squared"

    def __post_init__(self):
        object.__setattr__(self, "loss", _loss_of_signs(self.loss))
        if self.dimension != math.inf:
            object.__setattr__(self, "dimension", whole("dimension", self.dimension, 3))
        object.__setattr__(self, "delta", _delta(self.delta))

    def scales(self) -> np.ndarray:
        """tau_y of y = +1 and -1."""
        return np.array([1 + self.delta, 1 - self.delta])

    def describe(self) -> dict:
        """Plain values."""
        found = {"data": "IsotropicGaussians", "dimension": str(self.dimension), "delta": self.delta}
        return found | _named(self.loss)


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
    loss
        As of `FiniteData`, of one output and targets +-1.

    Raises
    ------
    InputError
        Numbers outside of that; a finite d of which s is not a whole part.
    """

    delta: float
    fraction: float
    dimension: float = math.inf
    loss: str | Loss | tuple = "squared"

    def __post_init__(self):
        object.__setattr__(self, "loss", _loss_of_signs(self.loss))
        object.__setattr__(self, "delta", _delta(self.delta))
        object.__setattr__(
            self, "fraction", real("fraction", self.fraction, "lie between 0 and 1", lambda v: 0 < v < 1)
        )
        if self.dimension != math.inf:
            object.__setattr__(self, "dimension", whole("dimension", self.dimension, 2))
            part = self.fraction * self.dimension
            require(
                abs(part - round(part)) < 1e-9,
                f"fraction={self.fraction!r} of dimension={self.dimension} is {part:g}, which must be a whole"
                " number.",
            )

    def scales(self) -> np.ndarray:
        """tau_y of y = +1 and -1."""
        return np.array([1 + self.delta, 1 - self.delta])

    def describe(self) -> dict:
        """Plain values."""
        found = {"dimension": str(self.dimension), "delta": self.delta, "fraction": self.fraction}
        return {"data": "AnisotropicGaussians"} | found | _named(self.loss)


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
    return real(
        "delta",
        given,
        "lie between -1 and 1: both scales 1 + delta and 1 - delta are positive",
        lambda v: -1 < v < 1,
    )


def _numbers(name: str, given: Read) -> np.ndarray:
    require(given.values.dtype.kind not in "USMmc", f"{name} must be numbers in a regular array.")
    try:
        values = np.array(given.values, float)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be numbers in a regular array.") from None
    require(
        np.isfinite(values).all(),
        f"{name} must be finite, but {np.count_nonzero(~np.isfinite(values))} of them are not.",
    )
    return values

"""Laws of examples (x, y): weighted points, and two Gaussians that differ in scale."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ...ground.calls import checked_call
from ...ground.errors import UnsupportedError, real, require, whole
from ...ground.fields import set_fields
from ...problems.classes import as_targets, warn_of_empty
from ...problems.containers import read
from ...problems.losses import Loss, as_loss
from ...problems.pairing import paired
from ...sites.laws import Law
from ..arguments import finite_values


class DataLaw(ABC):
    """A law of examples (x, y), and the loss that training makes small.

    `norms` names the norms of w over blocks of features, which are all that matters on Gaussians; it is empty
    for finite data.
    """

    loss: Loss
    norms: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def features(self) -> float:
        """Number of features, math.inf for infinitely many."""

    @abstractmethod
    def draw(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Independent inputs (example, feature) and their targets."""

    @abstractmethod
    def describe(self) -> dict:
        """Plain values."""


@checked_call
class FiniteData(DataLaw):
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

    def __init__(
        self,
        inputs: ArrayLike,
        targets: ArrayLike,
        weights: ArrayLike | None = None,
        loss: str | Loss | tuple = "squared",
        classes: Sequence | None = None,
    ) -> None:
        given = read("inputs", inputs)
        self.inputs = finite_values("inputs", given, (1, 2), "(example, feature)")
        if self.inputs.ndim == 1:
            self.inputs = self.inputs[:, None]
        self.loss, count = as_loss(loss), len(self.inputs)
        found = read("targets", targets)
        shape = found.values.shape
        fits = shape[:1] == (count,) and len(shape) in (1, 2) and found.values.size > 0
        wanted = f"one number for each of the {count} inputs, or one row of outputs"
        require(fits, f"targets must be {wanted}, not of shape {shape}.")
        found = paired("targets", found, "inputs", given)
        self.targets, _, self.classes = as_targets(self.loss, found, None, classes)
        warn_of_empty(self.loss, self.targets, self.classes)
        if weights is None:
            self.weights = np.full(count, 1 / count)
        else:
            shares = paired("weights", read("weights", weights), "inputs", given)
            self.weights = _probabilities(finite_values("weights", shares, 1, "(example,)"), count)

    @property
    def features(self) -> int:
        return self.inputs.shape[1]

    def draw(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        index = rng.choice(len(self.targets), count, p=self.weights)
        return self.inputs[index], self.targets[index]

    def describe(self) -> dict:
        found = {
            "inputs": self.inputs.tolist(),
            "targets": self.targets.tolist(),
            "weights": self.weights.tolist(),
        }
        known = {} if self.classes is None else {"classes": list(self.classes)}
        return {"data": "FiniteData"} | found | _named(self.loss) | known


def _probabilities(weights: np.ndarray, count: int) -> np.ndarray:
    shape, total = weights.shape, weights.sum()
    require(shape == (count,), f"weights must be one number for each of the {count} inputs, not {shape[0]}.")
    require(
        bool((weights >= 0).all()) and abs(total - 1) < 1e-9,
        f"weights must be 0 or more and add up to 1, not to {total:.6g}; divide them by their sum.",
    )
    return weights


def _named(loss: Loss) -> dict:
    """The loss among plain values, where it is not the usual one."""
    return {} if loss.name == "squared" else {"loss": loss.name}


def _loss_of_signs(given: str | Loss | tuple) -> Loss:
    """A loss of one output and targets +-1."""
    loss = as_loss(given)
    if loss.classes:
        instead = f"in place of loss={loss.name!r} take 'logistic'"
        raise UnsupportedError(f"Gaussian data have one output and targets +1 and -1; {instead}.")
    loss.check(np.array([1.0, -1.0]))
    return loss


class TwoGaussians(DataLaw):
    """y = +-1 with probability 1/2; x given y is Gaussian, of scale 1 + y delta in some features."""

    delta: float
    dimension: float  # an integer or math.inf

    @property
    def features(self) -> float:
        return self.dimension

    @property
    @abstractmethod
    def scaled(self) -> int:
        """Number of features whose scale depends on the class, the first ones; of a finite dimension."""

    def scales(self) -> np.ndarray:
        """tau_y of y = +1 and -1."""
        return np.array([1 + self.delta, 1 - self.delta])

    def draw(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        side = rng.integers(2, size=count)
        inputs = rng.standard_normal((count, int(self.dimension)))
        inputs[:, : self.scaled] *= self.scales()[side][:, None]
        return inputs, np.array([1.0, -1.0])[side]


@checked_call
@dataclass(frozen=True, init=False)
class IsotropicGaussians(TwoGaussians):
    """y = +-1 with probability 1/2; x given y is N(0, (1 + y delta)^2 I_d).

    Parameters
    ----------
    dimension
        d, 3 or more, or math.inf.
    delta
        Between -1 and 1, both excluded.
    loss
        As of `FiniteData`, of one output and targets +-1.

    Raises
    ------
    InputError
        A dimension or delta outside of these.
    """

    dimension: float
    delta: float
    loss: Loss
    norms = ("r",)

    def __init__(self, dimension: float, delta: float, loss: str | Loss | tuple = "squared") -> None:
        size = dimension if dimension == math.inf else whole("dimension", dimension, 3)
        set_fields(self, dimension=size, delta=_delta(delta), loss=_loss_of_signs(loss))

    @property
    def scaled(self) -> int:
        return int(self.dimension)

    def describe(self) -> dict:
        found = {"data": "IsotropicGaussians", "dimension": str(self.dimension), "delta": self.delta}
        return found | _named(self.loss)


@checked_call
@dataclass(frozen=True, init=False)
class AnisotropicGaussians(TwoGaussians):
    """y = +-1 with probability 1/2; x given y is N(0, diag((1 + y delta)^2 I_s, I_(d - s))), s = fraction d.

    Parameters
    ----------
    delta
        Between -1 and 1, both excluded.
    fraction
        s / d, between 0 and 1, both excluded.
    dimension
        d: infinite for the limit, finite for real networks.
    loss
        As of `FiniteData`, of one output and targets +-1.

    Raises
    ------
    InputError
        Numbers outside of these; a finite d for which s is not a whole number.
    """

    delta: float
    fraction: float
    dimension: float
    loss: Loss
    norms = ("r1", "r2")

    def __init__(
        self,
        delta: float,
        fraction: float,
        dimension: float = math.inf,
        loss: str | Loss | tuple = "squared",
    ) -> None:
        share = real("fraction", fraction, "lie between 0 and 1", lambda v: 0 < v < 1)
        size = dimension if dimension == math.inf else whole("dimension", dimension, 2)
        set_fields(self, delta=_delta(delta), fraction=share, dimension=size, loss=_loss_of_signs(loss))
        part = 0.0 if size == math.inf else share * size
        require(
            abs(part - round(part)) < 1e-9,
            f"fraction={share!r} of dimension={size} is {part:g}, which must be a whole number.",
        )

    @property
    def scaled(self) -> int:
        return round(self.fraction * self.dimension)

    def describe(self) -> dict:
        found = {"dimension": str(self.dimension), "delta": self.delta, "fraction": self.fraction}
        return {"data": "AnisotropicGaussians"} | found | _named(self.loss)


Data = FiniteData | IsotropicGaussians | AnisotropicGaussians


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
        Numbers outside of these.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> round(tp.mean_field.NormOfGaussian(0.8, 40).mean, 6)
    0.795016
    """

    scale: float
    dimension: int

    def __post_init__(self) -> None:
        set_fields(self, scale=real("scale", self.scale, "be positive", lambda v: v > 0))
        set_fields(self, dimension=whole("dimension", self.dimension, 1))

    def _chi(self) -> Any:
        from scipy.stats import chi

        return chi(self.dimension, scale=self.scale / math.sqrt(self.dimension))

    def of_normals(self, z: np.ndarray) -> np.ndarray:
        from scipy.special import ndtr

        # From the nearer end, where little is lost to rounding.
        upper = z > 0
        tail = ndtr(-np.abs(z))
        return np.where(upper, self._chi().isf(tail), self._chi().ppf(tail))

    def interval(self) -> tuple[float, float]:
        return float(self._chi().ppf(1e-17)), float(self._chi().isf(1e-17))

    def density(self, x: np.ndarray) -> np.ndarray:
        return self._chi().pdf(x)

    @property
    def mean(self) -> float:
        return float(self._chi().mean())

    @property
    def std(self) -> float:
        return float(self._chi().std())


def _delta(given: float) -> float:
    return real(
        "delta",
        given,
        "lie between -1 and 1: both scales 1 + delta and 1 - delta are positive",
        lambda v: -1 < v < 1,
    )

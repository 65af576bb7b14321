"""Initial weights of an autoencoder: which laws they may have, and draws from these."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...ground.errors import InputError, UnsupportedError, real, require
from ...sites.laws import Law
from ..arguments import finite_array
from .spectrum import CovarianceSpectrum, symmetric

_COMMUTES = 1e-13
_REMEDY = "pair every theta with -theta, or train a finite network with tp.mean_field.train_autoencoder"


@dataclass(frozen=True)
class InitialWeights:
    """Initial weights kappa theta of the neurons.

    `scale` (direction,) are their root mean squares. `law` is that of their entries, where it is not
    Gaussian. `covariance` is in the directions of the data, None where it is diagonal there; `root` is its
    root where a covariance or `neurons` (sample, direction) are given. `paired` is false of neurons without
    their mirror images.
    """

    scale: np.ndarray
    covariance: np.ndarray | None = None
    neurons: np.ndarray | None = None
    law: Law | None = None
    root: np.ndarray | None = None
    paired: bool = True

    @property
    def one_by_one(self) -> bool:
        """Whether every coordinate of the data has a direction of its own."""
        return self.root is not None

    def draw(
        self,
        count: int,
        spectrum: CovarianceSpectrum,
        rng: np.random.Generator,
        scale: np.ndarray | None = None,
    ) -> np.ndarray:
        """kappa theta(0) of neurons (sample, direction)."""
        if self.neurons is not None:
            return self.neurons[:count]
        scale = self.scale if scale is None else scale
        z = rng.standard_normal((count, len(scale)))
        if self.root is not None:
            return z @ self.root.T
        return z * scale if self.law is None else spectrum.coordinates(self.law.of_normals(z))

    def describe(self) -> dict:
        """As plain values."""
        law = (
            "neurons" if self.neurons is not None else "Gaussian" if self.law is None else self.law.describe()
        )
        return {"law": law, "scale": self.scale.tolist(), "commutes_with_data": self.covariance is None}


def initial_weights(
    spectrum: CovarianceSpectrum,
    scale: ArrayLike | Law | None,
    covariance: ArrayLike | None,
    neurons: ArrayLike | None,
) -> InitialWeights:
    """The law of initial weights from exactly one of a scale or law, a covariance, or neurons."""
    named = {"initial_scale": scale, "initial_covariance": covariance, "initial_theta": neurons}
    given = " and ".join(name for name, value in named.items() if value is not None) or "none"
    require(given in named, f"give one of {', '.join(named)}, and None for the others, not {given}.")
    if neurons is not None:
        theta = finite_array("initial_theta", neurons, 2, "(sample, feature)")
        _same_size("initial_theta", theta.shape[1], spectrum)
        own = spectrum.coordinates(theta)
        return replace(_general(own.T @ own / len(own)), neurons=own, paired=_in_pairs(theta))
    if covariance is not None:
        matrix = symmetric("initial_covariance", covariance)
        _same_size("initial_covariance", len(matrix), spectrum)
        return _general(spectrum.rotated(matrix))
    if isinstance(scale, Law):
        _symmetric_law(scale)
        return InitialWeights(np.full(len(spectrum.variances), scale.std), law=scale)
    return InitialWeights(_scales(scale, len(spectrum.variances)))


def _scales(given: Any, size: int) -> np.ndarray:
    if np.ndim(given) == 0:
        return np.full(size, real("initial_scale", given, "be 0 or more", lambda v: v >= 0))
    scales = finite_array("initial_scale", given, 1, "one number, one per direction, or a law")
    require(
        len(scales) == size,
        f"there are {len(scales)} initial scales for {size} directions of the data; give one number, or one"
        " for each.",
    )
    good = bool((scales >= 0).all())
    require(good, "initial_scale has entries below 0; these are root mean squares, 0 or more.")
    return scales


def _same_size(name: str, size: int, spectrum: CovarianceSpectrum) -> None:
    if spectrum.dimension is None:
        raise UnsupportedError(
            f"{name} needs a finite dimension: give the data's variances with multiplicities instead of"
            " fractions."
        )
    require(
        size == spectrum.dimension,
        f"{name} is for {size} features, but the data have {spectrum.dimension}; they must agree.",
    )


def _symmetric_law(law: Law) -> None:
    if law.mean != 0:
        raise InputError(
            f"initial_scale: a law of mean {law.mean:g} is not symmetric about 0, so that the reduction to"
            f" gains does not hold; take one of mean 0, {_REMEDY}."
        )


def _general(covariance: np.ndarray) -> InitialWeights:
    """A covariance in the directions of the data; kept only if it does not commute with that of the data."""
    values, vectors = np.linalg.eigh(covariance)
    require(
        values[0] >= -1e-10 * max(values[-1], 0.0),
        "initial_covariance has a negative eigenvalue; it must be positive semidefinite.",
    )
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    diagonal = np.diag(covariance)
    apart = np.abs(covariance - np.diag(diagonal)).max() > _COMMUTES * max(values[-1], 0.0)
    return InitialWeights(np.sqrt(np.maximum(diagonal, 0.0)), covariance if apart else None, root=root)


def _in_pairs(theta: np.ndarray) -> bool:
    """Whether neurons (sample, feature) are theta and -theta, equally often."""
    one, other = (rows[np.lexsort(rows.T[::-1])] for rows in (theta + 0.0, -theta + 0.0))  # 0.0, not -0.0
    return np.array_equal(one, other)


def check_fits(initial: InitialWeights, homogeneous: bool, name: str) -> None:
    """Refuse initial weights for which the limit with this activation is not known.

    Raises
    ------
    InputError
        Neurons for relu without their mirror images.
    UnsupportedError
        Covariances or neurons for an activation that is not linear on both sides of 0.
    """
    if initial.one_by_one and not homogeneous:
        raise UnsupportedError(
            "initial_covariance and initial_theta need activation linear, relu, scaled_relu or leaky_relu,"
            f" not {name!r}; give initial_scale, or use tp.mean_field.train_autoencoder."
        )
    known = initial.paired or name == "linear"
    require(
        known,
        f"initial_theta is not symmetric about 0, so that the reduction of {name} does not hold; {_REMEDY}.",
    )

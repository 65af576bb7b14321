"""What an autoencoder sees of its data: the variances along their principal directions."""

import hashlib
from dataclasses import dataclass
from typing import Self

import numpy as np

from ...ground.calls import checked_call
from ...ground.errors import InputError, require
from ...problems.containers import read

_ROUNDING = 1e-10


def finite_array(name: str, given, rank: int | tuple[int, ...], shape: str) -> np.ndarray:
    """`given` as an array of finite numbers; `shape` says in words what its dimensions are."""
    values = read(name, given).values
    try:
        array = None if values.dtype.kind in "USMmc" else values.astype(float)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be an array of numbers {shape}.") from None
    require(array is not None, f"{name} must be an array of numbers {shape}.")
    good = array.ndim in np.atleast_1d(rank) and array.size > 0
    require(good, f"{name} has shape {array.shape}; it must be {shape}, with at least one entry.")
    require(np.isfinite(array).all(), f"{name} has entries that are not finite; remove or replace them.")
    return array


@checked_call
@dataclass(frozen=True, eq=False)
class Spectrum:
    """Centred Gaussian data, x ~ N(0, R diag(Sigma_i^2) R^T / d), by their variances Sigma_i^2.

    Inputs with entries of order one, as everywhere in this library, are sqrt(d) x: `variances` are the
    eigenvalues of *their* covariance, and losses are per coordinate.

    Parameters
    ----------
    variances
        Sigma_i^2 (direction,), 0 or more; equal ones may repeat.
    multiplicities
        How many directions have each of them; 1 if neither these nor fractions are given.
    fractions
        Instead: which share of infinitely many directions has each; positive, with sum 1.

    Raises
    ------
    InputError
        Arrays of wrong shape or that do not fit each other, entries not finite, variances below 0 or all 0,
        multiplicities that are not whole numbers of 1 or more, fractions that are not positive or do not add
        up to 1, both of them.

    Examples
    --------
    >>> from tensorprog_mf.mean_field import Spectrum
    >>> Spectrum([2.25, 0.36], multiplicities=[5, 15]).dimension
    20
    >>> Spectrum.from_covariance([[2.0, 1.0], [1.0, 2.0]]).variances.round(12).tolist()
    [3.0, 1.0]
    """

    variances: np.ndarray
    multiplicities: np.ndarray | None = None
    fractions: np.ndarray | None = None
    vectors: np.ndarray | None = None
    mean: np.ndarray | None = None

    def __post_init__(self):
        variances = finite_array("variances", self.variances, 1, "(direction,)")
        require(
            (variances >= 0).all(), "variances of the data must be 0 or more; these are Sigma^2, not Sigma."
        )
        require(
            (variances > 0).any(),
            "variances of the data are all 0: there is nothing to learn; give at least one above 0.",
        )
        require(
            self.multiplicities is None or self.fractions is None,
            "give multiplicities or fractions of the variances, not both.",
        )
        counts, shares = self.multiplicities, self.fractions
        if shares is None:
            counts = np.ones(len(variances), int) if counts is None else _counts(counts, len(variances))
            shares = counts / counts.sum()
        else:
            shares = _shares(shares, len(variances))
        alone = self.vectors is None or np.shape(self.vectors)[0] == len(variances) == (
            0 if counts is None else counts.sum()
        )
        require(
            alone,
            "vectors must have one row for each variance, all of multiplicity 1; make them with"
            " Spectrum.from_covariance.",
        )
        for name, value in (("variances", variances), ("multiplicities", counts), ("fractions", shares)):
            object.__setattr__(self, name, value)

    @classmethod
    def from_covariance(cls, covariance) -> Self:
        """The spectrum of a covariance (feature, feature_prime) of inputs with entries of order one;
        directions by falling variance."""
        matrix = symmetric("the covariance of the data", covariance)
        values, vectors = np.linalg.eigh(matrix)
        require(
            values[0] >= -_ROUNDING * np.abs(values).max(),
            "the covariance of the data has a negative eigenvalue; it must be positive semidefinite.",
        )
        return cls(np.maximum(values[::-1], 0.0), vectors=vectors[:, ::-1].T.copy())

    @classmethod
    def from_examples(cls, inputs) -> Self:
        """The spectrum of inputs (example, feature) with entries of order one; their mean is taken off."""
        inputs = finite_array("inputs", inputs, 2, "(example, feature)")
        require(len(inputs) > 1, "inputs are one example, which has no covariance; give several.")
        mean = inputs.mean(axis=0)
        found = cls.from_covariance((inputs - mean).T @ (inputs - mean) / len(inputs))
        return cls(found.variances, vectors=found.vectors, mean=mean)

    @property
    def dimension(self) -> int | None:
        """Number of directions, None for infinitely many."""
        return None if self.multiplicities is None else int(self.multiplicities.sum())

    @property
    def per_coordinate(self) -> np.ndarray:
        """The variance of each of d coordinates."""
        return np.repeat(self.variances, self.multiplicities)

    def rotated(self, matrix: np.ndarray) -> np.ndarray:
        """A matrix (feature, feature_prime) in the directions of the data."""
        return matrix if self.vectors is None else self.vectors @ matrix @ self.vectors.T

    def coordinates(self, rows: np.ndarray) -> np.ndarray:
        """Rows (..., feature) in the directions of the data."""
        return rows if self.vectors is None else rows @ self.vectors.T

    def one_by_one(self) -> "Spectrum":
        """The same with a direction of its own for each coordinate."""
        if self.dimension == len(self.variances):
            return self
        return Spectrum(self.per_coordinate)

    def describe(self) -> dict:
        """The spectrum as plain values; directions by a hash."""
        found = {
            "variances": self.variances.tolist(),
            "fractions": self.fractions.tolist(),
            "dimension": self.dimension,
        }
        for name in ("vectors", "mean"):
            if (array := getattr(self, name)) is not None:
                found[f"{name}_sha256"] = hashlib.sha256(np.ascontiguousarray(array)).hexdigest()
        return found


def _counts(given, size: int) -> np.ndarray:
    counts = finite_array("multiplicities", given, 1, "(direction,)")
    require(
        len(counts) == size,
        f"there are {len(counts)} multiplicities for {size} variances; give one for each.",
    )
    require(
        (counts >= 1).all() and (counts == counts.round()).all(),
        "multiplicities must be whole numbers of 1 or more.",
    )
    return counts.astype(int)


def _shares(given, size: int) -> np.ndarray:
    shares = finite_array("fractions", given, 1, "(direction,)")
    require(
        len(shares) == size, f"there are {len(shares)} fractions for {size} variances; give one for each."
    )
    require(
        (shares > 0).all() and abs(shares.sum() - 1) < 1e-9,
        f"fractions must be positive and add up to 1, not to {shares.sum():.9g}.",
    )
    return shares / shares.sum()


def symmetric(name: str, given) -> np.ndarray:
    """A symmetric matrix of finite numbers."""
    matrix = finite_array(name, given, 2, "(feature, feature_prime)")
    good = (
        matrix.shape[0] == matrix.shape[1]
        and np.abs(matrix - matrix.T).max() <= _ROUNDING * np.abs(matrix).max()
    )
    require(good, f"{name} is not symmetric; of examples make it with Spectrum.from_examples(inputs).")
    return (matrix + matrix.T) / 2


def as_spectrum(data) -> Spectrum:
    """A `Spectrum` from one, from variances (direction,), one direction each, or from a covariance (feature,
    feature_prime)."""
    if isinstance(data, Spectrum):
        return data
    array = finite_array(
        "data", data, (1, 2), "variances (direction,), a covariance (feature, feature_prime) or a Spectrum"
    )
    return Spectrum(array) if array.ndim == 1 else Spectrum.from_covariance(array)

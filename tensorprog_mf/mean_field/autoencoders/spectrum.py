"""What an autoencoder sees of its data: the variances along their principal directions."""

import hashlib
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ...ground.calls import checked_call
from ...ground.errors import UnsupportedError, require
from ...ground.fields import set_fields
from ..arguments import finite_array

_ROUNDING = 1e-10


@checked_call
@dataclass(frozen=True, eq=False, init=False)
class CovarianceSpectrum:
    """Centred Gaussian data, x ~ N(0, R diag(Sigma_i^2) R^T / d), by their variances Sigma_i^2.

    Inputs with entries of order one, as everywhere in this library, are sqrt(d) x: `variances` are the
    eigenvalues of *their* covariance, and losses are per coordinate. `tp.mean_field.Spectrum` is the same
    class under its earlier name.

    Parameters
    ----------
    variances
        Sigma_i^2 (direction,), 0 or more; equal ones may repeat.
    multiplicities
        How many directions have each of them; 1 if neither these nor fractions are given.
    fractions
        In place of multiplicities: which share of infinitely many directions has each; positive, with sum 1.

    Raises
    ------
    InputError
        Arrays of wrong shape or that do not fit each other, entries not finite, variances below 0 or all 0,
        multiplicities that are not whole numbers of 1 or more, fractions that are not positive or do not add
        up to 1, multiplicities and fractions at once.

    Examples
    --------
    >>> from tensorprog_mf.mean_field import CovarianceSpectrum
    >>> CovarianceSpectrum([2.25, 0.36], multiplicities=[5, 15]).dimension
    20
    >>> CovarianceSpectrum.from_covariance([[2.0, 1.0], [1.0, 2.0]]).variances.round(12).tolist()
    [3.0, 1.0]
    """

    variances: np.ndarray
    multiplicities: np.ndarray | None
    fractions: np.ndarray
    vectors: np.ndarray | None
    mean: np.ndarray | None

    def __init__(
        self,
        variances: ArrayLike,
        multiplicities: ArrayLike | None = None,
        fractions: ArrayLike | None = None,
        vectors: np.ndarray | None = None,
        mean: np.ndarray | None = None,
    ) -> None:
        found = finite_array("variances", variances, 1, "(direction,)")
        good = bool((found >= 0).all())
        require(good, "variances of the data must be 0 or more; these are Sigma^2, not Sigma.")
        require(
            bool((found > 0).any()),
            "variances of the data are all 0: there is nothing to learn; give at least one above 0.",
        )
        good = multiplicities is None or fractions is None
        require(good, "give multiplicities or fractions of the variances, not both.")
        counts = None
        if fractions is None:
            counts = _counts(np.ones(len(found)) if multiplicities is None else multiplicities, len(found))
            shares = counts / counts.sum()
        else:
            shares = _shares(fractions, len(found))
        total = 0 if counts is None else counts.sum()
        require(
            vectors is None or len(vectors) == len(found) == total,
            "vectors must have one row for each variance, all of multiplicity 1; make them with"
            " CovarianceSpectrum.from_covariance.",
        )
        set_fields(self, variances=found, multiplicities=counts, fractions=shares, vectors=vectors, mean=mean)

    @classmethod
    def from_covariance(cls, covariance: ArrayLike) -> Self:
        """The spectrum of a covariance (feature, feature_prime) of inputs with entries of order one;
        directions come in the order of falling variances."""
        matrix = symmetric("the covariance of the data", covariance)
        values, vectors = np.linalg.eigh(matrix)
        require(
            values[0] >= -_ROUNDING * np.abs(values).max(),
            "the covariance of the data has a negative eigenvalue; it must be positive semidefinite.",
        )
        return cls(np.maximum(values[::-1], 0.0), vectors=vectors[:, ::-1].T.copy())

    @classmethod
    def from_examples(cls, inputs: ArrayLike) -> Self:
        """The spectrum of inputs (example, feature) with entries of order one; their mean is taken off."""
        rows = finite_array("inputs", inputs, 2, "(example, feature)")
        require(len(rows) > 1, "inputs are one example, which has no covariance; give several.")
        mean = rows.mean(axis=0)
        found = cls.from_covariance((rows - mean).T @ (rows - mean) / len(rows))
        return cls(found.variances, vectors=found.vectors, mean=mean)

    @property
    def dimension(self) -> int | None:
        """Number of directions, None for infinitely many."""
        return None if self.multiplicities is None else int(self.multiplicities.sum())

    @property
    def counts(self) -> np.ndarray:
        """Multiplicities (direction,), which only data of finite dimension have.

        Raises
        ------
        UnsupportedError
            Infinite dimension.
        """
        if self.multiplicities is None:
            raise UnsupportedError(
                "data with fractions have infinite dimension; give their variances with multiplicities."
            )
        return self.multiplicities

    @property
    def size(self) -> int:
        """Number of directions of data of finite dimension."""
        return int(self.counts.sum())

    @property
    def per_coordinate(self) -> np.ndarray:
        """The variance of each of d coordinates."""
        return np.repeat(self.variances, self.counts)

    def rotated(self, matrix: np.ndarray) -> np.ndarray:
        """A matrix (feature, feature_prime) in the directions of the data."""
        return matrix if self.vectors is None else self.vectors @ matrix @ self.vectors.T

    def coordinates(self, rows: np.ndarray) -> np.ndarray:
        """Rows (..., feature) in the directions of the data."""
        return rows if self.vectors is None else rows @ self.vectors.T

    def one_by_one(self) -> "CovarianceSpectrum":
        """The same with a direction of its own for each coordinate."""
        if self.dimension == len(self.variances):
            return self
        return CovarianceSpectrum(self.per_coordinate)

    def describe(self) -> dict:
        """The spectrum as plain values; directions by a hash."""
        found: dict[str, Any] = {
            "variances": self.variances.tolist(),
            "fractions": self.fractions.tolist(),
            "dimension": self.dimension,
        }
        for name in ("vectors", "mean"):
            if (array := getattr(self, name)) is not None:
                found[f"{name}_sha256"] = hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
        return found


Spectrum = CovarianceSpectrum


def _counts(given: ArrayLike, size: int) -> np.ndarray:
    counts = finite_array("multiplicities", given, 1, "(direction,)")
    require(
        len(counts) == size,
        f"there are {len(counts)} multiplicities for {size} variances; give one for each.",
    )
    good = bool((counts >= 1).all() and (counts == counts.round()).all())
    require(good, "multiplicities must be whole numbers of 1 or more.")
    return counts.astype(int)


def _shares(given: ArrayLike, size: int) -> np.ndarray:
    shares = finite_array("fractions", given, 1, "(direction,)")
    require(
        len(shares) == size, f"there are {len(shares)} fractions for {size} variances; give one for each."
    )
    good = bool((shares > 0).all()) and abs(shares.sum() - 1) < 1e-9
    require(good, f"fractions must be positive and add up to 1, not to {shares.sum():.9g}.")
    return shares / shares.sum()


def symmetric(name: str, given: ArrayLike) -> np.ndarray:
    """A symmetric matrix of finite numbers."""
    matrix = finite_array(name, given, 2, "(feature, feature_prime)")
    square = matrix.shape[0] == matrix.shape[1]
    good = square and bool(np.abs(matrix - matrix.T).max() <= _ROUNDING * np.abs(matrix).max())
    require(good, f"{name} is not symmetric; for examples take CovarianceSpectrum.from_examples(inputs).")
    return (matrix + matrix.T) / 2


def as_spectrum(data: ArrayLike | CovarianceSpectrum) -> CovarianceSpectrum:
    """A spectrum from one, from variances (direction,), one direction each, or from a covariance (feature,
    feature_prime)."""
    if isinstance(data, CovarianceSpectrum):
        return data
    shape = "variances (direction,), a covariance (feature, feature_prime) or a CovarianceSpectrum"
    array = finite_array("data", data, (1, 2), shape)
    return CovarianceSpectrum(array) if array.ndim == 1 else CovarianceSpectrum.from_covariance(array)

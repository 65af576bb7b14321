"""Spectra of a task: eigenvalues of the kernel and how much of the target each mode carries.

Legend: lam_k eigenvalue, w*_k target weight of mode psi_k ~ N(0, lam_k), c_k = lam_k w*_k^2 power, n_k multiplicity.
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np

from ..errors import real, require, whole

_SMALLEST = 1e-10  # relative eigenvalue of a measured kernel below which a mode is rounding
_UNBINNED = 1_000_000


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Modes psi_k ~ N(0, lam_k) and a target y = sum_k w*_k psi_k (+ noise), any numbers.

    Parameters
    ----------
    eigenvalues
        (mode,) lam_k, positive.
    power
        (mode,) lam_k w*_k^2: the variance of the target that one mode carries.
    multiplicity
        (mode,) n_k: how many equal modes an entry stands for; need not be whole. None: all 1.
    unexplained
        Variance of the target outside all modes; pass it to `Model` as part of the noise.

    Raises
    ------
    InputError
        Shapes that differ, eigenvalues or multiplicities that are not positive, power that is negative or not finite.

    Examples
    --------
    >>> from tensorprog_mf.scaling_laws import Spectrum
    >>> Spectrum([1.0, 0.25], [1.0, 0.5], multiplicity=[1, 4]).total_power
    3.0
    """

    eigenvalues: np.ndarray
    power: np.ndarray
    multiplicity: np.ndarray | None = None
    unexplained: float = 0.0

    def __post_init__(self):
        size = np.shape(self.eigenvalues)
        require(len(size) == 1 and size[0] > 0, f"eigenvalues have shape {size}; give a list of one number or more.")
        for name, positive in (("eigenvalues", True), ("power", False), ("multiplicity", True)):
            given = np.ones(size) if (value := getattr(self, name)) is None else np.array(value, float)
            require(given.shape == size, f"{name} has shape {given.shape}, eigenvalues {size}; give one number for each mode.")
            good = np.isfinite(given).all() and (given > 0).all() if positive else np.isfinite(given).all() and (given >= 0).all()
            require(bool(good), f"{name} must be finite and {'positive' if positive else '0 or more'}; leave out modes that are not.")
            given.flags.writeable = False
            object.__setattr__(self, name, given)
        object.__setattr__(self, "unexplained", real("unexplained", self.unexplained, "be 0 or more", lambda v: v >= 0))

    @classmethod
    def of_kernel(cls, kernel, targets) -> "Spectrum":
        """Spectrum of a kernel between examples and of targets in its eigenvectors.

            K phi_k / n = lam_k phi_k,  phi_k . phi_l / n = delta_kl,      c_k = (phi_k . y / n)^2

        Parameters
        ----------
        kernel
            (example, example_prime), symmetric and positive semi-definite.
        targets
            (example,) or (example, output); powers of several outputs add up.

        Raises
        ------
        InputError
            Shapes that do not fit, a kernel that is not symmetric or has clearly negative eigenvalues.

        Notes
        -----
        Modes whose eigenvalue is below 1e-10 of the largest are left out and what they carry is `unexplained`. Eigenvalues of n examples estimate
        those of the population well up to mode n / 5 or so.
        """
        kernel, targets = np.asarray(kernel, float), np.asarray(targets, float)
        count = len(kernel)
        require(kernel.shape == (count, count) and count > 0, f"kernel has shape {kernel.shape}; give a square array (example, example_prime).")
        require(targets.ndim in (1, 2) and len(targets) == count, f"targets have shape {targets.shape}; give one for each of the {count} examples.")
        require(bool(np.isfinite(kernel).all() and np.isfinite(targets).all()), "kernel and targets must be finite.")
        require(np.allclose(kernel, kernel.T, rtol=0, atol=1e-8 * np.abs(kernel).max()), "kernel is not symmetric; pass one between examples and themselves.")
        values, vectors = np.linalg.eigh(kernel / count)
        require(values[0] > -1e-6 * values[-1], f"kernel has a negative eigenvalue, {values[0]:.2g} beside {values[-1]:.2g}; pass a positive semi-definite one.")
        values, vectors = values[::-1], vectors[:, ::-1]
        power = ((vectors.T @ targets.reshape(count, -1)) ** 2).sum(axis=1) / count
        kept = values > _SMALLEST * values[0]
        return cls(values[kept], power[kept], unexplained=float(power[~kept].sum()))

    @property
    def modes(self) -> float:
        """Number of modes, with their multiplicities."""
        return float(self.multiplicity.sum())

    @property
    def total_power(self) -> float:
        """Variance of the target: the test loss before training, less the noise."""
        return float(self.multiplicity @ self.power)

    @property
    def weights(self) -> np.ndarray:
        """(mode,) w*_k, positive."""
        return np.sqrt(self.power / self.eigenvalues)

    def repeated(self, copies: int) -> "Spectrum":
        """Every mode `copies` times, w*_k^2 / copies each: with N, P and B times `copies` the theory stays the same."""
        copies = whole("copies", copies, 1)
        return Spectrum(self.eigenvalues, self.power / copies, self.multiplicity * copies, self.unexplained)

    @property
    def spectrum(self) -> "Spectrum":
        """Itself."""
        return self

    def describe(self) -> dict:
        """As plain values."""
        data = b"".join(values.tobytes() for values in (self.eigenvalues, self.power, self.multiplicity))
        return {"name": "Spectrum", "entries": len(self.power), "modes": self.modes, "unexplained": self.unexplained, "sha256": hashlib.sha256(data).hexdigest()}


@dataclass(frozen=True)
class PowerLaw:
    """Power laws lam_k = k^-b and lam_k w*_k^2 = k^-a, k = 1 ... modes.

    Give (a, b), or capacity alpha = b and source beta = (a - 1) / b: tasks are hard for beta < 1, easy for
    1 < beta < 2 - 1 / alpha, super-easy above (Bordelon, Atanasov & Pehlevan 2024, arXiv:2402.01092 and arXiv:2409.17858).

    Parameters
    ----------
    a, b, alpha, beta
        Exponents, of one pair.
    modes
        M, their number; 1e9 is fine with `bin_ratio`.
    bin_ratio
        Width of geometric bins behind the first `exact_modes` modes, such as 1.05; relative errors are about 0.02
        (bin_ratio - 1)^2. None: every mode by itself.
    exact_modes
        Modes that are not binned.

    Raises
    ------
    InputError
        Not exactly one pair of exponents, a <= 1 (the power of the target would not be normalisable), b <= 0, more
        modes than can be held without bins.

    Examples
    --------
    >>> from tensorprog_mf.scaling_laws import PowerLaw
    >>> law = PowerLaw(alpha=1.5, beta=0.5, modes=1e9, bin_ratio=1.05)
    >>> law.a, len(law.spectrum.power), round(law.spectrum.total_power, 4)
    (1.75, 407, 1.9623)
    """

    a: float | None = None
    b: float | None = None
    alpha: float | None = None
    beta: float | None = None
    modes: float = 1000
    bin_ratio: float | None = None
    exact_modes: int = 64

    def __post_init__(self):
        pair = [name for name in ("a", "b", "alpha", "beta") if getattr(self, name) is not None]
        require(pair in (["a", "b"], ["alpha", "beta"]), f"PowerLaw got {' and '.join(pair) or 'no exponents'}; give a and b, or alpha and beta.")
        b = real(pair[1] if pair[0] == "a" else "alpha", self.b if pair[0] == "a" else self.alpha, "be positive", lambda v: v > 0)
        a = self.a if pair[0] == "a" else 1 + b * real("beta", self.beta, "be positive: the power of the target k^-(1 + alpha beta) is not normalisable otherwise", lambda v: v > 0)
        a = real("a", a, "be above 1: the power of the target k^-a is not normalisable otherwise", lambda v: v > 1)
        for name, value in (("a", a), ("b", b), ("alpha", b), ("beta", (a - 1) / b)):
            object.__setattr__(self, name, float(value))
        object.__setattr__(self, "modes", whole("modes", self.modes, 1))
        object.__setattr__(self, "exact_modes", whole("exact_modes", self.exact_modes, 16))
        if self.bin_ratio is not None:
            object.__setattr__(self, "bin_ratio", real("bin_ratio", self.bin_ratio, "lie above 1 and below 2", lambda v: 1 < v < 2))
        require(self.bin_ratio is not None or self.modes <= _UNBINNED, f"modes={self.modes} is too many to hold one by one; pass bin_ratio=1.05.")
        object.__setattr__(self, "_spectrum", self._build())

    @property
    def spectrum(self) -> Spectrum:
        """Its modes, or bins of them."""
        return self._spectrum

    def _build(self) -> Spectrum:
        alone = self.modes if self.bin_ratio is None else min(self.modes, self.exact_modes)
        k = np.arange(1.0, alone + 1)
        values, power, counts = [k**-self.b], [k**-self.a], [np.ones(alone)]
        edges = _edges(alone, self.modes, self.bin_ratio)
        if len(edges) > 1:
            lower, upper = np.array(edges[:-1], float) + 0.5, np.array(edges[1:], float) + 0.5
            number = np.array([float(after - before) for before, after in zip(edges, edges[1:])])
            values.append(_sums(self.b, lower, upper) / number)
            power.append(_sums(self.a, lower, upper) / number)
            counts.append(number)
        return Spectrum(*(np.concatenate(parts) for parts in (values, power, counts)))

    def describe(self) -> dict:
        """As plain values."""
        return {"name": "PowerLaw", "a": self.a, "b": self.b, "modes": str(self.modes), "bin_ratio": self.bin_ratio, "exact_modes": self.exact_modes}


def _edges(first: int, last: int, ratio: float | None) -> list[int]:
    """Last modes of bins: whole Python numbers, as k + 1 = k for floats above 1e16."""
    edges = [first]
    while edges[-1] < last:
        edges.append(min(last, max(edges[-1] + 1, int(edges[-1] * ratio))))
    return edges


def _sums(exponent: float, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """sum k^-exponent over whole k between half-whole edges, by the midpoint Euler-Maclaurin formula.

    Next term: 31 f^(5) / 967680, below 1e-9 relative for k > 16.
    """
    power, growth = 1 - exponent, np.log(upper / lower)
    integral = growth if power == 0 else lower**power * np.expm1(power * growth) / power

    def rise(order):
        factor = math.prod(-(exponent + j) for j in range(order))
        return factor * (upper ** (-exponent - order) - lower ** (-exponent - order))

    return integral - rise(1) / 24 + 7 * rise(3) / 5760

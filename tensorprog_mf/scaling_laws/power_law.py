"""Tasks whose eigenvalues and powers are power laws, mode by mode or in bins."""

import math
from dataclasses import dataclass

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import real, require, whole
from .spectrum import Spectrum

_UNBINNED, _LARGEST = 1_000_000, 10**300


@checked_call
@dataclass(frozen=True)
class PowerLaw:
    """Power laws lam_k = k^-b and lam_k w*_k^2 = k^-a, k = 1 ... modes.

    Give (a, b), or capacity alpha = b and source beta = (a - 1) / b: tasks are hard for beta < 1, easy for
    1 < beta < 2 - 1 / alpha, super-easy above (Bordelon, Atanasov & Pehlevan 2024, arXiv:2402.01092 and
    arXiv:2409.17858).

    Parameters
    ----------
    a, b, alpha, beta
        Exponents, of one pair.
    modes
        M, their number; 1e9 is fine with `bin_ratio`.
    bin_ratio
        Width of geometric bins behind the first `exact_modes` modes, such as 1.05; relative errors are about
        0.02 (bin_ratio - 1)^2. None: every mode by itself.
    exact_modes
        Modes that are not binned.

    Raises
    ------
    InputError
        Not exactly one pair of exponents, a <= 1 (the power of the target would not be normalisable), b <= 0,
        more modes than can be held without bins.

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
        require(
            pair in (["a", "b"], ["alpha", "beta"]),
            f"PowerLaw got {' and '.join(pair) or 'no exponents'}; give a and b, or alpha and beta.",
        )
        b = real(
            pair[1] if pair[0] == "a" else "alpha",
            self.b if pair[0] == "a" else self.alpha,
            "be positive",
            lambda v: v > 0,
        )
        source = "be positive: the power of the target k^-(1 + alpha beta) is not normalisable otherwise"
        a = self.a if pair[0] == "a" else 1 + b * real("beta", self.beta, source, lambda v: v > 0)
        a = real(
            "a", a, "be above 1: the power of the target k^-a is not normalisable otherwise", lambda v: v > 1
        )
        for name, value in (("a", a), ("b", b), ("alpha", b), ("beta", (a - 1) / b)):
            object.__setattr__(self, name, float(value))
        object.__setattr__(self, "modes", whole("modes", self.modes, 1))
        object.__setattr__(self, "exact_modes", whole("exact_modes", self.exact_modes, 16))
        if self.bin_ratio is not None:
            object.__setattr__(
                self,
                "bin_ratio",
                real("bin_ratio", self.bin_ratio, "lie above 1 and below 2", lambda v: 1 < v < 2),
            )
        require(
            self.modes <= _LARGEST, f"modes must be {_LARGEST:.0e} at most, larger numbers are no floats."
        )
        require(
            self.bin_ratio is None or self._bins() <= _UNBINNED,
            f"modes={self.modes:.3g}, bin_ratio={self.bin_ratio} are too many bins; pass bin_ratio=1.05.",
        )
        require(
            self.bin_ratio is not None or self.modes <= _UNBINNED,
            f"modes={self.modes} is too many to hold one by one; pass bin_ratio=1.05.",
        )
        object.__setattr__(self, "_spectrum", self._build())

    @property
    def spectrum(self) -> Spectrum:
        """Its modes, or bins of them."""
        return self._spectrum

    def _bins(self) -> float:
        """At most so many bins: of single modes while these are wider than the ratio, then of that ratio."""
        return min(self.modes, 1 / (self.bin_ratio - 1) + math.log(self.modes) / math.log(self.bin_ratio))

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
        named = {name: getattr(self, name) for name in ("a", "b", "bin_ratio", "exact_modes")}
        return {"name": "PowerLaw", "modes": str(self.modes), **named}


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

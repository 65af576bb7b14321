"""Tasks whose eigenvalues and powers are power laws, mode by mode or in bins."""

import math
from dataclasses import dataclass, field

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import real, require, whole
from ..ground.fields import set_fields
from .spectrum import Spectrum

_UNBINNED, _LARGEST = 1_000_000, 10**300


@checked_call
@dataclass(frozen=True, init=False)
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
        Width of the geometric bins that follow the first `exact_modes` modes, such as 1.05; relative errors
        are about 0.02 (bin_ratio - 1)^2. None: no bins.
    exact_modes
        Modes that are not binned.

    Attributes
    ----------
    spectrum
        The modes, or bins of them.

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

    a: float
    b: float
    alpha: float
    beta: float
    modes: int
    bin_ratio: float | None
    exact_modes: int
    spectrum: Spectrum = field(init=False, repr=False, compare=False)

    def __init__(
        self,
        a: float | None = None,
        b: float | None = None,
        alpha: float | None = None,
        beta: float | None = None,
        modes: float = 1000,
        bin_ratio: float | None = None,
        exact_modes: int = 64,
    ) -> None:
        a, b = _exponents({"a": a, "b": b, "alpha": alpha, "beta": beta})
        set_fields(
            self,
            a=a,
            b=b,
            alpha=b,
            beta=(a - 1) / b,
            modes=whole("modes", modes, 1),
            exact_modes=whole("exact_modes", exact_modes, 16),
            bin_ratio=None
            if bin_ratio is None
            else real("bin_ratio", bin_ratio, "lie above 1 and below 2", lambda v: 1 < v < 2),
        )
        _check_size(self.modes, self.bin_ratio)
        set_fields(self, spectrum=_modes(self))

    def describe(self) -> dict[str, object]:
        """As plain values."""
        named = {name: getattr(self, name) for name in ("a", "b", "bin_ratio", "exact_modes")}
        return {"name": "PowerLaw", "modes": str(self.modes), **named}


def _exponents(given: dict[str, float | None]) -> tuple[float, float]:
    """a and b, from themselves or from alpha and beta."""
    pair = [name for name, value in given.items() if value is not None]
    require(
        pair in (["a", "b"], ["alpha", "beta"]),
        f"PowerLaw got {' and '.join(pair) or 'no exponents'}; give a and b, or alpha and beta.",
    )
    capacity = "b" if pair[0] == "a" else "alpha"
    b = real(capacity, given[capacity], "be positive", lambda v: v > 0)
    a = given["a"]
    if pair[0] == "alpha":
        source = "be positive: the power of the target k^-(1 + alpha beta) is not normalisable otherwise"
        a = 1 + b * real("beta", given["beta"], source, lambda v: v > 0)
    normalisable = "be above 1: the power of the target k^-a is not normalisable otherwise"
    return real("a", a, normalisable, lambda v: v > 1), b


def _check_size(modes: int, bin_ratio: float | None) -> None:
    """Refuse more modes, or bins, than can be held."""
    require(modes <= _LARGEST, f"modes must be {_LARGEST:.0e} at most; larger numbers do not fit a float.")
    if bin_ratio is None:
        require(modes <= _UNBINNED, f"modes={modes} is too many to hold one by one; pass bin_ratio=1.05.")
        return
    # No more bins than this: single modes as long as they are wider than the ratio, then bins of that ratio.
    bins = min(modes, 1 / (bin_ratio - 1) + math.log(modes) / math.log(bin_ratio))
    require(
        bins <= _UNBINNED,
        f"modes={modes:.3g}, bin_ratio={bin_ratio} make too many bins; pass bin_ratio=1.05.",
    )


def _modes(law: PowerLaw) -> Spectrum:
    """The first modes one by one, then means over bins."""
    alone = law.modes if law.bin_ratio is None else min(law.modes, law.exact_modes)
    k = np.arange(1.0, alone + 1)
    values, power, counts = [k**-law.b], [k**-law.a], [np.ones(alone)]
    edges = [alone] if law.bin_ratio is None else _edges(alone, law.modes, law.bin_ratio)
    if len(edges) > 1:
        lower, upper = np.array(edges[:-1], float) + 0.5, np.array(edges[1:], float) + 0.5
        number = np.array([float(after - before) for before, after in zip(edges, edges[1:])])
        values.append(_sums(law.b, lower, upper) / number)
        power.append(_sums(law.a, lower, upper) / number)
        counts.append(number)
    return Spectrum(np.concatenate(values), np.concatenate(power), np.concatenate(counts))


def _edges(first: int, last: int, ratio: float) -> list[int]:
    """Last modes of bins: whole Python numbers, as k + 1 = k for floats above 1e16."""
    edges = [first]
    while edges[-1] < last:
        edges.append(min(last, max(edges[-1] + 1, int(edges[-1] * ratio))))
    return edges


def _sums(exponent: float, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """sum k^-exponent over whole k between half-whole edges, by the midpoint Euler-Maclaurin formula

        sum f(k) = int f - [f'] / 24 + 7 [f'''] / 5760 - ...

    The next term, 31 f^(5) / 967680, is below 1e-9 relative for k > 16.
    """
    power, growth = 1 - exponent, np.log(upper / lower)
    # (upper^power - lower^power) / power, written so that it keeps its digits where power is near 0.
    integral = growth if power == 0 else lower**power * np.expm1(power * growth) / power

    def rise(order: int) -> np.ndarray:
        """Difference of the derivative of that order between the edges."""
        factor = math.prod(-(exponent + j) for j in range(order))
        return factor * (upper ** (-exponent - order) - lower ** (-exponent - order))

    return integral - rise(1) / 24 + 7 * rise(3) / 5760

"""The self-consistent resolvent of random features on random examples.

Legend: x = h R1 R3, df(x) = sum_k lam_k x / (1 + lam_k x), R1 = 1 - df / P, R3 = 1 - df / N, H_k = 1 / (1 +
lam_k x).
"""

import numpy as np

from ..ground.accelerate import kernel
from ..ground.errors import TensorProgError
from .spectrum import Spectrum

_STAGE = 0.4  # log10 of the growth of |h| from stage to stage


@kernel(sums=True)
def _traces(x: complex, lam: np.ndarray, count: np.ndarray) -> tuple[complex, complex]:
    """sum n lam / (1 + lam x) and sum n lam / (1 + lam x)^2 over modes, `count` being n, in real arithmetic
    that can be vectorised."""
    xr, xi, a, b, c, d = x.real, x.imag, 0.0, 0.0, 0.0, 0.0
    for k in range(len(lam)):
        real, imaginary = 1 + lam[k] * xr, -lam[k] * xi
        below = 1 / (real * real + imaginary * imaginary)
        real, imaginary, weight = real * below, imaginary * below, count[k] * lam[k]
        a += weight * real
        b += weight * imaginary
        c += weight * (real * real - imaginary * imaginary)
        d += weight * 2 * real * imaginary
    return complex(a, b), complex(c, d)


@kernel()
def newton(
    x: complex, h: complex, lam: np.ndarray, count: np.ndarray, n: float, p: float
) -> tuple[complex, bool]:
    """x = h (1 - df/P)(1 - df/N) by damped Newton steps from a first guess, and whether they came to rest.

    n = 1/N, p = 1/P. A step is at most half of x, and two more are taken after the first small one.
    """
    left = 2
    for _ in range(200):
        trace, slope = _traces(x, lam, count)
        r1, r3 = 1 - p * x * trace, 1 - n * x * trace
        move = (x - h * r1 * r3) / (1 + h * slope * (p * r3 + n * r1))
        size = abs(move)
        if size > 0.5 * abs(x):
            move *= 0.5 * abs(x) / size
        x -= move
        if size <= 1e-8 * abs(x):
            left -= 1
            if left == 0:
                return x, True
    return x, False


@kernel()
def _ramp(  # noqa: PLR0913
    first: int,
    last: int,
    h: np.ndarray,
    lam: np.ndarray,
    count: np.ndarray,
    n: float,
    p: float,
    top: float,
    x: np.ndarray,
    df: np.ndarray,
    good: np.ndarray,
) -> None:
    """x, df(x) and whether x was found, (node,), at nodes `first` ... `last` - 1 of h, (node,).

    x is followed along the physical branch, on which it is h for small h: |h| grows along its ray, which
    meets no negative number unless h is one. `top` bounds the eigenvalues, so that 1e-3 / top is small.
    """
    for i in range(first, last):
        ahead = abs(h[i])
        start = min(1e-3 / top, ahead)
        stages = max(1, int(np.ceil(np.log10(ahead / start) / _STAGE)))
        growth = (ahead / start) ** (1 / stages)
        x[i], ratio = h[i] * (start / ahead) / growth, growth + 0.0j
        for j in range(stages + 1):
            now, before = h[i] * (start / ahead) * growth**j, x[i]
            # The guess grows as x did in the stage before, not as h: where features or examples run out x
            # stops growing, and a guess that goes on would end up at another solution.
            x[i], good[i] = newton(before * ratio, now, lam, count, n, p)
            ratio = x[i] / before
        df[i] = x[i] * _traces(x[i], lam, count)[0]


def resolve(
    h: np.ndarray, modes: Spectrum, inverse_width: float, inverse_examples: float
) -> tuple[np.ndarray, np.ndarray]:
    """x(h) on the physical branch and df(x), (node,).

    Raises
    ------
    TensorProgError
        Newton's method did not come to rest.
    """
    if inverse_width == inverse_examples == 0:
        return h.copy(), np.zeros_like(h)
    x, df, good = np.empty_like(h), np.empty_like(h), np.zeros(len(h), bool)
    lam, count = modes.eigenvalues, modes.multiplicity
    top = lam.max() * max(1.0, _size(modes) * max(inverse_width, inverse_examples))
    _ramp(0, len(h), h, lam, count, inverse_width, inverse_examples, top, x, df, good)
    if not good.all():
        raise TensorProgError(
            f"the resolvent was not found at {(~good).sum()} of {len(h)} nodes; the spectrum spans more"
            " orders of magnitude than rounding allows. Take fewer modes."
        )
    return x, df


def _size(modes: Spectrum) -> float:
    """Effective number of the largest modes: trace over the largest eigenvalue."""
    return float(modes.multiplicity @ modes.eigenvalues / modes.eigenvalues.max())


def largest_eigenvalue(modes: Spectrum, inverse_width: float, inverse_examples: float) -> float:
    """Upper edge of the spectrum of random features on random examples: lam_1 if both are infinitely many,
    otherwise above it.

    It is -1 / h at the point of the negative axis where h(x) = x / ((1 - df/P)(1 - df/N)) turns.
    """
    top = float(modes.eigenvalues.max())
    if inverse_width == inverse_examples == 0:
        return top
    from scipy.optimize import minimize_scalar

    def inverse(share: float) -> float:
        """-1 / h at x = -share / lam_1."""
        x = -share / top
        df = float((modes.multiplicity * modes.eigenvalues * x / (1 + modes.eigenvalues * x)).sum())
        return (1 - df * inverse_width) * (1 - df * inverse_examples) / -x

    found = minimize_scalar(inverse, bounds=(1e-9, 1 - 1e-12), method="bounded", options={"xatol": 1e-10})
    return float(found.fun)

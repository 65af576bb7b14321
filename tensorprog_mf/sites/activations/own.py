"""Checks of a user's own activation, made once: arrays in and out, and phi' is the derivative of phi."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...ground.errors import InputError, require

Function = Callable[[np.ndarray], Any]  # h -> (phi(h), phi'(h)), which is what the checks are to find out

_REACH, _CERTAIN = 8.0, 4.0  # points lie between +-_REACH; within +-_CERTAIN all values must be finite
_POINTS = 1024
_STEPS = (1e-3, 1e-5, 1e-7)  # of difference quotients: for coarse and for steep functions; the best counts
_WRONG = 1e-3  # relative error of phi' that difference quotients cannot explain
_FEW = 3  # points that may happen to lie within a step of a kink
_HALVINGS = 30
_JUMP = 1e-3  # relative to the values on both sides
_NOTHING = 1e-6  # relative to the largest value: rounding of single-precision functions
_SHOWN = np.linspace(-4.0, 4.0, 8)

_SIGNS = {0: "phi", 1: "phi'"}


def _grid() -> np.ndarray:
    """Points in two rows, none of which is a round number, since kinks are at round numbers."""
    spacing = 2 * _REACH / _POINTS
    return (-_REACH + spacing * (np.arange(_POINTS) + 0.381966)).reshape(2, -1)


def checked(name: str, function: Function) -> bool:
    """Whether phi or phi' jumps; a function h -> (phi(h), phi'(h)) that cannot be an activation is refused.

    Raises
    ------
    InputError
        A function that fails on arrays or writes into them, or whose value at an entry is not a finite real
        number or depends on other entries; phi' that differs from the slope of phi at more than a few points.
    """
    h = _grid()
    with np.errstate(all="ignore"):
        given = h.copy()
        phi, dphi = evaluated(name, function, given)
        require(
            np.array_equal(given, h),
            f"activation {name!r} writes into the array that it is given; return new arrays.",
        )
        _by_entry(name, function, h, (phi, dphi))
        _finite(name, h, (phi, dphi))
        _is_derivative(name, function, h, dphi)

        def one(which: int) -> Callable[[np.ndarray], np.ndarray]:
            return lambda x: evaluated(name, function, x)[which]

        return any(_jumps(one(which)) for which in _SIGNS)


def evaluated(name: str, function: Function, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """phi(h) and phi'(h) as arrays of the shape of h; an `InputError` says what is wrong with them."""
    try:
        both = function(h)
    except Exception as error:  # whatever the user's function raises
        raise InputError(
            f"activation {name!r} failed on a numpy array of shape {h.shape}: {type(error).__name__}: "
            f"{error}. Both phi and phi' must take and return numpy arrays."
        ) from error
    pair = isinstance(both, tuple) and len(both) == 2
    require(
        pair,
        f"activation {name!r} gives {type(both).__name__}, not a pair: return phi(h) and phi'(h).",
    )
    return _array(name, "phi", both[0], h), _array(name, "phi'", both[1], h)


def _array(name: str, what: str, given: Any, h: np.ndarray) -> np.ndarray:
    kind = getattr(given, "dtype", None)
    numbers = isinstance(kind, np.dtype) and kind.kind in "fiub"
    found = str(kind) if isinstance(kind, np.dtype) else type(given).__name__
    require(
        numbers,
        f"activation {name!r}: {what}(h) is {found} where h is an array; "
        "it must be an array of real numbers.",
    )
    require(
        np.shape(given) == h.shape,
        f"activation {name!r}: {what}(h) has shape {np.shape(given)} where h has {h.shape}; "
        f"it must be one number for each entry of h{_HINT if what != 'phi' else ''}.",
    )
    return np.asarray(given, float)


_HINT = ", for a constant np.full_like(h, constant)"


def _by_entry(name: str, function: Function, h: np.ndarray, both: tuple[np.ndarray, np.ndarray]) -> None:
    """Refuse a function whose value at one entry depends on the others: sites are independent."""
    some = (1, slice(3, 301, 7))
    for what, whole, part in zip(_SIGNS.values(), both, evaluated(name, function, h[some])):
        same = np.allclose(whole[some], part, rtol=1e-4, atol=1e-9 * np.abs(part).max(), equal_nan=True)
        require(
            same,
            f"activation {name!r}: {what}(h) of an entry depends on the others; "
            "it must be a function of that entry alone.",
        )


def _finite(name: str, h: np.ndarray, both: tuple[np.ndarray, np.ndarray]) -> None:
    for what, values in zip(_SIGNS.values(), both):
        bad = (np.abs(h) < _CERTAIN) & ~np.isfinite(values)
        if bad.any():
            raise InputError(
                f"activation {name!r}: {what}({h[bad][0]:.4g}) is {values[bad][0]}; "
                "it must be finite where preactivations are."
            )


def _is_derivative(name: str, function: Function, h: np.ndarray, dphi: np.ndarray) -> None:
    """Compare phi' with difference quotients of phi: it may differ from them next to kinks only."""
    slopes = np.array(
        [
            (evaluated(name, function, h + e)[0] - evaluated(name, function, h - e)[0]) / (2 * e)
            for e in _STEPS
        ]
    )
    finite = np.isfinite(slopes).all(axis=0) & np.isfinite(dphi) & (np.abs(h) < _CERTAIN)
    typical = np.abs(slopes[1][finite]).mean()  # compared with it, small slopes are rounding
    apart = np.abs(slopes - dphi) / (np.maximum(np.abs(slopes), np.abs(dphi)) + max(typical, 1e-300))
    apart = np.where(finite, apart.min(axis=0), 0.0)
    if (apart > _WRONG).sum() > _FEW:
        worst = np.unravel_index(np.argmax(apart), h.shape)
        raise InputError(
            f"activation {name!r}: phi' is not the derivative of phi: phi'({h[worst]:.4g}) is "
            f"{dphi[worst]:.4g}, but the slope of phi there is {slopes[1][worst]:.4g}; "
            "pass the pair (phi, phi')."
        )


def _jumps(function: Callable[[np.ndarray], np.ndarray]) -> bool:
    """Whether a function jumps: a change that stays when intervals are halved, keeping the larger change."""
    edges = np.append(_grid().ravel(), _REACH)
    left, right = edges[:-1], edges[1:]
    low, high = function(left), function(right)
    largest = np.abs(low[(np.abs(left) < _CERTAIN)]).max()
    for _ in range(_HALVINGS):
        middle = (left + right) / 2
        value = function(middle)
        below = np.abs(value - low) >= np.abs(high - value)
        left, low = np.where(below, left, middle), np.where(below, low, value)
        right, high = np.where(below, middle, right), np.where(below, value, high)
    size = np.maximum(np.abs(low), np.abs(high))
    return bool((np.abs(high - low) > _JUMP * size + _NOTHING * largest).any())


def fingerprint(function: Function) -> list[float]:
    """phi at a few points, which tells functions of the same name apart."""
    with np.errstate(all="ignore"):
        return [float(f"{value:.10g}") for value in np.nan_to_num(function(_SHOWN)[0])]

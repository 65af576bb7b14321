"""Checks of arguments that several solvers of this room take, and streams of random numbers."""

import math
from typing import Any

import numpy as np

from ..ground.errors import InputError, require
from ..problems.containers import Read, read


def finite_array(name: str, given: Any, rank: int | tuple[int, ...], shape: str) -> np.ndarray:
    """`given` as an array of finite numbers; `shape` says in words what its dimensions are."""
    return finite_values(name, read(name, given), rank, shape)


def finite_values(name: str, given: Read, rank: int | tuple[int, ...], shape: str) -> np.ndarray:
    """The same of an array that has been read."""
    wrong = f"{name} must be an array of numbers {shape}."
    require(given.values.dtype.kind not in "USMmc", wrong)
    try:
        array = np.array(given.values, float)
    except (TypeError, ValueError):
        raise InputError(wrong) from None
    good = array.ndim in np.atleast_1d(rank) and array.size > 0
    require(good, f"{name} has shape {array.shape}; it must be {shape}, with at least one entry.")
    good = bool(np.isfinite(array).all())
    require(good, f"{name} has entries that are not finite; remove or replace them.")
    return array


def checked_times(given: Any) -> np.ndarray:
    """Times to record (time,): 0 or more, strictly increasing."""
    times = np.atleast_1d(finite_array("times", given, (0, 1), "(time,)"))
    good = bool(times[0] >= 0 and (np.diff(times) > 0).all())
    require(good, "times must be 0 or more and strictly increasing.")
    return times


def checked_interval(name: str, given: Any) -> tuple[float, float]:
    """(low, high), finite, low less than high."""
    try:
        low, high = map(float, given)
    except (TypeError, ValueError):
        raise InputError(f"{name}={given!r} must be two numbers, low and high.") from None
    good = math.isfinite(low) and math.isfinite(high) and low < high
    require(good, f"{name}={given!r} must be two finite numbers, low less than high.")
    return low, high


def stream(seed: int, replicate: int, use: int) -> np.random.Generator:
    """Random numbers of one replicate for one use, independent of all others."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(replicate, use)))

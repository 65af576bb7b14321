"""Exceptions and warnings. Every message says what is wrong, where, and what to do about it."""

import math
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any


class TensorProgError(Exception):
    """Base class of the errors this package raises on purpose."""


class InputError(TensorProgError, ValueError):
    """An argument cannot be used; the message names it and the remedy."""


class MemoryInputError(InputError):
    """A run does not fit into memory; the message says what to shrink."""


class UnsupportedError(TensorProgError):
    """A route was asked for something it cannot do; the message names a route that can."""


class DataWarning(UserWarning):
    """Inputs or targets can be trained on, but probably not as intended; the message says what is odd."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended a run: what was computed is kept, and the calling code stops as it does on any Ctrl-C.

    Parameters
    ----------
    message
        How far the run came, where its result is, how to go on.
    result
        What there is, a Dataset: of status "interrupted", or of another one if Ctrl-C came when all was done.
        None if there is nothing yet.
    """

    def __init__(self, message: str = "", result: Any = None):
        super().__init__(message)
        self.result = result


class CheckpointWarning(UserWarning):
    """A checkpoint cannot be written; the run continues without it."""


class RankWarning(UserWarning):
    """The number of directions asked of a matrix approaches the number of samples."""


class DivergenceWarning(UserWarning):
    """A run has diverged and was stopped; what was computed before is kept."""


class ConvergenceWarning(UserWarning):
    """An iteration did not come to rest; the message says how far it came and what to do."""


class QuadratureWarning(UserWarning):
    """Kernels by quadrature are not well known; the message says how well, and what to do."""


class ToleranceWarning(UserWarning):
    """Numbers are less accurate than one would expect, or more costly; the message says why, and what to
    do."""


class TargetWarning(UserWarning):
    """A target error was not reached; the message says what was and why it stopped."""


class SaddleWarning(UserWarning):
    """A limit stays at a saddle that networks of finite width leave; the message says how fast."""


class HeavyTailWarning(UserWarning):
    """A few sites carry the answer, so that standard errors cannot be trusted; the message says how many, and
    what to do."""


class StabilityWarning(UserWarning):
    """From some step on numbers depend on the sample, as small differences have grown; the message says from
    which."""


class DrawsWarning(UserWarning):
    """A run on common draws needed directions that the earlier run had not revealed."""


def require(condition: bool, message: str) -> None:
    """Raise `InputError` with `message` unless `condition` holds."""
    if not condition:
        raise InputError(message)


def whole(name: str, value: Any, least: int = 0) -> int:
    """`value` as a Python int of at least `least`; numpy integers and whole floats are welcome."""
    try:
        number = int(value)
        good = number == value and number >= least and not isinstance(value, (str, bool))
    except (TypeError, ValueError, OverflowError):
        good = False
    require(good, f"{name}={value!r} must be a whole number, {least} or more.")
    return number


def real(name: str, value: Any, allowed: str, good: Callable[[float], bool]) -> float:
    """`value` as a finite Python float for which `good(value)` holds; `allowed` says so in words."""
    try:
        number = math.nan if isinstance(value, (str, bool)) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    require(math.isfinite(number) and good(number), f"{name}={value!r} must {allowed}.")
    return number


def boolean(name: str, value: Any) -> bool:
    """`value` if it is true or false; words for them would otherwise all mean true."""
    require(type(value).__name__ in ("bool", "bool_", "np.bool"), f"{name}={value!r} must be true or false.")
    return bool(value)


_led_here = threading.local()  # in threads of ours: the line that started them


def users_line() -> tuple[str, int, dict]:
    """File, line and registry of warnings of the nearest caller outside this package."""
    frame, package = sys._getframe(1), __name__.partition(".")[0]
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(package + "."):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno, frame.f_globals.setdefault("__warningregistry__", {})


def remember_line(line: tuple[str, int, dict]) -> None:
    """Let warnings of this thread point at `line`: no caller of the thread itself is the user's."""
    _led_here.line = line


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the line of the user's code that led here."""
    filename, line, registry = getattr(_led_here, "line", None) or users_line()
    warnings.warn_explicit(message, category, filename, line, registry=registry)

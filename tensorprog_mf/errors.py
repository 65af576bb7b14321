"""Exceptions and warnings. Every message says what is wrong, where, and what to do about it."""


class TensorProgError(Exception):
    """Base class of the errors this package raises on purpose."""


class InputError(TensorProgError, ValueError):
    """An argument cannot be used; the message names it and the remedy."""


class UnsupportedError(TensorProgError):
    """A route was asked for something it cannot do; the message names a route that can."""


class RankWarning(UserWarning):
    """The directions asked of a matrix come near the number of samples."""


class DivergenceWarning(UserWarning):
    """A run met a value that is not finite and stopped; what was computed before is kept."""


def require(condition: bool, message: str) -> None:
    """Raise `InputError` with `message` unless `condition` holds."""
    if not condition:
        raise InputError(message)

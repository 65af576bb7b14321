"""Losses of one example as functions of output and target, and their negative derivatives."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .errors import require


@dataclass(frozen=True)
class Loss:
    """loss(f, y) of one example and -d loss / d f, both elementwise; `check(targets)` refuses targets it cannot use."""

    name: str
    value: Callable[[np.ndarray, np.ndarray], np.ndarray]
    error: Callable[[np.ndarray, np.ndarray], np.ndarray]
    check: Callable[[np.ndarray], None] = lambda targets: None


def _check_signs(targets):
    require(
        bool(np.isin(targets, (-1.0, 1.0)).all()),
        "targets of the logistic loss must be -1 or +1; map the two classes to these values.",
    )


def _logistic_error(f, y):
    small = np.exp(-np.abs(f))
    return y * np.where(y * f > 0, small, 1.0) / (1 + small)


LOSSES = {
    "squared": Loss("squared", lambda f, y: (y - f) ** 2 / 2, lambda f, y: y - f),
    "logistic": Loss("logistic", lambda f, y: np.logaddexp(0.0, -y * f), _logistic_error, _check_signs),
}


def as_loss(name: str) -> Loss:
    """The loss of that name."""
    require(name in LOSSES, f"loss={name!r} is unknown; choose one of {', '.join(LOSSES)}.")
    return LOSSES[name]

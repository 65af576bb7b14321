"""Losses of one example as functions of output and target, and their negative derivatives."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .errors import InputError, require


@dataclass(frozen=True)
class Loss:
    """loss(f, y) of one example and -d loss / d f, both elementwise on arrays; `check(targets)` refuses targets it cannot use."""

    name: str
    value: Callable[[np.ndarray, np.ndarray], np.ndarray]
    error: Callable[[np.ndarray, np.ndarray], np.ndarray]
    check: Callable[[np.ndarray], None] = lambda targets: None


def _check_signs(targets):
    require(
        bool(np.isin(targets, (-1.0, 1.0)).all()),
        "targets of the logistic and hinge losses must be -1 or +1; map the two classes to these values.",
    )


def _logistic_error(f, y):
    small = np.exp(-np.abs(f))
    return y * np.where(y * f > 0, small, 1.0) / (1 + small)


def _hinge_error(f, y):
    return np.where(y * f < 1, y, 0.0)


LOSSES = {
    "squared": Loss("squared", lambda f, y: (y - f) ** 2 / 2, lambda f, y: y - f),
    "logistic": Loss("logistic", lambda f, y: np.logaddexp(0.0, -y * f), _logistic_error, _check_signs),
    "hinge": Loss("hinge", lambda f, y: np.maximum(0.0, 1 - y * f), _hinge_error, _check_signs),
}


def as_loss(given) -> Loss:
    """A `Loss` from one, from a name, or from a user's pair (loss, derivative) of functions of output and target.

    The derivative is d loss / d f; at two points it is held against differences of the loss, as signs are easily confused.

    Raises
    ------
    InputError
        An unknown name, something else, a derivative that is not that of the loss.
    """
    if isinstance(given, Loss):
        return given
    if isinstance(given, str):
        require(given in LOSSES, f"loss={given!r} is unknown; choose one of {', '.join(LOSSES)}, or pass a pair (loss, derivative) of functions.")
        return LOSSES[given]
    if isinstance(given, tuple) and len(given) == 2 and all(map(callable, given)):
        value, derivative = given
        loss = Loss(f"custom ({getattr(value, '__name__', 'unnamed')})", value, lambda f, y: -derivative(f, y))
        _check_derivative(loss)
        return loss
    raise InputError(f"loss={given!r} is not a name, a Loss or a pair (loss, derivative) of functions.")


def _check_derivative(loss: Loss) -> None:
    f, y, step = np.array([0.3, -0.4]), np.array([1.0, -1.0]), 1e-6
    slope = (loss.value(f + step, y) - loss.value(f - step, y)) / (2 * step)
    given = -loss.error(f, y)
    require(
        np.shape(given) == (2,) and np.allclose(slope, given, rtol=1e-4, atol=1e-6),
        f"loss: the derivative passed gives {np.array2string(np.asarray(given), precision=4)} at outputs [0.3, -0.4] and targets [1, -1], "
        f"but the loss changes by {np.array2string(slope, precision=4)}; pass d loss / d f.",
    )

"""Losses of one example as functions of output and target, and their negative derivatives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ground.errors import InputError, require


@dataclass(frozen=True)
class Loss:
    """loss(f, y) of examples and e = -d loss / d f, on arrays (example,) or, with several outputs, (example,
    output).

    `value` may give one number per output, which are summed; `check(targets)` refuses targets it cannot use.
    The targets of a loss of `classes` are probabilities (example, output), or labels (example,); those of a
    loss of `signs` are -1 and +1, or of two classes. The error of a `kinked` loss jumps, which gradient flow
    takes into account.
    """

    name: str
    value: Callable[[np.ndarray, np.ndarray], np.ndarray]
    error: Callable[[np.ndarray, np.ndarray], np.ndarray]
    check: Callable[[np.ndarray], None] = lambda targets: None
    classes: bool = False
    signs: bool = False
    kinked: bool = False

    def each(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Loss of every example, (example,)."""
        found = np.asarray(self.value(outputs, targets))
        return found.sum(axis=1) if found.ndim == 2 else found


def _check_signs(targets: np.ndarray) -> None:
    require(
        bool(np.isin(targets, (-1.0, 1.0)).all()),
        "targets of the logistic and hinge losses must be -1 or +1; map the two classes to these values.",
    )


def _logistic_error(f: np.ndarray, y: np.ndarray) -> np.ndarray:
    small = np.exp(-np.abs(f))
    return y * np.where(y * f > 0, small, 1.0) / (1 + small)


def _hinge_error(f: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.where(y * f < 1, y, 0.0)


def _check_probabilities(targets: np.ndarray) -> None:
    require(
        bool((targets >= 0).all() and np.allclose(targets.sum(axis=1), 1)),
        "targets of the cross-entropy are labels (example,), or probabilities (example, class) that add up"
        " to 1.",
    )


def _softmax(f: np.ndarray) -> np.ndarray:
    powers = np.exp(f - f.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _cross_entropy(f: np.ndarray, y: np.ndarray) -> np.ndarray:
    largest = f.max(axis=1, keepdims=True)
    return (y * (largest + np.log(np.exp(f - largest).sum(axis=1, keepdims=True)) - f)).sum(axis=1)


LOSSES = {
    "squared": Loss("squared", lambda f, y: (y - f) ** 2 / 2, lambda f, y: y - f),
    "logistic": Loss(
        "logistic", lambda f, y: np.logaddexp(0.0, -y * f), _logistic_error, _check_signs, signs=True
    ),
    "hinge": Loss(
        "hinge", lambda f, y: np.maximum(0.0, 1 - y * f), _hinge_error, _check_signs, signs=True, kinked=True
    ),
    "cross_entropy": Loss(
        "cross_entropy", _cross_entropy, lambda f, y: y - _softmax(f), _check_probabilities, classes=True
    ),
}


def as_loss(given: Any) -> Loss:
    """A `Loss` from one, from a name, or from a user's pair (loss, derivative) of functions of output and
    target.

    The derivative is d loss / d f; it is compared with differences of the loss on the first targets, as
    signs are easily confused.

    Raises
    ------
    InputError
        An unknown name, something else, a derivative that is not that of the loss.
    """
    if isinstance(given, Loss):
        return given
    if isinstance(given, str):
        require(
            given in LOSSES,
            f"loss={given!r} is unknown; choose one of {', '.join(LOSSES)}, or pass a pair (loss, derivative)"
            " of functions.",
        )
        return LOSSES[given]
    if isinstance(given, tuple) and len(given) == 2 and all(map(callable, given)):
        value, derivative = given
        return Loss(
            f"custom ({getattr(value, '__name__', 'unnamed')})",
            value,
            lambda f, y: -derivative(f, y),
            lambda targets: _check_derivative(value, derivative, targets),
        )
    raise InputError(f"loss={given!r} is not a name, a Loss or a pair (loss, derivative) of functions.")


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """(example, class) of labels 0 ... classes - 1."""
    return np.eye(classes)[labels.astype(int)]


def _check_derivative(value: Callable, derivative: Callable, targets: np.ndarray) -> None:
    y, step = targets[:2], 1e-6
    f = 0.3 - 0.7 * np.arange(y.size).reshape(y.shape) % 1.1
    given = np.asarray(derivative(f, y))
    slope = np.zeros_like(f)
    for at in np.ndindex(f.shape):
        moved = np.zeros_like(f)
        moved[at] = step
        slope[at] = (np.sum(value(f + moved, y)) - np.sum(value(f - moved, y))) / (2 * step)
    require(
        given.shape == f.shape and np.allclose(slope, given, rtol=1e-4, atol=1e-6),
        f"loss: the derivative passed returns {np.array2string(given, precision=4)} at outputs"
        f" {np.array2string(f, precision=4)} and the first targets, but the loss changes by"
        f" {np.array2string(slope, precision=4)}; pass d loss / d f.",
    )

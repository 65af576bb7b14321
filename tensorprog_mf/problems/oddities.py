"""Data that train, but hardly to what was meant: one warning each that says what they mean."""

import numpy as np

from ..ground.errors import DataWarning, warn
from .losses import Loss

# |x|^2 / D that is warned of; 1 is usual. One-hot inputs of up to 10,000 features stay above the least.
_LEAST, _LARGEST = 1e-4, 25.0
_LARGEST_TARGET = 25.0


def warn_of_scales(inputs: np.ndarray, targets: np.ndarray, loss: Loss) -> None:
    """Warn of inputs far from |x|^2 / D = 1, and, of the squared loss, of large targets and of 0 and 1."""
    with np.errstate(over="ignore"):
        square, size = float(np.mean(inputs**2)), float(np.sqrt(np.mean(targets**2))) if targets.size else 0.0
    if square > _LARGEST:
        warn(
            f"Inputs have |x|^2 / D = {square:.3g} on average, where 1 is usual: preactivations start that "
            "much larger in variance, activations saturate, and steps act as if the learning rate were as "
            f"many times larger. Divide the inputs by {np.sqrt(square):.3g}, or standardise them.",
            DataWarning,
        )
    elif 0 < square < _LEAST:
        warn(
            f"Inputs have |x|^2 / D = {square:.3g} on average, where 1 is usual: preactivations hardly leave "
            "zero, activations are linear there, and little is learned. Divide the inputs by "
            f"{np.sqrt(square):.3g}, or standardise them.",
            DataWarning,
        )
    if loss.name != "squared":
        return
    if size > _LARGEST_TARGET:
        warn(
            f"Targets have a root mean square of {size:.3g}, and outputs start at 0: with the squared loss "
            f"that is a richness {size:.3g} times larger on targets near 1. Divide the targets by "
            f"{size:.3g}, or the richness if this is not meant.",
            DataWarning,
        )
    if targets.shape[1:] in ((), (1,)) and set(np.unique(targets)) == {0.0, 1.0}:
        warn(
            "Targets are 0 and 1, with the squared loss: outputs start at 0, so one class is right from the "
            "beginning and the boundary lies at 0.5. If they are classes take -1 and +1, as in "
            '2 * targets - 1, or loss="logistic".',
            DataWarning,
        )


def channels_last(shape: tuple[int, ...]) -> bool:
    """Whether an example, read as (channel, row[, column]), looks as if its channels came last."""
    *before, last = shape
    return last in (1, 3, 4) and min(before) >= (8 if len(before) == 1 else 5) and before[0] > 2 * last

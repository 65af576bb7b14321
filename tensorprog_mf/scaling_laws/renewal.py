"""Noise of batches that comes back in the loss: linear Volterra equations over steps."""

import numpy as np
from scipy.fft import next_fast_len

from ..ground.errors import require
from .transforms import ALIASING, from_circle


def renewal(given: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """L(t) = given(t) + sum_{s<t} kernel(t - s) L(s), (time,), by generating functions.

    kernel(0) is not used. The error is about 1e-11 of the largest value.

    Raises
    ------
    InputError
        A kernel whose sum is 1 or more: L would grow without bound.
    """
    check_return(float(kernel[1:].sum()))
    times = len(given)
    count = next_fast_len(4 * times, real=True)
    radius = ALIASING ** (1 / count)
    decay = radius ** np.arange(times)
    later = np.concatenate([[0.0], kernel[1:]])
    # On a circle of radius below 1, given(z) / (1 - kernel(z)) has no pole as long as the kernel's sum is
    # below 1.
    transform = np.fft.rfft(given * decay, count) / (1 - np.fft.rfft(later * decay, count))
    return from_circle(transform, radius, count, times)


def check_return(total: float) -> None:
    """Refuse noise of which a share `total` of 1 or more comes back."""
    require(
        total < 1,
        f"noise of the batches comes back {total:.3g} times as strong, so that the loss grows without bound; "
        "take a smaller learning_rate or a larger batch_size.",
    )


def convolve(kernel: np.ndarray, values: np.ndarray) -> np.ndarray:
    """sum_{s<t} kernel(t - s) values(s), (time,)."""
    times = len(values)
    later, count = np.concatenate([[0.0], kernel[1:]]), next_fast_len(2 * times, real=True)
    return np.fft.irfft(np.fft.rfft(later, count) * np.fft.rfft(values, count), count)[:times]

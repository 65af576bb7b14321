"""Arrays that are given, as arrays of numbers."""

import numpy as np

from ..ground.errors import require


def numbers(name: str, values) -> np.ndarray:
    """`values` as a new array of floats; words, complex numbers and lists of different lengths are
    refused."""
    try:
        given = np.array(values)
        result = None if given.dtype.kind in "USc" else given.astype(float)
    except (TypeError, ValueError):
        result = None
    require(
        result is not None, f"{name}={' '.join(str(values).split())[:60]} must be real numbers in an array."
    )
    return result

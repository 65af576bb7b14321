"""What users give, checked: arrays of numbers."""

import numpy as np

from ..ground.errors import InputError


def numbers(name: str, values: object) -> np.ndarray:
    """`values` as a new array of floats; words, complex numbers and lists of different lengths are
    refused."""
    try:
        given = np.array(values)
        if given.dtype.kind not in "USc":
            return given.astype(float)
    except (TypeError, ValueError):
        pass
    raise InputError(f"{name}={' '.join(str(values).split())[:60]} must be real numbers in an array.")

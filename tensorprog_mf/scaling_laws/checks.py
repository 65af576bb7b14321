"""What users give, checked: arrays of numbers, and the fields of frozen records."""

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


def set_fields(record: object, **values: object) -> None:
    """Set the fields of a frozen record from inside its constructor, to what has been checked."""
    for name, value in values.items():
        object.__setattr__(record, name, value)

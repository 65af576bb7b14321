"""Dimensions of what was recorded: as long as each other, and named for what they hold."""

import numpy as np

from ...engine.record import Record
from ...engine.reductions import MOMENTS
from ...results.dataset import Arrays


def aligned(arrays: Arrays, vector_dim: str | None) -> Arrays:
    """Arrays as long along `vector_dim` as the longest of them: those of matrices that see fewer positions
    end in NaN."""
    inner = {vector_dim, f"{vector_dim}_prime"}
    sizes = [
        np.shape(values)[dims.index(dim)] for dims, values in arrays.values() for dim in inner & set(dims)
    ]
    found = {}
    for name, (dims, values) in arrays.items():
        if inner & set(dims):
            missing = [
                (0, max(sizes) - size if dim in inner else 0) for dim, size in zip(dims, np.shape(values))
            ]
            values = np.pad(values, missing, constant_values=np.nan)
        found[name] = (dims, values)
    return found


def shaped(arrays: Arrays, record: Record) -> tuple[Arrays, dict[str, np.ndarray]]:
    """Arrays that have entries, kernels between chosen examples along `kernel_example`; and the coordinates
    that they need."""
    found = {}
    for name, (dims, values) in arrays.items():
        if (
            record.kernel_examples is not None
            and "example_prime" in dims
            and "two_time" not in name
            and "response" not in name
        ):
            dims = tuple(dim.replace("example", "kernel_example") for dim in dims)
        if np.size(values):
            found[name] = (dims, values)
    edges = np.array(record.edges)
    more = {
        "kernel_example": np.array(record.kernel_examples or (), int),
        "moment": np.arange(1, MOMENTS + 1),
        "bin": (edges[1:] + edges[:-1]) / 2,
        "bin_width": np.diff(edges),
    }
    return found, more

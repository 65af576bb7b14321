"""Which positions a convolution or a pooling looks at: tables of flat indices on grids of any dimension."""

import itertools

import numpy as np

from ..ground.errors import require

PADDINGS = ("circular", "zero")


def windows(
    shape: tuple[int, ...], kernel: tuple[int, ...], stride: int, padding: str
) -> tuple[np.ndarray, tuple[int, ...]]:
    """Input positions (output position, tap), -1 for those outside, and the shape of the output grid.

    The output grid has ceil(size / stride) positions per axis. Taps are k offsets per axis, from
    -floor((k - 1) / 2) on, in C order.
    """
    out = tuple(-(-size // stride) for size in shape)
    offsets = list(itertools.product(*(range(-((k - 1) // 2), k - (k - 1) // 2) for k in kernel)))
    centres = np.array(list(itertools.product(*map(range, out)))) * stride
    at = centres[:, None, :] + np.array(offsets)[None]
    sizes = np.array(shape)
    inside = (at % sizes == at).all(axis=2)
    flat = np.ravel_multi_index(np.moveaxis(at % sizes, 2, 0), shape)
    return (flat if padding == "circular" else np.where(inside, flat, -1)), out


def blocks(shape: tuple[int, ...], size: int) -> tuple[np.ndarray, tuple[int, ...]]:
    """Input positions (output position, member) of blocks of `size` per axis, and the output grid's shape.

    Raises
    ------
    InputError
        A size that does not divide the grid.
    """
    require(
        all(side % size == 0 for side in shape),
        f"pooling by {size} does not divide the grid {shape}; choose another size or crop the inputs.",
    )
    out = tuple(side // size for side in shape)
    corners = np.array(list(itertools.product(*map(range, out)))) * size
    members = np.array(list(itertools.product(range(size), repeat=len(shape))))
    return np.ravel_multi_index(np.moveaxis(corners[:, None] + members[None], 2, 0), shape), out


def patches(inputs: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Inputs (example, channel, row[, column]) as (example x position, channel x tap); outside is zero."""
    flat = inputs.reshape(*inputs.shape[:2], -1)
    padded = np.concatenate([flat, np.zeros((*flat.shape[:2], 1))], axis=2)  # index -1 is the added zero
    seen = padded[:, :, window].transpose(0, 2, 1, 3)
    return seen.reshape(len(inputs) * len(window), -1)


def as_vectors(inputs: np.ndarray) -> np.ndarray:
    """Inputs (example, position, feature) as (example x position, feature)."""
    return inputs.reshape(-1, inputs.shape[2])

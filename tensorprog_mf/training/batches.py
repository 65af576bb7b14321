"""Which training examples a step sees, and with what weight."""

from collections.abc import Iterable

import numpy as np

from ..ground.errors import require, whole


def checked_batches(batches: Iterable[Iterable[int]], steps: int) -> tuple[tuple[int, ...], ...]:
    """The argument `batches`: one list of indices of training examples for every step.

    Raises
    ------
    InputError
        More or fewer lists than steps, indices that are negative or not whole.
    """
    try:
        found = tuple(tuple(whole("batches", index) for index in batch) for batch in batches)
    except TypeError:
        found = ()
    require(
        len(found) == steps,
        f"batches must hold one list of indices for each of the {steps} steps; there are {len(found)}.",
    )
    return found


def drawn(step: int, count: int, size: int, replacement: bool, seed: int) -> np.ndarray:
    """Indices of the examples of a step: `size` of `count` independently, or the next ones of a shuffled
    epoch.

    A pure function of its arguments; the last batch of an epoch is smaller if size does not divide count.
    """
    if replacement:
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, step))).integers(
            count, size=size
        )
    per_epoch = -(-count // size)
    epoch, within = divmod(step, per_epoch)
    order = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, epoch))).permutation(count)
    return order[within * size : (within + 1) * size]

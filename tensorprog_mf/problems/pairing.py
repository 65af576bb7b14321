"""Which example goes with which: by their labels where both sides have some, else by position."""

from typing import Any

import numpy as np

from ..ground.errors import InputError, require
from .containers import Labels, Read


def paired(name: str, given: Read, other: str, reference: Read, axis: int = 0) -> Read:
    """`given` with its entries along an axis in the order of the labels of `reference`.

    Labels are the index or the columns of pandas, coordinates of xarray. Where one side has none, or an index
    that nobody chose (0, 1, 2, ...), entries go by position.

    Raises
    ------
    InputError
        Labels that differ, labels that occur twice in another order, or a default index 0, 1, 2, ... beside
        the same numbers in another order, which may or may not have been meant.
    """
    mine, theirs = given.of_axis(axis), reference.of_axis(axis)
    if (
        mine is None
        or theirs is None
        or len(mine.index) != len(theirs.index)
        or mine.index.equals(theirs.index)
    ):
        return given
    by_position = f"to pair them by position pass {name} as an array, as {name}.to_numpy() gives"
    what = "examples" if axis == 0 else "columns"
    if mine.counted or theirs.counted:
        require(
            not _alike(mine, theirs),
            f"{name} and {other} have the same labels of {what} in another order, but one of them only "
            "counts 0, 1, 2, ...: to pair them by label bring them into one order, as with y.loc[x.index]; "
            f"{by_position}.",
        )
        return given
    for who, labels in ((name, mine), (other, theirs)):
        if not labels.index.is_unique:
            twice = _first(labels.index[labels.index.duplicated()])
            raise InputError(
                f"{who} have the label {twice} twice, so that {name} and {other} cannot be paired by label; "
                f"{by_position}."
            )
    places = mine.index.get_indexer(theirs.index)
    if (places < 0).any():
        missing = theirs.index[places < 0]
        raise InputError(
            f"{name} have no {what[:-1]} with the label {_first(missing)}, {other} have; {by_position}."
        )
    return given.taken(places, axis)


def _alike(mine: Labels, theirs: Labels) -> bool:
    return len(mine.index.difference(theirs.index, sort=False)) == 0 and theirs.index.is_unique


def _first(labels: Any) -> str:
    label = labels[0]
    return repr(label.item() if isinstance(label, np.generic) else label)

"""Targets that are names of classes: numbered in order, or coded as +1 and -1."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..ground.errors import DataWarning, require, warn
from .containers import Read, is_missing, numbers
from .losses import Loss, one_hot

_MOST = 10_000
_WORDS = (
    'words as targets are classes: take loss="cross_entropy", or name two of them with '
    "classes=(first, second)"
)


def as_targets(
    loss: Loss, targets: Read, test: Read | None, classes: Any, name: str = "targets"
) -> tuple[np.ndarray, np.ndarray | None, tuple | None]:
    """Targets and test targets as floats that the loss can use, and the classes they stand for or None.

    Labels of the cross-entropy become probabilities (example, class), in the order of `classes`, of
    categories, or sorted. Two labels of other losses become +1 for the first of `classes`, -1 for the second;
    of sorted labels the second is +1, so that 0 and 1, or false and true, are -1 and +1. -1 and +1 stay.

    Raises
    ------
    InputError
        Missing or unusable labels, unknown classes, too few or too many of them.
    """
    given = {name: targets} | ({} if test is None else {"test_targets": test})
    classes = None if classes is None else distinct(classes)
    if loss.classes:
        found, classes = _numbered({name: _column(read) for name, read in given.items()}, classes)
    elif targets.values.shape[1:] in ((), (1,)) and (loss.signs or classes is not None):
        found, classes = _signed(loss, given, classes)
    else:
        found = [numbers(name, read, 1, 2, remedy=_WORDS) for name, read in given.items()]
        wanted = found[0].shape[1:] if classes is None else (len(classes),)
        require(
            found[0].shape[1:] == wanted,
            f"classes has {len(classes or ())} names, but targets are {found[0].shape}; give one for each "
            "column.",
        )
    _check_shapes(found)
    for values in found:
        if len(values):
            loss.check(values)
        values.flags.writeable = False
    return found[0], found[1] if len(found) > 1 else None, classes


def _column(read: Read) -> Read:
    """A table with one column of labels is that column; probabilities have two or more."""
    if read.values.ndim == 2 and read.values.shape[1] == 1:
        return read._replace(values=read.values[:, 0], labels=read.labels[:1])
    return read


def _check_shapes(found: list[np.ndarray]) -> None:
    require(found[0].shape[1:] != (0,), f"targets have no outputs, shape {found[0].shape}.")
    for values in found[1:]:
        require(
            values.shape[1:] == found[0].shape[1:],
            f"test_targets have shape {values.shape}, targets {found[0].shape}; they must agree.",
        )


def _numbered(given: dict[str, Read], classes: tuple | None) -> tuple[list[np.ndarray], tuple | None]:
    """Probabilities (example, class), and the classes."""
    labels = {name: plain_labels(name, read) for name, read in given.items() if read.values.ndim == 1}
    given = {
        name: read if classes is None else _in_their_order(read, classes) for name, read in given.items()
    }
    tables = {name: numbers(name, read, 2) for name, read in given.items() if name not in labels}
    if classes is None:
        classes = _of_columns(given, tables) or _in_order(given, labels)
    known = classes or ()
    if labels:
        require(
            2 <= len(known) <= _MOST,
            f"targets have {len(known)} class{'es' * (len(known) != 1)}; 2 to {_MOST:,} can be told "
            "apart. Classes that have no example are named by classes=(...).",
        )
    for name, table in tables.items():
        require(
            classes is None or table.shape[1] == len(known),
            f"{name} have {table.shape[1]} columns, but there are {len(known)} classes; give one "
            "column for each.",
        )
    found = [
        one_hot(places(name, labels[name], known), len(known)) if name in labels else tables[name]
        for name in given
    ]
    return found, classes


def _in_their_order(read: Read, classes: tuple) -> Read:
    """Probabilities whose columns have the names of the classes in the order of the classes."""
    columns = read.of_axis(1)
    if columns is None or columns.counted or set(columns.index) != set(classes):
        return read
    return read.taken(columns.index.get_indexer(classes), 1)


def _of_columns(given: dict[str, Read], tables: dict[str, np.ndarray]) -> tuple | None:
    """Names of the columns of probabilities; their numbers where labels have to be told by them."""
    for name, table in tables.items():
        columns = given[name].of_axis(1)
        if columns is None or columns.counted or len(columns.index) != table.shape[1]:
            continue
        if all(isinstance(label, (str, int)) for label in columns.index):
            return distinct(columns.index)
    if tables and len(tables) < len(given):
        return tuple(range(next(iter(tables.values())).shape[1]))
    return None


def _in_order(given: dict[str, Read], labels: dict[str, list]) -> tuple | None:
    """Categories in their order, else all labels, numbers before words."""
    if not labels:
        return None
    categories = [read.categories for read in given.values() if read.categories is not None]
    return (
        distinct(categories[0])
        if categories
        else tuple(sorted(set().union(*labels.values()), key=lambda v: (isinstance(v, str), v)))
    )


def _signed(
    loss: Loss, given: dict[str, Read], classes: tuple | None
) -> tuple[list[np.ndarray], tuple | None]:
    """+1 and -1 for the first and the second class, and the two; numbers that are -1 and +1 stay."""
    flat = {name: read._replace(values=read.values.reshape(-1)) for name, read in given.items()}
    labels = {name: plain_labels(name, read, loss.signs) for name, read in flat.items()}
    shapes = [read.values.shape for read in given.values()]
    present = set().union(*labels.values())
    require(
        classes is None or len(classes) == 2,
        f'classes={classes!r}: {loss.name!r} tells two apart; for more take loss="cross_entropy".',
    )
    require(
        classes != (-1, 1),
        "classes=(-1, 1) would turn signs around, the first class is +1; write classes=(1, -1), or negate "
        "the targets.",
    )
    if all(label in (-1, 1) and not isinstance(label, bool) for label in present) and (
        classes is None or present - set(classes)
    ):
        return [
            np.array(own, dtype=float).reshape(shape) for own, shape in zip(labels.values(), shapes)
        ], classes
    if classes is None:
        classes = (_in_order(given, labels) or ())[::-1]
        shown = ", ".join(map(repr, classes[::-1][:5])) + (", ..." if len(classes) > 5 else "")
        require(
            len(classes) == 2,
            f"targets of the {loss.name} loss must be -1 or +1, or of two classes; these have "
            f"{len(classes)}, {shown}: "
            + (
                'take loss="cross_entropy".'
                if len(classes) > 2
                else "name both with classes=(positive, negative)."
            ),
        )
    signs = [1 - 2 * places(name, own, classes) for name, own in labels.items()]
    return [own.reshape(shape) for own, shape in zip(signs, shapes)], classes


def plain_labels(name: str, read: Read, signs: bool = False) -> list:
    """Labels as words, whole numbers and truth values of Python; `signs` is for the sentence that refuses."""
    found = []
    wanted = "-1 or +1, or two classes" if signs else "whole numbers, words or truth values"
    entries: Iterable[Any] = read.values if read.values.dtype.kind == "M" else read.values.tolist()
    for place, entry in enumerate(entries):
        require(
            not is_missing(entry),
            f"{name}: labels of classes contain a NaN or missing value in example {place}; drop or fill it "
            "first.",
        )
        entry = entry.decode(errors="replace") if isinstance(entry, bytes) else entry
        entry = entry.item() if isinstance(entry, np.generic) else entry
        good = isinstance(entry, (str, int)) or (isinstance(entry, float) and entry.is_integer())
        require(
            good,
            f"{name}: labels of classes must be {wanted}; {entry!r} in example {place} is not; "
            "if it names a class turn it into a word, as with .astype(str).",
        )
        found.append(int(entry) if isinstance(entry, float) else entry)
    return found


def distinct(classes: Any) -> tuple:
    """The argument `classes`, or the categories of a table, as a tuple of labels."""
    is_list = np.ndim(classes) == 1 and not isinstance(classes, (str, bytes, dict, set))
    require(is_list and len(classes) > 1, f"classes={classes!r} must list two or more labels.")
    found = tuple(plain_labels("classes", Read(np.array(list(classes), dtype=object))))
    require(len(set(found)) == len(found), f"classes={list(classes)!r} must be different labels.")
    return found


def places(name: str, labels: list, classes: tuple) -> np.ndarray:
    """Position of every label in `classes`, as floats."""
    position = {label: float(place) for place, label in enumerate(classes)}
    for place, label in enumerate(labels):
        require(
            label in position,
            f"{name}: {label!r} in example {place} is not one of the classes "
            f"{', '.join(map(repr, classes[:20]))}; leave such examples out, or name all classes.",
        )
    return np.array([position[label] for label in labels])


def warn_of_empty(loss: Loss, targets: np.ndarray, classes: tuple | None) -> None:
    """Say which classes no training example has."""
    empty = np.flatnonzero(targets.sum(axis=0) == 0).tolist() if loss.classes else []
    if empty:
        names = ", ".join(repr(place if classes is None else classes[place]) for place in empty[:10]) + (
            ", ..." if len(empty) > 10 else ""
        )
        one = len(empty) == 1
        warn(
            f"{'Class' if one else 'Classes'} {names} {'has' if one else 'have'} no training example: "
            f"{'its output is' if one else 'their outputs are'} only pushed down, and counted in every loss. "
            "Give examples, or leave such classes out.",
            DataWarning,
        )


def class_labels(classes: tuple) -> np.ndarray:
    """Labels as the values of a coordinate: whole numbers, or words."""
    whole = all(isinstance(label, int) and not isinstance(label, bool) for label in classes)
    return np.array(classes if whole else [str(label) for label in classes])

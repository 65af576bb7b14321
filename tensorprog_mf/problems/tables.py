"""A problem from a table of numbers: a CSV file with one example per line."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import InputError, boolean, require, whole
from .losses import Loss, as_loss
from .problem import Problem

if TYPE_CHECKING:
    import pandas


@checked_call
def read_table(
    path: str | pathlib.Path,
    target: str | None = None,
    classes: list | None = None,
    test_examples: int = 0,
    standardise: bool = True,
    loss: str = "squared",
    header: bool | None = None,
    shape: list | None = None,
) -> Problem:
    """A `Problem` from a CSV file: one example per line, separated by commas, semicolons or tabs, UTF-8.

    Parameters
    ----------
    path
        The file; every column but the target is an input feature.
    target
        Name of the target column; by default the last one.
    classes
        Two values of the target column: the first becomes +1, the second -1, lines with others are left out.
        For loss="cross_entropy" any number of values, one output each; all there are by default, numbers
        before words. For the logistic and hinge losses a column of two values needs none: the second in order
        becomes +1, as of `Problem`.
    test_examples
        That many last lines are test examples.
    standardise
        Subtract the mean of the training inputs and scale them to |x|^2 / D = 1 on average; preactivations
        then start with variance one.
    loss
        As of `Problem`.
    header
        Whether the first line holds names. By default it does if one of its cells but the last is not a
        number, or if they count 0, 1, 2, ... or 1, 2, 3, ...
    shape
        Of one example, where its features are an image or a sequence: [channel, row, column], [position,
        feature], ...

    Raises
    ------
    InputError
        A file that cannot be read, a column that is missing or not numeric, classes that do not occur.
    """
    standardise = boolean("standardise", standardise)
    table, name = _read(pathlib.Path(path), header), str(path)
    column = table.columns[-1] if target is None else str(target)
    require(column in table.columns, f"{name} has no column {column!r}; it has {', '.join(table.columns)}.")
    y, wanted = _targets(table[column], as_loss(loss), classes, name)
    known = np.array([wanted is None or label in wanted for label in y])
    y = y[known]
    features = table.drop(columns=column)[known]
    x = _numbers(features, name, "; fill or leave out such lines or columns")
    n_test = whole("test_examples", test_examples)
    require(n_test < len(x), f"test_examples={n_test} leaves no training examples of the {len(x)} in {name}.")
    n_train = len(x) - n_test
    if standardise:
        x = x - x[:n_train].mean(axis=0)
        scale = np.sqrt((x[:n_train] ** 2).mean())
        require(scale > 0, f"{name}: all training inputs are the same; there is nothing to learn.")
        x = x / scale
    x = x if shape is None else _shaped(x, shape, name)
    test, unseen = (x[n_train:], y[n_train:]) if n_test else (None, None)
    return Problem(x[:n_train], y[:n_train], test, loss, unseen, None if wanted is None else tuple(wanted))


def _targets(column: pandas.Series, loss: Loss, classes: Any, name: str) -> tuple[np.ndarray, list | None]:
    """Targets of all lines, numbers or labels, and the wanted classes; None for all."""
    if classes is None and not loss.classes and not loss.signs:
        remedy = "; name the two values to tell apart with classes = [first, second]"
        return _numbers(column.to_frame(), name, remedy)[:, 0], None
    two = loss.classes or classes is None or (isinstance(classes, (list, tuple)) and len(classes) == 2)
    require(
        two,
        f"classes={classes!r} must be a list of two values of the target; for more take loss ="
        ' "cross_entropy".',
    )
    return _labels(column, classes, name)


def _shaped(x: np.ndarray, shape: Any, name: str) -> np.ndarray:
    """Inputs (example, *shape)."""
    require(np.ndim(shape) == 1, f"shape={shape!r} must list the sizes of one example.")
    sizes = [whole("shape", size, 1) for size in shape]
    require(
        np.prod(sizes) == x.shape[1],
        f"shape={shape!r} has {np.prod(sizes)} numbers, but {name} has {x.shape[1]} columns of features.",
    )
    return x.reshape(-1, *sizes)


def _read(path: pathlib.Path, header: bool | None) -> pandas.DataFrame:
    """The table, all cells as text, rows labelled by their line in the file."""
    import pandas

    require(path.is_file(), f"cannot read {path}: no such file.")
    try:
        first = path.read_text(encoding="utf-8-sig").lstrip().split("\n", 1)[0].strip()
        separator = next((mark for mark in ",;\t" if mark in first), ",")
        named = _are_names(first.split(separator)) if header is None else boolean("header", header)
        table = pandas.read_csv(
            path,
            sep=separator,
            header=0 if named else None,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            skipinitialspace=True,
        )
    except UnicodeDecodeError:
        raise InputError(
            f"cannot read {path}: it is not UTF-8 text; save it as comma-separated UTF-8."
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path} as CSV: {' '.join(str(error).split())}.") from None
    require(
        table.size > 0 and table.shape[1] > 1,
        f"{path} needs at least one line and two columns, inputs and a target.",
    )
    table.columns = [str(name).strip() for name in table.columns]
    table.index = np.arange(len(table)) + (2 if named else 1)
    return table


def _are_names(cells: list[str]) -> bool:
    numbers = [_number(cell) for cell in cells]
    count = list(range(len(numbers) + 1))
    counting = len(numbers) > 2 and numbers in (count[:-1], count[1:])
    return counting or any(number is None for number in numbers[:-1])


def _number(cell: str) -> float | None:
    try:
        value = float(cell.strip().strip('"'))
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _numbers(table: pandas.DataFrame, name: str, remedy: str) -> np.ndarray:
    values = [[_number(cell) for cell in row] for row in table.to_numpy()]
    for line, row in zip(table.index, values):
        for column, value in zip(table.columns, row):
            if value is None:
                cell = table.loc[line, column]
                raise InputError(
                    f"{name}, line {line}: {cell!r} in column {column!r} is not numeric{remedy}."
                )
    return np.array(values, dtype=float)


def _labels(labels: pandas.Series, classes: Any, name: str) -> tuple[np.ndarray, list | None]:
    """Labels of all lines and the wanted classes, as whole numbers or words; 3 and 3.0 are the same class."""

    def key(value: object) -> str | int:
        text = str(value).strip()
        number = _number(text)
        return text if number is None else int(number) if number.is_integer() else str(number)

    found = np.empty(len(labels), dtype=object)
    found[:] = [key(label) for label in labels]
    if classes is None:
        return found, None
    require(
        isinstance(classes, (list, tuple)) and len(classes) > 1,
        f"classes={classes!r} must be a list of two or more values of the target.",
    )
    wanted = [key(value) for value in classes]
    require(len(set(wanted)) == len(wanted), f"classes={classes!r} must be different values.")
    for value in wanted:
        require(
            value in found,
            f"{name}: class {value!r} does not occur in column {labels.name!r}; it has"
            f" {', '.join(map(str, dict.fromkeys(found)))}.",
        )
    return found, wanted

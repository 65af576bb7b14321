"""A problem from a table of numbers: a CSV file with one example per line."""

import pathlib

import numpy as np

from .errors import InputError, require, whole
from .problems import Problem


def read_table(
    path, target: str | None = None, classes: list | None = None, test_examples: int = 0, standardise: bool = True,
    loss: str = "squared",
) -> Problem:  # fmt: skip
    """A `Problem` from a CSV file, with or without a line of column names.

    Parameters
    ----------
    path
        The file; every column but the target is an input feature.
    target
        Name of the target column; by default the last one.
    classes
        Two values of the target column: the first becomes +1, the second -1, lines with others are left out.
    test_examples
        That many last lines are test examples.
    standardise
        Subtract the mean of the training inputs and scale them to |x|^2 / D = 1 on average; preactivations then start
        with variance one.
    loss
        As of `Problem`.

    Raises
    ------
    InputError
        A file that cannot be read, a column that is missing or not numeric, classes that do not occur.
    """
    table, name = _read(pathlib.Path(path)), str(path)
    column = table.columns[-1] if target is None else target
    require(column in table.columns, f"{name} has no column {column!r}; it has {', '.join(map(str, table.columns))}.")
    labels, features = table[column], table.drop(columns=column)
    if classes is not None:
        require(len(classes) == 2, f"classes={classes!r} must be two values of column {column!r}.")
        chosen = [labels.astype(str) == str(value) for value in classes]
        for value, rows in zip(classes, chosen):
            require(bool(rows.any()), f"{name}: class {value!r} does not occur in column {column!r}.")
        keep = chosen[0] | chosen[1]
        features, y = features[keep], np.where(chosen[0][keep], 1.0, -1.0)
    else:
        y = _numbers(labels.to_frame(), name, "; name the two to tell apart with classes=[first, second]")[:, 0]
    x = _numbers(features, name, "; leave such columns out")
    n_test = whole("test_examples", test_examples)
    require(n_test < len(x), f"test_examples={n_test} leaves no training examples of the {len(x)} in {name}.")
    n_train = len(x) - n_test
    if standardise:
        x = x - x[:n_train].mean(axis=0)
        scale = np.sqrt((x[:n_train] ** 2).mean())
        require(scale > 0, f"{name}: all training inputs are the same; there is nothing to learn.")
        x = x / scale
    tests = (x[n_train:], loss, y[n_train:]) if n_test else (None, loss, None)
    return Problem(x[:n_train], y[:n_train], *tests)


def _read(path: pathlib.Path):
    import pandas

    require(path.is_file(), f"cannot read {path}: no such file.")
    try:
        first = path.read_text(encoding="utf-8").split("\n", 1)[0]
        # A first line without any number in it is a line of names.
        header = None if any(_is_number(cell) for cell in first.split(",")) else "infer"
        table = pandas.read_csv(path, header=header, skipinitialspace=True)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path} as CSV: {error}") from None
    require(table.size > 0 and table.shape[1] > 1, f"{path} needs at least one line and two columns, inputs and a target.")
    table.columns = [str(name).strip() for name in table.columns]
    return table


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _numbers(table, name: str, remedy: str) -> np.ndarray:
    for column in table.columns:
        require(table[column].dtype.kind in "iufb", f"{name}: column {column!r} is not numeric{remedy}.")
    return table.to_numpy(dtype=float)

"""Arrays as people have them (lists, pandas, xarray, torch, sparse, masked) as numpy ones, with labels."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

import numpy as np

from ..ground.errors import InputError, require

_DENSE = 2**28  # numbers that a sparse array is made dense up to, 2 GiB
# Dimensions whose labels say what an entry is, not only where.
_NAMED = ("feature", "channel", "output", "class")
# Others stay between, in their order.
_PLACE = {"example": 0, "channel": 1, "feature": 3, "output": 3, "class": 3}
_BETWEEN = ("row", "column", "token", "position")
_NUMBERS = (int, float, bool, np.generic)


class Labels(NamedTuple):
    """A pandas Index of one axis; `counted` if it is the default one, which only counts 0, 1, 2, ..."""

    index: Any
    counted: bool


class Read(NamedTuple):
    """Values of any type, names of their dimensions if they have some, labels of axes, and categories."""

    values: np.ndarray
    dims: tuple[str, ...] | None = None
    labels: tuple[Labels | None, ...] = ()
    categories: tuple | None = None

    def of_axis(self, axis: int) -> Labels | None:
        """Labels of one axis, None where it has none."""
        return self.labels[axis] if axis < len(self.labels) else None

    def taken(self, positions: np.ndarray, axis: int) -> "Read":
        """The same with only these `positions` along a labelled axis, in this order."""
        labels, own = list(self.labels), self.labels[axis]
        if own is not None:
            labels[axis] = own._replace(index=own.index.take(positions))
        return self._replace(values=self.values.take(positions, axis), labels=tuple(labels))


def read(name: str, given: Any) -> Read:
    """What `given` holds, as a numpy array of any type.

    DataArrays are turned by the names of their dimensions: example first, then channel, row, column, tokens
    or positions, feature or output last. Sparse arrays become dense.

    Raises
    ------
    InputError
        None, a text, a function, a table of several arrays, rows of different lengths, masked entries.
    """
    _refuse_others(name, given)
    if hasattr(given, "dims") and hasattr(given, "coords"):
        return _of_xarray(name, given)
    if hasattr(given, "iloc") and hasattr(given, "to_numpy"):
        return _of_pandas(name, given)
    categories = getattr(given, "categories", None) if hasattr(given, "codes") else None
    values = _array(name, given)
    # Tables of polars have names of columns.
    named = getattr(given, "columns", None) if values.ndim == 2 and hasattr(given, "to_numpy") else None
    labels = () if named is None else (None, _counted_or_named(named))
    return Read(values, None, labels, None if categories is None else tuple(categories))


def _refuse_others(name: str, given: Any) -> None:
    """Raise for what is not an array at all."""
    require(given is not None, f"{name} are None; pass an array with one example per row.")
    kind = type(given).__name__
    if hasattr(given, "data_vars") or (hasattr(given, "to_dataset") and hasattr(given, "children")):
        found = [
            str(variable) for variable in (*getattr(given, "data_vars", ()), *getattr(given, "children", ()))
        ] or ["x"]
        raise InputError(
            f"{name} are a {kind} that holds {', '.join(found)}; pass one array of it, such as "
            f"data[{found[0]!r}]."
        )
    if isinstance(given, Mapping):
        raise InputError(
            f"{name} are a {kind} with the entries {', '.join(map(str, given))}; pass one array."
        )
    if isinstance(given, (str, bytes)):
        raise InputError(
            f"{name} are a text, {given!r}; pass the numbers themselves, or read a CSV file with "
            "tp.read_table."
        )
    if isinstance(given, (Iterator, Set)):
        raise InputError(
            f"{name} are a {kind}, which has no reliable order or can be read only once; pass a list or an "
            "array."
        )
    if isinstance(given, type) or (
        callable(given) and not hasattr(given, "__array__") and not hasattr(given, "detach")
    ):
        raise InputError(
            f"{name} are a function or class, {getattr(given, '__name__', kind)}; pass an array."
        )


def _of_xarray(name: str, given: Any) -> Read:
    own = [dim for dim in given.dims if dim not in _PLACE and dim not in _BETWEEN]
    # The user may have another name for examples.
    examples = "example" if "example" in given.dims or not own else own[0]
    order = sorted(given.dims, key=lambda dim: 0 if dim == examples else _PLACE.get(dim, 2))
    if {"row", "column"} <= set(order) and order.index("row") > order.index("column"):
        rows, columns = order.index("row"), order.index("column")
        order[rows], order[columns] = "column", "row"
    given = given.transpose(*order)
    indexes = getattr(given, "indexes", {})
    labels = [
        _labels(indexes[dim]) if dim in indexes and (axis == 0 or dim in _NAMED or len(order) == 2) else None
        for axis, dim in enumerate(order)
    ]
    return Read(_array(name, given), tuple(map(str, order)), tuple(labels))


def _of_pandas(name: str, given: Any) -> Read:
    categories = getattr(getattr(given, "dtype", None), "categories", None)
    labels = [_labels(given.index)] + ([_labels(given.columns)] if hasattr(given, "columns") else [])
    return Read(_array(name, given), None, tuple(labels), None if categories is None else tuple(categories))


def _labels(index: Any) -> Labels:
    counted = type(index).__name__ == "RangeIndex" and index.start == 0 and index.step == 1
    return Labels(index, counted)


def _counted_or_named(names: Iterable) -> Labels:
    import pandas  # xarray depends on it

    return _labels(pandas.Index(list(names)))


def _array(name: str, given: Any) -> np.ndarray:
    """Any container without labels as a numpy array; rows of different lengths and masks are refused."""
    try:
        return _converted(name, given)
    except InputError:
        raise
    except Exception as error:  # each library has its own
        said = " ".join(str(error).split())[:200]
        raise InputError(
            f"{name} cannot be read as numbers: {type(given).__name__} says {said!r}; pass a numpy array."
        ) from None


def _converted(name: str, given: Any) -> np.ndarray:
    if isinstance(given, np.ma.MaskedArray):
        hidden = int(np.ma.getmaskarray(given).sum())
        require(
            hidden == 0,
            f"{name} hide {hidden} of {given.size} values behind a mask; drop those examples or fill the "
            "values first, as with .filled(0).",
        )
        return _unpacked(name, given.data)
    if isinstance(given, np.ndarray):
        return _unpacked(name, np.asarray(given))
    if callable(getattr(given, "detach", None)) and callable(getattr(given, "numpy", None)):
        return _of_torch(given)
    if callable(getattr(given, "toarray", None)):
        require(
            np.prod(given.shape) <= _DENSE,
            f"{name} are sparse and would fill {8 * np.prod(given.shape) / 2**30:.1f} GiB as the dense array "
            "that training takes; take fewer features.",
        )
        return np.asarray(given.toarray())
    if isinstance(given, (list, tuple)):
        return _of_rows(name, given)
    if hasattr(given, "__cuda_array_interface__") and callable(getattr(given, "get", None)):
        return np.asarray(given.get())
    if not hasattr(given, "__array__") and callable(getattr(given, "to_numpy", None)):
        given = given.to_numpy()
    array = np.asanyarray(given)  # keeps the mask of what hands out masked arrays, as files do
    return (
        _converted(name, array)
        if isinstance(array, np.ma.MaskedArray)
        else _unpacked(name, np.asarray(array))
    )


def _of_torch(given: Any) -> np.ndarray:
    """A tensor of torch on any device, whether or not it requires gradients."""
    given = given.detach().cpu()
    try:
        return np.asarray(given.numpy())
    except TypeError:  # bfloat16 has no numpy; sparse ones say so here
        return np.asarray((given.to_dense() if getattr(given, "is_sparse", False) else given.float()).numpy())


def _unpacked(name: str, array: np.ndarray) -> np.ndarray:
    """The array; one of objects that are rows themselves as an array of their entries."""
    if array.dtype.kind == "O" and array.ndim == 1 and array.size and all(_is_row(entry) for entry in array):
        return _of_rows(name, list(array))
    return array


def _is_row(entry: Any) -> bool:
    return not isinstance(entry, (str, bytes)) and (hasattr(entry, "__len__") or np.ndim(entry) > 0)


def _of_rows(name: str, given: Iterable) -> np.ndarray:
    """A list of numbers or rows, which may be containers of their own."""
    rows = [
        entry if isinstance(entry, (str, *_NUMBERS)) else _row(f"{name}[{row}]", entry)
        for row, entry in enumerate(given)
    ]
    shapes = [np.shape(row) if isinstance(row, np.ndarray) else () for row in rows]
    for row, shape in enumerate(shapes):
        require(
            shape == shapes[0],
            f"{name} are ragged: row {row} {_sized(shape)}, those before it "
            f"{_sized(shapes[0]).removeprefix('has ')}; all rows must be alike.",
        )
    array = np.array(rows)
    if array.dtype.kind in "US" and not all(np.asarray(row).dtype.kind in "US" for row in rows):
        return np.array(rows, dtype=object)  # numbers among words stay numbers
    return array


def _row(name: str, entry: Any) -> Any:
    """An entry of a list: a number, or what has no length, stays as it is."""
    if (
        isinstance(entry, np.ma.MaskedArray)
        or hasattr(entry, "__array__")
        or hasattr(entry, "detach")
        or isinstance(entry, (list, tuple))
    ):
        array = _converted(name, entry)
        return array if array.ndim else array[()]
    return _converted(name, list(entry)) if isinstance(entry, range) else entry


def _sized(shape: tuple[int, ...]) -> str:
    if not shape:
        return "has a single number"
    return f"has {shape[0]} number{'s' * (shape[0] != 1)}" if len(shape) == 1 else f"has shape {shape}"


def numbers(name: str, given: Read, *dims: int, remedy: str = "") -> np.ndarray:
    """The values as finite floats, read-only, with one of the numbers of dimensions `dims`.

    `remedy` ends the sentence that refuses words.

    Raises
    ------
    InputError
        Dates, words, complex numbers, other objects; NaN and infinite values; another number of dimensions.
    """
    array = _floats(name, given, remedy)
    wanted = f"{' or '.join(map(str, dims))} dimensions"
    require(array.ndim in dims, f"{name} have the shape {array.shape}; {wanted} are needed, examples first.")
    bad = np.argwhere(~np.isfinite(array))
    require(
        not len(bad),
        f"{name} contain NaN or infinite values, {len(bad)} of {array.size}, the first "
        f"{_at(given, bad[0] if len(bad) else ())}; drop or fill them first.",
    )
    array.flags.writeable = False
    return array


def _floats(name: str, given: Read, remedy: str) -> np.ndarray:
    values, kind = given.values, given.values.dtype.kind
    require(kind != "c", f"{name} are complex; pass real numbers.")
    require(
        kind != "M",
        f"{name} are dates; take off one of them and divide, as in (x - x[0]) / np.timedelta64(1, 'D').",
    )
    require(kind != "m", f"{name} are durations; divide them by one, as in x / np.timedelta64(1, 's').")
    require(
        kind != "V",
        f"{name} have fields {', '.join(values.dtype.names or ())}; stack them as columns: np.stack([x[f] "
        "for f in x.dtype.names], 1).",
    )
    if kind in "biuf":
        return np.array(values, dtype=float)
    found = np.empty(values.shape)
    for place in np.ndindex(values.shape):
        found[place] = _number(name, given, place, remedy)
    return found


def _number(name: str, given: Read, place: tuple, remedy: str) -> float:
    """One entry of an array of objects or words as a float."""
    entry = given.values[place]
    if isinstance(entry, (str, bytes)):
        written = entry.decode(errors="replace") if isinstance(entry, bytes) else str(entry)
        raise InputError(
            f"{name} cannot be read as numbers: the text {written!r} stands {_at(given, place)}; "
            f"{remedy or _usual(written)}."
        )
    if is_missing(entry):
        raise InputError(
            f"{name} contain NaN or missing values, the first {_at(given, place)}; drop or fill them first."
        )
    try:
        return float(entry)
    except (TypeError, ValueError):
        kind = type(entry).__name__
        raise InputError(
            f"{name} cannot be read as numbers: a {kind} stands {_at(given, place)}; pass an array of "
            "numbers."
        ) from None


def _usual(written: str) -> str:
    """What to do about a text among numbers."""
    try:
        float(written)
    except ValueError:
        return "give every word a column of 0 and 1, or leave that column out"
    return "turn the texts into numbers first, as with x.astype(float)"


def is_missing(entry: Any) -> bool:
    """Whether an entry stands for nothing: None, NaN, NA, NaT."""
    if entry is None or type(entry).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(entry, (float, np.floating, np.datetime64)) and bool(entry != entry)


def _at(given: Read, place: Sequence[int] | np.ndarray) -> str:
    """Where an entry stands, in words."""
    if len(place) == 0:
        return "there"
    columns = given.of_axis(1)
    if len(place) == 2 and columns is not None and not columns.counted:
        return f"in example {place[0]}, column {columns.index[place[1]]!r}"
    inside = ", ".join(map(str, place[1:]))
    return f"in example {place[0]}" + (f" at {inside}" if inside else "")

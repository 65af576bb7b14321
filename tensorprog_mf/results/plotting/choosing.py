"""What a figure shows of a dataset: variables by name, entries by index, means over what is not asked for.

Datasets come in all the forms that users have: whole results or parts of them, means, replicates kept apart,
points of a sweep, with or without attributes. What cannot be drawn is refused before an axis is made.
"""

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ...ground.errors import InputError, require
from ..dataset import output_as_data
from ..intervals import half_width, replicates
from ..steps import over_time

if TYPE_CHECKING:  # matplotlib is imported only when something is drawn
    from matplotlib.axes import Axes


def axis(ax: "Axes | None") -> "Axes":
    """The given axis, or one in a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def one_result(ds: object) -> xr.Dataset:
    """A dataset over time; a point of a sweep along steps becomes one again.

    Raises
    ------
    InputError
        A tree of results, or anything else.
    """
    if isinstance(ds, xr.DataTree):
        groups = ", ".join(map(repr, ds.children)) or "none"
        raise InputError(f"this is a tree of results ({groups}); take one of them, tree[name].to_dataset().")
    if not isinstance(ds, xr.Dataset):
        raise InputError(f"figures are drawn of results, xarray.Dataset, not of {type(ds).__name__}.")
    return over_time(output_as_data(ds))


def variable(ds: xr.Dataset, name: str, remedy: str = "") -> xr.DataArray:
    """A variable by name; if one time was chosen by isel or sel, it becomes a dimension of size one."""
    require(name in ds, f"{name} is not in this result{remedy}.")
    found = ds[name]
    alone = "time" not in found.dims and "time" in found.coords and found["time"].ndim == 0
    return found.expand_dims("time") if alone else found


def averaged(array: xr.DataArray) -> xr.DataArray:
    """The mean over replicates that were kept apart."""
    return array.mean("replicate", keep_attrs=True) if "replicate" in array.dims else array


def interval(ds: xr.Dataset, name: str, array: xr.DataArray) -> xr.DataArray | None:
    """Half the 95 % interval of the mean of a variable; None if its error is not known."""
    if "replicate" in array.dims:
        count = array.sizes["replicate"]
        return half_width(array.std("replicate", ddof=1) / np.sqrt(count), count) if count > 1 else None
    if f"{name}_stderr" not in ds:
        return None
    return half_width(variable(ds, f"{name}_stderr"), replicates(ds, name) or np.inf)


def at(array: xr.DataArray, **index: int) -> xr.DataArray:
    """One entry along each of these dimensions that the array has."""
    for dim, position in index.items():
        size = array.sizes.get(dim)
        if size is not None and not -size <= position < size:
            raise InputError(f"{dim}={position} is beyond the {size} entries of {array.name} along it.")
    return array.isel({dim: position for dim, position in index.items() if dim in array.dims})


def along(array: xr.DataArray, *dims: Hashable) -> xr.DataArray:
    """The array with exactly these dimensions, in this order; refused if it has others or lacks one."""
    for dim in array.dims:
        remedy = f"choose one entry first, such as ds.isel({dim}=0)"
        require(dim in dims, f"{array.name} has a dimension {dim}; {remedy}.")
    for dim in dims:
        require(dim in array.dims, f"{array.name} has no dimension {dim}, along which it would be drawn.")
    return array.transpose(*dims)


def called(array: xr.DataArray) -> str:
    """What a figure calls a variable: its long name, if it has one."""
    return array.attrs.get("long_name", str(array.name))


def marker(array: xr.DataArray) -> dict[str, Any]:
    """The style of a line, which through one time is invisible without a marker."""
    return {"marker": "o"} if array.sizes["time"] == 1 else {}


def training(ds: xr.Dataset) -> np.ndarray | None:
    """Which examples are training examples; None if the dataset does not say."""
    told = "split" in ds.coords and ds["split"].dims == ("example",)
    return ds["split"].values == "train" if told else None

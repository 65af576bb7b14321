"""Pictures of kernels, between examples or between times, and their alignment with the targets."""

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ...ground.calls import checked_call
from ...ground.errors import InputError, require
from .choosing import along, at, averaged, axis, called, one_result, training, variable

if TYPE_CHECKING:  # matplotlib is imported only when something is drawn
    from matplotlib.axes import Axes

_TICKS = 6


@checked_call
def kernel(
    ds: xr.Dataset,
    time: int = -1,
    layer: int = -1,
    name: str = "feature_kernel",
    ax: "Axes | None" = None,
    limit: float | None = None,
    pair: tuple[int, int] = (0, 0),
) -> "Axes":
    """A kernel (time[, layer], example, example_prime) at one time, between training examples.

    Examples are ordered by their targets; without training examples, test examples are drawn. Kernels between
    positions are averaged over pairs of them, kernels between outputs over outputs, each with itself.
    A kernel or response between two times is drawn over both, for the two examples of `pair`. Colours reach
    from -limit to limit, by default the largest entry.
    """
    ds = one_result(ds)
    if {"time", "time_prime"} <= set(variable(ds, name).dims):
        return _between_times(ds, name, layer, pair, ax, limit)
    found, rows = between_examples(ds, name)
    chosen, which = _shown(ds, rows)
    order = chosen[_by_targets(ds, rows[chosen])]
    found = at(found, time=time, layer=layer)
    when = f", time {float(found['time']):.3g}" if "time" in found.coords else ""
    values = along(found, *found.dims[-2:]).values[np.ix_(order, order)]
    settings: dict[str, Any] = {"xticks": [], "yticks": [], "title": f"{called(found)}{when}{which}"}
    return _image(values, axis(ax), limit, settings)


@checked_call
def kernel_alignment(ds: xr.Dataset, name: str = "feature_kernel") -> xr.DataArray:
    """<Phi, Y Y^T> / (|Phi|_F |Y Y^T|_F) over training examples, (time, layer).

    It is 1 where the kernel is the outer product of the targets. Y is (example, output); with one output the
    alignment is y^T Phi y / (|y|^2 |Phi|_F).

    Raises
    ------
    InputError
        The result has no such kernel between its examples, no training examples or no targets.
    """
    ds = one_result(ds)
    kernel, rows = between_examples(ds, name)
    flags = training(ds)
    chosen = np.arange(len(rows)) if flags is None else np.flatnonzero(flags[rows])
    require(len(chosen) > 0, f"alignment is taken over training examples, and {name} has none.")
    targets = _targets(ds)
    if targets is None:
        raise InputError("alignment takes the targets of training examples, which are not in this result.")
    phi, y = kernel.values[..., chosen, :][..., chosen], targets[rows[chosen]]
    own = y @ y.T
    with np.errstate(invalid="ignore", divide="ignore"):
        aligned = np.einsum("...mn,mn->...", phi, own) / np.linalg.norm(own) / np.sqrt((phi**2).sum((-1, -2)))
    return xr.DataArray(
        aligned,
        dims=kernel.dims[:-2],
        coords={dim: kernel[dim] for dim in ("time", "layer") if dim in kernel.coords},
        attrs={"long_name": f"alignment of {name} with the targets", "units": ""},
        name="alignment",
    )


def between_examples(ds: xr.Dataset, name: str) -> tuple[xr.DataArray, np.ndarray]:
    """A kernel (..., example, example_prime), and the indices of its examples in the dataset."""
    found = averaged(variable(ds, name, "; record it (tp.Record with kernel_examples, or without)"))
    pairs = [dim for dim in ("example", "kernel_example") if {dim, f"{dim}_prime"} <= set(found.dims)]
    require(len(pairs) > 0, f"{name} has no dimensions example and example_prime, between which to draw it.")
    own, other = pairs[0], f"{pairs[0]}_prime"
    sizes = found.sizes[own], found.sizes[other]
    require(
        sizes[0] == sizes[1],
        f"{name} is between {sizes[0]} and {sizes[1]} examples; choose the same of both, {own} and {other}.",
    )
    for dim in ("position", "token"):
        found = found.mean([d for d in (dim, f"{dim}_prime") if d in found.dims], keep_attrs=True)
    if {"output", "output_prime"} <= set(found.dims):
        each = [found.isel(output=c, output_prime=c, drop=True) for c in range(found.sizes["output"])]
        found = sum(each[1:], each[0]).assign_attrs(found.attrs) / len(each)
    rows = found[own].values if own == "kernel_example" else np.arange(sizes[0])
    flags = training(ds)
    require(
        flags is None or rows.max(initial=0) < len(flags),
        f"{name} is between examples that were taken out of this dataset; choose kernel_example as well.",
    )
    return found.transpose(..., own, other).rename(name), rows


def _shown(ds: xr.Dataset, rows: np.ndarray) -> tuple[np.ndarray, str]:
    """The rows that are drawn, training examples if there are any, and what the title says of them."""
    flags = training(ds)
    if flags is None:
        return np.arange(len(rows)), ""
    chosen = np.flatnonzero(flags[rows])
    if len(chosen) == 0:
        return np.arange(len(rows)), ",\ntest examples"
    every = len(chosen) == flags.sum()
    return chosen, "" if every else f",\n{len(chosen)} of {flags.sum()} training examples"


def _targets(ds: xr.Dataset) -> np.ndarray | None:
    """Targets (example, output); None if the dataset has none."""
    if "target" not in ds or "example" not in ds["target"].dims:
        return None
    found = along(ds["target"], "example", *(dim for dim in ds["target"].dims if dim == "output"))
    return found.values.reshape(ds.sizes["example"], -1)


def _by_targets(ds: xr.Dataset, rows: np.ndarray) -> np.ndarray:
    """The order of examples by their targets; their own order if some targets are not known."""
    targets = _targets(ds)
    if targets is None or rows.max(initial=0) >= len(targets) or not np.isfinite(targets[rows]).all():
        return np.arange(len(rows))
    return np.lexsort(targets[rows].T)


def _between_times(
    ds: xr.Dataset, name: str, layer: int, pair: tuple[int, int], ax: "Axes | None", limit: float | None
) -> "Axes":
    """A kernel over time and time_prime, for two examples."""
    require(np.shape(pair) == (2,), f"pair={pair!r} must be two indices of examples.")
    found = averaged(variable(ds, name))
    found = along(at(found, layer=layer, example=pair[0], example_prime=pair[1]), "time", "time_prime")
    where = [f"examples {pair[0]} and {pair[1]}"] if "example" in ds[name].dims else []
    where += [f"layer {int(found['layer'])}"] if "layer" in found.coords else []
    title = ",\n".join([called(found), *([", ".join(where)] if where else [])])
    settings: dict[str, Any] = {"title": title, "xlabel": "time'", "ylabel": "time"}
    for dim, which in (("time", "y"), ("time_prime", "x")):
        times = found[dim].values
        shown = np.unique(np.linspace(0, len(times) - 1, _TICKS).astype(int))
        settings |= {f"{which}ticks": shown, f"{which}ticklabels": [f"{t:.3g}" for t in times[shown]]}
    return _image(found.values, axis(ax), limit, settings, origin="lower")


def _image(
    values: np.ndarray, ax: "Axes", limit: float | None, settings: dict[str, Any], **style: Any
) -> "Axes":
    """A picture with zero in white; entries that are not known stay blank."""
    known = np.abs(values[np.isfinite(values)])
    limit = limit or known.max(initial=0.0) or 1.0
    image = ax.imshow(values, vmin=-limit, vmax=limit, cmap="RdBu_r", **style)
    ax.set(**settings)
    ax.figure.colorbar(image, ax=ax, shrink=0.8)
    return ax

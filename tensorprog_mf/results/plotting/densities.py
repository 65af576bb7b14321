"""Laws of neurons: densities that were recorded over all sites, or histograms of stored sites."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ...ground.calls import checked_call
from ...ground.errors import InputError, require
from .choosing import along, at, axis, called, one_result, variable

if TYPE_CHECKING:  # matplotlib is imported only when something is drawn
    from matplotlib.axes import Axes

_LABELS = 25  # of times, at most
_KINDS = ("replicate", "position", "token", "output", "feature")  # dimensions that share one density


@checked_call
def density(
    ds: xr.Dataset,
    field: str = "preactivation",
    time: int = -1,
    layer: int = -1,
    example: int = 0,
    ax: "Axes | None" = None,
    **style: Any,
) -> "Axes":
    """Density of a field: the recorded one of all sites (tp.Record(densities=...)), or else of stored sites.

    Positions, tokens, outputs and input features share one density. `style` is passed to matplotlib's hist;
    given bins=, stored sites are counted, since a recorded density has bins of its own.
    """
    ds, recorded = one_result(ds), f"{field}_density"
    where = {"time": time, "layer": layer, "example": example}
    drawn: dict[str, Any]
    if recorded in ds and "bins" not in style:
        counts = not style.pop("density", True)
        require(not counts, f"{recorded} is a density, without counts; leave out density=False.")
        found = at(variable(ds, recorded), **where)
        values, name = _together(found, "bin").values, called(found).removeprefix("density of the ")
        edges = _edges(ds)
        first, last = _filled(values)  # bins reach further than sites do
        shown = slice(first, last)
        drawn = {"x": ds["bin"].values[shown], "bins": edges[first : last + 1], "weights": values[shown]}
    else:
        require(
            field in ds or recorded not in ds,
            f"{field} at sites is not in this result, and its density has bins of its own: leave out bins=.",
        )
        remedy = f"; take samples of 1 or more, or record=tp.Record(densities=[{field!r}])"
        found = at(variable(ds, field, remedy), **where)
        # Any other dimension is refused.
        along(found, *(dim for dim in found.dims if dim in ("sample", *_KINDS)))
        values, name = found.values.ravel(), called(found)
        known = bool(np.isfinite(values).any())
        require(known, f"{field} is not a number at any of these sites; there is nothing to draw.")
        drawn = {"x": values[np.isfinite(values)], "bins": 40, "density": True}
    ax = axis(ax)
    ax.hist(**(drawn | {"histtype": "step"} | style))
    ax.set(xlabel=name, ylabel="density")
    return ax


@checked_call
def film(
    ds: xr.Dataset,
    parameter: str | None = None,
    times: Sequence[float] | np.ndarray | float | None = None,
    ax: "Axes | None" = None,
    cmap: str = "viridis",
    *,
    layer: int = -1,
    example: int = 0,
) -> "Axes":
    """Densities at recorded times, one above the other, each scaled to its peak: how a law of neurons moves.

    Parameters
    ----------
    ds
        A result of `tp.mean_field` with densities of parameters (bins > 0), or of `tp.sample` or a similar
        route with densities of fields, record=tp.Record(densities=[...]).
    parameter
        Name of the parameter or of the field, by default the first one.
    times
        Recorded times to draw, by default all.
    layer, example
        Layer and example of a field; positions, tokens and outputs share one density.
    """
    import matplotlib.pyplot as plt

    found, edges, name, title = _flowing(one_result(ds), parameter, layer, example)
    found = found if times is None else _at_times(found, times)
    ax, colors, count = axis(ax), plt.get_cmap(cmap), len(found)
    for k, line in reversed(list(enumerate(found.values))):
        height = 1.6 * line / (np.nanmax(line, initial=0.0) or 1.0)
        style = {"color": colors(k / max(count - 0.5, 1)), "alpha": 0.75, "zorder": 10 - k / count}
        ax.stairs(k + height, edges, baseline=k, fill=True, **style)
        ax.axhline(k, color="k", linewidth=0.5, zorder=10 - k / count)
    shown = range(0, count, -(-count // _LABELS))
    ax.set_yticks(shown, [f"{t:.4g}" for t in found["time"].values[list(shown)]])
    ax.set(xlabel=name, ylabel="time", title=title, xlim=_reach(found.values, edges))
    return ax


def _flowing(
    ds: xr.Dataset, parameter: str | None, layer: int, example: int
) -> tuple[xr.DataArray, np.ndarray, str, str]:
    """Densities (time, bin), edges of the bins, the name of what has these densities, and a title."""
    if "bin_edge" in ds and "density" in ds:
        known = ds["parameter"].values.tolist()
        chosen = known[0] if parameter is None else parameter
        _check_known(chosen, known, "those")
        found = variable(ds, "density").sel(parameter=chosen)
        return along(found, "time", "bin"), ds["bin_edge"].sel(parameter=chosen).values, chosen, called(found)
    names = [str(name) for name in ds.data_vars if "bin" in ds[name].dims]
    known = [name.removesuffix("_density") for name in names if name.endswith("_density")]
    require(
        len(known) > 0,
        "this result has no densities; for tp.mean_field take bins > 0, for tp.sample "
        'record=tp.Record(densities=["preactivation"]).',
    )
    chosen = known[0] if parameter is None else parameter
    _check_known(chosen, known, "the fields")
    found = at(variable(ds, f"{chosen}_density"), layer=layer, example=example)
    title = [called(found)]
    title += [f"layer {int(found['layer'])}"] if "layer" in found.coords else []
    title += [f"example {example}"] if "example" in ds[found.name].dims else []
    name = called(found).removeprefix("density of the ")
    return _together(found, "time", "bin"), _edges(ds), name, ", ".join(title)


def _check_known(parameter: str, known: list[str], which: str) -> None:
    names = ", ".join(known)
    require(parameter in known, f"parameter={parameter!r} is not among {which} with densities: {names}.")


def _together(found: xr.DataArray, *dims: str) -> xr.DataArray:
    """The mean over all dimensions that share one density."""
    kinds = [dim for dim in _KINDS if dim in found.dims]
    return along(found.mean(kinds, keep_attrs=True).rename(found.name), *dims)


def _edges(ds: xr.Dataset) -> np.ndarray:
    """Edges of the bins of recorded densities; files of earlier versions have only their middles."""
    middle = ds["bin"].values
    if "bin_width" in ds.coords:
        width = ds["bin_width"].values
        return np.append(middle - width / 2, middle[-1] + width[-1] / 2)
    require(len(middle) > 1, "the only bin of this density does not say how wide it is.")
    inner = (middle[1:] + middle[:-1]) / 2
    return np.concatenate([[2 * middle[0] - inner[0]], inner, [2 * middle[-1] - inner[-1]]])


def _reach(densities: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    """Both ends of where neurons are, without the outermost bins, which may be very wide."""
    first, last = _filled(densities)
    if len(edges) < 4:
        return edges[0], edges[-1]
    return edges[max(first, 1)], edges[min(last, len(edges) - 2)]


def _filled(densities: np.ndarray) -> tuple[int, int]:
    """The first bin that ever has sites, and the one after the last such bin; all bins if none has any."""
    there = np.flatnonzero(np.nan_to_num(np.atleast_2d(densities)).sum(axis=0) > 0)
    return (int(there[0]), int(there[-1]) + 1) if len(there) else (0, densities.shape[-1])


def _at_times(found: xr.DataArray, times: Sequence[float] | np.ndarray | float) -> xr.DataArray:
    """Densities at these times, each of which must have been recorded."""
    wanted = np.atleast_1d(np.asarray(times, float))
    try:
        return found.sel(
            time=wanted, method="nearest", tolerance=1e-6 * max(1.0, float(np.abs(wanted).max()))
        )
    except KeyError:
        recorded = ", ".join(f"{t:.4g}" for t in found["time"].values[:10])
        given = wanted.tolist()
        raise InputError(
            f"times={given} are not all recorded; the first recorded ones are {recorded}."
        ) from None

"""Laws of neurons: densities that were recorded over all sites, or histograms of the sites that are kept."""

import numpy as np
import xarray as xr

from ...ground.calls import checked_call
from ...ground.errors import InputError, require
from .choosing import along, at, axis, called, one_result, variable

_LABELS = 25
_KINDS = ("replicate", "position", "token", "output", "feature")  # what densities are taken over together


@checked_call
def density(
    ds: xr.Dataset,
    field: str = "preactivation",
    time: int = -1,
    layer: int = -1,
    example: int = 0,
    ax=None,
    **style,
):
    """Density of a field: over all sites where it was recorded (tp.Record(densities=...)), else over stored
    ones.

    Of several positions, tokens, outputs or input features all together. `style` as of matplotlib's hist;
    with bins=, which a recorded density has of its own, stored sites are counted.
    """
    ds, recorded = one_result(ds), f"{field}_density"
    where = {"time": time, "layer": layer, "example": example}
    if recorded in ds and "bins" not in style:
        counts = not style.pop("density", True)
        require(not counts, f"{recorded} is a density, without counts; leave out density=False.")
        found = at(variable(ds, recorded), **where)
        values, name = _together(found, "bin").values, called(found).removeprefix("density of the ")
        edges = _edges(ds)
        first, last = _filled(values)  # bins reach further than sites
        shown = slice(first, last)
        drawn = {"x": ds["bin"].values[shown], "bins": edges[first : last + 1], "weights": values[shown]}
    else:
        require(
            field in ds or recorded not in ds,
            f"{field} at sites is not in this result, and its density has bins of its own: leave out bins=.",
        )
        remedy = f"; take samples of 1 or more, or record=tp.Record(densities=[{field!r}])"
        found = at(variable(ds, field, remedy), **where)
        along(found, *(dim for dim in found.dims if dim in ("sample", *_KINDS)))  # no others together
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
    times=None,
    ax=None,
    cmap: str = "viridis",
    *,
    layer: int = -1,
    example: int = 0,
):
    """Densities at recorded times one above the other, each scaled to its peak: how a law of neurons flows.

    Parameters
    ----------
    ds
        A result of `tp.mean_field` with densities of parameters (bins > 0), or of `tp.sample` and its kin
        with densities of fields, record=tp.Record(densities=[...]).
    parameter
        Name of the parameter, or of the field; the first one by default.
    times
        Recorded times to draw; all of them by default.
    layer, example
        Which density of a field; of several positions or outputs all together.
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


def _flowing(ds: xr.Dataset, parameter: str | None, layer: int, example: int):
    """Densities (time, bin), edges of bins, the name of what has them, a title."""
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
    """The mean over what is another vector or neuron."""
    kinds = [dim for dim in _KINDS if dim in found.dims]
    return along(found.mean(kinds, keep_attrs=True).rename(found.name), *dims)


def _edges(ds: xr.Dataset) -> np.ndarray:
    """Edges of the bins of recorded densities; of files of earlier versions halfway between the middles."""
    middle = ds["bin"].values
    if "bin_width" in ds.coords:
        width = ds["bin_width"].values
        return np.append(middle - width / 2, middle[-1] + width[-1] / 2)
    require(len(middle) > 1, "a density over one bin does not tell how wide it is.")
    inner = (middle[1:] + middle[:-1]) / 2
    return np.concatenate([[2 * middle[0] - inner[0]], inner, [2 * middle[-1] - inner[-1]]])


def _reach(densities: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    """Where there are neurons; not the outermost bins, which reach to the last neuron in the mean field."""
    first, last = _filled(densities)
    if len(edges) < 4:
        return edges[0], edges[-1]
    return edges[max(first, 1)], edges[min(last, len(edges) - 2)]


def _filled(densities: np.ndarray) -> tuple[int, int]:
    """The first bin with sites at any time, and the one behind the last; all bins where none has."""
    there = np.flatnonzero(np.nan_to_num(np.atleast_2d(densities)).sum(axis=0) > 0)
    return (int(there[0]), int(there[-1]) + 1) if len(there) else (0, densities.shape[-1])


def _at_times(found: xr.DataArray, times) -> xr.DataArray:
    times = np.atleast_1d(np.asarray(times, float))
    try:
        return found.sel(time=times, method="nearest", tolerance=1e-6 * max(1.0, float(np.abs(times).max())))
    except KeyError:
        recorded = ", ".join(f"{t:.4g}" for t in found["time"].values[:10])
        given = times.tolist()
        raise InputError(
            f"times={given} are not all recorded; the first recorded ones are {recorded}."
        ) from None

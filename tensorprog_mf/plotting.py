"""Figures of results. Every function draws on the axis it is given, or on a new one, and returns it."""

import numpy as np
import xarray as xr

from .calls import checked_call
from .errors import require
from .intervals import half_width, replicates


def _axis(ax):
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def _half_width(ds: xr.Dataset, name: str) -> xr.DataArray | None:
    """Half of the 95 % interval of a variable, of as many replicates as the dataset tells of; None without standard errors."""
    if f"{name}_stderr" not in ds:
        return None
    return half_width(ds[f"{name}_stderr"], replicates(ds, name) or np.inf)


def _training(ds: xr.Dataset) -> np.ndarray:
    return ds.split.values == "train"


def _marker(ds: xr.Dataset) -> dict:
    """A line through one time is invisible without a marker."""
    return {"marker": "o"} if ds.sizes["time"] == 1 else {}


@checked_call
def loss(ds: xr.Dataset, ax=None, name: str = "loss", label: str | None = None, **style):
    """Loss (or `name`="test_loss") over time, with a band that holds it with 95 % (Student's t)."""
    ax = _axis(ax)
    (line,) = ax.plot(ds.time, ds[name], label=label, **(_marker(ds) | style))
    if f"{name}_stderr" in ds:
        error = _half_width(ds, name)
        # On a logarithmic axis a band that reaches zero would hide all else.
        ax.fill_between(ds.time, np.maximum(ds[name] - error, ds[name] / 10), ds[name] + error, color=line.get_color(), alpha=0.3)
    ax.set(xlabel="time", ylabel="loss", yscale="log")
    return ax


@checked_call
def kernel(ds: xr.Dataset, time: int = -1, layer: int = -1, name: str = "feature_kernel", ax=None, limit: float | None = None):
    """A kernel (time[, layer], example, example_prime) at one recorded time, training examples ordered by their targets."""
    ax, train = _axis(ax), _shown(ds, name)
    targets = _rows(ds.target.values)[train]
    order = train[np.lexsort(targets.T)]
    values = _between_examples(ds, name).isel(time=time)
    values = (values.isel(layer=layer) if "layer" in values.dims else values).values[np.ix_(order, order)]
    limit = limit or np.abs(values).max()
    image = ax.imshow(values, vmin=-limit, vmax=limit, cmap="RdBu_r")
    ax.set(xticks=[], yticks=[], title=f"{ds[name].attrs['long_name']}, time {float(ds.time[time]):.3g}")
    ax.figure.colorbar(image, ax=ax, shrink=0.8)
    return ax


@checked_call
def kernel_alignment(ds: xr.Dataset, name: str = "feature_kernel") -> xr.DataArray:
    """<Phi, Y Y^T> / (|Phi|_F |Y Y^T|_F) over training examples, (time, layer): 1 where the kernel is the outer product of targets.

    Y is (example, output); with one output this is y^T Phi y / (|y|^2 |Phi|_F).

    Raises
    ------
    InputError
        A result that has no such kernel between its examples.
    """
    train = _shown(ds, name)
    kernel = _between_examples(ds, name)
    phi, y = kernel.values[..., train, :][..., train], _rows(ds.target.values)[train]
    own = y @ y.T
    aligned = np.einsum("...mn,mn->...", phi, own) / np.linalg.norm(own) / np.sqrt((phi**2).sum((-1, -2)))
    attrs = {"long_name": f"alignment of {name} with the targets", "units": ""}
    return xr.DataArray(aligned, dims=kernel.dims[:-2], coords={"time": ds.time, "layer": ds.layer}, attrs=attrs)


def _between_examples(ds: xr.Dataset, name: str) -> xr.DataArray:
    """A kernel (..., example, example_prime), averaged over positions or tokens where examples have them."""
    inner = [dim for dim in ("position", "token") if dim in ds[name].dims]
    return ds[name].mean([*inner, *(f"{dim}_prime" for dim in inner)])


def _rows(targets: np.ndarray) -> np.ndarray:
    """Targets as (example, output)."""
    return targets.reshape(len(targets), -1)


def _shown(ds: xr.Dataset, name: str) -> np.ndarray:
    """The training examples."""
    complete = name in ds and "example_prime" in ds[name].dims
    require(complete, f"{name} between all examples is not in this result; record it for all of them (tp.Record without kernel_examples).")
    return np.flatnonzero(_training(ds))


@checked_call
def alignment(ds: xr.Dataset, ax=None, layer: int = -1, label: str | None = None, **style):
    """Alignment of a feature kernel with the targets over time."""
    ax = _axis(ax)
    ax.plot(ds.time, kernel_alignment(ds).isel(layer=layer), label=label, **(_marker(ds) | style))
    ax.set(xlabel="time", ylabel="alignment", title="last feature kernel and targets")
    return ax


@checked_call
def density(ds: xr.Dataset, field: str = "preactivation", time: int = -1, layer: int = -1, example: int = 0, ax=None, **style):
    """Density of a field over the stored sites, of all positions together; `style` as of matplotlib's hist."""
    ax = _axis(ax)
    values = ds[field].isel(time=time, layer=layer, example=example).values.ravel()
    ax.hist(values[np.isfinite(values)], **({"bins": 40, "density": True, "histtype": "step"} | style))
    ax.set(xlabel=ds[field].attrs["long_name"], ylabel="density")
    return ax


@checked_call
def film(ds: xr.Dataset, parameter: str | None = None, times=None, ax=None, cmap: str = "viridis"):
    """Densities of a parameter at recorded times one above the other, each scaled to its peak: how a law of neurons flows.

    `ds` is a result of `tp.mean_field` with densities; `parameter` its first one, `times` all of them by default.
    """
    import matplotlib.pyplot as plt

    require("bin_edge" in ds, "this result has no densities; take bins > 0.")
    ax, colors = _axis(ax), plt.get_cmap(cmap)
    density = ds.density.sel(parameter=ds.parameter.values[0] if parameter is None else parameter)
    density = density if times is None else density.sel(time=times)
    edges = ds.bin_edge.sel(parameter=density.parameter).values
    for k, line in reversed(list(enumerate(density.values))):
        ax.stairs(k + 1.6 * line / line.max(), edges, baseline=k, fill=True, color=colors(k / max(len(density) - 0.5, 1)), alpha=0.75, zorder=10 - k / len(density))
        ax.axhline(k, color="k", linewidth=0.5, zorder=10 - k / len(density))
    ax.set_yticks(range(len(density)), [f"{t:g}" for t in density.time.values])
    ax.set(xlabel=str(density.parameter.values), ylabel="time", title=ds.density.attrs["long_name"], xlim=(edges[1], edges[-2]))
    return ax


@checked_call
def parts(ds: xr.Dataset, layer: int = -1, example: int = 0, sample: int = 0, field: str = "preactivation", ax=None):
    """A field of one neuron over time, and its Gaussian, response and learned part."""
    ax = _axis(ax)
    first = {dim: 0 for dim in ("position", "token") if dim in ds[field].dims}
    one = ds.isel(layer=layer, example=example, sample=sample, **first)
    ax.plot(ds.time, one[field], color="k", label=ds[field].attrs["long_name"], **_marker(ds))
    for part in ("gaussian", "response", "learned"):
        if f"{field}_{part}_part" not in ds:  # of a residual stream
            break
        ax.plot(ds.time, one[f"{field}_{part}_part"], linestyle="--", label=f"{part} part", **_marker(ds))
    ax.set(xlabel="time", title=f"one neuron of layer {int(ds.layer[layer])}")
    ax.legend()
    return ax


@checked_call
def routes(results, layer: int = -1):
    """One figure of several results on one problem: losses, alignment, and distances to the first of them over time.

    `results` maps names to results, or is a DataTree of them; bands and dotted lines are 95 % intervals.
    """
    import matplotlib.pyplot as plt

    from .comparison import compare

    if isinstance(results, xr.DataTree):
        results = {name: node.to_dataset() for name, node in results.children.items()}
    (first, reference), *others = results.items()
    figure, axes = plt.subplots(2, 3, figsize=(14, 7.5), layout="constrained")
    for i, (name, ds) in enumerate(results.items()):
        style = {"color": "k", "linewidth": 2.5} if i == 0 else {"color": f"C{i - 1}", "linestyle": "--"}
        loss(ds, axes[0, 0], label=name, **style)
        alignment(ds, axes[0, 1], layer, label=name, **style)
    distances = compare(reference, **dict(others))
    panels = ("output", "feature_kernel", "gradient_kernel", "tangent_kernel")
    for ax, variable in zip((axes[0, 2], *axes[1]), panels):
        _distance(ax, distances[f"{variable}_rms"], _half_width(reference, variable), layer)
        ax.set_title(f"{reference[variable].attrs['long_name']}: distance to {first}")
    axes[0, 0].set_title("training loss")
    axes[0, 0].legend(fontsize=8)
    return figure


def _distance(ax, distance: xr.DataArray, error: xr.DataArray | None, layer: int) -> None:
    """Root mean square distance over time, one line per route, and half of the 95 % interval of the reference."""
    if "layer" in distance.dims:
        distance, error = distance.isel(layer=layer), None if error is None else error.isel(layer=layer)
    for i, line in enumerate(distance):
        ax.plot(distance.time, np.where(line > 0, line, np.nan), "--", color=f"C{i}", marker="o" if distance.sizes["time"] == 1 else None)
    if error is not None:
        error = np.sqrt((error**2).mean([dim for dim in error.dims if dim != "time"]))
        ax.plot(error.time, np.where(error > 0, error, np.nan), "k:", linewidth=1)
    ax.set(xlabel="time", ylabel="rms difference", yscale="log")


@checked_call
def overview(ds: xr.Dataset):
    """One figure of a result: losses, outputs, alignment, the last feature kernel before and after, one neuron."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(13, 7.5), layout="constrained")
    loss(ds, axes[0, 0], label="training")
    if "test_loss" in ds:
        loss(ds, axes[0, 0], "test_loss", label="test")
    axes[0, 0].legend()
    for split, style in (("train", "-"), ("test", ":")):
        for index in np.flatnonzero(ds.split.values == split)[:20]:
            axes[0, 1].plot(ds.time, ds.output.isel(example=index), linestyle=style, linewidth=1, **_marker(ds))
    axes[0, 0].set_title("losses")
    axes[0, 1].set(xlabel="time", ylabel="output", title="outputs (dotted: test)")
    if "feature_kernel" in ds and "example_prime" in ds.dims and _training(ds).any():
        alignment(ds, axes[0, 2])
        top = float(np.abs(_between_examples(ds, "feature_kernel").isel(layer=-1)[[0, -1]]).max())
        kernel(ds, 0, ax=axes[1, 0], limit=top)
        kernel(ds, -1, ax=axes[1, 1], limit=top)
    else:
        for ax in (axes[0, 2], *axes[1, :2]):
            ax.axis("off")
    if "preactivation" in ds:
        parts(ds, ax=axes[1, 2])
    else:
        axes[1, 2].axis("off")
    figure.suptitle(f"tensorprog_mf {ds.attrs['route']}, {ds.attrs['architecture']}, {ds.attrs['status']}", fontweight="bold")
    return figure

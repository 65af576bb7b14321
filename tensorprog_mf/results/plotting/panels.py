"""Figures of several panels: one result at a glance, several results side by side."""

import textwrap
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ...ground.calls import checked_call
from ...ground.errors import InputError, require
from .choosing import along, averaged, called, interval, marker, one_result, training, variable
from .curves import alignment, loss, parts
from .kernels import between_examples, kernel

if TYPE_CHECKING:  # matplotlib is imported only when something is drawn
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINES = 20  # of outputs at most, of training and of test examples each
_DISTANCES = ("output", "feature_kernel", "gradient_kernel", "tangent_kernel")


@checked_call
def overview(ds: xr.Dataset) -> "Figure":
    """One figure of a result: losses, outputs, alignment, last feature kernel before and after, one neuron.

    A panel for which the result has no data says so.
    """
    import matplotlib.pyplot as plt

    ds = one_result(ds)
    for name in ("loss", "output"):
        require(name in ds, f"an overview is of results of training; this one has no {name}.")
    figure, axes = plt.subplots(2, 3, figsize=(13, 7.5), layout="constrained")
    try:
        _losses(ds, axes[0, 0])
        _outputs(ds, axes[0, 1])
    except InputError:
        plt.close(figure)
        raise
    _or_why(axes[0, 2], lambda ax: alignment(ds, ax))
    _or_why(axes[1, 0], lambda ax: kernel(ds, 0, ax=ax, limit=_top(ds)))
    _or_why(axes[1, 1], lambda ax: kernel(ds, -1, ax=ax, limit=_top(ds)))
    _or_why(axes[1, 2], lambda ax: parts(ds, ax=ax))
    told = [str(ds.attrs[name]) for name in ("route", "architecture", "status") if name in ds.attrs]
    figure.suptitle(f"tensorprog_mf {', '.join(told)}" if told else "", fontweight="bold")
    return figure


def _losses(ds: xr.Dataset, ax: "Axes") -> None:
    loss(ds, ax, label="training")
    if "test_loss" in ds:
        loss(ds, ax, "test_loss", label="test")
    ax.legend()
    ax.set_title("losses")


def _outputs(ds: xr.Dataset, ax: "Axes") -> None:
    """Outputs over time of as many examples as can be told apart; the title says of which."""
    found, flags = averaged(variable(ds, "output")), training(ds)
    columns = ["output"] if "output" in found.dims else []
    if "example" not in found.dims:
        found, flags = found.expand_dims("example"), None
    found = along(found, "time", "example", *columns)
    count = max(_LINES // (found.sizes["output"] if columns else 1), 1)
    groups = {"": np.arange(found.sizes["example"])}
    if flags is not None:
        groups = {"training": np.flatnonzero(flags), "test": np.flatnonzero(~flags)}
    said = []
    for name, examples in groups.items():
        for index in examples[:count]:
            line, style = found.isel(example=index), ":" if name == "test" else "-"
            ax.plot(found["time"], line, linestyle=style, linewidth=1, **marker(found))
        if len(examples):
            some = f"first {count} of {len(examples)}" if len(examples) > count else str(len(examples))
            dotted = " (dotted)" if name == "test" else ""
            said.append(f"{some} {name} examples{dotted}".replace("  ", " "))
    ax.set(xlabel="time", ylabel="output", title="outputs: " + ",\n".join(said))


def _top(ds: xr.Dataset) -> float | None:
    """The largest entry of the last feature kernel at both ends, so that their colours mean the same."""
    found, _ = between_examples(ds, "feature_kernel")
    found = found.isel(layer=-1) if "layer" in found.dims else found
    return float(np.abs(found.isel(time=[0, -1])).max()) or None


def _or_why(ax: "Axes", draw: "Callable[[Axes], object]") -> None:
    """A panel, or a sentence that says why there is none."""
    try:
        draw(ax)
    except InputError as error:
        ax.axis("off")
        style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 9, "color": "0.4"}
        ax.text(0.5, 0.5, textwrap.fill(str(error), 38), transform=ax.transAxes, **style)


@checked_call
def routes(results: Mapping[str, xr.Dataset] | xr.DataTree, layer: int = -1) -> "Figure":
    """One figure of several results on one problem: losses, alignment, and distances to the first of them.

    `results` maps names to results, or is a DataTree of results; bands and dotted lines are 95 % intervals.
    """
    import matplotlib.pyplot as plt

    from ..comparison import compare

    if isinstance(results, xr.DataTree):
        results = {name: node.to_dataset() for name, node in results.children.items()}
    each = {name: one_result(ds) for name, ds in results.items()}
    require(len(each) > 1, "a figure of routes takes two results or more, as {name: result}.")
    (first, reference), *others = each.items()
    distances = compare(reference, **dict(others))
    figure, axes = plt.subplots(2, 3, figsize=(14, 7.5), layout="constrained")
    for i, (name, ds) in enumerate(each.items()):
        style: dict[str, Any] = {"color": f"C{i - 1}", "linestyle": "--"}
        style = style if i else {"color": "k", "linewidth": 2.5}
        loss(ds, axes[0, 0], label=name, **style)
        _if_known(axes[0, 1], partial(alignment, ds, layer=layer, label=name, **style))
    for ax, name in zip((axes[0, 2], *axes[1]), _DISTANCES):
        draw = partial(
            _distance, distances=distances, reference=reference, name=name, layer=layer, first=first
        )
        _or_why(ax, draw)
    axes[0, 0].set_title("training loss")
    axes[0, 0].legend(fontsize=8)
    return figure


def _if_known(ax: "Axes", draw: "Callable[[Axes], object]") -> None:
    """A line, if the result has the data for it; else a title that says why, unless other results have it."""
    try:
        draw(ax)
    except InputError as error:
        if not ax.lines:
            ax.set_title(textwrap.fill(str(error), 50), fontsize=9)


def _distance(
    ax: "Axes", distances: xr.Dataset, reference: xr.Dataset, name: str, layer: int, first: str
) -> None:
    """Root mean square distances over time, one line per route; dotted half the reference's 95 % interval."""
    require(f"{name}_rms" in distances, f"{name} is not in all of these results.")
    distance = distances[f"{name}_rms"]
    found = variable(reference, name)
    error = interval(reference, name, found)
    if "layer" in distance.dims:
        distance, error = distance.isel(layer=layer), None if error is None else error.isel(layer=layer)
    for i, line in enumerate(distance):
        ax.plot(distance["time"], np.where(line > 0, line, np.nan), "--", color=f"C{i}", **marker(line))
    if error is not None:
        typical = np.sqrt((error**2).mean([dim for dim in error.dims if dim != "time"]))
        ax.plot(error["time"], np.where(typical > 0, typical, np.nan), "k:", linewidth=1)
    title = f"{called(found)}: distance to {first}"
    ax.set(xlabel="time", ylabel="rms difference", yscale="log", title=title)

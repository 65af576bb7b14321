"""Lines over time: losses, alignment with targets, the parts of a field of one neuron."""

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ...ground.calls import checked_call
from .choosing import along, at, averaged, axis, called, interval, marker, one_result, variable
from .kernels import kernel_alignment

if TYPE_CHECKING:  # matplotlib is imported only when something is drawn
    from matplotlib.axes import Axes


@checked_call
def loss(
    ds: xr.Dataset, ax: "Axes | None" = None, name: str = "loss", label: str | None = None, **style: Any
) -> "Axes":
    """Loss (or name="test_loss") over time, with a band that holds it with probability 95 %."""
    ds = one_result(ds)
    found = variable(ds, name)
    value, error = along(averaged(found), "time"), interval(ds, name, found)
    ax = axis(ax)
    (line,) = ax.plot(value["time"], value, label=label, **(marker(value) | style))
    if error is not None:
        # On a logarithmic axis a band that reaches zero would leave no room for anything else.
        below, above = np.maximum(value - error, value / 10), value + error
        ax.fill_between(value["time"], below, above, color=line.get_color(), alpha=0.3)
    ax.set(xlabel="time", ylabel="loss")
    if bool((value > 0).any()):
        ax.set_yscale("log")
    return ax


@checked_call
def alignment(
    ds: xr.Dataset, ax: "Axes | None" = None, layer: int = -1, label: str | None = None, **style: Any
) -> "Axes":
    """Alignment of a feature kernel with the targets over time."""
    value = along(at(kernel_alignment(ds), layer=layer), "time")
    ax = axis(ax)
    ax.plot(value["time"], value, label=label, **(marker(value) | style))
    which = "last feature kernel" if layer == -1 else "feature kernel"
    ax.set(xlabel="time", ylabel="alignment", title=f"{which} and targets")
    return ax


@checked_call
def parts(
    ds: xr.Dataset,
    layer: int = -1,
    example: int = 0,
    sample: int = 0,
    field: str = "preactivation",
    ax: "Axes | None" = None,
) -> "Axes":
    """A field of one neuron over time, and its Gaussian, response and learned part.

    Of several positions, tokens or outputs the first is drawn.
    """
    ds = one_result(ds)
    names = [field, *(f"{field}_{part}_part" for part in ("gaussian", "response", "learned"))]
    names = [name for name in names if name in ds or name == field]
    found = {name: variable(ds, name, "; take samples of 1 or more") for name in names}
    chosen = {name: at(array, layer=layer, example=example, sample=sample) for name, array in found.items()}
    more = {dim: 0 for dim in ("position", "token", "output") if dim in chosen[field].dims}
    chosen = {name: along(at(array, **more), "time") for name, array in chosen.items()}
    ax = axis(ax)
    for name, line in chosen.items():
        whole = name == field
        label = called(line) if whole else name.removeprefix(f"{field}_").replace("_", " ")
        style = marker(line) | ({"color": "k"} if whole else {"linestyle": "--"})
        ax.plot(line["time"], line, label=label, **style)
    of = f" of layer {int(chosen[field]['layer'])}" if "layer" in chosen[field].coords else ""
    ax.set(xlabel="time", title=", ".join([f"one neuron{of}", *(f"{dim} 0" for dim in more)]))
    ax.legend()
    return ax

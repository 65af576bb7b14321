"""The limit of infinite depth, from networks of three finite depths."""

import json
from collections.abc import Callable

import numpy as np
import xarray as xr

from ..errors import require
from ..networks import Network
from ..results import described_error, output_as_data

_STOPPED = ("diverged", "interrupted")


def infinite_depth(run: Callable[[Network], xr.Dataset], network: Network, keep_replicates: bool) -> xr.Dataset:
    """Results of the two deepest refinements f(n), f(2n), extrapolated: 2 f(2n) - f(n), on the layers of the former.

    `run` keeps every replicate. `<name>_depth_error` is the distance to the same from f(n / 2), f(n), interpolated along tau: it
    bounds what is left of the depth, sampling errors of all three runs included. Fields at sites, ranks and draws are those of
    the deepest network.

    Raises
    ------
    InputError
        A run that diverged or was interrupted: there is nothing to extrapolate.
    """
    runs = [run(refined) for refined in network.refinements]
    for ds in runs:
        require(ds.attrs["status"] not in _STOPPED, f"infinite depth: {ds.attrs['status_message']} Nothing can be extrapolated.")
    coarse, medium, fine = runs
    found = fine.isel(layer=slice(None, None, 2)).drop_dims(["slot", "slot_field"])
    found = found.assign_coords(layer=medium.layer)
    for name in [name for name in fine if "replicate" in fine[name].dims]:
        each = [ds[name].values for ds in (coarse, medium, fine)]
        layers = "layer" in fine[name].dims
        at = fine[name].dims.index("layer") if layers else None
        value = 2 * _every(each[2], at, 2) - each[1]
        rough = 2 * _every(each[1], at, 2) - each[0]
        error = np.abs((_every(value, at, 2) - rough).mean(axis=0))
        error = _between(error, at - 1) if layers else error
        dims = found[name].dims
        found[name] = (dims, value, fine[name].attrs)
        found[f"{name}_depth_error"] = (dims[1:], error, described_error(name, fine[name].attrs))
    if not keep_replicates:
        found = _means(found)
    settings = json.loads(fine.attrs["settings_json"]) | {"keep_replicates": keep_replicates}
    found.attrs = fine.attrs | {"network_json": json.dumps(network.describe()), "settings_json": json.dumps(settings)}
    found.attrs.pop("slots_json")
    return output_as_data(found)


def _every(values: np.ndarray, axis: int | None, step: int) -> np.ndarray:
    """Every `step`th layer; all values where there are no layers."""
    return values if axis is None else np.take(values, np.arange(0, values.shape[axis], step), axis)


def _between(values: np.ndarray, axis: int) -> np.ndarray:
    """Values with those halfway between layers put in."""
    values = np.moveaxis(values, axis, 0)
    larger = np.empty((2 * len(values) - 1, *values.shape[1:]))
    larger[::2], larger[1::2] = values, (values[1:] + values[:-1]) / 2
    return np.moveaxis(larger, 0, axis)


def _means(ds: xr.Dataset) -> xr.Dataset:
    """Means and standard errors over replicates."""
    found, count = ds.copy(), ds.sizes["replicate"]
    for name in [name for name in ds if "replicate" in ds[name].dims]:
        attrs = ds[name].attrs
        found[name] = ds[name].mean("replicate").assign_attrs(attrs)
        if count > 1:
            error = ds[name].std("replicate", ddof=1) / np.sqrt(count)
            found[f"{name}_stderr"] = error.assign_attrs(attrs | {"long_name": f"standard error of the {attrs['long_name']}"})
    return found

"""The limit of infinite depth, from networks of three finite depths."""

import json
from collections.abc import Callable

import numpy as np
import xarray as xr

from ...engine.truncation import NAME, combined
from ...ground.errors import Interrupted, require
from ...ground.interruption import nothing_kept
from ...networks import Network
from ...results.dataset import described_error, output_as_data, replaced


def infinite_depth(
    run: Callable[[Network], xr.Dataset], network: Network, keep_replicates: bool, checkpoint=None
) -> xr.Dataset:
    """Results of the two deepest refinements f(n), f(2n), extrapolated: 2 f(2n) - f(n), on the layers of the
    former.

    `run` keeps every replicate. `<name>_depth_error` is the distance to the same from f(n / 2), f(n),
    interpolated along tau: it bounds what is left of the depth, sampling errors of all three runs included.
    Fields at sites and ranks are those of the deepest network.

    Raises
    ------
    InputError
        A run that diverged: there is nothing to extrapolate.
    Interrupted
        Without a result: there is none before all depths are known.
    """
    runs = []
    for refined in network.refinements:
        try:
            runs.append(ds := run(refined))
        except Interrupted as stop:
            why = f"at depth {refined.depth}, before all of its depths were run"
            raise nothing_kept("infinite depth", why, checkpoint) from stop
        require(
            ds.attrs["status"] != "diverged",
            f"infinite depth: {ds.attrs['status_message']} Nothing can be extrapolated.",
        )
    coarse, medium, fine = runs
    found = output_as_data(fine.isel(layer=slice(None, None, 2)).assign_coords(layer=medium.layer))
    new = {}
    for name in [name for name in fine if "replicate" in fine[name].dims]:
        each = [ds[name].values for ds in (coarse, medium, fine)]
        dims, attributes = fine[name].dims, fine[name].attrs
        at = dims.index("layer") if "layer" in dims else None
        value = 2 * _every(each[2], at, 2) - each[1]
        rough = 2 * _every(each[1], at, 2) - each[0]
        error = np.abs((_every(value, at, 2) - rough).mean(axis=0))
        error = error if at is None else _between(error, at - 1)
        new |= (
            {name: xr.Variable(dims, value, attributes)}
            if keep_replicates
            else _mean(name, dims, value, attributes)
        )
        new[f"{name}_depth_error"] = xr.Variable(dims[1:], error, described_error(name, attributes))
    if NAME in fine:
        new[NAME] = fine[NAME].variable.copy(data=np.hypot(2 * fine[NAME].values, medium[NAME].values))
        arrays = combined(
            {name: (variable.dims, variable.values) for name, variable in new.items()},
            fine.split.values,
        )
        new = {name: variable.copy(data=arrays[name][1]) for name, variable in new.items()}
    found = replaced(found, new)
    settings = json.loads(fine.attrs["settings_json"]) | {"keep_replicates": keep_replicates}
    found.attrs = fine.attrs | {
        "network_json": json.dumps(network.describe()),
        "settings_json": json.dumps(settings),
    }
    return found


def _every(values: np.ndarray, axis: int | None, step: int) -> np.ndarray:
    """Every `step`th layer; all values where there are no layers."""
    return values if axis is None else np.take(values, np.arange(0, values.shape[axis], step), axis)


def _between(values: np.ndarray, axis: int) -> np.ndarray:
    """Values with those halfway between layers put in."""
    values = np.moveaxis(values, axis, 0)
    larger = np.empty((2 * len(values) - 1, *values.shape[1:]))
    larger[::2], larger[1::2] = values, (values[1:] + values[:-1]) / 2
    return np.moveaxis(larger, 0, axis)


def _mean(name: str, dims: tuple[str, ...], values: np.ndarray, attributes: dict) -> dict[str, xr.Variable]:
    """Mean and standard error over replicates, the first dimension."""
    found = {name: xr.Variable(dims[1:], values.mean(axis=0), attributes)}
    if len(values) > 1:
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
        found[f"{name}_stderr"] = xr.Variable(
            dims[1:],
            error,
            attributes
            | {
                "long_name": f"standard error of the {attributes['long_name']}",
                "replicates": len(values),
            },
        )
    return found

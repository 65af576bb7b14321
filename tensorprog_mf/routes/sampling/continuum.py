"""The limit of infinite depth, from networks of three finite depths."""

import json
from collections.abc import Callable

import numpy as np
import xarray as xr

from ...engine.truncation import NAME, combined
from ...ground.errors import Interrupted, require
from ...ground.interruption import Folder, nothing_kept
from ...ground.status import Status
from ...networks import Network
from ...results.dataset import described_error, output_as_data, replaced

Variables = dict[str, xr.Variable]


def infinite_depth(
    run: Callable[[Network], xr.Dataset],
    network: Network,
    keep_replicates: bool,
    checkpoint: Folder | None = None,
) -> xr.Dataset:
    """Results of the two deepest refinements f(n), f(2n), extrapolated: 2 f(2n) - f(n), on the layers of the
    former.

    `run` keeps every replicate. `<name>_depth_error` is the distance to the same from f(n / 2) and f(n),
    interpolated along tau: it bounds the error that is left from the finite depth, and contains the sampling
    errors of all three runs. Fields at sites and ranks are those of the deepest network.

    Raises
    ------
    InputError
        A run that diverged: there is nothing to extrapolate.
    Interrupted
        Without a result: there is none before all depths are known.
    """
    coarse, medium, fine = _runs(run, network, checkpoint)
    names = [str(name) for name in fine if "replicate" in fine[name].dims]
    new: Variables = {}
    for name in names:
        new |= _extrapolated(name, [ds[name] for ds in (coarse, medium, fine)], keep_replicates)
    if NAME in fine:
        new = _with_truncation(new, medium, fine)
    found = output_as_data(fine.isel(layer=slice(None, None, 2)).assign_coords(layer=medium.layer))
    found = replaced(found, new)
    settings = json.loads(fine.attrs["settings_json"]) | {"keep_replicates": keep_replicates}
    found.attrs = fine.attrs | {
        "network_json": json.dumps(network.describe()),
        "settings_json": json.dumps(settings),
    }
    return found


def _runs(
    run: Callable[[Network], xr.Dataset], network: Network, checkpoint: Folder | None
) -> list[xr.Dataset]:
    """Results of all refinements, from shallow to deep."""
    runs: list[xr.Dataset] = []
    for refined in network.refinements or ():
        try:
            runs.append(run(refined))
        except Interrupted as stop:
            why = f"at depth {refined.describe()['depth']}, before all of its depths were run"
            raise nothing_kept("infinite depth", why, checkpoint) from stop
        require(
            Status.of(runs[-1]) is not Status.DIVERGED,
            f"infinite depth: {runs[-1].attrs['status_message']} Nothing can be extrapolated.",
        )
    return runs


def _extrapolated(name: str, arrays: list[xr.DataArray], keep_replicates: bool) -> Variables:
    """A variable at infinite depth with its errors, given it at three depths, (replicate, ...)."""
    dims, attributes = tuple(map(str, arrays[-1].dims)), arrays[-1].attrs
    coarse, medium, fine = (array.values for array in arrays)
    at = dims.index("layer") if "layer" in dims else None
    value = 2 * _every(fine, at, 2) - medium
    rough = 2 * _every(medium, at, 2) - coarse
    error = np.abs((_every(value, at, 2) - rough).mean(axis=0))
    error = error if at is None else _between(error, at - 1)
    kept = {name: xr.Variable(dims, value, attributes)}
    found = kept if keep_replicates else _mean(name, dims, value, attributes)
    return found | {f"{name}_depth_error": xr.Variable(dims[1:], error, described_error(name, attributes))}


def _with_truncation(new: Variables, medium: xr.Dataset, fine: xr.Dataset) -> Variables:
    """Variables with what the tolerance leaves out of both runs, and with standard errors that contain it."""
    new = new | {NAME: fine[NAME].variable.copy(data=np.hypot(2 * fine[NAME].values, medium[NAME].values))}
    arrays = {name: (variable.dims, variable.values) for name, variable in new.items()}
    arrays = combined(arrays, fine.split.values)
    return {name: variable.copy(data=arrays[name][1]) for name, variable in new.items()}


def _every(values: np.ndarray, axis: int | None, step: int) -> np.ndarray:
    """Every `step`th layer; all values where there are no layers."""
    return values if axis is None else np.take(values, np.arange(0, values.shape[axis], step), axis)


def _between(values: np.ndarray, axis: int) -> np.ndarray:
    """Values with those halfway between layers put in."""
    values = np.moveaxis(values, axis, 0)
    larger = np.empty((2 * len(values) - 1, *values.shape[1:]))
    larger[::2], larger[1::2] = values, (values[1:] + values[:-1]) / 2
    return np.moveaxis(larger, 0, axis)


def _mean(name: str, dims: tuple[str, ...], values: np.ndarray, attributes: dict) -> Variables:
    """Mean and standard error over replicates, the first dimension."""
    found = {name: xr.Variable(dims[1:], values.mean(axis=0), attributes)}
    if len(values) > 1:
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
        described = {
            "long_name": f"standard error of the {attributes['long_name']}",
            "replicates": len(values),
        }
        found[f"{name}_stderr"] = xr.Variable(dims[1:], error, attributes | described)
    return found

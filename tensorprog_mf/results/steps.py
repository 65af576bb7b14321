"""Results along steps in place of time, for sweeps over what changes the time of a step."""

import xarray as xr

from ..ground.calls import checked_call
from ..ground.errors import InputError, require
from .dataset import output_as_data

_ALONG = {
    "time": "step",
    "time_prime": "step_prime",
    "output": "output_number",
    "output_prime": "output_number_prime",
}
_TIMES = {"time", "time_prime"}


@checked_call
def by_step(result: xr.Dataset) -> xr.Dataset:
    """A result along its steps, as a point of a sweep: `step` is a dimension, `time` a variable.

    Runs at different learning rates are at different times at the same step, so that they cannot share an
    axis of time. Along steps they go through `xr.concat` and its kin, and each keeps its own times. A point
    of the sweep is drawn and compared as the result that it was.

    Parameters
    ----------
    result
        A result of discrete steps.

    Returns
    -------
    xarray.Dataset
        The same numbers. Dimension `output`, of several outputs, is called `output_number`, since xarray does
        not put together variables that are called as one of their dimensions.

    Raises
    ------
    InputError
        Something else than a result over time, or one of gradient flow.

    Notes
    -----
    By default xarray gives all points of a sweep the attributes of the first; with
    combine_attrs="drop_conflicts" only those stay that all runs share. Runs of different depth, or with
    different recorded steps, want join="outer".

    Examples
    --------
    >>> import xarray as xr
    >>> import tensorprog_mf as tp
    >>> problem, rates = tp.Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0]), [0.1, 0.2]
    >>> runs = [tp.static_ntk(tp.MLP(2), problem, tp.Training(2, rate)) for rate in rates]
    >>> axis = xr.Variable("learning_rate", rates)
    >>> ds = xr.concat([tp.by_step(run) for run in runs], axis, join="exact", combine_attrs="drop_conflicts")
    >>> ds.loss.dims, ds.time.sel(step=2).values.tolist()
    (('learning_rate', 'step'), [0.2, 0.4])
    """
    if not isinstance(result, xr.Dataset) or not {"time", "step"} & set(result.dims):
        raise InputError(f"by_step takes a result over time, not {type(result).__name__} without it.")
    if "step" in result.dims:
        return result
    require(
        "step" in result.coords,
        "by_step: gradient flow has times but no steps; results at the same times go through xr.concat "
        "as they are.",
    )
    # As coordinates, times of the first run could be taken for those of all.
    return _renamed(result, _ALONG, set(result.coords) - _TIMES)


def over_time(result: xr.Dataset) -> xr.Dataset:
    """The inverse of `by_step`, for one point of a sweep; other results as they are."""
    if "step" not in result.dims or "time" not in result or result["time"].dims != ("step",):
        return result
    times = _TIMES & set(result.variables)
    back = {new: old for old, new in _ALONG.items()}
    return output_as_data(_renamed(result, back, set(result.coords) | times))


def _renamed(ds: xr.Dataset, dims: dict[str, str], coordinates: set[str]) -> xr.Dataset:
    """Dimensions under other names, with the indices that belong to them."""
    found = {
        name: xr.Variable([dims.get(dim, dim) for dim in variable.dims], variable.values, variable.attrs)
        for name, variable in ds.variables.items()
    }
    data = {name: variable for name, variable in found.items() if name not in coordinates}
    return xr.Dataset(data, {name: found[name] for name in found if name in coordinates}, ds.attrs)

"""Results along steps in place of time, for sweeps over what changes the time of a step."""

import xarray as xr

from .calls import checked_call
from .errors import InputError, require
from .results import output_as_data

_PAIRS = {"time": "step", "time_prime": "step_prime"}


@checked_call
def by_step(result: xr.Dataset) -> xr.Dataset:
    """A result along its steps: dimension `step` in place of `time`, which stays as a coordinate.

    Runs at different learning rates are at different times at the same step, so that they cannot share an axis of time. Along
    steps they go through `xr.concat` and `xr.combine_nested`, and each keeps its own times.

    Parameters
    ----------
    result
        A result of discrete steps.

    Raises
    ------
    InputError
        Something else than a result over time, or one of gradient flow.

    Notes
    -----
    By default xarray gives all points of a sweep the attributes of the first; with combine_attrs="drop_conflicts" only those stay
    that all runs share. Runs of different depth, or with different recorded steps, want join="outer".

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
    require(
        "step" in result.coords,
        "by_step: gradient flow has times but no steps; results at the same times go through xr.concat as they are.",
    )
    there = {time: step for time, step in _PAIRS.items() if time in result.dims and step in result.coords}
    return output_as_data(result.swap_dims(there))


def over_time(result: xr.Dataset) -> xr.Dataset:
    """The inverse of `by_step`, for one point of a sweep; other results as they are."""
    back = {step: time for time, step in _PAIRS.items() if step in result.dims and time in result.coords}
    back = {step: time for step, time in back.items() if result[time].dims == (step,)}
    return output_as_data(result.swap_dims(back)) if back else result

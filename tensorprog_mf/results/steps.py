"""Results along steps in place of time, for sweeps over settings that change the time of a step."""

from collections.abc import Hashable, Mapping, Set

import xarray as xr

from ..ground.calls import checked_call
from ..ground.errors import InputError, require
from .dataset import output_as_data

_ALONG: dict[Hashable, str] = {
    "time": "step",
    "time_prime": "step_prime",
    "output": "output_number",
    "output_prime": "output_number_prime",
}
_TIMES: set[Hashable] = {"time", "time_prime"}


@checked_call
def by_step(result: xr.Dataset) -> xr.Dataset:
    """A result along its steps, as a point of a sweep: `step` is a dimension, `time` a variable.

    Runs with different learning rates are at different times at the same step, so they cannot share an axis
    of time. Along steps they can be joined by `xr.concat` and similar functions, and each keeps its own
    times. A point of the sweep can be plotted and compared like the result that it was.

    Parameters
    ----------
    result
        A result of discrete steps.

    Returns
    -------
    xarray.Dataset
        The same numbers. The dimension `output` of several outputs becomes `output_number`, since xarray does
        not join variables that have the name of one of their dimensions.

    Raises
    ------
    InputError
        Not a result over time, or a result of gradient flow.

    Notes
    -----
    By default xarray gives a sweep the attributes of its first point; combine_attrs="drop_conflicts" keeps
    only those that all runs share. Runs of different depth, or with different recorded steps, need
    join="outer".

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
        "by_step: gradient flow has times but no steps; join results at the same times by xr.concat "
        "as they are.",
    )
    # Times become variables: as coordinates, those of the first run could pass for those of all.
    return _renamed(result, _ALONG, set(result.coords) - _TIMES)


def over_time(result: xr.Dataset) -> xr.Dataset:
    """The inverse of `by_step` for one point of a sweep; other results are returned as they are."""
    if "step" not in result.dims or "time" not in result or result["time"].dims != ("step",):
        return result
    times = _TIMES & set(result.variables)
    back: dict[Hashable, str] = {new: str(old) for old, new in _ALONG.items()}
    return output_as_data(_renamed(result, back, set(result.coords) | times))


def _renamed(ds: xr.Dataset, dims: Mapping[Hashable, str], coordinates: Set[Hashable]) -> xr.Dataset:
    """A result with other names of its dimensions, and of these variables as `coordinates`."""
    found = {
        name: xr.Variable([dims.get(dim, dim) for dim in variable.dims], variable.values, variable.attrs)
        for name, variable in ds.variables.items()
    }
    data = {name: variable for name, variable in found.items() if name not in coordinates}
    return xr.Dataset(data, {name: found[name] for name in found if name in coordinates}, ds.attrs)

"""Intervals of means over few replicates: Student's t, as the standard error is an estimate from them too."""

import json

import numpy as np
import xarray as xr

from ..ground.calls import checked_call
from ..ground.errors import real, require


def half_width(stderr, replicates, level: float = 0.95):
    """Half the width of the interval that holds the mean with probability `level`: t standard errors.

    t is the quantile (1 + level) / 2 of Student's t with replicates - 1 degrees of freedom: at 95 % 12.7 for
    2 replicates, 3.18 for 4, 2.36 for 8, 1.96 for very many. Exact for replicates that are independent and
    Gaussian.

    Parameters
    ----------
    stderr
        Standard error over replicates, a number, array or DataArray.
    replicates
        How many, 2 or more, perhaps effective ones; infinity where the error is known; an array where they
        differ.
    level
        Between 0 and 1.

    Raises
    ------
    InputError
        One replicate, which has no standard error; a level that is none.

    Examples
    --------
    >>> from tensorprog_mf.results.intervals import half_width
    >>> [round(float(half_width(1.0, n)), 2) for n in (2, 4, 8, 1000)]
    [12.71, 3.18, 2.36, 1.96]
    """
    from scipy.special import ndtri, stdtrit

    real("level", level, "lie between 0 and 1, such as 0.95", lambda v: 0 < v < 1)
    count = np.asarray(replicates, float)
    several = bool((count > 1).all())
    require(several, f"replicates={replicates!r} must be 2 or more: one replicate has no standard error.")
    many, at = np.isinf(count), (1 + level) / 2
    return np.where(many, ndtri(at), stdtrit(np.where(many, 1.0, count - 1), at))[()] * stderr


@checked_call
def interval(ds: xr.Dataset, name: str, level: float = 0.95) -> xr.DataArray:
    """Half the width of the interval of a variable: its mean is known to within +- this, as `level` says.

    Student's t with as many degrees of freedom as replicates are in the result, less one; see
    `tensorprog_mf.results.intervals.half_width`. A bias of the limit, of order 1 / n_samples, is not in it.

    Parameters
    ----------
    ds
        A result with means over replicates.
    name
        A variable that has `<name>_stderr`.
    level
        Between 0 and 1.

    Returns
    -------
    xarray.DataArray
        With the dimensions and coordinates of the variable.

    Raises
    ------
    InputError
        A variable without standard errors; a dataset that does not say how many replicates they stand for.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> problem = tp.Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0])
    >>> ds = tp.sample(tp.MLP(2), problem, tp.Training(2, 0.5), n_samples=256, n_replicates=4)
    >>> bool((tp.interval(ds, "output") > 3 * ds.output_stderr)[1:].all())  # t = 3.18
    True
    """
    has = isinstance(ds, xr.Dataset) and f"{name}_stderr" in ds
    remedy = "take a result of 2 or more replicates, without keep_replicates"
    require(has, f"interval: there is no {name}_stderr; {remedy}.")
    count = replicates(ds, name)
    remedy = "use tensorprog_mf.results.intervals.half_width(stderr, replicates)"
    silent = f"the dataset does not say how many replicates {name}_stderr stands for"
    require(count is not None, f"interval: {silent}; {remedy}.")
    error = ds[f"{name}_stderr"]
    times = half_width(1.0, count, level)
    found = error * (times if np.ndim(times) == 0 else xr.DataArray(times, dims=count.dims))
    described = {key: value for key, value in error.attrs.items() if key not in ("replicates", "comment")}
    what = error.attrs.get("long_name", f"standard error of {name}").removeprefix("standard error of the ")
    described["long_name"] = f"half width of the {level * 100:g} % interval of the {what}"
    return found.assign_attrs(described)


def replicates(ds: xr.Dataset, name: str):
    """How many replicates are behind a standard error, or None where the dataset does not tell."""
    if "n_replicates" in ds.coords:  # of fluctuations, width by width
        return ds["n_replicates"]
    count = ds[f"{name}_stderr"].attrs.get("replicates")
    # A file of an earlier version that was not interrupted: all that were asked for.
    if count is None and ds.attrs.get("status") != "interrupted":
        count = json.loads(ds.attrs.get("settings_json", "{}")).get("n_replicates")
    return None if count is None else int(count)


def effective(a, replicates_a, b, replicates_b):
    """As many replicates as have the degrees of freedom of a difference with standard error sqrt(a^2 + b^2).

    By Welch & Satterthwaite.
    """
    a, b = np.asarray(a, float) ** 2, np.asarray(b, float) ** 2
    doubt = a**2 / (np.asarray(replicates_a, float) - 1) + b**2 / (np.asarray(replicates_b, float) - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = (a + b) ** 2 / doubt
    return 1 + np.where(np.isnan(freedom), np.inf, freedom)

"""Intervals of means over few replicates, by Student's t: the standard error is an estimate, too."""

import json
from typing import overload

import numpy as np
import xarray as xr

from ..ground.calls import checked_call
from ..ground.errors import InputError, real, require

Numbers = float | np.ndarray | xr.DataArray


@overload
def half_width(stderr: xr.DataArray, replicates: Numbers, level: float = 0.95) -> xr.DataArray: ...
@overload
def half_width(stderr: float | np.ndarray, replicates: Numbers, level: float = 0.95) -> np.ndarray: ...
def half_width(stderr: Numbers, replicates: Numbers, level: float = 0.95) -> Numbers:
    """Half the width of the interval that holds the mean with probability `level`: t standard errors.

    t is the quantile (1 + level) / 2 of Student's t with replicates - 1 degrees of freedom: at 95 % it is
    12.7 for 2 replicates, 3.18 for 4, 2.36 for 8, and 1.96 for very many. This is exact for replicates that
    are independent and Gaussian.

    Parameters
    ----------
    stderr
        Standard error over replicates: a number, an array or a DataArray.
    replicates
        How many there are, 2 or more, not necessarily a whole number; infinity where the error is known
        exactly; an array where numbers differ.
    level
        Probability, between 0 and 1.

    Raises
    ------
    InputError
        Fewer than two replicates, which have no standard error; a level that is not between 0 and 1.

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
    # [()] turns an array without dimensions into a number, so that the answer is what stderr is.
    return np.where(many, ndtri(at), stdtrit(np.where(many, 1.0, count - 1), at))[()] * stderr


@checked_call
def interval(ds: xr.Dataset, name: str, level: float = 0.95) -> xr.DataArray:
    """Half the width of the interval around the mean of a variable that holds it with probability `level`.

    By Student's t, with one degree of freedom less than the result has replicates; see
    `tensorprog_mf.results.intervals.half_width`. It does not include the bias of a limit, of order 1 /
    n_samples.

    Parameters
    ----------
    ds
        A result with means over replicates.
    name
        Name of a variable that has `<name>_stderr`.
    level
        Probability, between 0 and 1.

    Returns
    -------
    xarray.DataArray
        Half widths with the dimensions and coordinates of the variable.

    Raises
    ------
    InputError
        The variable has no standard errors, or the dataset does not say from how many replicates they come.

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
    if count is None:
        raise InputError(
            f"interval: the dataset does not say how many replicates {name}_stderr stands for; use"
            " tensorprog_mf.results.intervals.half_width(stderr, replicates)."
        )
    error, times = ds[f"{name}_stderr"], half_width(1.0, count, level)
    found = error * (xr.DataArray(times, dims=count.dims) if isinstance(count, xr.DataArray) else times)
    described = {key: value for key, value in error.attrs.items() if key not in ("replicates", "comment")}
    what = error.attrs.get("long_name", f"standard error of {name}").removeprefix("standard error of the ")
    described["long_name"] = f"half width of the {level * 100:g} % interval of the {what}"
    return found.assign_attrs(described)


def replicates(ds: xr.Dataset, name: str) -> int | xr.DataArray | None:
    """From how many replicates a standard error comes, or None if the dataset does not say."""
    if "n_replicates" in ds.coords:  # a result of `fluctuations`: one number per width
        return ds["n_replicates"]
    count = ds[f"{name}_stderr"].attrs.get("replicates")
    # Files of earlier versions do not say; unless they were interrupted, there were as many as asked for.
    if count is None and ds.attrs.get("status") != "interrupted":
        count = json.loads(ds.attrs.get("settings_json", "{}")).get("n_replicates")
    return None if count is None else int(count)


def effective(a: Numbers, replicates_a: Numbers, b: Numbers, replicates_b: Numbers) -> np.ndarray:
    """The number of replicates whose degrees of freedom a difference of two results has.

    These have standard errors a and b; degrees of freedom are those of Welch & Satterthwaite.
    """
    a, b = np.asarray(a, float) ** 2, np.asarray(b, float) ** 2
    doubt = a**2 / (np.asarray(replicates_a, float) - 1) + b**2 / (np.asarray(replicates_b, float) - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = (a + b) ** 2 / doubt
    return 1 + np.where(np.isnan(freedom), np.inf, freedom)

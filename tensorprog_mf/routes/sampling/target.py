"""How many samples are needed: double them until the error is small enough."""

import json
import warnings
from collections.abc import Callable

import numpy as np
import xarray as xr

from ...engine.truncation import NAME
from ...ground.errors import Interrupted, MemoryInputError, RankWarning, TargetWarning, warn
from ...ground.interruption import kept
from ...ground.status import Status
from ...results.intervals import interval
from .trust import untrusted

LARGEST = 2**20


def refine(run: Callable[[int], xr.Dataset], n_samples: int, target: float) -> xr.Dataset:
    """Run at n, 2n, 4n ... sites until outputs are known to within `target`, and return the last run.

    Known means, over all recorded times and examples: the 95 % interval of every output, by Student's t, is
    within +- target, and so is the shift from half as many sites. A run whose errors cannot be trusted ends
    the search, as no number of sites would make them trustworthy. The attribute `target_error_message` says
    how far the search came.

    Raises
    ------
    Interrupted
        With the last run that was finished, or with what there is of the first one.
    """
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", RankWarning
        )  # of the small runs on the way; the status of the last one tells
        ds, reached, message, stop = _search(run, n_samples, target)
    ds.attrs["target_error_message"] = (
        f"target_error={target:g} {'reached with' if reached else 'not reached:'} {message}"
    )
    if stop is not None:
        raise kept(ds, ds.attrs["target_error_message"]) from stop
    if not reached:
        warn(ds.attrs["target_error_message"], TargetWarning)
    return ds


def _search(
    run: Callable[[int], xr.Dataset], n: int, target: float
) -> tuple[xr.Dataset, bool, str, Interrupted | None]:
    """The last run, whether it is good enough, why it is the last one, and what interrupted the search."""
    coarse = run(n)
    if (cause := _futile(coarse, target)) is not None:
        return coarse, False, f"n_samples={n}: {cause}", None
    while 2 * n <= LARGEST:
        try:
            fine = run(2 * n)
        except MemoryInputError as error:
            return coarse, False, f"n_samples={n} is the largest that can be had ({error})", None
        except Interrupted as stop:
            return coarse, False, f"n_samples={n} is the largest that was finished before Ctrl-C.", stop
        if Status.of(fine) is Status.DIVERGED:
            message = (
                f"n_samples={n} is the largest that was finished, {2 * n}: {fine.attrs['status_message']}"
            )
            return coarse, False, message, None
        n *= 2
        if untrusted(fine):
            return fine, False, f"n_samples={n}: {fine.attrs['status_message']}", None
        reached, message = _compared(fine, coarse, n, target)
        if reached:
            return fine, True, message, None
        if (cause := _left_out(fine, target)) is not None:
            return fine, False, f"n_samples={n}: {cause}", None
        coarse = fine
    return coarse, False, f"n_samples={n} is the largest tried", None


def _compared(fine: xr.Dataset, coarse: xr.Dataset, n: int, target: float) -> tuple[bool, str]:
    """Whether outputs are known to within the target, and how well, in words."""
    wide, shift = float(interval(fine, "output").max()), float(np.abs(fine.output - coarse.output).max())
    message = f"n_samples={n}, 95 % interval +-{wide:.1e}, shift from n_samples={n // 2} {shift:.1e}"
    return max(wide, shift) <= target, message


def _futile(ds: xr.Dataset, target: float) -> str | None:
    """Why more samples would not help the first run, or None."""
    if Status.of(ds) is Status.DIVERGED or untrusted(ds):
        return ds.attrs["status_message"]
    return _left_out(ds, target)


def _left_out(ds: xr.Dataset, target: float) -> str | None:
    """Why no number of samples is enough: the tolerance alone leaves out more than the target. None where it
    does not."""
    error = float(ds.output_stderr.max())
    if NAME not in ds or error == 0:
        return None
    share = float(interval(ds, "output").max()) * float(ds[NAME].max()) / error
    if share <= target:
        return None
    tolerance = json.loads(ds.attrs["settings_json"])["tolerance"]
    return (
        f"what tolerance={tolerance:g} leaves out makes the 95 % interval at least +-{share:.1e}, whatever"
        " n_samples is; take a smaller tolerance, or leave it to follow the richness."
    )

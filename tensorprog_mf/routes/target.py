"""How many samples are needed: double them until the error is small enough."""

import json
import warnings
from collections.abc import Callable

import numpy as np
import xarray as xr

from ..errors import MemoryInputError, RankWarning, TargetWarning, warn

LARGEST = 2**20
_STOPPED = ("diverged", "interrupted")


def refine(run: Callable[[int], xr.Dataset], n_samples: int, target: float) -> xr.Dataset:
    """Run at n, 2n, 4n ... sites until outputs are known to `target`, and return the last run.

    Known means, over all recorded times and examples: the 95 % interval of every output, 1.96 standard errors, is within
    +- target, and so is the shift from half as many sites. Attribute `target_error_message` says what was used.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RankWarning)  # of the small runs on the way; the status of the last one tells
        ds, reached, message = _search(run, n_samples, target)
    ds.attrs["target_error_message"] = f"target_error={target:g} {'reached with' if reached else 'not reached:'} {message}"
    if not reached:
        warn(ds.attrs["target_error_message"], TargetWarning)
    return ds


def _search(run, n: int, target: float) -> tuple[xr.Dataset, bool, str]:
    """The last run, whether it is good enough, and what was used or why it stopped."""
    coarse = run(n)
    if coarse.attrs["status"] in _STOPPED:
        return coarse, False, f"n_samples={n}: {coarse.attrs['status_message']}"
    if (cause := _left_out(coarse, target)) is not None:
        return coarse, False, f"n_samples={n}: {cause}"
    while 2 * n <= LARGEST:
        try:
            fine = run(2 * n)
        except MemoryInputError as error:
            return coarse, False, f"n_samples={n} is the largest that can be had ({error})"
        if fine.attrs["status"] in _STOPPED:
            return coarse, False, f"n_samples={n} is the largest that was finished, {2 * n}: {fine.attrs['status_message']}"
        n *= 2
        interval, shift = _interval(fine), float(np.abs(fine.output - coarse.output).max())
        message = f"n_samples={n}, 95 % interval +-{interval:.1e}, shift from n_samples={n // 2} {shift:.1e}"
        if max(interval, shift) <= target:
            return fine, True, message
        if (cause := _left_out(fine, target)) is not None:
            return fine, False, f"n_samples={n}: {cause}"
        coarse = fine
    return coarse, False, f"n_samples={n} is the largest tried"


def _left_out(ds: xr.Dataset, target: float) -> str | None:
    """Why no number of samples is enough, where the tolerance alone leaves out more than the target; None where it does not."""
    error = float(ds.output_stderr.max())
    if "output_truncation" not in ds or error == 0:
        return None
    share = _interval(ds) * float(ds.output_truncation.max()) / error
    if share <= target:
        return None
    tolerance = json.loads(ds.attrs["settings_json"])["tolerance"]
    return f"tolerance={tolerance:g} leaves out +-{share:.1e}, whatever n_samples is; take a smaller tolerance, or None."


def _interval(ds: xr.Dataset) -> float:
    """Half width of the 95 % interval of the least known output."""
    return 1.96 * float(ds.output_stderr.max())

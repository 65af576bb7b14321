"""How many samples are needed: double them until the error is small enough."""

import json
import warnings
from collections.abc import Callable

import numpy as np
import xarray as xr

from ..errors import InputError, RankWarning

LARGEST = 2**20


def refine(run: Callable[[int], xr.Dataset], n_samples: int, target: float) -> xr.Dataset:
    """Run at n, 2n, 4n ... sites until outputs are known to `target`, and return the last run.

    Known means, over all recorded times and examples: the 95 % interval of every output (Student's, as replicates are
    few) is below +- target, and so is the shift from half as many sites. Attribute `target_error_message` says what was
    used.
    """
    from scipy.special import stdtrit

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RankWarning)  # of the small runs on the way; the status of the last one tells
        coarse, n = run(n_samples), n_samples
        while True:
            if 2 * n > LARGEST:
                return _said(coarse, target, f"not reached: n_samples={n} is the largest tried")
            try:
                fine = run(2 * n)
            except InputError as error:  # does not fit in memory
                return _said(coarse, target, f"not reached at n_samples={n}: {error}")
            n *= 2
            interval = stdtrit(json.loads(fine.attrs["settings_json"])["n_replicates"] - 1, 0.975)
            error, shift = interval * float(fine.output_stderr.max()), float(np.abs(fine.output - coarse.output).max())
            found = f"n_samples={n}, 95 % interval +-{error:.1e}, shift from n_samples={n // 2} {shift:.1e}"
            if max(error, shift) <= target:
                return _said(fine, target, f"reached with {found}")
            if fine.attrs["status"] == "diverged":
                return _said(fine, target, f"not reached: the run diverged ({found})")
            coarse = fine


def _said(ds: xr.Dataset, target: float, message: str) -> xr.Dataset:
    ds.attrs["target_error_message"] = f"target_error={target:g} {message}"
    if not message.startswith("reached"):
        warnings.warn(ds.attrs["target_error_message"], RankWarning, stacklevel=4)
    return ds

"""Runs on the draws of an earlier one, slot by slot."""

import json
from collections.abc import Callable
from dataclasses import replace

import xarray as xr

from ...engine.record import as_record
from ...ground.errors import InputError, require
from ...ground.status import Status
from ...results.dataset import slot_maps
from .job import Job

_SAME = ("n_samples", "n_replicates", "seed", "draws", "tolerance", "record", "centred")
_BATCHES = ("batch_size", "replacement", "batch_seed", "batches")

# By name: how to read it from the attributes of a result.
_DESCRIBED: dict[str, Callable[[dict], object]] = {
    "network (but for richness)": lambda attrs: {**json.loads(attrs["network_json"]), "richness": None},
    "number of steps": lambda attrs: json.loads(attrs["training_json"])["steps"],
    "choice of batches": lambda attrs: [json.loads(attrs["training_json"])[name] for name in _BATCHES],
    "problem": lambda attrs: json.loads(attrs["problem_json"]),
}


def on_common_draws(job: Job) -> Job:
    """The job with the slot maps of the earlier run that it names.

    Raises
    ------
    InputError
        An earlier run whose queries are not those of this one, number by number.
    """
    earlier = job.common_draws
    if not isinstance(earlier, xr.Dataset):
        raise InputError(f"common_draws={earlier!r} must be the result of an earlier run.")
    _check_settings(earlier, job)
    mine = job.attributes(Status.COMPLETED, "")
    for what, part in _DESCRIBED.items():
        require(
            part(earlier.attrs) == part(mine),
            f"common_draws: the earlier run has another {what}; it must be the same.",
        )
    return replace(job, sampling=replace(job.sampling, slots=slot_maps(earlier)))


def tolerance_of(earlier: object) -> float | None:
    """The tolerance of an earlier run whose draws are used; None where it says nothing of it."""
    if not isinstance(earlier, xr.Dataset):
        return None
    return json.loads(earlier.attrs.get("settings_json", "{}")).get("tolerance")


def _check_settings(earlier: xr.Dataset, job: Job) -> None:
    theirs = json.loads(earlier.attrs.get("settings_json", "{}"))
    settings = json.loads(json.dumps(job.settings()))  # lists for tuples, as theirs
    for made in (theirs, settings):  # keeping draws asks no queries; the earlier run must, this one need not
        made["record"] = replace(as_record(made.get("record")), draws=False).describe()
    for name in _SAME:
        require(
            theirs.get(name) == settings[name],
            f"common_draws: the earlier run has {name}={theirs.get(name)}, this one {settings[name]}; they"
            " must agree.",
        )

"""The limit, sampled: at one number of samples, at as many as a target error asks for, at infinite depth."""

import contextlib
import pathlib
from dataclasses import replace

import xarray as xr

from ...engine.record import Record
from ...engine.truncation import default_tolerance
from ...ground.errors import Interrupted, real, require
from ...ground.interruption import Folder, nothing_kept
from ...matrices.sampling import checked_tolerance
from ...networks import Network
from ...training.training import Training
from .common_draws import on_common_draws, tolerance_of
from .continuum import infinite_depth
from .job import Job
from .replicates import gather
from .target import refine


def sampled(
    job: Job, *, target_error: float | None = None, common_draws: xr.Dataset | None = None
) -> xr.Dataset:
    """The result of a job in the limit: with more and more samples until outputs are known to within a
    `target_error`, or on the draws of an earlier result."""
    job = replace(job, common_draws=common_draws)
    return _sampled(job) if target_error is None else _refined(job, _checked_target(target_error))


def sampled_start(job: Job) -> xr.Dataset:
    """What `sample` has at step 0 on the draws of a job, every replicate of it; kernels in units of the
    learning rate.

    Raises
    ------
    Interrupted
        Without a result.
    """
    own = job.training
    start = Training(0, 1.0, multipliers=own.multipliers, bias_multipliers=own.bias_multipliers)
    keeping = replace(job.keeping, record=Record(), keep_replicates=True)
    try:
        return _sampled(replace(job, training=start, keeping=keeping, common_draws=None))
    except Interrupted as stop:
        raise nothing_kept(job.route, "while its first kernels were sampled") from stop


def suitable_tolerance(
    given: float | None,
    network: Network,
    common_draws: xr.Dataset | None = None,
    target_error: float | None = None,
) -> float:
    """The argument `tolerance`; for None that of the earlier run whose draws are used, or what suits the
    richness and the target error."""
    if given is not None:
        return checked_tolerance(given)
    target = None if target_error is None else _checked_target(target_error)
    return tolerance_of(common_draws) or default_tolerance(network.richness, target)


def _sampled(job: Job) -> xr.Dataset:
    """With the number of samples of the job."""
    if job.network.refinements is not None:
        return _infinitely_deep(job)
    return gather(job if job.common_draws is None else on_common_draws(job))


def _refined(job: Job, target: float) -> xr.Dataset:
    """At as many samples as the target error asks for."""
    require(
        job.sampling.n_replicates > 1,
        "target_error needs a standard error: take n_replicates of 2 or more.",
    )
    parts: list[Folder | None] = []

    def at(n: int) -> xr.Dataset:
        execution = job.execution.part_in(str(n))
        parts.append(execution.checkpoint)
        sampling = replace(job.sampling, n_samples=n)
        return _sampled(replace(job, sampling=sampling, execution=execution))

    found = refine(at, job.sampling.n_samples, target)
    _drop(job, parts)
    return found


def _infinitely_deep(job: Job) -> xr.Dataset:
    """Extrapolated from the refinements of the network."""
    parts: list[Folder | None] = []

    def at(network: Network) -> xr.Dataset:
        execution = job.execution.part_in(f"depth-{network.describe()['depth']}")
        parts.append(execution.checkpoint)
        keeping = replace(job.keeping, keep_replicates=True)
        return _sampled(replace(job, network=network, keeping=keeping, execution=execution))

    found = infinite_depth(at, job.network, job.keeping.keep_replicates, job.execution.checkpoint)
    _drop(job, parts)
    return found


def _checked_target(given: float) -> float:
    return real("target_error", given, "be positive", lambda v: v > 0)


def _drop(job: Job, parts: list[Folder | None]) -> None:
    """Remove the checkpoints of all parts of a finished job, and their folders if those are then empty."""
    if job.execution.part:  # of a larger one, which needs them if it is interrupted
        return
    for folder in (pathlib.Path(part) for part in parts if part is not None):
        for file in folder.rglob("replicate-*.checkpoint"):
            file.unlink()
        for own in (*folder.glob("depth-*"), folder, folder.parent):
            with contextlib.suppress(OSError):
                own.rmdir()

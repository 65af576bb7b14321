"""The files that an unfinished job goes on from."""

import hashlib
import pathlib

from ...ground.checkpoints import Checkpoint
from ...ground.errors import InputError
from ...ground.status import Status
from .job import Job

_DECIDING = ("source", "route", "network_json", "training_json", "settings_json", "problem_json")


def checkpoints(job: Job) -> list[Checkpoint | None]:
    """A file per replicate in the job's folder, which is made; identified by all that decides the numbers.

    Raises
    ------
    InputError
        A folder that cannot be made.
    """
    described = job.attributes(Status.COMPLETED, "")
    if job.execution.checkpoint is None:
        return [None] * job.sampling.n_replicates
    folder = pathlib.Path(job.execution.checkpoint)
    fingerprint = hashlib.sha256("\n".join(described[name] for name in _DECIDING).encode()).hexdigest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"checkpoint={str(folder)!r} cannot be made a folder: {error.strerror}.") from None
    return [
        Checkpoint(folder / f"replicate-{replicate}.checkpoint", fingerprint)
        for replicate in range(job.sampling.n_replicates)
    ]

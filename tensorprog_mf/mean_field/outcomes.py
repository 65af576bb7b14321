"""How replicates of a run in time end, and what is made of their records."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..ground.errors import DivergenceWarning, require, warn
from ..ground.status import Status
from ..results.schema import VARIABLES

Arrays = dict[str, tuple[tuple[str, ...], np.ndarray]]  # (dimensions, values) of variables


@dataclass(frozen=True)
class RunEnd:
    """How a run ended, and at which time."""

    status: Status
    time: float


@dataclass(frozen=True)
class RunRecord:
    """What a replicate has recorded, variable by variable over times, and how it ended."""

    values: dict[str, list[np.ndarray]]
    end: RunEnd

    @property
    def reached(self) -> int:
        """Number of times that were recorded."""
        return len(next(iter(self.values.values()), []))


def concluded(ends: Sequence[RunEnd], reached: int, what: str, remedy: str) -> tuple[Status, str]:
    """Status and message of a result whose runs have recorded `reached` times in common.

    The run that ended worst, and earliest among these, decides. `what` were not finite in runs that
    diverged, of which this warns.

    Raises
    ------
    InputError
        Nothing was recorded.
    """
    worst = max(ends, key=lambda end: (end.status.severity, -end.time))
    told = f"{worst.time:g} {what} were not finite"
    require(reached > 0, f"at time {told}, and nothing had been recorded by then; {remedy}.")
    if worst.status is Status.COMPLETED:
        return worst.status, "All times were reached."
    if worst.status is Status.INTERRUPTED:
        return worst.status, f"The run was interrupted at time {worst.time:g}; the times before are kept."
    message = f"At time {told}, so that only the times before are kept; {remedy}."
    warn(message, DivergenceWarning)
    return worst.status, message


def averaged(records: Sequence[RunRecord], reached: int) -> Arrays:
    """Means over replicates with standard errors, cut to the times that all have `reached`; what is kept of
    single sites comes from replicate 0."""
    arrays: Arrays = {}
    for name, first in records[0].values.items():
        dims = VARIABLES[name].dims_of(np.ndim(first[0]) + 1)
        if "sample" in dims:
            arrays[name] = (dims, np.asarray(first[:reached]))
            continue
        values = np.stack([np.asarray(record.values[name][:reached]) for record in records])
        arrays[name] = (dims, values.mean(axis=0))
        if len(records) > 1:
            with np.errstate(invalid="ignore"):  # of an entropy that is -inf
                arrays[f"{name}_stderr"] = (dims, values.std(axis=0, ddof=1) / math.sqrt(len(records)))
    return arrays


def reached_by_all(records: Sequence[RunRecord]) -> int:
    """Number of times that all replicates have recorded."""
    return min(record.reached for record in records)

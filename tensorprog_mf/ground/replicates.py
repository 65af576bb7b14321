"""Independent replicates of a run: on threads, under one line of progress, ended by Ctrl-C. Every solver that
has replicates runs them here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from .accelerate import map_runs
from .interruption import nothing_kept, unless_interrupted
from .progress import Progress

if TYPE_CHECKING:
    import xarray as xr

Run = TypeVar("Run")


@dataclass(frozen=True)
class Replicates(Generic[Run]):
    """What came of the replicates of a route: `runs` are those that ended, or were asked to; `wanted` were
    asked for; `stopped` by Ctrl-C."""

    route: str
    runs: list[Run]
    wanted: int
    stopped: bool

    def worth_keeping(self, length: Callable[[Run], int], complete: int) -> Replicates[Run]:
        """Those of which a result can be made: all, or after Ctrl-C the complete ones, or else those that
        came at least half as far as the furthest.

        `length(run)` counts what a run has recorded, `complete` times in all.

        Raises
        ------
        Interrupted
            Nothing was recorded, so there is nothing to keep.
        """
        if not self.stopped:
            return self
        furthest = max((length(run) for run in self.runs), default=0)
        if furthest == 0:
            raise nothing_kept(self.route)
        least = complete if furthest >= complete else furthest / 2
        return replace(self, runs=[run for run in self.runs if length(run) >= least])

    def handed_over(self, ds: xr.Dataset) -> xr.Dataset:
        """The result that was made of the runs.

        Raises
        ------
        Interrupted
            After Ctrl-C, with the result inside.
        """
        return unless_interrupted(ds, self.stopped, len(self.runs), self.wanted)


def run_replicates(
    route: str,
    one: Callable[[int, Progress], Run],
    count: int,
    steps: int,
    *,
    progress: bool = True,
    threads: int | None = None,
    students: int = 1,
    aside: Callable[[], str] | None = None,
) -> Replicates[Run]:
    """Run `one(replicate, progress)` for every replicate of `count`.

    `progress` hears of each of the `steps` of a replicate, in each of its `students`, shows them on a terminal
    if `progress` is true, `aside()` at the end of the line, and is told to stop by Ctrl-C.
    """
    runs = count * students
    shown = Progress(route, runs * steps, progress, runs=runs)
    if aside is not None:
        shown.aside = aside
    try:
        found = map_runs(lambda replicate: one(replicate, shown), range(count), threads, shown.stop)
    finally:
        shown.close()
    return Replicates(route, found, count, shown.stopped)

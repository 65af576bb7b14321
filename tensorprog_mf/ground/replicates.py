"""Independent replicates of a run: on threads, under one line of progress, ended by Ctrl-C. Every solver that
has replicates runs them here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from .accelerate import map_runs
from .interruption import Folder, nothing_kept, unless_interrupted
from .progress import Progress

if TYPE_CHECKING:
    import xarray as xr

Run = TypeVar("Run")


@dataclass(frozen=True)
class Replicates(Generic[Run]):
    """What came of the replicates of a route: of the `wanted` ones `runs` began, and ended by themselves or
    because Ctrl-C had `stopped` them."""

    route: str
    runs: list[Run]
    wanted: int
    stopped: bool

    def worth_keeping(
        self,
        length: Callable[[Run], int],
        complete: int,
        *,
        ended: Callable[[Run], bool] | None = None,
        checkpoint: Folder | None = None,
    ) -> Replicates[Run]:
        """The runs to make a result of: all, or after Ctrl-C those that ended by themselves, or if none did
        those that came at least half as far as the furthest.

        `length(run)` counts the times that a run has recorded. `ended(run)` tells whether it ended by itself;
        without it runs that have recorded all `complete` times did. `checkpoint` is the folder that the
        exception names.

        Raises
        ------
        Interrupted
            Nothing was recorded, so there is nothing to keep.
        """
        if not self.stopped and (ended is None or all(map(ended, self.runs))):
            return self
        furthest = max(map(length, self.runs), default=0)
        if furthest == 0:
            raise nothing_kept(self.route, checkpoint=checkpoint)
        finished = [run for run in self.runs if (ended(run) if ended else length(run) >= complete)]
        return replace(self, runs=finished or [run for run in self.runs if 2 * length(run) >= furthest])

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

    Each replicate reports `steps` steps, for each of its `students`, to the progress that it is given and
    learns from it whether Ctrl-C has asked it to end. With `progress` the line is shown on terminals, with
    `aside()` at its end.
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

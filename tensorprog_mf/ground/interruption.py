"""How a run ended by Ctrl-C stops its caller: the result so far travels in the exception."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .checkpoints import in_words, on_disk
from .errors import Interrupted
from .status import Status

if TYPE_CHECKING:
    import xarray as xr

Folder = str | os.PathLike[str]

_WHERE = (
    "`stop.result` of `except tp.Interrupted as stop`, or `sys.last_value.result` where nothing caught it"
)
UNFINISHED = "The run was interrupted before all replicates were done."


def unless_interrupted(ds: xr.Dataset, asked: bool, replicates: int = 1, wanted: int = 1) -> xr.Dataset:
    """The result of a run that came to its own end, with `replicates` of the `wanted` ones in it.

    Raises
    ------
    Interrupted
        The run was `asked` to end, or its status says that it was interrupted; the exception has the result.
    """
    if asked and replicates < wanted:
        if Status.of(ds) is Status.COMPLETED:  # true of those that are kept, but not of the run
            ds.attrs["status_message"] = UNFINISHED
        ds.attrs["status"] = Status.INTERRUPTED.label
        ds.attrs["status_message"] += f" {in_the_result(replicates, wanted)}"
    if asked or Status.of(ds) is Status.INTERRUPTED:
        raise kept(ds)
    return ds


def in_the_result(replicates: int, wanted: int) -> str:
    """How many replicates a result is made of, as a sentence."""
    return f"{replicates} of {wanted} replicates are in the result."


def kept(ds: xr.Dataset, message: str | None = None) -> Interrupted:
    """The exception to raise with a result; `message` says how far it came where its status does not."""
    if message is None:
        complete = Status.of(ds) is not Status.INTERRUPTED
        message = ("Ctrl-C came when the run had ended. " if complete else "") + ds.attrs["status_message"]
    return Interrupted(f"{ds.attrs['route']}: {message} The result is {_WHERE}.", ds)


def nothing_kept(
    route: str, why: str = "before its first record", checkpoint: Folder | None = None
) -> Interrupted:
    """The exception to raise where there is nothing to return; `why` continues "was interrupted"."""
    more = "" if checkpoint is None else goes_on(checkpoint)
    return Interrupted(f"{route} was interrupted {why}, so there is no result.{more}")


def goes_on(checkpoint: Folder | None) -> str:
    """How to go on from a folder of checkpoints, as a sentence to append to others."""
    if checkpoint is None:
        return " Nothing is on disk to go on from; with checkpoint='folder' it would be."
    size = on_disk(checkpoint)
    if not size:
        return f" Nothing is on disk in {str(checkpoint)!r} to go on from."
    return f" Repeat the call to resume from the checkpoint in {str(checkpoint)!r} ({in_words(size)})."

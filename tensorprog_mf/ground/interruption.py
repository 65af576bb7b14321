"""How a run that Ctrl-C has ended stops its caller: what there is goes along in the exception."""

import xarray as xr

from .checkpoints import in_words, on_disk
from .errors import Interrupted

_WHERE = (
    "`stop.result` of `except tp.Interrupted as stop`, or `sys.last_value.result` where nothing caught it"
)


def unless_interrupted(ds: xr.Dataset, asked: bool, replicates: int = 1, wanted: int = 1) -> xr.Dataset:
    """The result of a run that came to its own end, in which all `wanted` replicates are.

    Raises
    ------
    Interrupted
        The run was `asked` to end, or has ended as interrupted: then the result is in the exception.
    """
    if asked and replicates < wanted:
        if ds.attrs["status"] == "completed":  # true of those that are kept, but not of the run
            ds.attrs["status_message"] = "The run was interrupted before all replicates were done."
        ds.attrs["status"] = "interrupted"
        ds.attrs["status_message"] += f" {replicates} of {wanted} replicates are in the result."
    if asked or ds.attrs["status"] == "interrupted":
        raise kept(ds)
    return ds


def kept(ds: xr.Dataset, message: str | None = None) -> Interrupted:
    """To be raised with a result; `message` says how far it came where its status does not."""
    if message is None:
        complete = ds.attrs["status"] != "interrupted"
        message = ("Ctrl-C came when the run had ended. " if complete else "") + ds.attrs["status_message"]
    return Interrupted(f"{ds.attrs['route']}: {message} The result is {_WHERE}.", ds)


def nothing_kept(route: str, why: str = "before its first record", checkpoint=None) -> Interrupted:
    """To be raised where there is nothing to return; `why` continues "was interrupted"."""
    more = "" if checkpoint is None else goes_on(checkpoint)
    return Interrupted(f"{route} was interrupted {why}, so there is no result.{more}")


def goes_on(checkpoint) -> str:
    """How to go on from a folder of checkpoints, as a sentence after others."""
    if checkpoint is None:
        return " Nothing is on disk to go on from; with checkpoint='folder' it would be."
    size = on_disk(checkpoint)
    if not size:
        return f" Nothing is on disk in {str(checkpoint)!r} to go on from."
    where = f"{str(checkpoint)!r}, which takes {in_words(size)} there"
    return f" The same call goes on from the checkpoint in {where}."

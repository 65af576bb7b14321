"""State of unfinished runs on disk, from which an interrupted run goes on to the same bits."""

import contextlib
import os
import pathlib
import pickle
import shutil
import time
from typing import Any

from .errors import CheckpointWarning, InputError, require, warn


class Checkpoint:
    """The file with the state of one replicate; a new state is written to a second file, then renamed.

    It is as large as the bases of the replicate's matrices, whose random numbers do not compress. If the disk
    has no room for it, the run warns once, goes on without it and tries again later.

    Parameters
    ----------
    path
        The file. It is a pickle: go on only from files of your own.
    fingerprint
        Identifies the run; a file of another run is refused.
    interval
        Least number of seconds between two writes. Where writing takes long it is more, so that at most a
        twentieth of the time goes into it.
    """

    def __init__(self, path: pathlib.Path, fingerprint: str, interval: float = 60.0):
        self.path, self._fingerprint, self._interval = path, fingerprint, interval
        self.size = 0  # bytes of the last file written
        self._cost, self._told = 0.0, False  # seconds of the last write; whether it has warned
        self._last = time.monotonic()

    def load(self) -> Any:
        """The last state that was saved, or None.

        Raises
        ------
        InputError
            A file of another run, or one that cannot be read.
        """
        if not self.path.exists():
            return None
        try:
            with open(self.path, "rb") as file:
                fingerprint, state = pickle.load(file)
        except Exception as error:  # whatever a damaged pickle raises
            raise InputError(
                f"checkpoint {self.path} cannot be read ({error}); delete it to start anew."
            ) from None
        require(
            fingerprint == self._fingerprint,
            f"checkpoint {self.path} belongs to another run (network, problem, training or settings differ);"
            " delete it or choose another folder.",
        )
        return state

    def remove(self) -> None:
        """Delete the file, and its folder if that is then empty."""
        self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()

    def save_if_due(self, state: object) -> None:
        """Save if the interval has passed since the last time."""
        if time.monotonic() - self._last >= max(self._interval, 20 * self._cost):
            self.save(state)

    def save(self, state: object) -> None:
        """Write the state; the previous file stays until the new one is complete."""
        beside, begin = self.path.with_suffix(".part"), time.monotonic()
        try:
            if not self._has_room(state):
                self._last = time.monotonic()
                return
            with open(beside, "wb") as file:
                pickle.dump((self._fingerprint, state), file, protocol=pickle.HIGHEST_PROTOCOL)
                file.flush()
                os.fsync(file.fileno())
                self.size = file.tell()
            os.replace(beside, self.path)
        except (OSError, pickle.PicklingError, AttributeError) as error:
            beside.unlink(missing_ok=True)
            raise InputError(f"cannot write checkpoint {self.path}: {error}.") from error
        self._last = time.monotonic()
        self._cost = self._last - begin

    def _has_room(self, state: object) -> bool:
        """Whether the disk can hold the state beside the previous one; warns once if it cannot."""
        needed, free = size_of(state), shutil.disk_usage(self.path.parent).free
        if needed > free and not self._told:
            self._told = True
            warn(
                f"checkpoint: the state of a replicate takes {in_words(needed)}, but {self.path.parent} has"
                f" {in_words(free)} left, so it was not written; the run continues and will try again. Free"
                " some space there, or choose a folder on another disk.",
                CheckpointWarning,
            )
        return needed <= free


def size_of(state: object) -> int:
    """Bytes of the file that a state would take; arrays are counted without copying them."""
    buffers: list[pickle.PickleBuffer] = []
    rest = pickle.dumps(state, protocol=5, buffer_callback=buffers.append)
    return len(rest) + sum(buffer.raw().nbytes for buffer in buffers)


def on_disk(folder: str | os.PathLike[str]) -> int:
    """Bytes of all checkpoints in a folder and its subfolders."""
    return sum(file.stat().st_size for file in pathlib.Path(folder).rglob("replicate-*.checkpoint"))


def in_words(size: float) -> str:
    """A number of bytes for people to read."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 0.1):.1f} MB"

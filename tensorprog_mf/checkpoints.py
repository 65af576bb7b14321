"""State of unfinished runs on disk, so that an interrupted run can go on bit by bit where it was."""

import contextlib
import os
import pathlib
import pickle
import time

from .errors import InputError, require


class Checkpoint:
    """One file that holds the state of one replicate, written beside and renamed into place.

    Parameters
    ----------
    path
        The file. It is a pickle: continue only files of your own.
    fingerprint
        Names the run; a file of another run is refused.
    interval
        Seconds between two writes, or more where writing takes long: a twentieth of the time at most goes into it.
    """

    def __init__(self, path: pathlib.Path, fingerprint: str, interval: float = 60.0):
        self.path, self._fingerprint, self._interval = path, fingerprint, interval
        self._cost = 0.0  # seconds that the last write took
        self._last = time.monotonic()

    def load(self):
        """The state that was saved last, or None.

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
            raise InputError(f"checkpoint {self.path} cannot be read ({error}); delete it to start anew.") from None
        require(
            fingerprint == self._fingerprint,
            f"checkpoint {self.path} belongs to another run (network, problem, training or settings differ); delete it or choose another folder.",
        )
        return state

    def remove(self) -> None:
        """Delete the file, and its folder if nothing else is in it."""
        self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()

    def save_if_due(self, state) -> None:
        """Save if the interval has passed."""
        if time.monotonic() - self._last >= max(self._interval, 20 * self._cost):
            self.save(state)

    def save(self, state) -> None:
        """Write the state; what was there before stays until the new file is complete."""
        beside, begin = self.path.with_suffix(".part"), time.monotonic()
        try:
            with open(beside, "wb") as file:
                pickle.dump((self._fingerprint, state), file, protocol=pickle.HIGHEST_PROTOCOL)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self.path)
        except (OSError, pickle.PicklingError, AttributeError) as error:
            raise InputError(f"cannot write checkpoint {self.path}: {error}.") from error
        self._last = time.monotonic()
        self._cost = self._last - begin

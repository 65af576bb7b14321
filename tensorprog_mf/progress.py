"""One line of progress with the time left, on terminals; silence elsewhere."""

import sys
import threading
import time

_INTERVAL = 0.2


class Progress:
    """Counts steps of all replicates, from any thread.

    Parameters
    ----------
    label
        What is running.
    total
        Number of steps to come, all replicates together.
    wanted
        Show it if standard error is a terminal; never otherwise.
    """

    def __init__(self, label: str, total: int, wanted: bool = True, stream=None):
        self._stream = stream or sys.stderr
        self._label, self._total, self._done = label, max(total, 1), 0
        self._shown = wanted and self._stream is not None and self._stream.isatty()
        self._lock, self._begin, self._last = threading.Lock(), time.monotonic(), 0.0
        self._stopped = False

    @property
    def stopped(self) -> bool:
        """Whether the runs are asked to end."""
        return self._stopped

    def stop(self) -> None:
        """Ask the runs to end at their next step."""
        self._stopped = True

    def advance(self) -> bool:
        """One more step is done; False if the run is asked to end."""
        with self._lock:
            self._done += 1
            now = time.monotonic()
            if self._shown and now - self._last > _INTERVAL:
                self._last = now
                left = (now - self._begin) / self._done * (self._total - self._done)
                self._write(f"{self._label}: {self._done / self._total:4.0%}, {_duration(left)} left")
        return not self._stopped

    def partial(self, share: float) -> bool:
        """That share of a step is done, 0 to 1; False if the run is asked to end."""
        return not self._stopped

    def close(self) -> None:
        """Clear the line."""
        if self._shown:
            self._write("")

    def _write(self, text: str) -> None:
        self._stream.write(f"\r\033[K{text}")
        self._stream.flush()


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"

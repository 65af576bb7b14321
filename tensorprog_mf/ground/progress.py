"""One line of progress with the time left, on terminals and in notebooks; silence elsewhere."""

import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, TextIO

from .time_left import TimeLeft

_INTERVAL = 0.2


class Progress:
    """Counts steps of all replicates, from any thread.

    Parameters
    ----------
    label
        What is running.
    total
        Number of steps, all replicates together.
    wanted
        Show it if standard error is a terminal, or in a notebook; never otherwise.
    runs
        Number of replicates, each of which has as many steps.
    """

    def __init__(
        self, label: str, total: int, wanted: bool = True, stream: TextIO | None = None, runs: int = 1
    ):
        self._label, self._total, self._done = label, max(total, 1), 0
        self._line = _line(stream or sys.stderr) if wanted else None
        self._lock, self._last = threading.Lock(), -_INTERVAL
        self._left, self._stopped = TimeLeft(self._total // max(runs, 1), max(runs, 1)), False
        self.aside: Callable[[], str] = lambda: ""  # more to show at the end of the line

    @property
    def stopped(self) -> bool:
        """Whether the runs have been asked to end."""
        return self._stopped

    def stop(self) -> None:
        """Ask the runs to end at their next step."""
        self._stopped = True
        if self._line is not None:
            what = "interrupted, waiting for the current step to end; Ctrl-C again waits for nothing"
            self._line.write(f"{self._label}: {what}")

    def begin(self, done: int = 0) -> None:
        """This thread begins a run, `done` steps of which an earlier process has done."""
        with self._lock:
            self._done += done
            self._left.begin(threading.get_ident(), done, time.monotonic())

    def advance(self) -> bool:
        """One more step is done; False if the run is asked to end."""
        with self._lock:
            self._done += 1
            self._left.advance(threading.get_ident(), now := time.monotonic())
            self._show(now)
        return not self._stopped

    def partial(self, share: float) -> bool:
        """This share of the thread's step is done, 0 to 1; False if the run is asked to end."""
        with self._lock:
            self._left.partial(threading.get_ident(), share, now := time.monotonic())
            self._show(now)
        return not self._stopped

    def close(self) -> None:
        """Clear the line."""
        if self._line is not None:
            self._line.write("")

    def _show(self, now: float) -> None:
        if self._line is not None and not self._stopped and now - self._last > _INTERVAL:
            self._last, seconds = now, self._left.seconds(now)
            left = "..." if seconds is None else f"{_duration(seconds)} left"
            self._line.write(f"{self._label}: {self._left.fraction:4.0%}, {left}{self.aside()}")


class _Terminal:
    """A line that is written over."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> None:
        """Show `text` in place of what is there."""
        self._stream.write(f"\r\033[K{text}")
        self._stream.flush()


class _Notebook:
    """An output of the running cell that is written over, empty at the end; nothing for the first second."""

    _patience = 1.0

    def __init__(self, display: Callable[..., Any]):
        self._display, self._since = display, time.monotonic()
        self._name: str | None = None

    def write(self, text: str) -> None:
        """Show `text` in place of what is there."""
        data = {"text/plain": text}
        if self._name is not None:
            self._display(data, raw=True, display_id=self._name, update=True)
        elif text and time.monotonic() - self._since > self._patience:
            self._name = uuid.uuid4().hex
            self._display(data, raw=True, display_id=self._name)


def _line(stream: TextIO | None) -> _Terminal | _Notebook | None:
    """Where to show progress, or None: a terminal, or the notebook that this process is the kernel of."""
    if stream is not None and stream.isatty():
        return _Terminal(stream)
    asked = getattr(sys.modules.get("IPython"), "get_ipython", None) if "ipykernel" in sys.modules else None
    shell = asked and asked()
    if hasattr(shell, "kernel"):
        from IPython.display import display  # loaded already, by the kernel

        return _Notebook(display)
    return None


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"

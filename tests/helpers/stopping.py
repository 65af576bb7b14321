"""Runs that Ctrl-C ends."""

import signal
import threading

import pytest

import tensorprog_mf as tp
from tensorprog_mf.ground import progress


def interrupt_after(monkeypatch, steps):
    """Send Ctrl-C to the main thread once that many steps are done, and wait until it is heard."""
    advance, stop = progress.Progress.advance, progress.Progress.stop
    heard, once, sent = threading.Event(), threading.Lock(), []

    def counted(self):
        going = advance(self)
        with once:  # two threads may see the same number
            due = self._done == steps and self not in sent
            sent.extend([self] * due)
        if due:
            heard.clear()
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            heard.wait(10)
            return False
        return going

    monkeypatch.setattr(progress.Progress, "advance", counted)
    monkeypatch.setattr(progress.Progress, "stop", lambda self: (stop(self), heard.set()))


def stopped(call, *arguments, **options):
    """The result of a call that Ctrl-C ends."""
    with pytest.raises(tp.Interrupted) as caught:
        call(*arguments, **options)
    return caught.value.result


def same(a, b):
    """Whether two results have the same variables, with the same bits."""
    return all(a[name].identical(b[name]) for name in set(a) | set(b))

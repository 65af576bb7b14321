"""Kernels, threads, and what they tell of themselves."""

import inspect
import os
import signal
import subprocess
import sys
import threading
import warnings

import pytest

import tensorprog_mf as tp
from tensorprog_mf.ground.accelerate import map_runs


@pytest.mark.parametrize("threads", [1, 2])
def test_warnings_point_at_the_users_line(problem, threads):
    """Those of worker threads too: more directions than sites from the second step on."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        line = inspect.currentframe().f_lineno + 1
        tp.sample(tp.MLP(2), problem, tp.Training(3, 0.4), n_samples=16, n_replicates=2, threads=threads)
    assert {w.category for w in caught} == {tp.RankWarning}
    assert all((w.filename, w.lineno) == (__file__, line) for w in caught)


def test_kernels_work_where_nothing_can_be_cached():
    script = (
        "import numpy as np; from tensorprog_mf.sites.sites import Sites;"
        " print(Sites('s', 4).mean(np.ones((1, 4)), np.ones((1, 4)))[0, 0])"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": "/dev/null/nowhere"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "1.0", done.stderr


def test_an_interruption_as_soon_as_runs_begin_is_heard():
    """Runs that are done before all have been handed out are kept."""

    def run(argument):
        if argument == 0:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        return argument

    for _ in range(20):
        stopped = threading.Event()
        assert map_runs(run, range(2), threads=2, stop=stopped.set) in ([0], [0, 1])
        assert stopped.is_set()

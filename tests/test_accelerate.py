"""Kernels, threads, and what they tell of themselves."""

import inspect
import os
import subprocess
import sys
import warnings

import pytest

import tensorprog_mf as tp


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
    script = "import numpy as np; from tensorprog_mf.sites import Sites; print(Sites('s', 4).mean(np.ones((1, 4)), np.ones((1, 4)))[0, 0])"
    environment = {**os.environ, "NUMBA_CACHE_DIR": "/dev/null/nowhere"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "1.0", done.stderr

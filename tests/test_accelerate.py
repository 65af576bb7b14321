import os
import subprocess
import sys


def test_kernels_work_where_nothing_can_be_cached():
    script = "import numpy as np; from tensorprog_mf.sites import Sites; print(Sites('s', 4).mean(np.ones((1, 4)), np.ones((1, 4)))[0, 0])"
    environment = {**os.environ, "NUMBA_CACHE_DIR": "/dev/null/nowhere"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "1.0", done.stderr

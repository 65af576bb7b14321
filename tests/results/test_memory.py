"""Estimates of memory against what is taken, and refusals that say what takes it and by how much to shrink
it."""

import re
import tracemalloc

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.results import memory
from tests.helpers.marks import near_full_rank


def made(*shape):
    rng = np.random.default_rng(0)
    return tp.Problem(rng.normal(size=shape), rng.normal(size=shape[0]))


FLOW = tp.Training(flow=True, times=[1.0, 4.0], tolerance=1e-4)
CASES = {
    "MLP": (tp.MLP(3), made(10, 8), tp.Training(20, 0.3)),
    "CNN with stride and pooling": (
        tp.CNN(3, stride=(1, 2, 1), pooling=2),
        made(4, 1, 8, 8),
        tp.Training(4, 0.3),
    ),
    "flow": (tp.MLP(2), made(6, 5), FLOW),
}


@pytest.mark.parametrize("name", CASES)
@near_full_rank
def test_estimates_are_near_what_is_taken(name):
    """Peak of what Python allocates, which holds what bases reserve and do not use yet."""
    settings = dict(n_replicates=1, samples=8, threads=1, progress=False, tolerance=1e-4)
    tp.sample(*CASES[name], n_samples=64, **settings | {"tolerance": 0.1})  # imports and compilation
    tracemalloc.start()
    ds = tp.sample(*CASES[name], n_samples=2048, record=[0, 1], **settings)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.6 * peak < ds.attrs["memory_estimate_bytes"] < 1.6 * peak


def test_images_with_stride_and_pooling_fit():
    """8 x 8 images, 4096 sites: half a gigabyte by measure, and once announced as 25."""
    network = tp.CNN(3, stride=(1, 2, 1), pooling=2)
    foot = network.footprint((1, 8, 8))
    assert [(asked.forward, asked.backward, asked.learned) for asked in foot.hidden] == [
        (16, 4, 9),
        (1, 1, 9),
    ]
    assert foot.vectors == 64 and foot.fields == 64 + 4 + 1
    per_vector = memory.directions(tp.Training(10, 0.3), 10, 1e-4, 1.0, network.activation)
    assert memory.of_directions(foot, 10, 4096, per_vector, 110, 0, 1) < 8e8


def test_runs_that_do_not_fit_are_refused_with_what_takes_it_and_the_remedy(problem, monkeypatch):
    setting = tp.MLP(3), problem, tp.Training(50, 0.1)
    monkeypatch.setattr(memory, "available", lambda: 2 * 10**7)
    message = (
        r"needs about 0.\d GB of memory, most of it for the weights of 2 replicates of 4096 sites, but 0.0 GB"
        r" are available; take n_samples=(\d+) or less, threads=1 or a larger tolerance"
    )
    with pytest.raises(tp.InputError, match=message) as refused:
        tp.sample(*setting, n_samples=4096, threads=2)
    fitting = int(re.search(message, str(refused.value)).group(1))
    assert (
        256 <= fitting < 4096
        and tp.sample(*setting, n_samples=fitting, threads=2, samples=4).attrs["status"] == "completed"
    )
    with pytest.raises(
        tp.InputError,
        match=(
            r"most of it for records of 5001 times, .* record at most (\d+) of 5001 times"
            r" .*record=tp.log_steps\(steps, \1\)\), kernels .*tp.Record\(kernel_examples"
        ),
    ):
        tp.sample(tp.MLP(3), problem, tp.Training(5000, 0.1), n_samples=64)
    with pytest.raises(tp.InputError, match=r"take width=\d+ or less, or|take width=\d+ or less\."):
        tp.train_finite(tp.MLP(3), problem, tp.Training(5, 0.1), width=2000, threads=1)
    monkeypatch.setattr(memory, "available", lambda: 10**3)
    with pytest.raises(tp.InputError, match="take a smaller n_samples"):
        tp.sample(*setting, n_samples=4096, record=[0])


def test_the_estimate_is_near_what_is_taken(problem):
    """Arrays of a finished run against the estimate of its results: within 20 %."""
    ds = tp.sample(tp.MLP(3), problem, tp.Training(20, 0.1), n_samples=512, n_replicates=3)
    kept = sum(v.nbytes for name, v in ds.data_vars.items() if "time" in v.dims)
    summary = memory.of_results(21, 3, 5, 64, 0)
    assert 2 * kept < summary < 4 * kept
    assert memory.available() is None or memory.available() > 10**8

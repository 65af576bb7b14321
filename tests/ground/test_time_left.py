"""Time left against the truth, on a clock of our own: what steps cost is known."""

import itertools
import sys
import types

import numpy as np
import pytest

from tensorprog_mf.ground import progress
from tensorprog_mf.ground.time_left import TimeLeft


def estimates(costs, runs=1, workers=1, done=0):
    """(share done, estimate, truth) after most steps of runs that cost this, `workers` of them at a time."""
    left, at = TimeLeft(len(costs), runs), []
    queues = [range(w, runs, workers) for w in range(workers)]
    # Every worker's steps end at known times; they are told in order.
    events = []
    for worker, queue in enumerate(queues):
        now = 0.0
        for number in queue:
            first = done if number == 0 else 0
            events.append((now, worker, "begin", first))
            for k in range(first, len(costs)):
                now += costs[k] + (3.0 if number == worker and k == first else 0.0)  # kernels are compiled
                events.append((now, worker, "advance", None))
    events.sort(key=lambda event: event[0])
    end, asked = events[-1][0], 0
    for clock, worker, kind, first in events:
        if kind == "begin":
            left.begin(worker, first, clock)
            continue
        left.advance(worker, clock)
        asked += 1
        if asked % max(len(costs) * runs // 50, 1) == 0:
            at.append((left.fraction, left.seconds(clock), end - clock))
    return at


SCATTER = np.random.default_rng(0).lognormal(0, 0.2, 400)
COSTS = {
    "constant": np.full(50, 0.5),
    "growing": 0.02 * np.arange(1, 51),
    "growing from a level": 0.2 + 0.02 * np.arange(50),
    "growing, then level": np.minimum(0.05 * np.arange(1, 101), 1.5),
    "falling": 1 / np.sqrt(np.arange(1, 101)),
    "scattered": SCATTER[:100],
    "scattered and growing": 0.02 * np.arange(1, 401) * SCATTER,
    "very many": np.full(2000, 0.02),
    "few": np.full(12, 4.0),
}


@pytest.mark.parametrize("name", COSTS)
@pytest.mark.parametrize("runs, workers", [(1, 1), (4, 1), (4, 2), (3, 2)])
def test_estimates_are_near_the_truth(name, runs, workers):
    """Within a factor of 2 from a tenth of all steps on; 3 of costs that fall or level off: the past does not
    tell."""
    factor = 3 if name in ("growing, then level", "falling") else 2
    for share, said, truth in estimates(COSTS[name], runs, workers):
        if 0.1 <= share < 0.97 and truth > 1:
            assert said is not None or share < 3 / len(COSTS[name]) / runs + 0.1, share
            assert said is None or truth / factor < said < truth * factor, (share, said, truth)


@pytest.mark.parametrize("name", ["constant", "growing", "growing from a level", "scattered"])
def test_a_run_that_goes_on_starts_where_it_was(name):
    costs, begin = COSTS[name], len(COSTS[name]) // 2
    found = estimates(costs, done=begin)
    assert found[0][0] == pytest.approx(0.5, abs=0.021) and found[0][1] is None
    for share, said, truth in found[4:-1]:
        assert truth / 1.5 - 0.5 < said < truth * 1.5 + 0.5, (share, said, truth)


def test_nothing_is_said_before_there_is_something_to_go_by():
    early = [said for share, said, _ in estimates(COSTS["constant"])[:3]]
    assert early == [None] * 3


def test_a_step_that_takes_long_is_told_by_its_parts():
    """A gradient flow to one time: 100 s, of which its own steps tell; a plain mean over 2 steps would say
    nothing."""
    left = TimeLeft(2, 1)
    left.begin(0, 0, 0.0)
    left.advance(0, 1.0)
    for share in (0.1, 0.5, 0.9):
        left.partial(0, share, 1 + 100 * share)
        assert abs(left.seconds(1 + 100 * share) - 100 * (1 - share)) < 1 and left.fraction == (1 + share) / 2


def test_runs_that_end_early_count_as_done():
    left = TimeLeft(10, 2)
    left.begin(0, 0, 0.0)
    left.advance(0, 1.0)
    left.begin(0, 0, 1.0)  # the first has diverged
    assert left.fraction == 0.5


class Notebook:
    """What a kernel's display would keep: outputs by their names."""

    def __init__(self, monkeypatch):
        self.outputs, self.shown = {}, []
        shell = types.SimpleNamespace(kernel=object())
        monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
        monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
        monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=self))

    def __call__(self, data, raw, display_id, update=False):
        assert raw and update == (display_id in self.outputs)
        self.outputs[display_id] = data["text/plain"]
        self.shown.append(data["text/plain"])


def test_a_notebook_has_one_line_that_is_empty_at_the_end(monkeypatch):
    clock = itertools.count(0, 0.4)
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    notebook = Notebook(monkeypatch)
    shown = progress.Progress("sample", 30)
    for _ in range(30):
        shown.advance()
    shown.close()
    assert len(notebook.outputs) == 1 and list(notebook.outputs.values()) == [""]
    assert any("%" in line and line.endswith(" s left") for line in notebook.shown)


def test_a_notebook_shows_nothing_of_what_is_done_at_once(monkeypatch):
    notebook = Notebook(monkeypatch)
    shown = progress.Progress("sample", 3)
    shown.advance()
    shown.close()
    progress.Progress("sample", 3, wanted=False).advance()
    assert notebook.outputs == {}

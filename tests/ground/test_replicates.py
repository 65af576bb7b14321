"""Which replicates are kept after Ctrl-C."""

import pytest

import tensorprog_mf as tp
from tensorprog_mf.ground.replicates import Replicates

ALL = 10  # times of a complete run; here a run is the number of times that it has recorded


def kept(*runs, stopped=True, ended=None):
    done = Replicates("sample", list(runs), len(runs) + 1, stopped)
    return done.worth_keeping(lambda run: run, ALL, ended=ended).runs


def test_all_are_kept_of_a_run_that_nothing_stopped():
    assert kept(ALL, 3, ALL, stopped=False) == [ALL, 3, ALL]  # one has diverged
    assert kept(ALL, 3, stopped=False, ended=lambda run: True) == [ALL, 3]


def test_those_that_ended_by_themselves_are_kept_without_the_others():
    assert kept(ALL, 9, ALL) == [ALL, ALL]
    assert kept(ALL, 9, 4, ended=lambda run: run in (ALL, 4)) == [ALL, 4]  # one has diverged, which counts


def test_where_none_ended_those_that_came_half_as_far_as_the_furthest_are_kept():
    assert kept(8, 3, 4) == [8, 4]
    assert kept(8, 3, 4, ended=lambda run: False) == [8, 4]


@pytest.mark.parametrize("runs", [(), (0,), (0, 0)])
def test_without_a_record_there_is_nothing_to_keep(runs):
    with pytest.raises(tp.Interrupted, match="sample was interrupted before its first record") as stop:
        kept(*runs)
    assert stop.value.result is None

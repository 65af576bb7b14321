"""Nothing computed is lost: Ctrl-C keeps what there is, and a checkpoint goes on to the same bits."""

from types import SimpleNamespace

import pytest

import tensorprog_mf as tp
from tensorprog_mf.ground import checkpoints, progress
from tests.helpers.stopping import interrupt_after, same, stopped

SETTINGS = dict(n_samples=512, n_replicates=2, samples=8, threads=1, progress=False)


@pytest.fixture
def setting(problem):
    return tp.MLP(3, "tanh", 1.5), problem, tp.Training(12, 0.3, 0.5, 0.1)


def test_an_interrupted_run_keeps_what_it_has(setting, monkeypatch):
    whole = tp.sample(*setting, **SETTINGS)
    interrupt_after(monkeypatch, 5)
    ds = stopped(tp.sample, *setting, **{**SETTINGS, "n_replicates": 1})
    assert ds.attrs["status"] == "interrupted" and "before step 5" in ds.attrs["status_message"]
    assert ds.sizes["time"] == 5 and ds.preactivation.identical(whole.preactivation[:5])


def test_finished_replicates_are_kept(setting, monkeypatch):
    interrupt_after(monkeypatch, 16)  # the second of two replicates, one after the other
    ds = stopped(tp.sample, *setting, **SETTINGS)
    assert ds.attrs["status"] == "interrupted" and "1 of 2 replicates" in ds.attrs["status_message"]
    assert ds.sizes["time"] == 13


@pytest.mark.parametrize("steps", [5, 16])
def test_going_on_gives_the_same_bits(setting, monkeypatch, tmp_path, steps):
    whole, done = tp.sample(*setting, **SETTINGS), []
    advance = progress.Progress.advance
    monkeypatch.setattr(progress.Progress, "advance", lambda self: done.append(1) or advance(self))
    with monkeypatch.context() as patched:
        interrupt_after(patched, steps)
        partial = stopped(tp.sample, *setting, checkpoint=tmp_path / "state", **SETTINGS)
    assert partial.attrs["status"] == "interrupted" and len(done) < 26
    ds = tp.sample(*setting, checkpoint=tmp_path / "state", **SETTINGS)
    assert ds.attrs["status"] == "completed" and same(ds, whole)
    assert len(done) == 26  # no step was done twice
    assert not (tmp_path / "state").exists()


def test_a_killed_run_goes_on_from_its_last_checkpoint(setting, monkeypatch, tmp_path):
    """As after kill -9: nothing is written at the end, only what was saved on the way."""
    whole = tp.train_finite(*setting, width=32, n_replicates=1, samples=8)
    steps, advance = [], progress.Progress.advance

    def dies(self):
        steps.append(1)
        if len(steps) == 7:
            raise RuntimeError("killed")
        return advance(self)

    with monkeypatch.context() as patched:
        patched.setattr(progress.Progress, "advance", dies)
        patched.setattr(checkpoints.Checkpoint, "save_if_due", checkpoints.Checkpoint.save)
        with pytest.raises(RuntimeError, match="killed"):
            tp.train_finite(*setting, width=32, n_replicates=1, samples=8, checkpoint=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["replicate-0.checkpoint"]
    (tmp_path / "mine.txt").write_text("not to be deleted")
    assert same(tp.train_finite(*setting, width=32, n_replicates=1, samples=8, checkpoint=tmp_path), whole)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_foreign_and_damaged_checkpoints_are_refused(setting, monkeypatch, tmp_path):
    with monkeypatch.context() as patched:
        interrupt_after(patched, 3)
        stopped(tp.sample, *setting, checkpoint=tmp_path / "state", **SETTINGS)
    with pytest.raises(tp.InputError, match="belongs to another run"):
        tp.sample(*setting, checkpoint=tmp_path / "state", **{**SETTINGS, "seed": 5})
    (tmp_path / "state" / "replicate-0.checkpoint").write_bytes(b"rubbish")
    with pytest.raises(tp.InputError, match="cannot be read .* delete it"):
        tp.sample(*setting, checkpoint=tmp_path / "state", **SETTINGS)
    with pytest.raises(tp.InputError, match="checkpoint needs a seed"):
        tp.sample(*setting, checkpoint=tmp_path / "other", **{**SETTINGS, "seed": None})
    (tmp_path / "file").write_text("")
    with pytest.raises(tp.InputError, match="cannot be made a folder"):
        tp.sample(*setting, checkpoint=tmp_path / "file", **SETTINGS)


@pytest.mark.parametrize("steps", [2, 8], ids=["first kernels", "a probe"])
def test_routes_made_of_several_runs_end_on_ctrl_c(setting, monkeypatch, steps):
    """Nothing that has not begun begins: no replicate of the same run, no further run."""
    network, problem, _ = setting
    begun, advance = [], progress.Progress.advance
    interrupt_after(monkeypatch, steps)
    counted = progress.Progress.advance
    monkeypatch.setattr(progress.Progress, "advance", lambda self: begun.append(self._label) or counted(self))
    arguments = dict(n_samples=256, n_replicates=4, threads=1, progress=False)
    assert stopped(tp.perturbation, network, problem, tp.Training(12, 0.3), **arguments) is None
    assert len(begun) <= 4 + 8 and advance is not counted
    if steps == 2:
        assert (
            stopped(tp.static_ntk, network, problem, tp.Training(12, 0.3), kernel="sampled", **arguments)
            is None
        )


def test_alternate_keeps_its_last_iteration_on_ctrl_c(setting, monkeypatch):
    network, problem, training = setting
    interrupt_after(monkeypatch, 3)
    ds = stopped(tp.alternate, network, problem, training, n_samples=512, n_replicates=1, progress=False)
    assert ds.attrs["status"] == "interrupted" and ds.sizes["iteration"] == 3 and ds.sizes["time"] == 13


def test_what_takes_long_to_write_is_written_seldom(tmp_path, monkeypatch):
    """On a clock where a write takes 10 s and a step 1 s: twice in 420 steps, not seven times."""
    clock, writes = [0.0], []
    monkeypatch.setattr("tensorprog_mf.ground.checkpoints.time.monotonic", lambda: clock[0])

    def slow(*arguments, **options):
        clock[0] += 10
        writes.append(clock[0])

    monkeypatch.setattr("tensorprog_mf.ground.checkpoints.pickle.dump", slow)
    checkpoint = checkpoints.Checkpoint(tmp_path / "state", "run")
    for _ in range(420):
        clock[0] += 1
        checkpoint.save_if_due(None)
    assert writes == [70, 280]


def test_a_disk_without_room_is_told_of_once_and_the_run_goes_on(setting, monkeypatch, tmp_path):
    """Nothing is written there, and nothing of it is claimed; the numbers are those without a checkpoint."""
    monkeypatch.setattr(checkpoints.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    monkeypatch.setattr(checkpoints.Checkpoint, "save_if_due", checkpoints.Checkpoint.save)
    options = SETTINGS | {"n_replicates": 1}
    match = "takes .* MB, but .*state has 0.1 MB left, so it was not written"
    with pytest.warns(tp.CheckpointWarning, match=match) as told:
        ds = tp.sample(*setting, **options, checkpoint=tmp_path / "state")
    assert len([w for w in told if w.category is tp.CheckpointWarning]) == 1
    assert same(ds, tp.sample(*setting, **options))
    interrupt_after(monkeypatch, 5)
    match = "Nothing is on disk in '.*' to go on from"
    with pytest.warns(tp.CheckpointWarning), pytest.raises(tp.Interrupted, match=match):
        tp.sample(*setting, **options, checkpoint=tmp_path / "state")


def test_what_a_checkpoint_takes_is_shown(setting, monkeypatch, tmp_path):
    """The estimate before writing is the size of the file, and the line of progress tells it."""
    monkeypatch.setattr(checkpoints.Checkpoint, "save_if_due", checkpoints.Checkpoint.save)
    seen, estimate = [], checkpoints.size_of
    monkeypatch.setattr(checkpoints, "size_of", lambda state: seen.append(estimate(state)) or seen[-1])
    shown, advance = [], progress.Progress.advance

    def noted(self):
        shown.append((self.aside(), checkpoints.on_disk(tmp_path)))
        return advance(self)

    monkeypatch.setattr(progress.Progress, "advance", noted)
    tp.sample(*setting, **SETTINGS | {"n_replicates": 1}, checkpoint=tmp_path)
    assert shown[0] == ("", 0)
    for guess, (text, size) in zip(seen, shown[1:]):
        assert abs(guess / size - 1) < 0.02 and text == f", checkpoint {checkpoints.in_words(size)}"

import io

import pytest

import tensorprog_mf as tp
from tensorprog_mf.ground import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_shown_on_terminals_only(monkeypatch):
    monkeypatch.setattr(progress, "_INTERVAL", -1.0)
    terminal, file = Terminal(), io.StringIO()
    for stream, wanted in ((terminal, True), (file, True), (off := Terminal(), False)):
        shown = progress.Progress("sample", 4, wanted, stream)
        shown.advance()
        shown.close()
    assert "sample:  25%, ..." in terminal.getvalue() and terminal.getvalue().endswith("\r\033[K")
    assert file.getvalue() == off.getvalue() == ""


def test_shares_of_a_step_are_shown(monkeypatch):
    monkeypatch.setattr(progress, "_INTERVAL", -1.0)
    terminal = Terminal()
    shown = progress.Progress("sample", 2, stream=terminal)
    shown.begin()
    assert shown.partial(0.5) and "sample:  25%" in terminal.getvalue()
    shown.stop()
    assert not shown.partial(0.6)


def test_durations():
    assert [progress._duration(s) for s in (7, 61, 3700)] == ["7 s", "1 min 01 s", "1 h 01 min"]


def test_a_run_tells_its_progress(problem, monkeypatch):
    steps = []
    monkeypatch.setattr(progress.Progress, "advance", lambda self: steps.append(self._total) or True)
    tp.sample(tp.MLP(2), problem, tp.Training(3, 0.1), n_samples=256, n_replicates=2)
    assert steps == [8] * 8


def test_target_error(problem):
    ds = tp.sample(tp.MLP(2), problem, tp.Training(8, 0.4), n_samples=256, n_replicates=4, target_error=4e-3)
    assert (
        3.18 * ds.output_stderr.max() <= 4e-3
        and "target_error=0.004 reached with n_samples=" in ds.attrs["target_error_message"]
    )
    n = int(ds.attrs["target_error_message"].split("n_samples=")[1].split(",")[0])
    assert n > 256 and f'"n_samples": {n}' in ds.attrs["settings_json"]
    best = tp.sample(tp.MLP(2), problem, tp.Training(8, 0.4), n_samples=2**14, n_replicates=4, seed=1)
    assert abs(ds.output - best.output).max() < 4e-3
    for bad in (
        dict(target_error=0.0),
        dict(target_error=1e-3, n_replicates=1),
        dict(target_error=1e-3, keep_replicates=True),
    ):
        with pytest.raises(tp.InputError, match="target_error"):
            tp.sample(tp.MLP(2), problem, tp.Training(1, 0.4), **bad)


def test_a_target_is_not_pursued_past_an_interruption_or_divergence(problem):
    import numpy as np
    import xarray as xr

    from tensorprog_mf.routes.sampling.target import refine

    def run_with(status, at):
        asked = []

        def run(n):
            asked.append(n)
            values = xr.DataArray(np.full(3, 1.0 / n), dims="time")
            said = dict(
                status=status if n == at else "completed", status_message="At step 1.", route="sample"
            )
            ds = xr.Dataset(
                {"output": values, "output_stderr": values.assign_attrs(replicates=4)}, attrs=said
            )
            if n == at and status == "interrupted":
                raise tp.Interrupted("", ds)
            return ds

        return run, asked

    for status in ("interrupted", "diverged"):
        for at, calls in ((256, [256]), (1024, [256, 512, 1024])):
            run, asked = run_with(status, at)
            if status == "diverged":
                with pytest.warns(tp.TargetWarning, match="not reached"):
                    ds = refine(run, 256, 1e-9)
            else:
                with pytest.raises(
                    tp.Interrupted, match="is the largest that was finished" if at > 256 else None
                ) as stop:
                    refine(run, 256, 1e-9)
                ds = stop.value.result
            assert asked == calls and float(ds.output[0]) == 1 / (at if at == 256 else 512)


def test_a_target_out_of_reach_says_so(problem, monkeypatch):
    monkeypatch.setattr("tensorprog_mf.routes.sampling.target.LARGEST", 512)
    with pytest.warns(tp.TargetWarning, match="not reached: n_samples=512 is the largest tried"):
        tp.sample(tp.MLP(2), problem, tp.Training(4, 0.4), n_samples=256, target_error=1e-9)

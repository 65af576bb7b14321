"""Ctrl-C stops the caller of any route, and what there is goes along; a second one waits for nothing."""

import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import xarray as xr

import tensorprog_mf as tp
from tensorprog_mf import cli
from tensorprog_mf.ground import progress
from tensorprog_mf.ground.accelerate import map_runs
from tensorprog_mf.ground.interruption import unless_interrupted
from tests.helpers.stopping import interrupt_after, same, stopped

mf, sl = tp.mean_field, tp.scaling_laws
SMALL = dict(n_samples=256, n_replicates=2, threads=1, progress=False)
LINE = mf.FiniteData([-1.0, 1.0], [-0.5, 0.5])
UNITS = mf.Neuron("tanh"), LINE, {"a": tp.Gaussian(), "w": tp.Gaussian()}
MODES = sl.Model(sl.PowerLaw(a=1.5, b=1.25, modes=30), width=10, examples=15)


def routes(problem):
    """By name: a call, whether it keeps what there is."""
    setting, steps = (tp.MLP(2, richness=0.5), problem), tp.Training(8, 0.3)
    deep = tp.ResidualMLP("infinite")
    flow = tp.Training(flow=True, times=np.linspace(0, 2, 9), tolerance=1e-3)
    return {
        "sample": (lambda: tp.sample(*setting, steps, **SMALL), True),
        "sample, flow": (lambda: tp.sample(*setting, flow, **SMALL), True),
        "gradient_independence": (lambda: tp.gradient_independence(*setting, steps, **SMALL), True),
        "train_finite": (
            lambda: tp.train_finite(*setting, steps, 16, n_replicates=2, threads=1, progress=False),
            True,
        ),
        "alternate": (
            lambda: tp.alternate(*setting, tp.Training(3, 0.3), **SMALL, iterations=9, target_residual=1e-9),
            True,
        ),
        "infinite depth": (lambda: tp.sample(deep, problem, steps, **SMALL), False),
        "static_ntk": (
            lambda: tp.static_ntk(*setting, steps, "sampled", **SMALL | {"n_replicates": 6}),
            False,
        ),
        "perturbation": (lambda: tp.perturbation(*setting, steps, **SMALL), False),
        "target_error": (lambda: tp.sample(*setting, steps, target_error=1e-9, **SMALL), True),
        "distributional_dynamics": (
            lambda: mf.distributional_dynamics(*UNITS, [0, 0.02, 0.4], 0.01, 16, progress=False),
            True,
        ),
        "train_particles": (
            lambda: mf.train_particles(*UNITS, np.arange(9) / 100, 20, 1e-3, progress=False, threads=1),
            True,
        ),
        "train_autoencoder": (
            lambda: mf.train_autoencoder(
                [2.0, 1.0],
                "relu",
                0.4,
                0.1,
                np.linspace(0, 2, 9),
                0.05,
                20,
                "population",
                n_replicates=2,
                threads=1,
                progress=False,
            ),
            True,
        ),
        "simulate": (lambda: sl.simulate(MODES, sl.Descent(8, 0.1), 2, threads=1, progress=False), True),
        "solve": (lambda: sl.solve(MODES, sl.Descent(8, 0.1), threads=1, progress=False), True),
    }


NAMES = list(routes(tp.Problem(np.eye(2), [1.0, -1.0])))
SEVERAL = (
    "infinite depth",
    "perturbation",
    "static_ntk",
    "target_error",
)  # of which the last step of one is not the end


@pytest.mark.parametrize("name", NAMES)
def test_every_route_stops_its_caller(problem, monkeypatch, name):
    """The second run of a loop never begins."""
    call, keeps = routes(problem)[name]
    interrupt_after(monkeypatch, 5)
    begun = []
    with pytest.raises(tp.Interrupted) as caught:
        for number in range(2):
            begun.append(number)
            call()
    assert begun == [0]
    ds = caught.value.result
    if not keeps:
        assert ds is None and "so there is no result" in str(caught.value)
        return
    assert ds.attrs["status"] == "interrupted" and ds.sizes["time"] > 0
    assert "interrupted" in str(caught.value) and "`except tp.Interrupted as stop`" in str(caught.value)
    assert str(caught.value).count(ds.attrs["status_message"]) == 1


@pytest.mark.filterwarnings("ignore::tensorprog_mf.ground.errors.ConvergenceWarning")
@pytest.mark.parametrize("name", [name for name in NAMES if name not in SEVERAL])
def test_what_was_complete_when_ctrl_c_came_is_kept_whole(problem, monkeypatch, name):
    """Ctrl-C after the last step of the last replicate."""
    call, _ = routes(problem)[name]
    counts, advance = [], progress.Progress.advance
    with monkeypatch.context() as patched:
        patched.setattr(progress.Progress, "advance", lambda self: counts.append(1) or advance(self))
        whole = call()
    interrupt_after(monkeypatch, len(counts))
    ds = stopped(call)
    assert ds.sizes == whole.sizes and ds.attrs["status"] in (whole.attrs["status"], "interrupted")


@pytest.mark.parametrize("keep", [False, True])
def test_a_replicate_that_never_began_is_missing(problem, monkeypatch, tmp_path, keep):
    """Ctrl-C at the very end of the first of two replicates, one after the other: the run is not complete,
    and goes on from its checkpoint."""
    setting = tp.MLP(2), problem, tp.Training(8, 0.3)
    options = SMALL | ({"checkpoint": tmp_path / "state"} if keep else {})
    with monkeypatch.context() as patched:
        interrupt_after(patched, 9)
        ds = stopped(tp.sample, *setting, **options)
    message = ds.attrs["status_message"]
    assert ds.attrs["status"] == "interrupted" and ds.sizes["time"] == 9 and ds.attrs["replicates"] == 1
    assert message.startswith("The run was interrupted before all replicates were done. 1 of 2 replicates")
    assert ("resume from the checkpoint" in message) == keep
    if keep:
        assert same(tp.sample(*setting, **options), tp.sample(*setting, **SMALL))
        assert not (tmp_path / "state").exists()


def test_replicates_that_are_missing_are_told():
    """Those that are kept may have reached their end: the run has not."""
    attrs = dict(status="completed", status_message="All times were reached.", route="simulate")
    with pytest.raises(
        tp.Interrupted, match="interrupted before all replicates were done. 1 of 4 replicates"
    ):
        unless_interrupted(xr.Dataset(attrs=attrs), True, 1, 4)


def test_a_target_keeps_the_last_run_that_was_finished(problem, monkeypatch):
    advance, done = progress.Progress.advance, []
    setting = tp.MLP(2), problem, tp.Training(4, 0.3)
    with monkeypatch.context() as patched:  # 2 replicates x 5 steps, of 64, 128 and 256 samples
        patched.setattr(
            progress.Progress, "advance", lambda self: advance(self) and (done.append(1) or len(done) < 23)
        )
        with pytest.raises(
            tp.Interrupted, match="n_samples=128 is the largest that was finished before"
        ) as caught:
            tp.sample(*setting, target_error=1e-5, tolerance=1e-8, **SMALL | {"n_samples": 64})
    ds, once = caught.value.result, tp.sample(*setting, tolerance=1e-8, **SMALL | {"n_samples": 128})
    assert ds.attrs["status"] == "completed" and ds.output.equals(once.output)
    assert "not reached: n_samples=128" in ds.attrs["target_error_message"]


def test_how_to_go_on_is_said(problem, monkeypatch, tmp_path):
    setting = tp.MLP(2), problem, tp.Training(8, 0.3)
    for message, steps, options in (
        ("Nothing is on disk to go on from; with checkpoint='folder' it would be", 5, {}),
        ("resume from the checkpoint in '.*a' \\(.* MB", 5, {"checkpoint": tmp_path / "a"}),
        ("before its first record, so there is no result.$", 1, {"record": [8]}),
    ):
        with monkeypatch.context() as patched, pytest.raises(tp.Interrupted, match=message):
            interrupt_after(patched, steps)
            tp.sample(*setting, **SMALL, **options)


@pytest.mark.parametrize("kind", ["target", "depth"])
def test_runs_made_of_several_go_on_where_they_were(problem, monkeypatch, tmp_path, kind):
    """Those that were finished are not run again, and the numbers are those of an uninterrupted call."""
    network = tp.ResidualMLP("infinite") if kind == "depth" else tp.MLP(2)
    options = SMALL | ({} if kind == "depth" else {"target_error": 0.05, "n_samples": 64})
    setting = network, problem, tp.Training(4, 0.3)
    done, advance = [], progress.Progress.advance
    monkeypatch.setattr(progress.Progress, "advance", lambda self: done.append(1) or advance(self))
    whole = tp.sample(*setting, **options)
    once = len(done)
    done.clear()
    with monkeypatch.context() as patched:
        counted = progress.Progress.advance
        patched.setattr(progress.Progress, "advance", lambda self: counted(self) and len(done) < once - 3)
        stopped(tp.sample, *setting, **options, checkpoint=tmp_path / "state")
    ds = tp.sample(*setting, **options, checkpoint=tmp_path / "state")
    assert len(done) == once and ds.output.equals(whole.output)
    assert not (tmp_path / "state").exists()


def test_a_second_ctrl_c_waits_for_nothing():
    released, stops, begin = threading.Event(), [], time.monotonic()

    def run(argument):
        for _ in range(2):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            time.sleep(0.3)
        released.wait(30)  # a step that takes long

    with pytest.raises(KeyboardInterrupt):
        map_runs(run, range(1), 1, lambda: stops.append(1))
    assert stops == [1] and time.monotonic() - begin < 10
    released.set()


SCRIPT = """
import os, signal, threading, tensorprog_mf as tp
from tensorprog_mf.ground import progress
advance = progress.Progress.advance
def counted(self):
    going = advance(self)
    if self._done == 5:
        os.kill(os.getpid(), signal.{name})
        threading.Event().wait(1)
    return going and not self.stopped
progress.Progress.advance = counted
{code}
"""
LOOP = """
for i in range(3):
    print("begun", flush=True)
    problem = tp.Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0])
    tp.sample(tp.MLP(2), problem, tp.Training(8, 0.3), 64, 1, progress=False)
"""


def run(script):
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)


def test_a_script_that_nothing_protects_ends():
    done = run(SCRIPT.format(name="SIGINT", code=LOOP))
    assert done.stdout.split() == ["begun"] and done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(
        "tensorprog_mf.ground.errors.Interrupted: sample: The run was interrupted before step 5;"
    )
    assert "sys.last_value" in last


@pytest.fixture
def configuration(tmp_path):
    problem = "[problem]\ninputs = [[1, 0], [0, 1]]\ntargets = [1, -1]\n[network]\ndepth = 2\n"
    run = "[training]\nsteps = 8\nlearning_rate = 0.3\n[run]\nn_samples = 64\nn_replicates = 1\n"
    (tmp_path / "run.toml").write_text(problem + run)
    return ["run", str(tmp_path / "run.toml"), "-o", str(tmp_path / "out.nc")]


def test_the_command_line_writes_what_there_is_and_exits_with_130(configuration, monkeypatch, capsys):
    interrupt_after(monkeypatch, 5)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert cli.main(configuration) == 130
    finally:
        signal.signal(signal.SIGTERM, before)
    said, out = capsys.readouterr(), configuration[-1]
    assert (
        said.out.startswith(f"{out}: interrupted. The run was interrupted before step 5;") and said.err == ""
    )
    assert tp.load(out).sizes["time"] == 5


def test_a_batch_system_that_ends_the_command_line_gets_the_file_too(configuration):
    code = f"import sys; from tensorprog_mf import cli; sys.exit(cli.main({configuration!r}))"
    done = run(SCRIPT.format(name="SIGTERM", code=code))
    assert done.returncode == 130 and done.stderr == ""
    assert "interrupted before step 5;" in done.stdout and tp.load(configuration[-1]).sizes["time"] == 5


def test_the_command_line_says_so_where_there_is_nothing_to_keep(tmp_path, monkeypatch, capsys):
    problem = (
        "[problem]\ninputs = [[1, 0], [0, 1]]\ntargets = [1, -1]\n[network]\ndepth = 2\nrichness = 0.1\n"
    )
    run = '[training]\nsteps = 8\nlearning_rate = 0.3\n[run]\nroute = "perturbation"\nn_samples = 64\n'
    (tmp_path / "run.toml").write_text(problem + run)
    before = signal.getsignal(signal.SIGTERM)
    interrupt_after(monkeypatch, 3)
    try:
        code = cli.main(["run", str(tmp_path / "run.toml"), "-o", str(tmp_path / "out.nc")])
    finally:
        signal.signal(signal.SIGTERM, before)
    said = capsys.readouterr().err
    assert code == 130
    assert said.count("\n") == 1 and "perturbation was interrupted" in said
    assert not (tmp_path / "out.nc").exists()


def test_a_flow_is_interrupted_between_its_times_and_goes_on_to_the_same_bits(problem, monkeypatch, tmp_path):
    """One requested time far ahead: Ctrl-C at the third inner step, in the first replicate and in the
    second."""
    setting = tp.MLP(2, "tanh", 1.5), problem, tp.Training(flow=True, times=[0.0, 3.0], tolerance=1e-4)
    settings = SMALL | {"n_samples": 512}
    options = settings | {"checkpoint": tmp_path / "state"}
    whole = tp.sample(*setting, **settings)
    partial, stop = progress.Progress.partial, progress.Progress.stop
    steps, heard = [], threading.Event()

    def counted(self, share):
        steps.append(share)
        if len(steps) == 3:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            heard.wait(10)
        return partial(self, share) and not self.stopped

    for _ in range(2):
        steps.clear(), heard.clear()
        with monkeypatch.context() as patched:
            patched.setattr(progress.Progress, "partial", counted)
            patched.setattr(progress.Progress, "stop", lambda self: (stop(self), heard.set()))
            ds = stopped(tp.sample, *setting, **options)
        assert len(steps) == 3 and steps[-1] < 1 and ds.attrs["status"] == "interrupted"
    assert same(tp.sample(*setting, **options), whole)

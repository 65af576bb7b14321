"""Gradient flow of activations with kinks: it ends, says its tolerance, and agrees with many small steps."""

import warnings

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.engine.flow import FlowIntegrator
from tensorprog_mf.ground import progress
from tensorprog_mf.ground.status import Status
from tests.helpers.marks import near_full_rank
from tests.helpers.stopping import same, stopped

HARD_TANH = (lambda h: np.clip(h, -1.0, 1.0), lambda h: (np.abs(h) < 1) * 1.0)
KINKED = {
    "relu": "relu",
    "leaky_relu": tp.Activation("leaky_relu", slope=0.2),
    "absolute": tp.Activation("leaky_relu", slope=-1),
    "own": HARD_TANH,
}
STORED = dict(width=24, n_replicates=1, samples=0, threads=1, progress=False)


def flow(tolerance=1e-6, **more):
    return tp.Training(flow=True, times=[0.0, 1.0, 2.0], tolerance=tolerance, **more)


@pytest.fixture
def journeys(monkeypatch):
    """The flows that were travelled."""
    found, travel = [], FlowIntegrator.travel

    def seen(self, *arguments):
        found.append(self)
        return travel(self, *arguments)

    monkeypatch.setattr(FlowIntegrator, "travel", seen)
    return found


def test_a_loss_with_a_kink_is_one(problem):
    """The error of the hinge loss jumps where an example comes to its margin: flow to 1e-3, near many small
    steps."""
    signs = tp.Problem(problem.inputs, np.sign(problem.targets), loss="hinge")
    steps = tp.train_finite(tp.MLP(2), signs, tp.Training(1200, 1 / 200), record=[0, 200, 1200], **STORED)
    training = tp.Training(flow=True, times=[0.0, 1.0, 6.0])
    with pytest.warns(tp.ToleranceWarning, match="loss 'hinge' has a kink"):
        ds = tp.train_finite(tp.MLP(2), signs, training, **STORED)
    assert ds.attrs["status"] == "completed" and ds.loss[-1] < 0.5 * ds.loss[0]
    # Steps of 1/200 go up to one step beyond the margin; measured 8e-3.
    assert np.abs(ds.output.values - steps.output.values).max() < 2e-2


@pytest.mark.parametrize("name", KINKED)
def test_it_is_descent_with_many_small_steps(problem, name, journeys):
    """One stored network: descent at 600 and 1200 steps per time, extrapolated, is off by less than 1e-4."""
    network = tp.MLP(2, KINKED[name], 1.2)
    coarse, fine = (
        tp.train_finite(network, problem, tp.Training(2 * n, 1 / n), record=[0, n, 2 * n], **STORED)
        for n in (600, 1200)
    )
    expected, counts = 2 * fine.output.values - coarse.output.values, []
    for tolerance, left in ((1e-6, 1e-3), (1e-4, 1e-4)):
        with pytest.warns(tp.ToleranceWarning, match="has a kink") as told:
            ds = tp.train_finite(network, problem, flow(tolerance), **STORED)
        assert len(told) == 1 and ("1e-06; pass another" if tolerance == 1e-6 else "10 times as long") in str(
            told[0].message
        )
        # Errors of steps add up: to at most 3.9 times the tolerance that is kept, in these four cases.
        assert np.abs(ds.output.values - expected).max() < 5 * left + 1e-4, tolerance
        assert f'"tolerance": {left}' in ds.attrs["training_json"]
        counts.append(journeys[-1].evaluations)
    assert counts[0] < 300 and counts[1] > 3 * counts[0]  # relu at 1e-6 took over 60 s


@near_full_rank
def test_the_limit_of_a_flow_with_kinks_ends(problem, journeys):
    with pytest.warns(
        tp.ToleranceWarning, match="'relu' has a kink.*this run takes tolerance=0.001 in place of 1e-06"
    ):
        ds = tp.sample(tp.MLP(2, "relu"), problem, flow(), n_samples=512, n_replicates=2, progress=False)
    assert ds.attrs["status"] == "completed" and max(one.evaluations for one in journeys) < 150


def test_smooth_activations_and_coarse_tolerances_are_told_nothing(problem):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for network, tolerance in (
            ("tanh", 1e-6),
            ("elu", 1e-4),
            (tp.Activation("relu", kinked=False), 1e-2),
            ("relu", 1e-3),
        ):
            tp.train_finite(tp.MLP(1, network), problem, flow(tolerance), **{**STORED, "width": 8})


def test_few_stages_err_less_at_a_kink(problem, journeys):
    """Bogacki & Shampine beside Dormand & Prince at the same tolerance: nearer, for as much work."""
    errors, work, settings = {}, {}, {**STORED, "width": 128}
    with pytest.warns(tp.ToleranceWarning):
        best = tp.train_finite(tp.MLP(2, "relu", 1.2), problem, flow(5e-5), **settings).output.values
    for kinked in (True, False):
        network = tp.MLP(2, tp.Activation("relu", kinked=kinked), 1.2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", tp.ToleranceWarning)
            found = [
                tp.train_finite(network, problem, flow(t), **settings).output.values
                for t in (1e-3, 5e-4, 2.5e-4)
            ]
        errors[kinked] = np.mean([np.abs(one - best).max() for one in found])
        work[kinked] = journeys[-1].evaluations
    assert (
        errors[True] < errors[False] / 2 and work[True] < 1.5 * work[False]
    )  # found: 5.7e-4 and 1.8e-3, 198 and 171


STIFF = tp.Problem(np.random.default_rng(10520).normal(size=(3, 4)), [1.0, -0.5, 0.3])


def stiff(times):
    return tp.train_finite(
        tp.MLP(3, "quadratic", 0.3),
        STIFF,
        tp.Training(flow=True, times=times),
        width=16,
        n_replicates=1,
        centred=True,
        progress=False,
    )


def test_a_flow_that_creeps_ends_with_a_sentence():
    """Kernels of order 10^6: steps of 10^-5 would take days to the time 300."""
    with pytest.warns(
        tp.DivergenceWarning,
        match=r"At time .* is down to steps of .*e-0\d, too small to reach its last time; the times before",
    ):
        ds = stiff([0.0, 300.0])
    assert (
        ds.attrs["status"] == "stiff"
        and ds.time.values.tolist() == [0.0]
        and "train in steps" in ds.attrs["status_message"]
    )
    with pytest.raises(tp.InputError, match="no earlier time could be kept.*scale inputs down"):
        stiff([300.0])


@near_full_rank
def test_it_hears_of_every_step_and_stops_where_it_was_told(problem, monkeypatch, tmp_path):
    """Between two requested times, and from a checkpoint on to the same bits."""
    setting = tp.MLP(2, "tanh", 1.5), problem, tp.Training(flow=True, times=[0.0, 3.0, 4.0], tolerance=1e-6)
    settings = dict(n_samples=256, n_replicates=1, samples=8, threads=1, progress=False)
    whole, shares = tp.sample(*setting, **settings), []

    def partial(self, share):
        shares.append(share)
        return len(shares) != 5

    with monkeypatch.context() as patched:
        patched.setattr(progress.Progress, "partial", partial)
        cut = stopped(tp.sample, *setting, checkpoint=tmp_path / "run", **settings)
    assert cut.attrs["status"] == "interrupted" and cut.time.values.tolist() == [0.0]
    assert shares == sorted(shares) and 0 < shares[-1] < 1 and len(shares) == 5
    assert same(tp.sample(*setting, checkpoint=tmp_path / "run", **settings), whole)


def test_parameters_are_left_at_the_last_accepted_step(problem):
    """A plain decay: when it is told to stop, what is left is exp(-time)."""
    from tensorprog_mf.matrices.parameter import Parameter

    travelled = FlowIntegrator(
        tp.Training(flow=True, times=[8.0], tolerance=1e-8).gradient_flow,
        {"w": 1.0},
        lambda p: {"w": float(np.abs(p["w"].learned).max())},
    )
    parameters, seen = {"w": Parameter(1.0, np.ones(1))}, []

    def fall(at):
        return {"w": Parameter(0.0, -at["w"].learned)}

    status = travelled.travel(parameters, fall, 0.0, 8.0, lambda share: seen.append(share) or share < 0.3)
    assert status is Status.INTERRUPTED and travelled.paused and 0.3 <= seen[-1] < 1
    assert (
        travelled.time == 8.0 * seen[-1] and abs(parameters["w"].learned[0] - np.exp(-travelled.time)) < 1e-7
    )
    assert travelled.travel(parameters, fall, 0.0, 8.0) is Status.COMPLETED
    assert abs(parameters["w"].learned[0] - np.exp(-8.0)) < 1e-7

"""Training as discrete descent and as gradient flow: what each holds, and how frozen settings behave."""

import dataclasses
import inspect
import math
import pickle

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.training.discrete_descent import DiscreteDescent
from tensorprog_mf.training.gradient_flow import GradientFlow

STEPS = dict(steps=4, learning_rate=0.3)
FLOW = dict(flow=True, times=[0.0, 1.0, 3.0])
BOTH = pytest.mark.parametrize("given", [STEPS, FLOW], ids=["steps", "flow"])


def test_steps_are_a_discrete_descent():
    training = tp.Training(4, 0.3, 0.5, schedule="cosine", batch_size=2, multipliers=[1, 2])
    descent = training.dynamics
    assert type(descent) is DiscreteDescent and training.descent is descent
    assert (descent.steps, descent.learning_rate, descent.momentum) == (4, 0.3, 0.5)
    assert descent.multipliers == training.multipliers == (1.0, 2.0)
    assert descent.last == training.last == 4 and not descent.full_batch
    np.testing.assert_array_equal(descent.clock(), training.clock())
    np.testing.assert_allclose(np.diff(descent.clock()), [descent.learning_rate_at(t) for t in range(4)])
    assert descent.largest_batch(7) == 2 and tp.Training(4, 0.3).largest_batch(7) == 7
    assert tp.Training(2, 0.3, batches=[[0], [1, 2, 2]]).largest_batch(7) == 3
    with pytest.raises(tp.UnsupportedError, match="goes in discrete steps; for gradient flow"):
        _ = training.gradient_flow


def test_times_are_a_gradient_flow():
    training = tp.Training(flow=True, times=[0, 1.0, math.inf], tolerance=1e-4, weight_decay=0.1)
    flow = training.dynamics
    assert type(flow) is GradientFlow and training.gradient_flow is flow
    assert flow.times == training.times == (0.0, 1.0, math.inf)
    assert (flow.tolerance, flow.weight_decay, flow.last, training.last) == (1e-4, 0.1, 2, 2)
    np.testing.assert_array_equal(flow.clock(), training.clock())
    assert flow.full_batch and flow.largest_batch(7) == 7
    np.testing.assert_array_equal(flow.example_weights(0, 4), np.full(4, 0.25))
    with pytest.raises(tp.UnsupportedError, match="a gradient flow, which has no steps"):
        _ = training.descent


@BOTH
def test_what_both_kinds_have(given):
    training = tp.Training(**given, learning_rule={"name": "feedback_alignment", "correlation": 0.5})
    assert training.ruled and training.dynamics.ruled and not tp.Training(**given).ruled
    assert training.dynamics.learning_rule is training.learning_rule


@BOTH
def test_equality_and_hash_are_those_of_the_settings(given):
    one, same = tp.Training(**given, weight_decay=0.25), tp.Training(**given, weight_decay=np.float32(0.25))
    other = tp.Training(**given, weight_decay=0.5)
    assert one == same and hash(one) == hash(same) and one != other and len({one, same, other}) == 2
    assert one.dynamics == same.dynamics != other.dynamics and hash(one.dynamics) == hash(same.dynamics)


@BOTH
def test_it_can_be_pickled_and_printed(given):
    training = tp.Training(**given, multipliers=[1, 2])
    again = pickle.loads(pickle.dumps(training))
    assert again == training and again.dynamics == training.dynamics
    names = [field.name for field in dataclasses.fields(tp.Training)]
    assert names == list(training.describe()) == list(inspect.signature(tp.Training).parameters)
    assert repr(training).startswith("Training(steps=") and "dynamics" not in repr(training)
    assert eval(repr(training), {**vars(tp.rules), "Training": tp.Training}) == training


def test_replace_checks_anew():
    descent, flow = tp.Training(**STEPS, momentum=0.5), tp.Training(**FLOW)
    longer = dataclasses.replace(descent, steps=10)
    assert longer == tp.Training(10, 0.3, 0.5) and longer.descent.steps == longer.last == 10
    later = dataclasses.replace(flow, times=[5.0], tolerance=1e-3)
    assert later.gradient_flow == GradientFlow(times=(5.0,), tolerance=1e-3) and flow.last == 2
    with pytest.raises(tp.InputError, match="steps=-1"):
        dataclasses.replace(descent, steps=-1)
    with pytest.raises(tp.InputError, match="learning_rate and momentum and steps belong to discrete steps"):
        dataclasses.replace(descent, flow=True, times=[1.0])
    with pytest.raises(dataclasses.FrozenInstanceError):
        descent.steps = 3


def test_every_setting_belongs_to_a_kind():
    """Fields of the two kinds are the arguments of Training, all but the one that chooses the kind."""
    kinds = {field.name for kind in (DiscreteDescent, GradientFlow) for field in dataclasses.fields(kind)}
    assert kinds | {"flow"} == {field.name for field in dataclasses.fields(tp.Training)}


@pytest.mark.parametrize(
    "message, given",
    [
        ("steps is missing", dict(learning_rate=0.1)),
        ("learning_rate is missing", dict(steps=1)),
        ("times belong to gradient flow", dict(**STEPS, times=[1.0])),
        ("must list the times", dict(flow=True)),
        ("must increase", dict(flow=True, times=[1.0, 1.0])),
        ("momentum and batch_size belong to discrete steps", dict(**FLOW, momentum=0.5, batch_size=2)),
        ("steps belong to discrete steps", dict(**FLOW, steps=0)),
        ("schedule and batches belong to discrete", dict(**FLOW, schedule=np.ones(3), batches=[[0], [1, 2]])),
        ("tolerance=1 must lie between", dict(**STEPS, tolerance=1)),
        ("weight_decay=-1 must be 0 or more", dict(**FLOW, weight_decay=-1)),
        ("nesterov=1 must be true or false", dict(**STEPS, momentum=0.5, nesterov=1)),
        ("with momentum the noise would belong", dict(**STEPS, temperature=1.0, momentum=0.5)),
        ("no energy that noise could explore", dict(**STEPS, temperature=1.0, learning_rule="hebb")),
    ],
)
def test_what_cannot_be_is_refused(message, given):
    with pytest.raises(tp.InputError, match=message):
        tp.Training(**given)

"""What routes ask of a fixed set and of a stream."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.problems.source import DataSource

X = np.random.default_rng(0).normal(size=(5, 4))
FIXED = tp.Problem(X[:3], [1.0, -1.0, 0.5], X[3:])
STREAM = tp.OnlineProblem([(X[:3], np.ones(3))] * 9, X[3:], test_targets=[1.0, 2.0])


def test_both_are_sources():
    assert isinstance(FIXED, DataSource) and isinstance(STREAM, DataSource)
    assert not FIXED.streamed and STREAM.streamed
    with pytest.raises(TypeError, match="abstract"):
        DataSource()


def test_examples_of_a_result():
    assert FIXED.splits.tolist() == ["train"] * 3 + ["test"] * 2 and len(FIXED.all_inputs) == 5
    assert STREAM.splits.tolist() == ["test"] * 2 and len(STREAM.all_inputs) == 2


def test_examples_that_come_again_and_new_ones():
    assert (FIXED.n_recurring, FIXED.fresh(7)) == (3, 0)
    assert (STREAM.n_recurring, STREAM.fresh(7)) == (0, 21)
    assert not hasattr(STREAM, "n_train") and STREAM.describe()["n_train"] == 0


def test_what_a_step_shows():
    training = tp.Training(2, 0.1)
    fixed, stream = (source.shown(training, 1, everything=True) for source in (FIXED, STREAM))
    np.testing.assert_array_equal(FIXED.all_inputs[fixed.examples][fixed.kept], FIXED.all_inputs)
    np.testing.assert_array_equal(stream.examples[stream.kept], STREAM.all_inputs)
    for source, shown in ((FIXED, fixed), (STREAM, stream)):
        np.testing.assert_allclose(shown.weights, np.full(3, 1 / 3))
        losses = source.losses(np.zeros(5), shown)
        assert losses["loss"] == pytest.approx(np.mean(shown.targets**2) / 2)
    assert losses["test_loss"] == pytest.approx((1 + 4) / 4)


def test_a_frozen_source_can_be_replaced_copied_and_pickled():
    again = dataclasses.replace(FIXED, loss="logistic", targets=[1, -1, 1])
    assert again.loss.name == "logistic" and FIXED.loss.name == "squared"
    for made in (copy.copy(FIXED), dataclasses.replace(FIXED)):
        assert made.describe() == FIXED.describe() and made.channels_named == FIXED.channels_named
    other = dataclasses.replace(STREAM, test_inputs=X[3:4], test_targets=None)
    assert len(other.all_inputs) == 1 and np.isnan(other.all_targets).all()
    with pytest.raises(dataclasses.FrozenInstanceError):
        FIXED.loss = "hinge"
    stream = tp.GaussianStream(4, 2, np.sum)
    assert pickle.loads(pickle.dumps(stream)) == stream

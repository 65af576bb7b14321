"""Losses: derivatives against differences, targets they refuse, a user's own."""

import json

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.problems.losses import LOSSES, as_loss


@pytest.mark.parametrize("name", [name for name, loss in LOSSES.items() if not loss.classes])
def test_errors_are_negative_derivatives(name):
    f, y = np.array([-3.0, -0.7, 0.2, 0.99, 1.01, 40.0]), np.array([1.0, -1.0, 1.0, 1.0, 1.0, -1.0])
    slope = (LOSSES[name].value(f + 1e-6, y) - LOSSES[name].value(f - 1e-6, y)) / 2e-6
    np.testing.assert_allclose(LOSSES[name].error(f, y), -slope, atol=1e-7, rtol=1e-7)


def test_cross_entropy_is_stable_and_its_error_is_the_negative_derivative():
    loss = LOSSES["cross_entropy"]
    f = np.array([[0.3, -1.0, 2.0], [0.0, 0.0, 0.0], [900.0, 0.0, -900.0], [0.0, 900.0, 0.0]])
    y = np.array([[1.0, 0.0, 0.0], [0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    assert loss.each(f, y) == pytest.approx([np.log(np.exp(f[0]).sum()) - 0.3, np.log(3), 0.0, 900.0])
    for c in range(3):
        step = 1e-6 * np.eye(3)[c]
        slope = (loss.value(f + step, y) - loss.value(f - step, y)) / 2e-6
        np.testing.assert_allclose(loss.error(f, y)[:, c], -slope, atol=1e-6)


def test_labels_become_classes():
    with pytest.warns(tp.DataWarning, match="Class 3 has no training example"):
        problem = tp.Problem(np.eye(4), [0, 2, 1, 2], np.eye(4)[:2], "cross_entropy", [3, 0])
    np.testing.assert_array_equal(problem.targets, np.eye(4)[[0, 2, 1, 2]])
    np.testing.assert_array_equal(problem.test_targets, np.eye(4)[[3, 0]])
    for labels, message in (
        ([0, 0.5], "whole numbers, words"),
        ([0, 0], "targets have 1 class"),
        ([[0.5, 0.6], [1, 0]], "add up to 1"),
    ):
        with pytest.raises(tp.InputError, match=message):
            tp.Problem(np.eye(2), labels, loss="cross_entropy")
    with pytest.raises(tp.InputError, match="test_targets have shape"):
        tp.Problem(np.eye(2), np.eye(2), np.eye(2), test_targets=np.ones((2, 3)))


def test_an_own_loss_of_several_outputs():
    """Squared error summed over outputs, once built in and once as a pair whose loss is (example,), once
    (example, output)."""
    x, y, training = np.eye(3), np.array([[1.0, -1.0], [0.3, 0.2], [-1.0, 0.4]]), tp.Training(3, 0.5)
    own = (
        (lambda f, y: ((f - y) ** 2).sum(axis=1) / 2, lambda f, y: f - y),
        (lambda f, y: (f - y) ** 2 / 2, lambda f, y: f - y),
    )
    runs = [
        tp.sample(tp.MLP(2), tp.Problem(x, y, loss=loss), training, n_samples=64, n_replicates=1)
        for loss in ("squared", *own)
    ]
    for ds in runs[1:]:
        np.testing.assert_array_equal(ds.output, runs[0].output)
        np.testing.assert_allclose(ds.loss, runs[0].loss, rtol=1e-14)
    assert runs[0].output.dims == ("time", "example", "output") and runs[0].target.dims == (
        "example",
        "output",
    )
    with pytest.raises(tp.InputError, match="pass d loss / d f"):
        tp.Problem(x, y, loss=(own[0][0], lambda f, y: y - f))


def test_an_own_loss_is_trained_on_and_named():
    def huber(f, y):
        return np.where(np.abs(f - y) < 0.5, (f - y) ** 2 / 2, 0.5 * (np.abs(f - y) - 0.25))

    def slope(f, y):
        return np.clip(f - y, -0.5, 0.5)

    problem = tp.Problem(
        np.eye(3), [1.0, -2.0, 0.3], loss=(huber, slope), test_inputs=np.eye(3)[:1], test_targets=[0.0]
    )
    ds = tp.sample(tp.MLP(1), problem, tp.Training(4, 1.0), n_samples=64, n_replicates=1)
    assert json.loads(ds.attrs["problem_json"])["loss"] == "custom (huber)"
    np.testing.assert_allclose(
        ds.error_signal[:, :3], -slope(ds.output[:, :3].values, problem.targets) / 3, atol=1e-14
    )
    assert ds.loss[-1] < ds.loss[0] and abs(ds.test_loss[0]) < 1e-12


@pytest.mark.parametrize(
    "message, loss",
    [
        ("'huber' is unknown; choose one of squared, logistic, hinge", "huber"),
        ("is not a name, a Loss or a pair", 3),
        ("pass d loss / d f", (lambda f, y: (f - y) ** 2, lambda f, y: y - f)),
        ("pass d loss / d f", (lambda f, y: (f - y) ** 2, lambda f, y: 1.0)),
    ],
)
def test_bad_losses(message, loss):
    with pytest.raises(tp.InputError, match=message):
        tp.Problem(np.eye(2), [1.0, -1.0], loss=loss)


def test_labels():
    for name in ("logistic", "hinge"):
        with pytest.raises(tp.InputError, match="must be -1 or"):
            tp.Problem(np.eye(3), [1.0, 0.0, 2.0], loss=name)
    assert as_loss("hinge") is LOSSES["hinge"]

"""Losses: derivatives against differences, targets they refuse, a user's own."""

import json

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.losses import LOSSES, as_loss


@pytest.mark.parametrize("name", LOSSES)
def test_errors_are_negative_derivatives(name):
    f, y = np.array([-3.0, -0.7, 0.2, 0.99, 1.01, 40.0]), np.array([1.0, -1.0, 1.0, 1.0, 1.0, -1.0])
    slope = (LOSSES[name].value(f + 1e-6, y) - LOSSES[name].value(f - 1e-6, y)) / 2e-6
    np.testing.assert_allclose(LOSSES[name].error(f, y), -slope, atol=1e-7, rtol=1e-7)


def test_an_own_loss_is_trained_on_and_named():
    def huber(f, y):
        return np.where(np.abs(f - y) < 0.5, (f - y) ** 2 / 2, 0.5 * (np.abs(f - y) - 0.25))

    def slope(f, y):
        return np.clip(f - y, -0.5, 0.5)

    problem = tp.Problem(np.eye(3), [1.0, -2.0, 0.3], loss=(huber, slope), test_inputs=np.eye(3)[:1], test_targets=[0.0])
    ds = tp.sample(tp.MLP(1), problem, tp.Training(4, 1.0), n_samples=64, n_replicates=1)
    assert json.loads(ds.attrs["problem_json"])["loss"] == "custom (huber)"
    np.testing.assert_allclose(ds.error_signal[:, :3], -slope(ds.output[:, :3].values, problem.targets) / 3, atol=1e-14)
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
            tp.Problem(np.eye(2), [1.0, 0.0], loss=name)
    assert as_loss("hinge") is LOSSES["hinge"]

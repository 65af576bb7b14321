"""Schedules: their factors, how they are named, and what they do to time and weights of gradients."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.training.schedules import cosine, factors, step, warmup


def test_factors():
    assert factors(None, 3) is None and factors("constant", 3) == (1, 1, 1)
    np.testing.assert_allclose(factors(step(2, 0.5), 5), [1, 1, 0.5, 0.5, 0.25])
    np.testing.assert_allclose(factors(cosine(0.2), 4), 0.2 + 0.4 * (1 + np.cos(np.pi * np.arange(4) / 4)))
    np.testing.assert_allclose(factors(warmup(2, cosine()), 6), [0.5, 1, *factors(cosine(), 4)])
    np.testing.assert_allclose(
        factors({"name": "warmup", "rise": 2, "then": {"name": "step", "every": 1}}, 4), [0.5, 1, 1, 0.1]
    )
    np.testing.assert_allclose(factors(lambda k, steps: 1 / (1 + k), 3), [1, 1 / 2, 1 / 3])
    assert factors(np.array([1, 0.5]), 2) == (1.0, 0.5)


@pytest.mark.parametrize(
    "message, schedule",
    [
        ("'linear' is unknown; choose one of constant, step, cosine, warmup", "linear"),
        ("3 factors, but there are 4 steps", [1, 1, 1]),
        ("factors of 0 or more", [1, 1, -1, 1]),
        ("cosine has no argument 'stop'; choose from end", {"name": "cosine", "stop": 1}),
        ("every=0 must be a whole number", {"name": "step", "every": 0}),
        ("must be a schedule, its name", 0.5),
        ("factors of 0 or more", lambda k, steps: np.nan),
    ],
)
def test_bad_schedules(message, schedule):
    with pytest.raises(tp.InputError, match=message):
        tp.Training(4, 0.1, schedule=schedule)


def test_time_is_the_sum_of_learning_rates(problem):
    training = tp.Training(3, 0.4, schedule=[1.0, 0.5, 0.25])
    ds = tp.sample(tp.MLP(1), problem, training, n_samples=64, n_replicates=1)
    np.testing.assert_allclose(ds.time, [0, 0.4, 0.6, 0.7])
    with pytest.raises(tp.InputError, match="weight_decay=4.0 must be 0 or more and below 2 / learning_rate"):
        tp.Training(3, 0.4, weight_decay=4.0, schedule=[1.0, 2.0, 1.0])


def test_every_route_with_a_schedule_and_nesterov(problem):
    """solve_linear with a schedule against sample; the lazy limit with Nesterov against sample at small
    richness."""
    network, training = (
        tp.MLP(2, "linear", 1.0),
        tp.Training(10, 0.3, 0.5, 0.1, schedule=tp.schedules.warmup(3, cosine(0.1))),
    )
    settings = dict(n_replicates=8, samples=0)
    distances = tp.compare(
        tp.solve_linear(network, problem, training), tp.sample(network, problem, training, **settings)
    )
    assert (
        0 < distances.output_sigma.max() < 6 and distances.feature_kernel_sigma.max() < 6
    )  # Student's t, 7: false alarm 1e-2
    training = tp.Training(10, 0.3, 0.5, nesterov=True, schedule="cosine")
    network = tp.MLP(2, "tanh", 0.01)
    lazy = tp.static_ntk(network, problem, training, kernel="sampled", **settings)
    plain = tp.static_ntk(
        network, problem, tp.Training(10, 0.3, 0.5, schedule="cosine"), kernel="sampled", **settings
    )
    limit = tp.sample(network, problem, training, **settings)
    assert np.abs(lazy.output - limit.output).max() < 1e-3 < 0.01 < np.abs(plain.output - limit.output).max()
    for route in (tp.solve_linear, tp.alternate):
        with pytest.raises(tp.UnsupportedError, match="for nesterov=True use tp.sample"):
            route(tp.MLP(2, "linear"), problem, training)
    with pytest.raises(tp.InputError, match="pass momentum above 0"):
        tp.Training(3, 0.1, nesterov=True)

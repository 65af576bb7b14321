"""Streams of new examples: reference, the same as minibatches that never repeat, growing inputs, memory, bad
streams."""

import tracemalloc

import numpy as np
import pytest

import tensorprog_mf as tp
from tests.helpers.marks import near_full_rank
from tests.reference.gate import TRAINING_CASES, excesses, training_setup


def teacher(x):
    return np.tanh(x[:, 0] - 0.5 * x[:, 1])


@pytest.fixture
def online():
    test = np.random.default_rng(3).normal(size=(3, 6))
    return tp.OnlineProblem(tp.GaussianStream(6, 2, teacher, seed=4), test, test_targets=teacher(test))


def test_reference():
    network, problem, training = training_setup(TRAINING_CASES["online_gaussian_inputs_tanh"])
    ds = tp.sample(network, problem, training, n_samples=4096, n_replicates=8, samples=0)
    found = excesses(ds, TRAINING_CASES["online_gaussian_inputs_tanh"])
    assert max(found.values()) <= 1, found


@pytest.mark.parametrize("options", [{}, dict(momentum=0.6, nesterov=True, weight_decay=0.2)], ids=str)
def test_one_pass_is_minibatches_that_never_repeat(online, options):
    """The same network, weight by weight, sees the same examples once as a stream and once as batches of a
    fixed set.

    The inputs of both span all features, in bases that start with the same vectors, so that first layers
    agree; the hidden matrix is stored.
    """
    steps, network = 6, tp.MLP(2, "tanh", 1.4)
    batches = [online.batch(step) for step in range(steps)]
    inputs, targets = (np.concatenate(part) for part in zip(*batches))
    fixed = tp.Problem(np.vstack([online.test_inputs, inputs]), np.concatenate([np.zeros(3), targets]))
    given = [[3 + 2 * step, 4 + 2 * step] for step in range(steps)]
    more = dict(width=50, n_replicates=1, samples=5, record=[0, steps])
    one = tp.train_finite(network, online, tp.Training(steps, 0.3, **options), **more)
    other = tp.train_finite(network, fixed, tp.Training(steps, 0.3, batches=given, **options), **more)
    np.testing.assert_allclose(one.output, other.output[:, :3], atol=1e-10)
    np.testing.assert_allclose(one.feature_kernel, other.feature_kernel[:, :, :3, :3], atol=1e-10)
    np.testing.assert_allclose(one.tangent_kernel, other.tangent_kernel[:, :3, :3], atol=1e-10)
    np.testing.assert_allclose(
        one.test_loss, ((one.output - online.test_targets) ** 2 / 2).mean("example"), rtol=1e-12
    )


def test_each_fresh_example_adds_one_direction(online):
    ds = tp.sample(tp.MLP(2), online, tp.Training(20, 0.2), n_samples=256, n_replicates=1, record=[20])
    forward, backward = ds["basis_rank"].values[0, 0, 0], ds["basis_rank"].values[0, 1, 1]
    assert (
        forward == backward == 20 * 2 + 3 + 2 + 3
    )  # batches; test points at the start and at the end, with the batch there
    assert ds.loss.dims == ("time",) and (ds.split == "test").all() and (ds.error_signal == 0).all()


def test_streams_may_be_lists_generators_and_functions(online):
    pairs = [online.batch(step) for step in range(5)]
    setting = tp.MLP(1), tp.Training(4, 0.3)
    outputs = []
    for stream in (online.stream, pairs, (pair for pair in pairs), lambda step: pairs[step]):
        problem = tp.OnlineProblem(stream, online.test_inputs)
        outputs.append(tp.sample(setting[0], problem, setting[1], n_samples=64, n_replicates=2).output)
    assert all(output.identical(outputs[0]) for output in outputs[1:])
    with pytest.raises(
        tp.InputError,
        match="stream ended after 4 batches; it is asked for one at every step, and for one more",
    ):
        tp.sample(
            setting[0],
            tp.OnlineProblem(pairs[:4], online.test_inputs),
            setting[1],
            n_samples=64,
            n_replicates=1,
        )


def test_streams_of_classes_and_noise():
    stream = tp.GaussianStream(5, 4, lambda x: np.eye(3)[np.argmax(x[:, :3], axis=1)])
    test = np.random.default_rng(0).normal(size=(2, 5))
    problem = tp.OnlineProblem(stream, test, "cross_entropy", np.eye(3)[:2])
    ds = tp.sample(tp.MLP(2), problem, tp.Training(5, 1.0), n_samples=256, n_replicates=2)
    assert ds.output.dims == ("time", "example", "output") and ds.loss[0] == pytest.approx(np.log(3))
    noisy = tp.GaussianStream(5, 2000, lambda x: 0 * x[:, 0], noise=0.3)
    assert noisy(3)[1].std() == pytest.approx(0.3, rel=0.08)  # 5 sigma


@near_full_rank
def test_a_long_run_stays_within_the_announced_memory(online):
    """Peak of what Python allocates, with what bases reserve and never touch, against the estimate that
    decides on the start."""
    settings = dict(n_samples=1024, n_replicates=1, samples=0, record=[0, 150, 300], threads=1)
    tp.sample(tp.MLP(3), online, tp.Training(1, 0.1), n_samples=64, n_replicates=1)  # imports and compilation
    tracemalloc.start()
    ds = tp.sample(tp.MLP(3), online, tp.Training(300, 0.1), **settings)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.7 * ds.attrs["memory_estimate_bytes"] < peak < 1.5 * ds.attrs["memory_estimate_bytes"]
    np.testing.assert_allclose(ds.rank_fraction, ds["basis_rank"] / 1024)


@pytest.mark.parametrize(
    "message, make",
    [
        ("test_inputs are empty", lambda: tp.OnlineProblem(lambda step: None, np.zeros((0, 3)))),
        ("must be a function of the step, or an iterable", lambda: tp.OnlineProblem(3, np.eye(3))),
        ("step 0 must give a pair", lambda: tp.OnlineProblem(lambda step: 1.0, np.eye(3))),
        (
            "targets of step 1 have shape \\(2, 1\\)",
            lambda: tp.OnlineProblem(
                lambda step: (np.eye(3)[:2], np.ones((2, 3 - 2 * step))), np.eye(3)
            ).batch(1),
        ),
        (
            "test_targets of a stream of classes must be probabilities",
            lambda: tp.OnlineProblem(
                lambda step: (np.eye(3), np.eye(3)), np.eye(3), "cross_entropy", [0, 1, 2]
            ),
        ),
        (
            "have 2 features, test_inputs 3",
            lambda: tp.OnlineProblem(
                lambda step: (np.eye(2), np.ones(2)), np.eye(3), test_targets=np.ones(3)
            ),
        ),
        (
            "3 inputs but 2 targets",
            lambda: tp.OnlineProblem(
                lambda step: (np.eye(3), np.ones(2)), np.eye(3), test_targets=np.ones(3)
            ),
        ),
        (
            "must be probabilities",
            lambda: (
                tp.OnlineProblem(lambda step: (np.eye(3), np.ones(3)), np.eye(3), "cross_entropy").outputs
            ),
        ),
        ("teacher=1 must be a function", lambda: tp.GaussianStream(3, 1, 1)),
        ("batch_size=0", lambda: tp.GaussianStream(3, 0, teacher)),
    ],
)
def test_bad_streams(message, make):
    with pytest.raises(tp.InputError, match=message):
        make()


def test_what_does_not_go_with_streams_says_so(online):
    with pytest.raises(tp.InputError, match="a stream supplies its own batches"):
        tp.sample(tp.MLP(1), online, tp.Training(2, 0.1, batch_size=1), n_samples=64)
    with pytest.raises(tp.InputError, match="a stream supplies its own batches"):
        tp.sample(tp.MLP(1), online, tp.Training(flow=True, times=[1.0]), n_samples=64)
    for route, activation in (
        (tp.static_ntk, "tanh"),
        (tp.solve_linear, "linear"),
        (tp.alternate, "tanh"),
        (tp.perturbation, "tanh"),
    ):
        with pytest.raises(tp.UnsupportedError, match="for a stream of new ones use tp.sample"):
            route(tp.MLP(1, activation), online, tp.Training(2, 0.1))


@pytest.mark.parametrize(
    "network, shape",
    [
        (tp.CNN(2, stride=2, padding="zero"), (2, 4)),
        (tp.RNN(), (3, 4)),
        (tp.Transformer(1, head_dimension=2), (3, 4)),
        (tp.ResidualMLP(2), (4,)),
    ],
)
def test_every_architecture_learns_online(network, shape):
    """Stored networks, once from a stream and once in batches of a fixed set that never repeat: the same to
    rounding."""
    rng = np.random.default_rng(0)
    test, pairs = (
        rng.normal(size=(2, *shape)),
        [(rng.normal(size=(2, *shape)), rng.normal(size=2)) for _ in range(4)],
    )
    inputs, targets = (np.concatenate(part) for part in zip(*pairs))
    fixed = tp.Problem(np.concatenate([test, inputs]), np.concatenate([np.zeros(2), targets]))
    given = [[2 + 2 * step, 3 + 2 * step] for step in range(3)]
    more = dict(width=16, n_replicates=1, samples=2, record=[0, 3])
    one = tp.train_finite(network, tp.OnlineProblem(pairs, test), tp.Training(3, 0.3), **more)
    other = tp.train_finite(network, fixed, tp.Training(3, 0.3, batches=given), **more)
    np.testing.assert_allclose(one.output, other.output[:, :2], atol=1e-10)
    np.testing.assert_allclose(one.tangent_kernel, other.tangent_kernel[:, :2, :2], atol=1e-10)

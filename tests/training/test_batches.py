"""Batches: which examples come when, and the limit trained on them."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tests.helpers.marks import near_full_rank
from tests.reference.gate import TRAINING_CASES, excesses, training_setup


def seen(training, count):
    """Weights of examples at every step, (step, example)."""
    return np.array([training.example_weights(step, count) for step in range(training.steps)])


def test_epochs_show_every_example_once():
    weights = seen(tp.Training(12, 0.1, batch_size=3, batch_seed=5), 7)
    assert ((weights > 0).sum(axis=1) == [3, 3, 1] * 4).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    epochs = (weights > 0).reshape(4, 3, 7)
    assert (epochs.sum(axis=1) == 1).all() and (epochs[0] != epochs[1]).any()
    assert (seen(tp.Training(12, 0.1, batch_size=3, batch_seed=5), 7) == weights).all()
    assert (seen(tp.Training(12, 0.1, batch_size=3, batch_seed=6), 7) != weights).any()
    np.testing.assert_allclose(seen(tp.Training(3, 0.1, batch_size=7), 7), 1 / 7)


def test_with_replacement_examples_come_as_often_as_chance_has_it():
    weights = seen(tp.Training(4000, 0.1, batch_size=5, replacement=True), 4)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    counts = 5 * weights
    # 20,000 draws of 4: mean 5000, standard deviation 61; 5 sigma. Of 5 draws one example comes twice or more
    # often.
    assert np.abs(counts.sum(axis=0) - 5000).max() < 306 and (counts.max(axis=1) >= 2).all()
    # Different ones among five: 4 (1 - (3/4)^5) on average, with a standard deviation below 0.8 each; 5 sigma
    # of the mean.
    assert abs((counts > 0).sum(axis=1).mean() - 4 * (1 - 0.75**5)) < 5 * 0.8 / 4000**0.5


def test_reference_case_passes_the_gate():
    case = TRAINING_CASES["minibatch_tanh"]
    for record in (None, [0, 23]):  # steps that are not recorded query their batch only
        network, problem, training = training_setup(case)
        ds = tp.sample(network, problem, training, n_samples=4096, n_replicates=8, samples=0, record=record)
        kept = (
            case
            if record is None
            else case | {name: np.array(case[name])[record].tolist() for name in ("output", "output_err")}
        )
        found = excesses(ds, kept)
        assert max(found.values()) <= 1, found  # false alarm below 1e-4, as in test_sample


def test_every_route_takes_batches(problem):
    training, settings = tp.Training(8, 0.3, batch_size=2), dict(n_replicates=8, samples=0)
    distances = tp.compare(
        tp.solve_linear(tp.MLP(2, "linear"), problem, training),
        tp.sample(tp.MLP(2, "linear"), problem, training, **settings),
    )
    assert (
        0 < distances.output_sigma.max() < 6
    )  # Student's t with 7 degrees of freedom, pooled over entries: false alarm 1e-3
    network = tp.MLP(2, "tanh", 0.02)
    limit = tp.sample(network, problem, training, **settings)
    for other in (
        tp.static_ntk(network, problem, training, kernel="sampled", **settings),
        tp.perturbation(network, problem, training, n_replicates=8),
    ):
        np.testing.assert_allclose(other.output, limit.output, atol=2e-3)
        np.testing.assert_array_equal(other.error_signal != 0, limit.error_signal != 0)
    full = tp.static_ntk(network, problem, tp.Training(8, 0.3))
    assert np.abs(full.output - limit.output).max() > 0.05
    network, settings = tp.MLP(2, "tanh", 1.0), settings | dict(n_samples=4096)
    guessed, limit = (
        tp.alternate(network, problem, training, iterations=60, **settings),
        tp.sample(network, problem, training, **settings),
    )
    assert guessed.attrs["status"] == "converged" and np.abs(guessed.output - limit.output).max() < 0.02


def test_batches_save_queries(problem):
    """Unrecorded steps ask for the batch only: fewer directions than with all examples."""
    settings = dict(n_samples=1024, n_replicates=1, samples=0, record=[0, 10])
    few, all_of_them = (
        tp.sample(tp.MLP(2), problem, tp.Training(10, 0.3, batch_size=size), **settings)["basis_rank"].max()
        for size in (1, None)
    )
    assert few < 0.7 * all_of_them


@pytest.mark.parametrize(
    "message, options",
    [
        ("batch_size=4 is more than 3 training examples", {"batch_size": 4}),
        ("batch_size=0 must be a whole number", {"batch_size": 0}),
        ("pass batch_size or batches", {"batch_size": 1, "batches": [[0]] * 2}),
        ("each of the 2 steps; there are 1", {"batches": [[0]]}),
        ("step 1 names example 3, but training examples are 0 ... 2", {"batches": [[0], [3]]}),
        ("batches=-1 must be a whole number", {"batches": [[-1], [0]]}),
        ("replacement=True needs a batch_size", {"replacement": True}),
    ],
)
def test_bad_batches(problem, message, options):
    with pytest.raises(tp.InputError, match=message):
        tp.sample(tp.MLP(1), problem, tp.Training(2, 0.1, **options), n_samples=64, n_replicates=1)


@pytest.mark.parametrize(
    "network, shape",
    [
        (tp.MLP(2), (4,)),
        (tp.ResidualMLP(2), (4,)),
        (tp.CNN(2, pooling=2), (1, 4)),
        (tp.CNN(2, readout="flat"), (1, 4)),
        (tp.RNN(), (3, 2)),
        (tp.Transformer(1), (3, 2)),
    ],
)
@near_full_rank
def test_an_empty_batch_changes_nothing_but_what_moves_by_itself(network, shape):
    rng = np.random.default_rng(0)
    problem, training = (
        tp.Problem(rng.normal(size=(2, *shape)), [1.0, -1.0]),
        dict(batches=[[0], [], [1]], momentum=0.5),
    )
    more = dict(n_samples=64, n_replicates=1, record=[0, 3])
    moved, still = (
        tp.sample(network, problem, tp.Training(3, 0.2, **training | dict(momentum=beta)), **more)
        for beta in (0.5, 0.0)
    )
    two = tp.sample(network, problem, tp.Training(2, 0.2, batches=[[0], [1]]), **more | dict(record=[0, 2]))
    np.testing.assert_allclose(still.output[-1], two.output[-1], atol=1e-10)
    assert np.abs(moved.output[-1] - still.output[-1]).max() > 1e-3

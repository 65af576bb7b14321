"""Results cite the papers of what was run."""

import re

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.results.references import PAPERS, cite

SMALL = dict(n_samples=64, n_replicates=1, samples=0, progress=False, tolerance=0.1)
LIMIT = ["field theory", "tensor programs", "conditioning"]
PLAIN = tp.Training(2, 0.1)
ROWS, TOKENS = np.random.default_rng(0).normal(size=(2, 3)), np.random.default_rng(0).normal(size=(2, 2, 3))


def cited(ds) -> list[str]:
    """Names of the papers, all of which must be known."""
    names = {paper: name for name, paper in PAPERS.items()}
    split = ds.attrs["references"].replace("Bolthausen 2014; Lu", "Bolthausen 2014, Lu").split("; ")
    return [names[paper.replace("Bolthausen 2014, Lu", "Bolthausen 2014; Lu")] for paper in split]


@pytest.mark.parametrize(
    "network, training, more",
    [
        (tp.MLP(2), PLAIN, []),
        (tp.MLP(2), tp.Training(2, 0.1, weight_decay=0.5, temperature=0.5), ["Bayesian"]),
        (tp.MLP(2), tp.Training(2, 0.1, momentum=0.5, nesterov=True), ["Nesterov"]),
        (
            tp.MLP(2),
            tp.Training(2, 0.1, learning_rule=tp.rules.FeedbackAlignment()),
            ["learning rules", "feedback alignment"],
        ),
        (
            tp.MLP(2),
            tp.Training(2, 0.1, learning_rule=tp.rules.DirectFeedbackAlignment()),
            ["learning rules", "direct feedback alignment"],
        ),
        (tp.MLP(2), tp.Training(2, 0.1, learning_rule=tp.rules.Hebb()), ["learning rules"]),
    ],
)
def test_training_decides(problem, network, training, more):
    assert cited(tp.sample(network, problem, training, **SMALL)) == LIMIT + more


@pytest.mark.parametrize(
    "network, inputs, expected",
    [
        (tp.CNN(2, kernel=1), ROWS[:, None], LIMIT),
        (tp.RNN(), TOKENS, LIMIT),
        (tp.Transformer(1), TOKENS, [*LIMIT[:2], "attention", LIMIT[2]]),
        (
            tp.ResidualMLP(2),
            ROWS,
            [*LIMIT[:2], "residual field theory", "residual tensor programs", LIMIT[2]],
        ),
        (tp.MeanFieldMLP(2, hidden_mean=1.0), ROWS, ["two layers", "many layers"]),
    ],
)
def test_the_architecture_decides(network, inputs, expected):
    problem = tp.Problem(inputs, [1.0, -1.0])
    assert cited(tp.sample(network, problem, PLAIN, **SMALL)) == expected


def test_the_route_decides(problem):
    network, both = tp.MLP(2, "linear"), ["field theory", "tensor programs"]
    few = {"n_samples": 64, "progress": False}
    with pytest.warns(tp.ConvergenceWarning):
        guessed = tp.alternate(network, problem, PLAIN, iterations=1, **few)
    results = {
        "solve_linear": (tp.solve_linear(network, problem, PLAIN), both),
        "perturbation": (tp.perturbation(network, problem, PLAIN, **few), LIMIT),
        "gradient_independence": (tp.gradient_independence(network, problem, PLAIN, **SMALL), LIMIT),
        "alternate": (guessed, both),
        "dense": (tp.train_finite(network, problem, PLAIN, 16), both),
        "conditioned": (tp.train_finite(network, problem, PLAIN, 16, matrix="conditioned"), LIMIT),
        "ntk": (
            tp.train_finite(network, problem, PLAIN, 16, parameterization="ntk"),
            [*both, "tangent kernel"],
        ),
    }
    for route, (ds, expected) in results.items():
        assert cited(ds) == expected, route


@pytest.mark.parametrize(
    "activation, options, training, more",
    [
        ("tanh", {}, PLAIN, []),
        ("relu", {}, PLAIN, ["arc-cosine"]),
        ("erf", {}, PLAIN, ["arcsine"]),
        ("erf", {"ensemble": "ntk"}, PLAIN, ["linearised", "arcsine"]),
        (
            "tanh",
            {"ensemble": "ntk"},
            tp.Training(2, 0.1, multipliers=(0, 0, 1)),
            ["linearised", "Gaussian process"],
        ),
    ],
)
def test_lazy_networks(problem, activation, options, training, more):
    ds = tp.static_ntk(tp.MLP(2, activation), problem, training, **options)
    assert cited(ds) == ["field theory", "tangent kernel", *more]


def test_fluctuations_add_their_own(problem):
    setting = tp.MLP(1), problem, PLAIN
    networks = [tp.train_finite(*setting, width, n_replicates=4, keep_replicates=True) for width in (8, 16)]
    limit = tp.sample(*setting, n_samples=256)
    assert cited(tp.fluctuations(networks, limit)) == ["finite width", "field theory", "tensor programs"]


def test_scaling_laws_cite_learned_features_where_there_are_some():
    sl = tp.scaling_laws
    law, lazy = sl.PowerLaw(a=1.5, b=1.5, modes=20), ["scaling laws"]
    assert cited(sl.solve_reduced(sl.Model(law), sl.Flow([1.0]))) == lazy
    rich = sl.solve_reduced(sl.Model(law, richness=1.0), sl.Flow([1.0]))
    assert cited(rich) == [*lazy, "scaling laws of learned features"]


def test_mean_field_limits():
    mf = tp.mean_field
    assert cited(mf.autoencoder([1.0, 0.5], "relu", 0.1, 0.1, [0, 1])) == ["autoencoders"]
    unit, start = mf.Neuron("tanh"), {"a": tp.Gaussian(0.0, 1.0), "w": tp.Gaussian(0.0, 1.0)}
    data = mf.FiniteData(ROWS, [1.0, -1.0])
    ds = mf.distributional_dynamics(unit, data, start, [0.0, 0.1], n_samples=64)
    assert cited(ds) == ["two layers", "many particles"]


def test_every_paper_has_a_year_and_is_cited_once():
    assert all(re.search(r"\b(19|20)\d\d\b", paper) for paper in PAPERS.values())
    assert len(set(PAPERS.values())) == len(PAPERS)
    assert cite("arcsine", "arc-cosine", "arcsine") == "Williams 1997; Cho & Saul 2009"

"""What has run away is called diverged, in every route and by one definition; what comes back is not."""

import warnings

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.ground.divergence import FACTOR, LossWatch, RunAway, advice, before_divergence

RNG = np.random.default_rng(4)
X = RNG.normal(size=(6, 8))
Y = np.sign(RNG.normal(size=6))
FEW = dict(n_samples=256, n_replicates=2, samples=4, progress=False)
ASCENT = (lambda f, y: -((y - f) ** 2) / 2, lambda f, y: y - f)
HUGE = 533**0.5 * X / np.sqrt((X**2).mean())
RATE = 3.5 / np.linalg.eigvalsh(2 * X @ X.T / 8 / 6)[-1]

WAYS = {
    "sample, twice the loss every few steps": lambda: tp.sample(
        tp.MLP(2, richness=0.5), tp.Problem(X, Y), tp.Training(30, 16.0), **FEW
    ),
    "sample, faster than any exponential": lambda: tp.sample(
        tp.MLP(2, "quadratic"), tp.Problem(X, Y), tp.Training(20, 20.0), **FEW
    ),
    "sample, outputs without the loss": lambda: tp.sample(
        tp.MLP(1, "linear"),
        tp.Problem(X[:2], [1.0, -1.0], 4e14 * X[2:3], loss="hinge"),
        tp.Training(4, 60.0),
        **FEW,
    ),
    "sample, momentum": lambda: tp.sample(
        tp.MLP(1, "linear"), tp.Problem(X, Y), tp.Training(30, RATE, momentum=0.9, nesterov=True), **FEW
    ),
    "gradient_independence": lambda: tp.gradient_independence(
        tp.MLP(2, "linear"), tp.Problem(X, Y), tp.Training(20, RATE), **FEW
    ),
    "train_finite": lambda: tp.train_finite(
        tp.MLP(2, "relu"),
        tp.Problem(X, Y),
        tp.Training(20, 2 * RATE),
        width=64,
        matrix="conditioned",
        progress=False,
    ),
    "flow": lambda: tp.sample(
        tp.MLP(1),
        tp.Problem(X, Y, loss=ASCENT),
        tp.Training(flow=True, times=[1.0, 99.0], tolerance=1e-3),
        **FEW,
    ),
    "solve_linear": lambda: tp.solve_linear(tp.MLP(1, "linear"), tp.Problem(X, Y), tp.Training(30, RATE)),
    "static_ntk": lambda: tp.static_ntk(tp.MLP(2), tp.Problem(X, Y), tp.Training(6, 1e5)),
    "perturbation": lambda: tp.perturbation(
        tp.MLP(1), tp.Problem(X[:3], Y[:3]), tp.Training(30, 9.0), n_samples=256, progress=False
    ),
    "alternate": lambda: tp.alternate(
        tp.MLP(2), tp.Problem(X[:3], Y[:3]), tp.Training(3, 1e100), n_samples=64, progress=False
    ),
    "scaling law": lambda: tp.scaling_laws.solve(
        tp.scaling_laws.Model(tp.scaling_laws.PowerLaw(a=1.5, b=1.25, modes=20), 10),
        tp.scaling_laws.Descent(60, 4.0),
        progress=False,
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_ways_to_diverge(way):
    """One warning, no noise of numpy, the times before are kept and did not run away yet."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        ds = WAYS[way]()
    told = [w for w in told if w.category not in (tp.RankWarning, tp.DataWarning, tp.ToleranceWarning)]
    assert [w.category for w in told] == [tp.DivergenceWarning], [str(w.message) for w in told]
    assert ds.attrs["status"] == "diverged" and ds.attrs["status_message"] == str(told[0].message)
    loss = (ds.loss if "loss" in ds else ds.test_loss).values
    assert len(loss) >= 1 and (way == "perturbation" or np.abs(loss).max() <= 4 * FACTOR * abs(loss[0]))
    assert "the times before are kept" in ds.attrs["status_message"]
    for name, values in ds.data_vars.items():
        assert np.isfinite(values).all() or name == "target" or "response" in name or "learned" in name, name


def test_the_sentence_says_what_happened():
    """The loss that is named is the one of the exact recursion; the last time kept is the one before."""
    problem, training = tp.Problem(X, Y), tp.Training(30, RATE)
    with pytest.warns(tp.DivergenceWarning) as exact:
        ds = tp.solve_linear(tp.MLP(1, "linear"), problem, training)
    with pytest.warns(tp.DivergenceWarning) as sampled:
        other = tp.sample(
            tp.MLP(1, "linear"), problem, training, n_samples=4096, n_replicates=1, progress=False
        )
    assert other.sizes["time"] == ds.sizes["time"]
    said = [str(w[0].message).split() for w in (exact, sampled)]
    loss = [float(words[words.index("was") + 1].rstrip(",")) for words in said]
    assert (
        loss[0] > FACTOR * float(ds.loss[0]) and abs(np.log10(loss[1] / loss[0])) < 0.3
    )  # within sampling errors
    assert said[0][:3] == [
        "At",
        "step",
        str(ds.sizes["time"]),
    ] and "more than 10,000 times the 0.5 of the start" in str(exact[0].message)


@pytest.mark.parametrize("route", [tp.sample, tp.gradient_independence])
def test_scale_of_inputs_is_named(route):
    with pytest.warns(
        tp.DivergenceWarning,
        match=r"Inputs have \|x\|\^2 / D = 533 on average: scale them so that it is near 1",
    ):
        with pytest.warns(tp.DataWarning, match="533"):  # said before, where the problem is made
            problem = tp.Problem(HUGE, Y)
        route(tp.MLP(2, "relu"), problem, tp.Training(6, 0.5), **FEW)
    assert advice(X) == "Take a smaller learning rate."


def test_nothing_kept_is_said_in_one_sentence():
    with pytest.raises(
        tp.InputError, match="diverged at step 0, before its first record.*came to .*Inputs have"
    ):
        with pytest.warns(tp.DataWarning):
            problem = tp.Problem(1e40 * X, Y)
        tp.sample(tp.MLP(1, "relu"), problem, tp.Training(6, 0.5), **FEW)


@pytest.mark.parametrize("activation", ["tanh", "relu", "linear"])
def test_a_catapult_is_no_divergence(activation):
    """Richness 0.03, 3.5 times over the largest eigenvalue: the loss grows a hundredfold and falls again."""
    network, problem = tp.MLP(1, activation, richness=0.03), tp.Problem(X, Y)
    kernel = tp.static_ntk(network, problem, tp.Training(0, 1.0)).tangent_kernel[0]
    training = tp.Training(60, 3.5 * 6 / np.linalg.eigvalsh(kernel)[-1])
    with warnings.catch_warnings():
        warnings.simplefilter("error", tp.DivergenceWarning)
        ds = tp.sample(network, problem, training, **FEW)
    assert ds.loss.max() > 30 * ds.loss[0] > 3 * ds.loss[-1] and ds.attrs["status"] == "completed"


def test_starts_without_loss():
    """Growth is relative to the start, or to what untrained outputs lose, or to outputs of one; never to
    zero."""
    watch = LossWatch()
    watch.compare(0.0, 0.0, 0.5)
    watch.compare(4999.0, 0.0, 0.5)
    watch = LossWatch()
    watch.compare(0.0, 0.0, 0.5)
    with pytest.raises(RunAway, match="more than 10,000 times the 0.5 of outputs of one"):
        watch.compare(5001.0, 0.0, 0.5)
    watch = LossWatch()
    watch.compare(1e-9, 2.0)  # a batch that is known already
    watch.compare(1e4, 2.0)
    with pytest.raises(RunAway, match="the 2 of outputs of zero"):
        watch.compare(-3e4, 2.0)
    with pytest.raises(RunAway, match="the loss was not finite"):
        LossWatch().compare(np.nan)
    zero = tp.sample(tp.MLP(1), tp.Problem(X, np.zeros(6)), tp.Training(3, 1.0), **FEW)
    assert zero.attrs["status"] == "completed" and (np.abs(zero.output) < 1e-12).all()


def test_times_before_divergence():
    outputs = np.array([[0.0, 0.0], [1.0, 0.0], [1e3, 0.0], [0.0, 0.0]])
    reached, what = before_divergence(outputs, lambda f: float(((f - 1) ** 2).mean() / 2))
    assert reached == 2 and "2.5e+05, more than 10,000 times the 0.5" in str(what)
    assert before_divergence(outputs[:2], lambda f: float(f @ f)) == (2, None)

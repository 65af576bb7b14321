"""Data that train, but hardly to what was meant: one warning each, true of what it says."""

import numpy as np
import pytest

import tensorprog_mf as tp

X, Y = np.random.default_rng(0).normal(size=(6, 4)), np.array([1.0, -1, 0.5, 1, -1, 2])
BITS = np.array([0.0, 1, 1, 0, 1, 0])
FEW = dict(n_samples=64, n_replicates=1, samples=0, progress=False)


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: tp.Problem(100 * X, Y),
            r"Inputs have \|x\|\^2 / D = [5-9][0-9.e+]+ on average, where 1 is usual.*Divide the inputs by",
        ),
        (lambda: tp.Problem(23 * X, Y), "activations saturate, and steps act"),
        (lambda: tp.Problem(100 * X, Y > 0, loss="cross_entropy"), "Inputs have"),
        (lambda: tp.Problem(100 * X, BITS, loss="logistic"), "Inputs have"),
        (lambda: tp.Problem(1e-3 * X, Y), "preactivations hardly leave zero"),
        (
            lambda: tp.Problem(X, 100 * Y),
            "Targets have a root mean square of 11[0-9].*Divide the targets by 11",
        ),
        (lambda: tp.Problem(X, 100 * np.stack([Y, Y], 1)), "Targets have a root mean square"),
        (
            lambda: tp.Problem(X, BITS),
            (
                "Targets are 0 and 1, with the squared loss.*the boundary lies at 0.5.*"
                '2 \\* targets - 1, or loss="logistic"'
            ),
        ),
        (lambda: tp.Problem(X, BITS > 0), "Targets are 0 and 1"),
        (lambda: tp.Problem(X, BITS[:, None].astype(int)), "Targets are 0 and 1"),
        (lambda: tp.OnlineProblem([(100 * X, Y)], X), "Inputs have"),
        (lambda: tp.OnlineProblem([(X, 100 * Y)], X), "Targets have"),
        (lambda: tp.OnlineProblem([(X[:1], [1])], X[:2], test_targets=[0, 1]), "Targets are 0 and 1"),
    ],
)
def test_one_warning_says_what_it_means(make, message):
    with pytest.warns(tp.DataWarning, match=message) as caught:
        make()
    assert len(caught) == 1 and caught[0].filename == __file__


@pytest.mark.parametrize(
    "make",
    [
        lambda: tp.Problem(4 * X, Y),
        lambda: tp.Problem(0 * X, Y),
        lambda: tp.Problem(0.1 * X, 10 * Y),
        lambda: tp.Problem(np.eye(6), Y),
        lambda: tp.Problem(np.eye(2000)[:6], Y),
        lambda: tp.Problem(X, 0 * Y),
        lambda: tp.Problem(X, np.ones(6)),
        lambda: tp.Problem(X, np.eye(2)[[0, 1] * 3]),
        lambda: tp.Problem(X, BITS, loss="logistic"),
        lambda: tp.Problem(X, BITS, loss="cross_entropy"),
        lambda: tp.Problem(X, [0, 1, 2, 0, 1, 2]),
        lambda: tp.Problem(X, 100 * Y, loss=(lambda f, y: np.abs(f - y), lambda f, y: np.sign(f - y))),
        lambda: tp.Problem(X, Y, 100 * X),
        lambda: tp.OnlineProblem(tp.GaussianStream(5, 1, lambda x: x[:, 0]), X @ np.ones((4, 5)) / 2),
    ],
)
def test_what_is_usual_is_quiet(make, recwarn):
    make()
    assert not recwarn.list


def test_routes_do_not_warn_again():
    with pytest.warns(tp.DataWarning):
        problem = tp.Problem(100 * X, [0, 1, 2, 0, 1, 2], loss="cross_entropy")
    with pytest.warns() as caught:  # of quadrature, nothing else
        for kernel in ("closed_form", "sampled"):
            tp.static_ntk(
                tp.MLP(1),
                problem,
                tp.Training(1, 1e-3),
                kernel,
                n_samples=64,
                n_replicates=1,
                samples=0,
                progress=False,
            )
        tp.sample(tp.MLP(1), problem, tp.Training(1, 1e-3), **FEW)
        tp.static_ntk(tp.MLP(1), problem, tp.Training(1, 1e-3))
    assert not [w for w in caught if w.category is tp.DataWarning]


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_large_targets_are_a_larger_richness(activation):
    """What the warning says: outputs on targets c y are c times those of richness c on y, to rounding."""
    with pytest.warns(tp.DataWarning):
        large = tp.Problem(X, 64 * Y)
    settings = dict(n_samples=256, n_replicates=2, samples=0, progress=False, tolerance=1e-10)
    one = tp.sample(tp.MLP(2, activation, 1 / 32), large, tp.Training(4, 0.3), **settings)
    other = tp.sample(tp.MLP(2, activation, 2.0), tp.Problem(X, Y), tp.Training(4, 0.3), **settings)
    np.testing.assert_allclose(one.output, 64 * other.output, atol=1e-9 * float(np.abs(one.output).max()))
    assert float(np.abs(other.output[-1]).max()) > 0.1


def test_large_inputs_of_a_linear_network_are_a_larger_rate():
    """What the warning says, exactly for linear networks with readout and first layer: K grows as |x|^2."""
    with pytest.warns(tp.DataWarning):
        large = tp.Problem(8 * X, Y)
    one = tp.static_ntk(tp.MLP(2, "linear"), large, tp.Training(5, 0.2 / 64))
    other = tp.static_ntk(tp.MLP(2, "linear"), tp.Problem(X, Y), tp.Training(5, 0.2))
    np.testing.assert_allclose(one.output, other.output, rtol=1e-11)

import numpy as np
import pytest

from tensorprog_mf.matrices.conditioned import Conditioned
from tensorprog_mf.matrices.stored import StoredMatrix
from tensorprog_mf.matrices.untied import Untied
from tensorprog_mf.sites.draws import Draws
from tensorprog_mf.sites.sites import Sites
from tests.helpers.stored import stored

OUT, INTO = 24, 40


def populations(out=OUT, into=INTO):
    return (
        Sites(n, c, Draws(c, (5, i), "pseudo-random"))
        for i, (n, c) in enumerate((("out", out), ("into", into)))
    )


def make(kind, out=OUT, into=INTO):
    above, below = populations(out, into)
    if kind is StoredMatrix:
        return StoredMatrix("W", above, below, np.random.default_rng(0))
    return kind("W", above, below, 1e-10)


def trained(matrix, rng, rounds=3):
    """A matrix after some queries and updates, its parameter, and the queries made."""
    parameter, asked = matrix.initial(), []
    for _ in range(rounds):
        x, g = rng.normal(size=(3, INTO)), rng.normal(size=(2, OUT))
        _, x_handle = matrix.apply(parameter, x)
        _, g_handle = matrix.apply_transpose(parameter, g)
        asked.append((x, g))
        parameter.scaled(0.9).add(1.0, matrix.outer(rng.normal(size=2), g_handle, x_handle[:2]))
    return parameter, asked


@pytest.mark.parametrize("kind", [Conditioned, StoredMatrix])
def test_forward_and_backward_are_adjoint(kind):
    """g . (W x) / sqrt(n_in) against (W^T g) . x / sqrt(n_out), of a rectangular matrix, with decay and
    learned part."""
    rng = np.random.default_rng(1)
    matrix = make(kind)
    parameter, asked = trained(matrix, rng)
    for x, g in asked + [(rng.normal(size=(3, INTO)), rng.normal(size=(2, OUT)))]:
        y, _ = matrix.apply(parameter, x)
        z, _ = matrix.apply_transpose(parameter, g)
        np.testing.assert_allclose(g @ y.T * np.sqrt(INTO), z @ x.T * np.sqrt(OUT), atol=1e-10)


def test_untied_is_not_adjoint_but_its_learned_part_is():
    rng = np.random.default_rng(1)
    matrix = make(Untied)
    parameter, asked = trained(matrix, rng)
    x, g = asked[0]
    y, z = matrix.apply(parameter, x)[0], matrix.apply_transpose(parameter, g)[0]
    assert np.abs(g @ y.T * np.sqrt(INTO) - z @ x.T * np.sqrt(OUT)).max() > 1
    parameter.scale = 0.0
    y, z = matrix.apply(parameter, x)[0], matrix.apply_transpose(parameter, g)[0]
    np.testing.assert_allclose(g @ y.T * np.sqrt(INTO), z @ x.T * np.sqrt(OUT), atol=1e-10)


@pytest.mark.parametrize("kind", [Conditioned, Untied, StoredMatrix])
def test_it_is_one_linear_map(kind):
    rng = np.random.default_rng(2)
    matrix = make(kind)
    parameter, asked = trained(matrix, rng)
    x, g = asked[1]
    y = matrix.apply(parameter, x)[0]
    np.testing.assert_allclose(matrix.apply(parameter, 2 * x[:1] - x[1:2])[0], 2 * y[:1] - y[1:2], atol=1e-11)
    z = matrix.apply_transpose(parameter, g)[0]
    np.testing.assert_allclose(
        matrix.apply_transpose(parameter, g.sum(0, keepdims=True))[0], z.sum(0, keepdims=True), atol=1e-11
    )


@pytest.mark.parametrize("kind", [Conditioned, Untied, StoredMatrix])
def test_a_gradient_step_adds_the_outer_product(kind):
    rng = np.random.default_rng(3)
    matrix = make(kind)
    parameter, _ = trained(matrix, rng)
    x, g, w = rng.normal(size=(2, INTO)), rng.normal(size=(2, OUT)), rng.normal(size=2)
    y, x_handle = matrix.apply(parameter, x)
    z, g_handle = matrix.apply_transpose(parameter, g)
    parameter.add(1.0, matrix.outer(w, g_handle, x_handle))
    np.testing.assert_allclose(
        matrix.apply(parameter, x)[0] - y, x @ x.T @ (w[:, None] * g) / INTO, atol=1e-11
    )
    change = g @ g.T @ (w[:, None] * x) / np.sqrt(OUT * INTO)
    np.testing.assert_allclose(matrix.apply_transpose(parameter, g)[0] - z, change, atol=1e-11)
    np.testing.assert_allclose(matrix.inner(x_handle, x_handle, matrix.into), x @ x.T / INTO, atol=1e-12)


def test_parts_add_up_and_mean_what_they_say():
    rng = np.random.default_rng(4)
    matrix = make(Conditioned)
    parameter, asked = trained(matrix, rng)
    everywhere = slice(None)
    for x, g in asked:
        (y, c), (z, d) = matrix.apply(parameter, x), matrix.apply_transpose(parameter, g)
        forward, backward = (
            matrix.parts_forward(parameter, c, everywhere),
            matrix.parts_backward(parameter, d, everywhere),
        )
        np.testing.assert_allclose(sum(forward), y, atol=1e-12)
        np.testing.assert_allclose(sum(backward), z, atol=1e-12)
    first = np.eye(c.shape[1])[
        :3
    ]  # the directions of the first query: nothing was fixed when they were revealed
    assert np.abs(matrix.parts_forward(parameter, first, everywhere).response).max() == 0
    assert np.abs(forward.response).max() > 0.1 and np.abs(forward.learned).max() > 0.1


def test_answers_are_those_of_one_stored_matrix():
    rng = np.random.default_rng(5)
    matrix = make(Conditioned)
    _, asked = trained(matrix, rng)
    w, initial = stored(matrix), matrix.initial()
    for x, g in asked:
        np.testing.assert_allclose(matrix.apply(initial, x)[0], x @ w.T / np.sqrt(INTO), atol=1e-11)
        np.testing.assert_allclose(matrix.apply_transpose(initial, g)[0], g @ w / np.sqrt(OUT), atol=1e-11)


def test_the_law_is_gaussian_with_unit_entries():
    """Fully revealed in turns from both sides, 400 draws of a 6 x 4 matrix: mean 0, variance 1, entries
    uncorrelated."""
    matrices = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        above, below = (
            Sites(n, c, Draws(c, (seed, i), "pseudo-random")) for i, (n, c) in enumerate((("a", 6), ("b", 4)))
        )
        matrix = Conditioned("W", above, below, 1e-10)
        for _ in range(4):
            y, _ = matrix.apply(matrix.initial(), rng.normal(size=(1, 4)))
            matrix.apply_transpose(matrix.initial(), np.tanh(y))  # queries that depend on answers
        w = matrix.apply(matrix.initial(), np.eye(4))[0].T * 2
        matrices.append(w)
    w = np.array(matrices).reshape(400, -1)
    assert np.abs(w.mean(0)).max() < 4.5 / 20  # standard error 1/20, 24 entries: false alarm 2e-4
    assert np.abs((w**2).mean(0) - 1).max() < 4.5 * np.sqrt(2 / 400)
    overlap = (w.T @ w / 400)[np.triu_indices(24, 1)]
    assert np.abs(overlap).max() < 5 / 20  # 276 pairs: false alarm 2e-4

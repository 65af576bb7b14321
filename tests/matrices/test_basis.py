import numpy as np
import pytest

from tensorprog_mf.matrices.basis import Basis
from tensorprog_mf.sites.sites import Sites


def test_stays_orthonormal_under_slow_trajectories():
    """Nearly collinear queries, hundreds of them: a single Gram-Schmidt pass loses orthogonality
    exponentially here."""
    rng = np.random.default_rng(0)
    basis, x = Basis(Sites("s", 1024), 1e-4), rng.normal(size=(5, 1024))
    for _ in range(40):
        x = x + 3e-3 * np.tanh(rng.normal(size=(5, 5)) @ x) + 3e-3 * rng.normal(size=x.shape)
        coefficients, _ = basis.absorb(x)
        rest = x - coefficients @ basis.rows
        assert (rest**2).mean() ** 0.5 <= 1e-4 * (x**2).mean() ** 0.5
    assert basis.rank > 150
    np.testing.assert_allclose(basis.rows @ basis.rows.T / 1024, np.eye(basis.rank), atol=1e-13)


def test_known_vectors_add_nothing_and_diagonal_is_positive():
    rng = np.random.default_rng(1)
    basis, x = Basis(Sites("s", 64), 1e-8), rng.normal(size=(4, 64))
    coefficients, added = basis.absorb(np.vstack([x, x[1] + x[2], np.zeros(64)]))
    assert added == [0, 1, 2, 3] and (np.diag(coefficients[:4]) > 0).all()
    again, added = basis.absorb(-2 * x)
    assert added == []
    np.testing.assert_allclose(again, -2 * coefficients[:4], atol=1e-13)


def test_many_vectors_are_those_of_one_matrix():
    """More vectors than one panel holds: triangular coefficients, and the vectors named that added a
    direction."""
    x = np.random.default_rng(5).normal(size=(150, 1024))
    x[100] = x[3] - x[70]
    basis = Basis(Sites("s", 1024), 1e-8)
    coefficients, added = basis.absorb(x)
    assert added == [i for i in range(150) if i != 100]
    np.testing.assert_allclose(coefficients @ basis.rows, x, atol=1e-11)
    assert np.abs(np.triu(coefficients[:100, :100], 1)).max() < 1e-14
    forced = Basis(Sites("s", 1024), 1e-8)
    _, added = forced.absorb(x, lambda vector: vector % 70 == 5)
    assert added == [5, 75, 145] and forced.refused > 0.9


def test_inner_products_are_kernels():
    rng = np.random.default_rng(2)
    basis, x, y = Basis(Sites("s", 2048), 1e-6), rng.normal(size=(150, 2048)), rng.normal(size=(3, 2048))
    c, _ = basis.absorb(x)
    d, _ = basis.absorb(y)
    np.testing.assert_allclose(c @ d[:, : c.shape[1]].T, x @ y.T / 2048, atol=1e-12)


def test_is_full_at_the_number_of_sites():
    rng = np.random.default_rng(3)
    basis = Basis(Sites("s", 16), 1e-10)
    for _ in range(3):
        x = rng.normal(size=(10, 16))
        coefficients, _ = basis.absorb(x)
        np.testing.assert_allclose(coefficients @ basis.rows, x, atol=1e-12)
    assert basis.rank == 16


def test_decisions_can_be_forced():
    rng = np.random.default_rng(4)
    basis, x = Basis(Sites("s", 64), 1e-2), rng.normal(size=(1, 64))
    basis.absorb(x)
    near = np.vstack([x + 1e-5 * rng.normal(size=(1, 64)), rng.normal(size=(1, 64)), x])
    _, added = basis.absorb(near, lambda vector: vector != 1)
    assert added == [0]  # forced in below tolerance; kept out above it; nothing left of the third


@pytest.mark.parametrize("tolerance", [1e-12, 1e-10])
def test_what_rounding_leaves_is_orthogonal_to_known_directions(tolerance):
    """A sum of two vectors of very different sizes, then the two: of the second only what rounding left of
    the first is new."""
    rng = np.random.default_rng(0)
    for size in 10.0 ** -np.arange(1, 12):
        basis, x = Basis(Sites("s", 256), tolerance), rng.normal(size=(2, 256))
        basis.absorb(x[:1] + size * x[1:])
        basis.absorb(x)
        np.testing.assert_allclose(basis.rows @ basis.rows.T / 256, np.eye(basis.rank), atol=1e-13)

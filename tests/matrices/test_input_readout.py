import numpy as np
import pytest

from tensorprog_mf.matrices.input import InputMatrix
from tensorprog_mf.matrices.readout import ReadoutMatrix
from tensorprog_mf.sites.draws import Draws
from tensorprog_mf.sites.sites import Sites


@pytest.mark.parametrize("shape", [(3, 7), (7, 3), (4, 4)])
def test_coordinates_keep_inner_products(shape):
    x = np.random.default_rng(0).normal(size=shape)
    x = np.vstack([x, x[:2], x[:1] - 3 * x[1:2], np.zeros((1, shape[1]))])
    matrix = InputMatrix("W0", Sites("s", 8, Draws(8, (0,))), x)
    assert matrix.coordinates.shape[1] == len(matrix.columns) == min(shape)
    np.testing.assert_allclose(matrix.kernel(slice(None)), x @ x.T / shape[1], atol=1e-12)


def test_zero_inputs_have_no_directions():
    matrix = InputMatrix("W0", Sites("s", 8, Draws(8, (0,))), np.zeros((2, 3)))
    assert matrix.coordinates.shape == (2, 0)
    assert (matrix.apply(matrix.initial(), slice(None)) == 0).all()


def test_input_learning():
    """A step adds sum_v weights_v g_v x_v^T / sqrt(D): h gains sum_v weights_v K^x g_v."""
    rng = np.random.default_rng(1)
    x, g, w = rng.normal(size=(3, 5)), rng.normal(size=(3, 64)), rng.normal(size=3)
    matrix = InputMatrix("W0", Sites("s", 64, Draws(64, (0,))), x)
    parameter = matrix.initial()
    before = matrix.apply(parameter, slice(None))
    parameter.add(1.0, matrix.outer(w, g, slice(None)))
    np.testing.assert_allclose(matrix.kernel(slice(None)), x @ x.T / 5, atol=1e-12)
    np.testing.assert_allclose(
        matrix.apply(parameter, slice(None)) - before, x @ x.T / 5 @ (w[:, None] * g), atol=1e-12
    )


def test_centred_readout_starts_at_zero_with_unit_norm():
    sites = Sites("s", 256, Draws(256, (0,)))
    features = np.random.default_rng(2).normal(size=(4, 256))
    features = np.vstack([features, features[:1]])
    matrix = ReadoutMatrix("w", sites, 1, centred=True)
    assert np.abs(matrix.apply(matrix.initial(), features)).max() < 1e-13
    assert abs((matrix.rows**2).mean() - 1) < 1e-13
    plain = ReadoutMatrix("w", Sites("s", 256, Draws(256, (0,))), 1, centred=False)
    assert np.abs(plain.apply(plain.initial(), features)).max() > 1e-3


def test_centred_readouts_are_orthonormal_and_do_not_depend_on_those_behind():
    features = np.random.default_rng(2).normal(size=(4, 256))
    rows = []
    for outputs in (2, 3):
        matrix = ReadoutMatrix("w", Sites("s", 256, Draws(256, (0,))), outputs, centred=True)
        assert np.abs(matrix.apply(matrix.initial(), features)).max() < 1e-13
        np.testing.assert_allclose(matrix.rows @ matrix.rows.T / 256, np.eye(outputs), atol=1e-13)
        rows.append(matrix.rows)
    np.testing.assert_allclose(rows[0], rows[1][:2], atol=1e-12)

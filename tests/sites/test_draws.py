import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.sites.draws import SOBOL_COLUMNS, Draws


def test_a_column_depends_on_its_name_only():
    one, other = Draws(256, (3, 0, 1)), Draws(256, (3, 0, 1))
    other.column(5)
    assert (one.column(40) == other.column(40)).all()
    assert (one.column(40) != one.column(41)).any()
    assert (one.column(40) != Draws(256, (3, 1, 1)).column(40)).any()
    assert (one.column(40) != Draws(256, (4, 0, 1)).column(40)).any()


def test_sobol_columns_are_stratified():
    from scipy.special import ndtr

    draws = Draws(512, (0,))
    for index in (0, 1, 7, 100, SOBOL_COLUMNS - 1):
        strata = np.floor(ndtr(draws.column(index)) * 512).astype(int)
        assert (np.sort(strata) == np.arange(512)).all()  # one point in each interval of length 1/n


def test_sobol_pairs_are_stratified_too():
    from scipy.special import ndtr

    draws = Draws(256, (1,))
    a, b = (np.floor(ndtr(draws.column(i)) * 16).astype(int) for i in (0, 1))
    assert (np.bincount(16 * a + b, minlength=256) == 1).all()  # the first two columns are a (0, 8, 2)-net


def test_moments():
    # Mean square of 4096 x 64 pseudo-random normals: standard error sqrt(2 / 262144) = 2.8e-3; 5 sigma, false
    # alarm 6e-7.
    draws = Draws(4096, (0,), "pseudo-random")
    z = np.array([draws.column(i) for i in range(64)])
    assert abs((z**2).mean() - 1) < 5 * 2.8e-3
    overlap = (z @ z.T / 4096 - np.eye(64))[np.triu_indices(64, 1)]
    assert np.abs(overlap).max() * 64 < 5.5  # 2016 pairs, false alarm 8e-5
    sobol = np.array([Draws(4096, (0,)).column(i) for i in range(16)])
    assert np.abs(sobol @ sobol.T / 4096 - np.eye(16)).max() < 1e-2  # pseudo-random: 4e-2


def test_slots_hand_out_columns_in_order_or_as_an_earlier_run_did():
    first = Draws(64, (0,))
    taken = [first.take(("W1 forward", 0, v)) for v in range(3)]
    assert first.accepts(("anything", 0, 0)) is None
    with pytest.raises(RuntimeError, match="had its column already"):
        first.take(("W1 forward", 0, 2))
    second = Draws(64, (0,), slots=first.slots)
    assert (second.take(("W1 forward", 0, 2)) == taken[2]).all()
    assert second.accepts(("W1 forward", 0, 1)) is True
    assert second.accepts(("W1 forward", 1, 0)) is False


def test_bad_draws():
    with pytest.raises(tp.InputError, match="power of two.*use 128"):
        Draws(100, (0,))
    with pytest.raises(tp.InputError, match="draws='halton' is unknown"):
        Draws(64, (0,), "halton")

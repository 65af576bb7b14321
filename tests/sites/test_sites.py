import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorprog_mf.ground.accelerate import BLOCK, blocks_on_threads
from tensorprog_mf.sites.sites import Sites


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 21),
    st.integers(0, 21),
    st.sampled_from([1, 17, BLOCK, BLOCK + 1, 3000]),
    st.integers(0, 2**32 - 1),
)
def test_products_equal_numpy(rows, vectors, count, seed):
    rng = np.random.default_rng(seed)
    a, x, out = (
        rng.normal(size=(rows, count)),
        rng.normal(size=(vectors, count)),
        rng.normal(size=(vectors, count)),
    )
    c, sites = rng.normal(size=(vectors, rows)), Sites("s", count)
    np.testing.assert_allclose(sites.mean(a, x), a @ x.T / count, atol=1e-13)
    np.testing.assert_allclose(sites.combine(c, a, out.copy()), out + c @ a, atol=1e-13)


def test_same_bits_on_threads():
    rng, sites = np.random.default_rng(0), Sites("s", 16 * BLOCK)
    for vectors in (5, 40):
        a, x = rng.normal(size=(40, sites.count)), rng.normal(size=(vectors, sites.count))
        c = rng.normal(size=(vectors, 40))
        alone = sites.mean(a, x), sites.combine(c, a)
        with blocks_on_threads(3):
            shared = sites.mean(a, x), sites.combine(c, a)
        assert all((one == other).all() for one, other in zip(alone, shared))

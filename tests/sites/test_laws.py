"""Laws of initial weights: samples, densities and quadrature agree."""

import numpy as np
import pytest
import scipy.stats

from tensorprog_mf.ground.errors import InputError
from tensorprog_mf.sites.laws import Gaussian, Uniform, as_law

LAWS = [Gaussian(0.3, 1.7), Uniform(-1.0, 2.0)]


@pytest.mark.parametrize("law", LAWS)
def test_nodes_have_the_moments(law):
    x, weight = law.nodes(60)
    assert weight.sum() == pytest.approx(1, abs=1e-14)
    assert weight @ x == pytest.approx(law.mean, abs=1e-12)
    assert weight @ (x - law.mean) ** 2 == pytest.approx(law.std**2, rel=1e-12)


@pytest.mark.parametrize("law", LAWS)
def test_samples_have_the_density(law):
    z = scipy.stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    x = np.sort(law.of_normals(z))
    middle = (x[1000:3001:500][:-1] + x[1000:3001:500][1:]) / 2
    np.testing.assert_allclose(500 / 4000 / np.diff(x[1000:3001:500]), law.density(middle), rtol=0.02)


def test_a_number_is_a_law():
    assert as_law("mean", 2).nodes(5)[0].tolist() == [2.0]
    np.testing.assert_array_equal(as_law("mean", 2).of_normals(np.ones(3)), [2, 2, 2])


@pytest.mark.parametrize("given", ["1", None, np.inf, [1, 2]])
def test_other_things_are_none(given):
    with pytest.raises(InputError, match="weight="):
        as_law("weight", given)


def test_bad_laws():
    with pytest.raises(InputError, match="high"):
        Uniform(1.0, 1.0)
    with pytest.raises(InputError, match="std"):
        Gaussian(0.0, -1.0)

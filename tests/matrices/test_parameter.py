import numpy as np

from tensorprog_mf.matrices.parameter import Parameter


def test_parameters_of_different_age_combine():
    old, new = Parameter(1.0, np.ones((1, 2))), Parameter(0.0, np.full((2, 3), 5.0))
    copy = old.copy()
    old.scaled(0.5).add(2.0, new)
    assert old.scale == 0.5
    np.testing.assert_array_equal(old.learned, [[10.5, 10.5, 10], [10, 10, 10]])
    new.add(1.0, copy)
    np.testing.assert_array_equal(new.learned, [[6, 6, 5], [5, 5, 5]])
    np.testing.assert_array_equal(copy.learned, np.ones((1, 2)))

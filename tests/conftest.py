"""Small problems that several tests share."""

import numpy as np
import pytest

import tensorprog_mf as tp


@pytest.fixture
def problem():
    """Three training and two test examples in five dimensions."""
    rng = np.random.default_rng(7)
    return tp.Problem(rng.normal(size=(3, 5)), rng.normal(size=3), rng.normal(size=(2, 5)))

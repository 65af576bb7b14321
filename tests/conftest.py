"""Small problems that several tests share."""

import signal
import sys

import numpy as np
import pytest

import tensorprog_mf as tp
from tests.helpers.known_weights import known_weights

__all__ = ["known_weights"]


@pytest.fixture
def problem():
    """Three training and two test examples in five dimensions."""
    rng = np.random.default_rng(7)
    return tp.Problem(rng.normal(size=(3, 5)), rng.normal(size=3), rng.normal(size=(2, 5)))


@pytest.fixture(autouse=True)
def figures_are_closed():
    """Figures that a test has left open are closed after it: more than twenty are a warning."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(autouse=True)
def hears_ctrl_c():
    """Ctrl-C raises KeyboardInterrupt, as it does in a terminal; processes in the background are started deaf
    to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)

"""Slow checks go to the edges where our warnings are due (ranks, heavy tails): there they are shown."""

import pathlib

import pytest

FOLDER = pathlib.Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("default::UserWarning"))

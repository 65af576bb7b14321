"""What CONTRIBUTING.md shows works, and the places it names are there."""

import pathlib
import re

import pytest

from tensorprog_mf.problems import losses
from tensorprog_mf.results import schema
from tensorprog_mf.sites.activations import named
from tests.helpers.rooms import ROOMS

ROOT = pathlib.Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.S)


@pytest.fixture
def tables():
    """The tables that the examples add to, as they were before, afterwards."""
    changed = [named.NAMED, losses.LOSSES, schema.VARIABLES]
    before = [dict(table) for table in changed]
    yield
    for table, rows in zip(changed, before):
        table.clear()
        table.update(rows)


def test_the_examples_run_one_after_the_other(tables):
    names = {"__name__": "examples"}
    for example in EXAMPLES:
        exec(example, names)


def test_examples_are_short():
    for example in EXAMPLES:
        lines = example.splitlines()
        assert len(lines) < 40 and max(map(len, lines)) <= 110, lines[0]


def test_places_are_there():
    """Paths that are named, from the root or from the package."""
    named_ones = re.findall(r"`((?:[\w*]+/)+[\w*.]*|\w+\.(?:md|py|pyi))`", TEXT)
    assert len(named_ones) > 30
    for place in named_ones:
        found = [*ROOT.glob(place), *(ROOT / "tensorprog_mf").glob(place)]
        assert found, place


def test_rooms_stand_in_their_order():
    assert re.findall(r"^\| `(\w+)/` \|", TEXT, re.M) == ROOMS

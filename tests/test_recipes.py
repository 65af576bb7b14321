"""The runner of the recipes, with a small recipe; the recipes themselves run in tests/verification."""

import pathlib
import shutil
import subprocess
import sys

import pytest

import tensorprog_mf as tp

RECIPES = pathlib.Path(__file__).parents[1] / "recipes"
SMALL = """
import sys
import xarray as xr
from runner import recipe

def run(count="3"):
    return {"a": xr.Dataset({"loss": ("time", [0.5] * int(count))})}

def report(results):
    print("losses", results["a"].loss.values)

def draw(results):
    import matplotlib.pyplot as plt
    figure, axis = plt.subplots()
    axis.plot(results["a"].loss)
    return figure

recipe(__file__, run, report, draw)
"""


@pytest.fixture
def start(tmp_path):
    """Runs the small recipe with words, after some code."""
    shutil.copy(RECIPES / "runner.py", tmp_path)

    def started(*words, before=""):
        (tmp_path / "small.py").write_text(before + SMALL)
        call = [sys.executable, "small.py", *words]
        return subprocess.run(call, cwd=tmp_path, capture_output=True, text=True)

    return started


def test_results_are_reported_saved_and_drawn(start, tmp_path):
    done = start("made/here", "2")
    assert done.returncode == 0, done.stderr
    *lines, seconds = done.stdout.splitlines()
    files = [str(pathlib.Path("made", "here", f"small.{ending}")) for ending in ("nc", "png")]
    assert lines == ["losses [0.5 0.5]", *(f"written to {file}" for file in files)]
    assert seconds.endswith(" s") and (tmp_path / files[1]).stat().st_size > 1000
    assert tp.load(tmp_path / files[0])["a"].loss.size == 2


def test_without_matplotlib_everything_but_the_figure_is_there(start, tmp_path):
    done = start(before="import sys; sys.modules['matplotlib'] = None\n")
    assert done.returncode == 0, done.stderr
    assert "no figure: matplotlib is not installed" in done.stdout
    assert [path.name for path in (tmp_path / "output").iterdir()] == ["small.nc"]


def test_words_that_a_recipe_does_not_take_are_refused_in_a_sentence(start, tmp_path):
    done = start("output", "2", "too many")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.startswith("small.py does not take the words '2 too many' after FOLDER")
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize("recipe", sorted(path.name for path in RECIPES.glob("*.py")))
def test_every_recipe_goes_through_the_runner(recipe):
    text = (RECIPES / recipe).read_text()
    if recipe not in ("runner.py", "digits.py"):
        assert text.count("\n    recipe(__file__, ") == 1 and "savefig" not in text and "sys.argv" not in text

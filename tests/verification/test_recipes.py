"""Recipes and notebooks run from beginning to end."""

import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.verification
RECIPES = pathlib.Path(__file__).parents[2] / "recipes"


@pytest.mark.parametrize(
    "recipe", sorted(p.name for p in RECIPES.glob("*.py") if "__main__" in p.read_text())
)
def test_recipe(recipe, tmp_path):
    done = subprocess.run([sys.executable, RECIPES / recipe, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    name = recipe.removesuffix(".py")
    assert (tmp_path / f"{name}.nc").stat().st_size > 1000 and (
        tmp_path / f"{name}.png"
    ).stat().st_size > 10_000


@pytest.mark.parametrize("notebook", sorted(p.name for p in RECIPES.glob("*.ipynb")))
def test_notebook(notebook):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    book = nbformat.read(RECIPES / notebook, 4)
    nbclient.NotebookClient(book, timeout=600, resources={"metadata": {"path": str(RECIPES)}}).execute()
    assert any("image/png" in out.get("data", {}) for cell in book.cells for out in cell.get("outputs", []))

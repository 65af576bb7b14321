"""Imports only go down: the rooms of the house, ground floor first."""

import ast
import pathlib
import subprocess
import sys

import tensorprog_mf
from tests.helpers.rooms import ROOMS

ROOT = pathlib.Path(tensorprog_mf.__file__).parent


def imports():
    """(importer, imported) pairs of modules of the package, as dotted names below it; lazy imports
    included."""
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[-1] == "__init__":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = parts[: len(parts) - node.level]
                names = [node.module] if node.module else [alias.name for alias in node.names]
                for name in names:
                    yield ".".join(parts), ".".join([*base, *name.split(".")])


def test_every_module_has_a_room():
    rooms = {path.relative_to(ROOT).with_suffix("").parts[0] for path in ROOT.rglob("*.py")} - {"__init__"}
    assert rooms == set(ROOMS)


def test_imports_go_down():
    for importer, imported in imports():
        above, below = importer.split(".")[0], imported.split(".")[0]
        if below == "__version__":
            continue
        assert ROOMS.index(below) <= ROOMS.index(above), (
            f"{importer} imports {imported}, which stands above it"
        )


def test_no_circles_inside_rooms():
    graph = {}
    for importer, imported in imports():
        graph.setdefault(importer, set()).add(imported)

    def reach(module, path):
        assert module not in path, " -> ".join([*path, module])
        for below in graph.get(module, ()):
            reach(below, [*path, module])

    for module in list(graph):
        reach(module, [])


def test_importing_is_light():
    heavy = (
        "import sys, tensorprog_mf; print([m for m in ('numba', 'scipy', 'xarray', 'netCDF4') if m in"
        " sys.modules])"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", heavy], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )

"""Stubs tell editors and type checkers of the names that are loaded when they are first used."""

import ast
import dataclasses
import importlib
import inspect
import pathlib
import tomllib

import pytest

import tensorprog_mf as tp

LAZY = ("tensorprog_mf", "tensorprog_mf.mean_field")
ROOT = pathlib.Path(__file__).parents[1]


def stub(package: str) -> dict[str, str]:
    """Module, by its whole name, that each name is imported from in the stub of a package."""
    path = pathlib.Path(importlib.import_module(package).__file__).with_suffix(".pyi")
    found = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            home = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                assert alias.asname == alias.name, (
                    f"{path}: {alias.name} as {alias.name}, so that it is exported"
                )
                found[alias.name] = home
    return found


def table(package: str) -> dict[str, str]:
    """The same of the tables by which the package loads its names."""
    module = importlib.import_module(package)
    homes = {name: importlib.util.resolve_name("." + home, package) for name, home in module._HOME.items()}
    for name, home in getattr(module, "_MODULES", {}).items():
        homes[name] = importlib.util.resolve_name("." + home, package).rpartition(".")[0]
    return homes


@pytest.mark.parametrize("package", LAZY)
def test_stubs_and_tables_have_the_same_names_from_the_same_modules(package):
    assert stub(package) == table(package)


@pytest.mark.parametrize("package", LAZY)
def test_every_name_of_a_stub_is_there(package):
    module = importlib.import_module(package)
    for name, home in stub(package).items():
        value = getattr(importlib.import_module(home), name, None) or importlib.import_module(
            f"{home}.{name}"
        )
        assert getattr(module, name) is value
    assert sorted(stub(package)) == module.__all__ == dir(module)


def test_wheels_are_told_to_hold_stubs_and_the_mark_of_types():
    """The rules of pyproject.toml; a wheel itself is built in tests/verification."""
    package = ROOT / "tensorprog_mf"
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    told = {path for rule in rules["tensorprog_mf"] for path in package.glob(rule)}
    assert told == {*package.rglob("*.pyi"), package / "py.typed"}


@pytest.mark.parametrize("record", [tp.Training, tp.Record])
def test_what_type_checkers_are_told_of_constructors(record):
    """The names of the fields in their order, all with a default."""
    tree = ast.parse(pathlib.Path(inspect.getfile(record)).read_text())
    (own,) = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == record.__name__]
    (told,) = [n for n in ast.walk(own) if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
    assert [argument.arg for argument in told.args.args[1:]] == list(inspect.signature(record).parameters)
    assert len(told.args.defaults) == len(dataclasses.fields(record))

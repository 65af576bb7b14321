"""The house is in order: ruff, mypy, sizes, names, and what tests may import."""

import ast
import collections
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

import tensorprog_mf
from tensorprog_mf import mean_field, scaling_laws

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "tensorprog_mf"
COLUMNS, LINES, ARGUMENTS = 110, 40, 10
PUBLIC = {*tensorprog_mf.__all__, *mean_field.__all__, *scaling_laws.__all__}
TOOLS = {
    "ruff check": ["ruff", "check", "--output-format", "concise", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy", "--no-error-summary"],
}


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_find_nothing(tool):
    module, *arguments = TOOLS[tool]
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert f"No module named {module}" not in done.stderr, f"pip install '.[tests]' brings {module}"
    assert done.returncode == 0, done.stdout + done.stderr


def modules(*folders: str) -> Iterator[tuple[str, str]]:
    """Path below the root, and text, of all modules in some folders."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py*")):
            if path.suffix in (".py", ".pyi"):
                yield str(path.relative_to(ROOT)), path.read_text()


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """All functions of the package, with where they are."""
    for name, text in modules("tensorprog_mf"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                yield f"{name}:{node.lineno} {node.name}", node


def compiled(node: ast.FunctionDef) -> bool:
    """Whether a function is a kernel of `ground.accelerate`."""
    return any("kernel" in ast.unparse(decorator) for decorator in node.decorator_list)


def declared(node: ast.FunctionDef) -> bool:
    """Whether a function has no body."""
    return [ast.unparse(line) for line in node.body] == ["..."]


def test_lines_are_short():
    wide = [
        f"{name}:{number}"
        for name, text in modules("tensorprog_mf", "tests", "recipes")
        for number, line in enumerate(text.splitlines(), 1)
        if len(line) > COLUMNS
    ]
    assert wide == []


def test_functions_are_short():
    """Without docstrings; of compiled kernels, which may have many arguments, without those."""
    long = {}
    for where, node in functions():
        first = node.body[0]
        documented = ast.get_docstring(node, clean=False) is not None
        lines = node.end_lineno - (first.lineno if compiled(node) else node.lineno) + 1
        lines -= first.end_lineno - first.lineno + 1 if documented else 0
        if lines > LINES:
            long[where] = lines
    assert long == {}


def test_functions_take_few_arguments():
    """Except compiled kernels, functions that users call, most of whose arguments have defaults, and what is
    only declared for type checkers."""
    many = {}
    for where, node in functions():
        given = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
        count = sum(argument.arg not in ("self", "cls") for argument in given)
        if count > ARGUMENTS and node.name not in PUBLIC and not (compiled(node) or declared(node)):
            many[where] = count
    assert many == {}


def test_a_class_name_has_one_meaning():
    """But in the public names of two modules, `tp.mean_field.Spectrum` and `tp.scaling_laws.Spectrum`."""
    homes = collections.defaultdict(set)
    for name, text in modules("tensorprog_mf"):
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].add(name)
    shared = set(mean_field.__all__) & set(scaling_laws.__all__)
    assert {name: where for name, where in homes.items() if len(where) > 1 and name not in shared} == {}


def test_no_test_imports_from_a_test():
    found = [
        f"{name}: {node.module}"
        for name, text in modules("tests")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and (node.module or "").rpartition(".")[2].startswith("test_")
    ]
    assert found == []

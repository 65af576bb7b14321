"""What goes with what: everything that the table speaks of is tried on every route."""

import ast
import inspect
import pathlib
import re
import runpy

import pytest

import tensorprog_mf as tp
from tensorprog_mf.routes.support import Request
from tensorprog_mf.routes.support.check import refusing, sentence, taking
from tensorprog_mf.routes.support.examples import SECTIONS, TOGETHER, Example
from tensorprog_mf.routes.support.table import ARGUMENTS, ROWS, WAYS
from tensorprog_mf.routes.support.text import markdown

ROOT = pathlib.Path(tp.__file__).parent
README = pathlib.Path(__file__).parents[2] / "README.md"
REFUSING = {
    "networks/saddle.py",
    "engine/record.py",
    "training/training.py",
}  # functions that are no routes
EXAMPLES = [(f"{section}: {example.label}", example) for section, own in SECTIONS.items() for example in own]
EXAMPLES += [(example.label, example) for example in TOGETHER]
OLD_WAYS = (
    r"\.suits\(|\brefuse_(?!others)\w+\(|(isinstance|[gh][ea][ts]attr)\((network|problem|training|record)[,)]"
)
SMALL = {"n_samples": 32, "width": 16, "n_replicates": 2, "samples": 2, "iterations": 2, "progress": False}
ROUTES = "|".join({way.route for way in WAYS})


def arguments(way, example):
    """Those of a small run, as far as the route has them, and those that the example asks for."""
    known = inspect.signature(getattr(tp, way.route)).parameters
    size = SMALL | ({"width": None} if way.route == "static_ntk" else {})
    found = {name: value for name, value in size.items() if name in known}
    found |= {way.argument: way.value} if way.argument else {}
    return found | {"record": tp.Record(**example.record)} | dict(example.own)


def earlier(way):
    """A plain run whose draws another one may use."""
    plain, size = SECTIONS["network"][0].request(), dict(n_samples=32, n_replicates=2, progress=False)
    size |= {"tolerance": 1e-8} if way.route == "perturbation" else {}
    return tp.sample(plain.network, plain.problem, plain.training, **size, record=tp.Record(draws=True))


def outcome(way, example, folder):
    """The sentence by which a route refuses an example, or None if it runs."""
    request, options = example.request(), arguments(way, example)
    if "common_draws" in example.own:
        options["common_draws"] = earlier(way)
    options |= {"checkpoint": folder / way.route} if "checkpoint" in example.own else {}
    try:
        ds = getattr(tp, way.route)(request.network, request.problem, request.training, **options)
    except tp.TensorProgError as error:
        return error
    assert ds.sizes["time"] > 0
    return None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("example", [example for _, example in EXAMPLES], ids=[name for name, _ in EXAMPLES])
def test_the_table_tells_the_truth(example, tmp_path):
    request = example.request()
    found = {way: outcome(way, example, tmp_path) for way in WAYS}
    runs = {way.call for way, error in found.items() if error is None}
    for way, error in found.items():
        row = refusing(way, request)
        assert (row is None) == (error is None), (way.call, error)
        if error is None or f"has no argument {next(iter(example.own), None)!r}" in str(error):
            continue
        assert type(error) is row.error and str(error) == sentence(way, row, request), way.call
        assert re.fullmatch(r"[^{}\n]*[^.{}\n]\.", str(error)), error
        for named in re.findall(rf"tp\.((?:{ROUTES})(?:\(\w+='\w+'\))?)", str(error)):
            others = {other.call for other in WAYS if other.call.startswith(f"{named}(")}
            assert named in runs or others & runs, f"{error} But {named} does not."


def test_every_row_of_the_table_is_needed():
    """Each refuses an example that no row before it does, on each of its ways."""
    requests = [example.request() for _, example in EXAMPLES]
    met = {(id(refusing(way, request)), way) for way in WAYS for request in requests}
    idle = [(row.says, way.call) for row in ROWS for way in row.ways if (id(row), way) not in met]
    assert not idle


def test_arguments_of_the_table_are_those_of_the_routes():
    for argument, ways in ARGUMENTS.items():
        name = argument.words.partition("=")[0]
        takes = {way for way in WAYS if name in inspect.signature(getattr(tp, way.route)).parameters}
        assert takes == set(ways), name


def test_the_readme_has_the_table(capsys):
    runpy.run_module("tensorprog_mf.routes.support")
    assert capsys.readouterr().out == f"{markdown()}\n" and markdown() in README.read_text()


def test_what_a_network_of_ones_own_goes_with_follows_from_what_it_is():
    """A new architecture needs no row: its class is not asked for."""

    class Own(tp.CNN):
        pass

    own, cnn = Own(2), tp.CNN(2)
    given = Example("", cnn)._problem()
    requests = [Request(network, given, tp.Training(1, 0.1)) for network in (own, cnn)]
    assert taking(requests[0]) == taking(requests[1]) and requests[0].architecture == "an Own"


def test_nothing_else_decides_what_goes_with_what():
    """No refusal outside the table, and no route in a network."""
    names = re.compile(rf"\b({'|'.join({way.route for way in WAYS} - {'sample'})})\b|tp\.sample\b")
    for room in ("networks", "layers", "matrices", "training", "problems", "engine", "routes"):
        for path in (ROOT / room).rglob("*.py"):
            code, own = path.read_text(), path.relative_to(ROOT).as_posix()
            assert not re.search(OLD_WAYS, code), own
            assert own in REFUSING or "raise UnsupportedError" not in code, own
            if room == "networks":
                assert not [s for s in strings(code) if names.search(s)], own


def test_every_route_asks_once():
    calls = [
        name
        for path in sorted((ROOT / "routes").rglob("*.py"))
        for name in re.findall(r"(?<!def )\bcheck\(\s*\"(\w+)\"", path.read_text())
    ]
    assert sorted(calls) == sorted({way.route for way in WAYS})


def strings(code):
    """String constants other than docstrings."""
    tree = ast.parse(code)
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docs)
    return [node.value for node in constants if isinstance(node.value, str)]

"""A run described by a TOML file.

[problem]
data = "digits.csv"        # one example per line, the target last; or inputs = "x.npy", targets = "y.npy"
classes = [3, 8]           # +1 and -1
test_examples = 20
loss = "squared"

[network]
architecture = "MLP"
depth = 3
activation = "tanh"        # or with options: {name = "leaky_relu", slope = 0.1}
richness = 1.0

[training]
steps = 50
learning_rate = 0.4

[run]
route = "sample"           # or any other: train_finite, solve_linear, static_ntk, gradient_independence, ...
n_samples = 4096
"""

import inspect
import pathlib
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..ground.calls import meant
from ..ground.errors import InputError, require
from ..networks import CNN, MLP, RNN, MeanFieldMLP, ResidualMLP, Transformer
from ..networks.network import Network
from ..problems.problem import Problem
from ..problems.tables import read_table
from ..routes.alternate.route import alternate
from ..routes.gradient_independence import gradient_independence
from ..routes.perturbation import perturbation
from ..routes.sample import sample
from ..routes.solve_linear.route import solve_linear
from ..routes.static_ntk.route import static_ntk
from ..routes.train_finite import train_finite
from ..sites.activations import Activation, as_activation
from ..training.training import Training

ARCHITECTURES: dict[str, Any] = {
    kind.__name__: kind for kind in (MLP, MeanFieldMLP, ResidualMLP, CNN, RNN, Transformer)
}
_ROUTES: tuple[Any, ...] = (
    sample,
    train_finite,
    solve_linear,
    static_ntk,
    gradient_independence,
    perturbation,
    alternate,
)
ROUTES = {route.__name__: route for route in _ROUTES}
_NOT_IN_FILES = {"network", "problem", "training", "progress", "common_draws", "path"}


class Config(NamedTuple):
    """What a file describes: call `route(network, problem, training, **options)`."""

    route: Callable[..., Any]
    network: Network
    problem: Problem
    training: Training
    options: dict[str, Any]


def read(path: str | pathlib.Path) -> Config:
    """Read and check a configuration.

    Raises
    ------
    InputError
        A file that is missing or not TOML, an unknown table or key, a value of a wrong type.
    """
    path = pathlib.Path(path)
    require(path.is_file(), f"cannot read {path}: no such file.")
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a TOML file: {error}.") from None
    _known(tables, {"problem", "network", "training", "run"}, f"{path}: table")
    for name in ("problem", "network", "training"):
        require(isinstance(tables.get(name), dict), f"{path}: table [{name}] is missing.")
    require(isinstance(tables.get("run", {}), dict), f"{path}: run must be a table, [run].")
    options = dict(tables.get("run", {}))
    route = _choice(options.pop("route", "sample"), ROUTES, "[run] route")
    _known(options, _parameters(route), f"{path}: [run]")
    return Config(
        route,
        _network(tables["network"], path),
        _problem(tables["problem"], path),
        _training(tables["training"], path),
        options,
    )


def _known(given: dict, allowed: set[str], where: str) -> None:
    for key in given:
        require(key in allowed, f"{where} {key!r} is unknown; {meant(key, sorted(allowed))}")


def _parameters(function: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(function).parameters) - _NOT_IN_FILES


def _choice(name: Any, options: Mapping[str, Any], where: str) -> Any:
    require(
        isinstance(name, str) and name in options, f"{where} = {name!r} is unknown; {meant(name, options)}"
    )
    return options[name]


def _network(table: dict, path: pathlib.Path) -> Network:
    table = dict(table)
    kind = _choice(table.pop("architecture", "MLP"), ARCHITECTURES, f"{path}: [network] architecture")
    _known(table, _parameters(kind) | {"gain"}, f"{path}: [network]")
    require("depth" in table or "depth" not in _parameters(kind), f"{path}: [network] depth is missing.")
    return kind(
        activation=_activation(table.pop("activation", "tanh"), table.pop("gain", None), path), **table
    )


def _activation(given: Any, gain: Any, path: pathlib.Path) -> Activation:
    """From a name or a table {name = ..., options}; the gain may be in the table or beside it."""
    table = {"name": given} if isinstance(given, str) else given
    require(
        isinstance(table, dict),
        f"{path}: [network] activation={given!r} must be a name in quotes, or a table {{name = ..., gain ="
        " ..., slope = ...}.",
    )
    require(
        gain is None or "gain" not in table,
        f"{path}: [network] gives gain twice; leave it out of the table of the activation, or beside it.",
    )
    return as_activation(table if gain is None else table | {"gain": gain})


def _training(table: dict, path: pathlib.Path) -> Training:
    _known(table, _parameters(Training), f"{path}: [training]")
    for name in ("times",) if table.get("flow") else ("steps", "learning_rate"):
        require(name in table, f"{path}: [training] {name} is missing.")
    return Training(**table)


def _problem(table: dict, path: pathlib.Path) -> Problem:
    table = dict(table)
    arrays, of_tables = _parameters(Problem), _parameters(read_table)
    for key in set(table) & (arrays ^ of_tables):
        there, here = ("data", "inputs and targets") if key in of_tables else ("inputs and targets", "data")
        fits = ("data" in table) == (key in of_tables)
        require(fits, f"{path}: [problem] {key!r} goes with {there}, not with {here}.")
    if "data" in table:
        _known(table, {"data"} | of_tables, f"{path}: [problem]")
        require(
            isinstance(table["data"], str),
            f"{path}: [problem] data={table['data']!r} must be a file name in quotes.",
        )
        return read_table(path.parent / table.pop("data"), **table)
    _known(table, {"data"} | arrays, f"{path}: [problem]")
    for name in ("inputs", "targets"):
        require(name in table, f"{path}: [problem] needs data, or inputs and targets; {name} is missing.")
    plain = ("loss", "classes")
    return Problem(
        **{key: value if key in plain else _numbers(value, path, key) for key, value in table.items()}
    )


def _numbers(value: Any, path: pathlib.Path, key: str) -> Any:
    """Numbers written in the file itself, or the name of a .npy or .csv file beside it."""
    if not isinstance(value, str):
        return value
    file = path.parent / value
    require(file.is_file(), f"{path}: [problem] {key} = {value!r}: no such file beside the configuration.")
    try:
        if file.suffix == ".npy":
            return np.load(file)
        rows = np.loadtxt(file, delimiter=",", dtype=str, encoding="utf-8")
        words = key in ("targets", "test_targets") and not all(_is_number(cell) for cell in rows.ravel())
        return np.char.strip(rows) if words else rows.astype(float)
    except ValueError as error:
        raise InputError(f"{path}: [problem] {key} = {value!r} cannot be read as numbers: {error}.") from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True

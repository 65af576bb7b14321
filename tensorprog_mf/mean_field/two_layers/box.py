"""A box of parameters and a grid of nodes that fills it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ground.errors import require
from ...results import memory
from ..arguments import checked_interval
from .initial import initial_laws
from .reduction import Reduction


@dataclass(frozen=True)
class Box:
    """Nodes of each trained parameter, `axes` by name, and `theta` (parameter, node) over their tensor
    product, in which the other parameters are constant."""

    axes: dict[str, np.ndarray]
    theta: np.ndarray

    @property
    def cell(self) -> float:
        """Volume for each node."""
        return math.prod(axis[1] - axis[0] for axis in self.axes.values())

    @property
    def intervals(self) -> dict[str, list[float]]:
        """[low, high] by name."""
        return {name: [float(axis[0]), float(axis[-1])] for name, axis in self.axes.items()}


def box(
    reduced: Reduction, fixed: Mapping[str, float], intervals: Mapping[str, tuple[float, float]], nodes: int
) -> Box:
    """The box of checked arguments: `intervals` from trained parameters to (low, high), "w" for w0, w1, ...,
    and `fixed` numbers for the others.

    Raises
    ------
    InputError
        Tables that do not fit the parameters; more nodes than memory holds.
    """
    good = isinstance(intervals, Mapping)
    require(good, f"intervals={intervals!r} must be a table from parameters to (low, high).")
    require(isinstance(fixed, Mapping), f"fixed={fixed!r} must be a table from parameters to numbers.")
    names = [name for name, moves in zip(reduced.names, reduced.trained) if moves]
    table: dict[str, Any] = {name: each for name, each in intervals.items() if name != "w"}
    if "w" in intervals:
        table = {name: intervals["w"] for name in names if name[0] == "w"} | table
    given = ", ".join(map(str, intervals)) or "none"
    wanted = ", ".join(names)
    require(set(table) == set(names), f"intervals must have (low, high) for {wanted}, not for {given}.")
    values = _values(reduced, fixed)
    axes = {
        name: np.linspace(*checked_interval(f"intervals[{name!r}]", table[name]), nodes) for name in names
    }
    count = nodes ** len(axes)
    numbers = count * (len(reduced.targets) + 2 * len(reduced.names))
    memory.check(8 * 3 * numbers, f"take fewer than {nodes} nodes for each of {len(axes)} parameters")
    mesh = dict(zip(names, (x.ravel() for x in np.meshgrid(*axes.values(), indexing="ij"))))
    rows = [mesh[name] if name in mesh else np.full(count, values[name]) for name in reduced.names]
    return Box(axes, np.stack(rows))


def _values(reduced: Reduction, fixed: Mapping[str, float]) -> dict[str, float]:
    """Numbers of the parameters that are not trained."""
    others = tuple(name for name, moves in zip(reduced.names, reduced.trained) if not moves)
    laws = dict(zip(others, initial_laws(others, fixed))) if others or fixed else {}
    require(all(law.fixed for law in laws.values()), "fixed must have numbers, not laws.")
    return {name: law.mean for name, law in laws.items()}

"""Distributional dynamics with one parameter, as a Fokker-Planck equation on a grid."""

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ...ground.calls import checked_call
from ...ground.errors import (
    DivergenceWarning,
    InputError,
    QuadratureWarning,
    UnsupportedError,
    boolean,
    real,
    require,
    warn,
    whole,
)
from ...results import memory
from ...results.provenance import made
from ...sites.laws import Law
from .data import FiniteData
from .dynamics import REFERENCES
from .initial import initial_laws
from .observables import result
from .population import Population
from .populations import population
from .stepping import checked_schedule, checked_step, checked_times, steps_between

_ORDER = 4  # of extrapolation in time
_AT_EDGE = 1e-9  # probability in an outermost cell that is warned of


@checked_call
def fokker_planck(
    unit,
    data,
    initial,
    times,
    temperature: float,
    interval: tuple[float, float],
    weight_decay: float = 0.0,
    dt: float = 0.02,
    cells: int = 400,
    schedule=1.0,
    extrapolate: bool = True,
) -> xr.Dataset:
    """Solve the distributional dynamics of a unit with one trained parameter on a grid.

        d_t rho = 2 xi d_theta (rho d_theta Psi + tau d_theta rho),   Psi = E[loss'(f_rho, y) sigma_*] + (lambda / 2) theta^2

    (Mei, Montanari & Nguyen 2018, equation 13), by finite volumes with exponential fluxes (Scharfetter &
    Gummel 1969), whose stationary states are Boltzmann's, and no flux through the ends.

    Parameters
    ----------
    unit, data, initial, times, weight_decay, schedule
        As of `distributional_dynamics`, on finite data; all parameters but one are numbers and not trained.
    temperature
        tau, positive.
    interval
        (low, high): where the grid is. It must hold all the mass at all times.
    dt
        Largest step. Each is linearly implicit, stable at any size, and extrapolated from 1, 2, 3 and 4 parts
        to order 4.
    cells
        Number of cells of the coarsest grid.
    extrapolate
        Whether to solve on grids of 2 and 4 times as many cells too, and to extrapolate what is averaged to
        infinitely many.

    Returns
    -------
    xarray.Dataset
        output, mean_field_residual, risk, entropy, free_energy, parameter_mean, parameter_square as of
        `distributional_dynamics`, and density (time, parameter, bin), bin_edge on the finest grid. Attribute
        grid_error is the largest change from the last extrapolation of output, risk, entropy, free energy and
        moments.

    Raises
    ------
    InputError
        An argument that cannot be used; more than one trained parameter, or one that is not trained and has
        no fixed value.
    UnsupportedError
        Gaussian data; several outputs.

    Warns
    -----
    QuadratureWarning
        Mass at the ends of the interval.

    Notes
    -----
    Error: cells^-2, with extrapolation cells^-6; dt^4. Cost: cells per step and point. On one grid the free
    energy of the grid never increases at small dt. A law with jumps, or thinner than a cell, is resolved no
    better than a cell.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> mf = tp.mean_field
    >>> unit = mf.Neuron("linear", output_weight=False)
    >>> ds = mf.fokker_planck(unit, mf.FiniteData([1.0], [0.0]), {"w": tp.Gaussian(1, 0.5)}, [1.0], 0.25, (-6, 6), weight_decay=1.0)
    >>> round(float(ds.parameter_mean[0, 0]), 8), round(float(np.exp(-4)), 8)  # dm/dt = -2 (m + lambda m)
    (0.01831564, 0.01831564)
    """
    found, law, fixed = _one_parameter(unit, data, initial)
    times, cells, xi = checked_times(times), whole("cells", cells, 4), checked_schedule(schedule)
    low, high = _interval(interval)
    extrapolate = boolean("extrapolate", extrapolate)
    memory.check(
        8 * 8 * cells * (4 if extrapolate else 1) * (len(found.targets) + len(times)), "take fewer cells"
    )
    temperature = real(
        "temperature", temperature, "be positive; without it take distributional_dynamics", lambda v: v > 0
    )
    weight_decay, dt = (
        real("weight_decay", weight_decay, "be 0 or more", lambda v: v >= 0),
        checked_step("dt", dt, times),
    )
    grids = [
        Grid(found, fixed, low, high, cells * 2**level, temperature, weight_decay)
        for level in range(3 if extrapolate else 1)
    ]
    solved = [grid.solve(law, times, dt, xi) for grid in grids]
    reached = min(len(records) for records in solved)
    require(
        reached > 0,
        f"the solution on the grid was not finite before its first time with dt={dt:g}; take a smaller dt.",
    )
    message = "All times were reached."
    if reached < len(times):
        message = (
            f"After time {times[reached - 1]:g} the solution on the grid was not finite; the times before are"
            " kept. Take a smaller dt."
        )
        warn(message, DivergenceWarning)
    _check_ends(grids[0], solved[0][:reached])
    rows, error = _extrapolated(
        [{name: np.stack([r[name] for r in records[:reached]]) for name in records[0]} for records in solved]
    )
    settings = {
        "times": times.tolist(),
        "temperature": temperature,
        "interval": [low, high],
        "weight_decay": weight_decay,
        "dt": dt,
        "cells": cells,
        "extrapolate": extrapolate,
        "schedule": "function" if callable(schedule) else float(schedule),
        "initial": {
            name: given.describe() for name, given in zip(found.names, initial_laws(found.names, initial))
        },
    }
    status = "completed" if reached == len(times) else "diverged"
    described = {"unit": unit.describe(), "data": data.describe()}
    attributes = made(
        "fokker_planck", type(unit).__name__, settings, status, message, REFERENCES, described
    ) | {"grid_error": error}
    return result(
        _arrays(rows, grids[-1], solved[-1][:reached]),
        _Named(found, grids[-1].name),
        data,
        times[:reached],
        attributes,
    )


def _one_parameter(unit, data, initial) -> tuple[Population, Law, np.ndarray]:
    """The unit on the data, the law of what is trained, and the values of all else."""
    if not isinstance(data, FiniteData):
        raise UnsupportedError(
            "a grid is for FiniteData; Gaussian data have no temperature here, so take"
            " distributional_dynamics."
        )
    found = population(unit, data)
    found.refuse_outputs("fokker_planck")
    laws = initial_laws(found.names, initial)
    require(
        found.trained.sum() == 1,
        f"a grid has one trained parameter, not {found.trained.sum()}: name it with trained= and give w one"
        " feature.",
    )
    loose = [
        name for name, law, moves in zip(found.names, laws, found.trained) if not moves and not law.fixed
    ]
    require(
        not loose, f"a grid has no room for a law of {', '.join(loose)}, which is not trained; give a number."
    )
    law = laws[int(np.flatnonzero(found.trained)[0])]
    require(not law.fixed, "a grid needs a law with a density for the trained parameter, not a number.")
    return found, law, np.array([each.mean for each in laws])


def _interval(interval) -> tuple[float, float]:
    try:
        low, high = map(float, interval)
    except (TypeError, ValueError):
        raise InputError(f"interval={interval!r} must be two numbers, low and high.") from None
    require(
        math.isfinite(low) and math.isfinite(high) and low < high,
        f"interval={interval!r} must be two finite numbers, low less than high.",
    )
    return low, high


@dataclass
class _Named:
    """A population as the result sees it: of its parameters only the one on the grid."""

    population: Population
    name: str

    def __post_init__(self):
        self.names, self.targets, self.weights = (
            (self.name,),
            self.population.targets,
            self.population.weights,
        )


class Grid:
    """Cells of equal width; rho is a density at their middles."""

    def __init__(
        self,
        found: Population,
        fixed: np.ndarray,
        low: float,
        high: float,
        cells: int,
        temperature: float,
        weight_decay: float,
    ):
        self.population, self.temperature, self.weight_decay = found, temperature, weight_decay
        self.edges = np.linspace(low, high, cells + 1)
        self.middle, self.width = (self.edges[1:] + self.edges[:-1]) / 2, (high - low) / cells
        row = int(np.flatnonzero(found.trained)[0])
        theta = np.repeat(fixed[:, None], cells, axis=1)
        theta[row] = self.middle
        self.name, self.unit = found.names[row], found.values(theta)  # (cell, point)

    def output(self, rho: np.ndarray) -> np.ndarray:
        """f_m of a density."""
        return self.width * (rho @ self.unit)

    def potential(self, rho: np.ndarray) -> np.ndarray:
        """Psi at the middles of cells."""
        return self.unit @ self.population.residual(self.output(rho)) + self.weight_decay / 2 * self.middle**2

    def observe(self, rho: np.ndarray) -> dict:
        """Averages under a density."""
        output, risk = self.output(rho), self.population.risk(self.output(rho))
        mean, square = (self.width * (rho @ self.middle**k) for k in (1, 2))
        positive = rho[rho > 0]
        entropy = -self.width * (positive @ np.log(positive))
        energy = (
            self.population.mean_loss(output) + self.weight_decay / 2 * square - self.temperature * entropy
        )
        return {
            "output": output,
            "risk": np.array(risk),
            "entropy": np.array(entropy),
            "free_energy": np.array(energy),
            "parameter_mean": np.array([mean]),
            "parameter_square": np.array([square]),
            "density": rho,
        }

    def implicit(self, rho: np.ndarray, scale: float) -> np.ndarray:
        """rho after one implicit step; `scale` = 2 xi h; the potential is that of the beginning."""
        from scipy.linalg import solve_banded

        rise = np.diff(self.potential(rho)) / self.temperature
        rate = scale * self.temperature / self.width**2
        up, down = rate * _bernoulli(rise), rate * _bernoulli(-rise)  # out of a cell to its right, and back
        band = np.zeros((3, len(rho)))
        band[1] = 1.0
        band[1, :-1] += up
        band[1, 1:] += down
        band[0, 1:], band[2, :-1] = -down, -up
        return solve_banded((1, 1), band, rho)

    def step(self, rho: np.ndarray, t: float, h: float, xi) -> np.ndarray:
        """One step, extrapolated from several numbers of parts (Deuflhard 1985)."""
        table: list[np.ndarray] = []
        for parts in range(1, _ORDER + 1):
            value = rho
            for k in range(parts):
                value = self.implicit(value, 2 * xi(t + (k + 1) * h / parts) * h / parts)
            row = [value]
            for j, before in enumerate(table, 1):
                row.append(row[-1] + (row[-1] - before) / (parts / (parts - j) - 1))
            table = row
        return table[-1]

    def solve(self, law: Law, times: np.ndarray, dt: float, xi) -> list[dict]:
        """Averages at every time, as far as they are finite."""
        rho = law.density(self.middle)
        require(rho.sum() > 0, f"the law of {self.name} has no mass on the grid; take another interval.")
        rho, now, records = rho / (rho.sum() * self.width), 0.0, []
        for until in times:
            for t, h in steps_between(now, until, dt):
                rho = self.step(rho, t, h, xi)
            if not np.isfinite(rho).all():
                break
            now = until
            records.append(self.observe(rho))
        return records


def _check_ends(grid: Grid, records: list[dict]) -> None:
    share = max(abs(record["density"][end]) for record in records for end in (0, -1)) * grid.width
    if share > _AT_EDGE:
        warn(
            f"fokker_planck: a cell at an end of the interval has probability {share:.0e}; take a wider"
            " interval.",
            QuadratureWarning,
        )


def _bernoulli(x: np.ndarray) -> np.ndarray:
    """x / (e^x - 1)."""
    small = np.abs(x) < 1e-5
    safe = np.where(small, 1.0, np.minimum(x, 600.0))
    return np.where(small, 1 - x / 2 + x * x / 12, safe / np.expm1(safe))


def _extrapolated(levels: list[dict]) -> tuple[dict, float]:
    """Averages extrapolated in the squared width of cells, and their largest change in doing so."""
    if len(levels) == 1:
        return levels[0], math.nan
    found, error = {}, 0.0
    for name in levels[0]:
        if name == "density":
            continue
        coarse, middle, fine = (level[name] for level in levels)
        first, second = middle + (middle - coarse) / 3, fine + (fine - middle) / 3
        found[name] = second + (second - first) / 15
        error = max(error, float(np.abs(found[name] - second).max()))
    return found, error


def _arrays(rows: dict, grid: Grid, records: list[dict]) -> dict:
    """Variables of the result."""
    averages = {name: values for name, values in rows.items() if name != "density"}
    dims = {
        "output": ("time", "example"),
        "parameter_mean": ("time", "parameter"),
        "parameter_square": ("time", "parameter"),
    }
    arrays = {name: (dims.get(name, ("time",)), values) for name, values in averages.items()}
    slopes = [grid.population.slope(output) for output in averages["output"]]
    arrays["mean_field_residual"] = (("time", "example"), np.array(slopes))
    arrays["density"] = (
        ("time", "parameter", "bin"),
        np.stack([record["density"] for record in records])[:, None],
    )
    arrays["bin_edge"] = (("parameter", "edge"), grid.edges[None])
    return arrays

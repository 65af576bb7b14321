"""Distributional dynamics with one parameter, as a Fokker-Planck equation on a grid."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ...ground.calls import checked_call
from ...ground.errors import QuadratureWarning, UnsupportedError, boolean, real, require, warn, whole
from ...results import memory
from ...results.provenance import made
from ...results.references import cite
from ..arguments import checked_interval
from ..outcomes import Arrays, RunRecord, averaged, concluded, reached_by_all
from .data import FiniteData
from .finite_volumes import FiniteVolumes, OneParameter, extrapolated
from .initial import initial_laws
from .observables import result
from .on_data import reduction
from .stepping import Schedule, StepPlan, step_plan
from .units import Unit

_PAPERS = cite("two layers", "exponential fluxes")

_AT_EDGE = 1e-9  # probability in an outermost cell that is warned of


@checked_call
def fokker_planck(  # noqa: PLR0913
    unit: Unit,
    data: FiniteData,
    initial: Mapping[str, Any],
    times: ArrayLike,
    temperature: float,
    interval: tuple[float, float],
    weight_decay: float = 0.0,
    dt: float = 0.02,
    cells: int = 400,
    schedule: Schedule = 1.0,
    extrapolate: bool = True,
) -> xr.Dataset:
    """Solve the distributional dynamics of a unit with one trained parameter on a grid.

        d_t rho = 2 xi d_theta (rho d_theta Psi + tau d_theta rho),
        Psi = E[loss'(f_rho, y) sigma_*] + (lambda / 2) theta^2

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
        Whether to solve on grids of 2 and 4 times as many cells as well, and to extrapolate averages to
        infinitely many.

    Returns
    -------
    xarray.Dataset
        output, mean_field_residual, risk, entropy, free_energy, parameter_mean, parameter_square as of
        `distributional_dynamics`, and density (time, parameter, bin), bin_edge on the finest grid. Attribute
        grid_error is the largest change of output, risk, entropy, free energy and moments in the last
        extrapolation.

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
    DivergenceWarning
        Densities that are not finite; the times before are kept.

    Notes
    -----
    Error: cells^-2, with extrapolation cells^-6; dt^4. Cost: O(cells points) per step. On one grid the free
    energy of the grid never increases if dt is small. A law with jumps, or thinner than a cell, is resolved
    no better than a cell.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> mf = tp.mean_field
    >>> unit, data = mf.Neuron("linear", output_weight=False), mf.FiniteData([1.0], [0.0])
    >>> laws = {"w": tp.Gaussian(1, 0.5)}
    >>> ds = mf.fokker_planck(unit, data, laws, [1.0], 0.25, (-6, 6), weight_decay=1.0)
    >>> round(float(ds.parameter_mean[0, 0]), 8), round(float(np.exp(-4)), 8)  # dm/dt = -2 (m + lambda m)
    (0.01831564, 0.01831564)
    """
    parameter = _one_parameter(unit, data, initial)
    remedy = "be positive; without it take distributional_dynamics"
    temperature = real("temperature", temperature, remedy, lambda v: v > 0)
    steps = step_plan(times, "dt", dt, schedule, temperature, weight_decay)
    box, cells = checked_interval("interval", interval), whole("cells", cells, 4)
    levels = (1, 2, 4) if boolean("extrapolate", extrapolate) else (1,)
    numbers = cells * levels[-1] * (len(parameter.reduced.targets) + len(steps.times))
    memory.check(8 * 8 * numbers, "take fewer cells")
    grids = [FiniteVolumes(parameter, box, cells * level, steps) for level in levels]
    records = [grid.solve() for grid in grids]
    arrays, error, ended = _combined(grids, records, steps)
    own = {"interval": list(box), "dt": steps.step, "cells": cells, "extrapolate": extrapolate}
    laws = zip(parameter.reduced.names, initial_laws(parameter.reduced.names, initial))
    settings = steps.settings() | own | {"initial": {name: law.describe() for name, law in laws}}
    described = {"unit": unit.describe(), "data": data.describe()}
    name = type(unit).__name__
    attributes = made("fokker_planck", name, settings, *ended, _PAPERS, described) | {"grid_error": error}
    reached = steps.times[: reached_by_all(records)]
    return result(arrays, parameter.reduced, data, reached, attributes, (parameter.name,))


def _one_parameter(unit: Unit, data: FiniteData, initial: Mapping[str, Any]) -> OneParameter:
    """The unit on the data, the law of what is trained, and the values of all else."""
    if not isinstance(data, FiniteData):
        raise UnsupportedError(
            "a grid is for FiniteData; Gaussian data have no temperature here, so take"
            " distributional_dynamics."
        )
    reduced = reduction(unit, data)
    reduced.refuse_outputs("fokker_planck")
    laws = initial_laws(reduced.names, initial)
    count = int(reduced.trained.sum())
    require(
        count == 1,
        f"a grid has one trained parameter, not {count}: name it with trained= and give w one feature.",
    )
    fixed = [(name, law) for name, law, moves in zip(reduced.names, laws, reduced.trained) if not moves]
    loose = ", ".join(name for name, law in fixed if not law.fixed)
    require(not loose, f"a grid has no room for a law of {loose}, which is not trained; give a number.")
    law = laws[int(np.flatnonzero(reduced.trained)[0])]
    require(not law.fixed, "a grid needs a law with a density for the trained parameter, not a number.")
    return OneParameter(reduced, law, np.array([each.mean for each in laws]))


def _combined(
    grids: list[FiniteVolumes], records: list[RunRecord], steps: StepPlan
) -> tuple[Arrays, float, tuple[str, str]]:
    """Variables of the result, up to the times that all grids have reached, their error, and how the run
    ended."""
    reached, finest = reached_by_all(records), grids[-1]
    remedy = f"dt={steps.step:g} is too large: take a smaller one"
    status, message = concluded([each.end for each in records], reached, "densities on the grid", remedy)
    _check_ends(grids[0], records[0], reached)
    levels = [averaged([record], reached) for record in records]
    dims = {name: dimensions for name, (dimensions, _) in levels[0].items()}
    density = levels[-1]["density"]
    averages = [{name: level[name][1] for name in dims if name != "density"} for level in levels]
    found, error = extrapolated(averages)
    arrays: Arrays = {name: (dims[name], values) for name, values in found.items()}
    slopes = np.array([finest.reduced.slope(output) for output in found["output"]])
    arrays |= {"mean_field_residual": (("time", "example"), slopes), "density": density}
    arrays["bin_edge"] = (("parameter", "edge"), finest.edges[None])
    return arrays, error, (status.label, message)


def _check_ends(grid: FiniteVolumes, record: RunRecord, reached: int) -> None:
    """Warn of mass at the ends of the interval."""
    ends = [density[0, end] for density in record.values["density"][:reached] for end in (0, -1)]
    share = max(map(abs, ends)) * grid.width
    if share > _AT_EDGE:
        warn(
            f"fokker_planck: a cell at an end of the interval has probability {share:.0e}; take a wider"
            " interval.",
            QuadratureWarning,
        )

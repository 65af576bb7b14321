"""A Fokker-Planck equation in one dimension by finite volumes with exponential fluxes."""

import math
from dataclasses import dataclass

import numpy as np

from ...ground.errors import require
from ...ground.status import Status
from ...sites.laws import Law
from ..outcomes import RunEnd, RunRecord
from .reduction import Reduction
from .stepping import StepPlan, steps_between

_ORDER = 4  # of extrapolation in time


@dataclass(frozen=True)
class OneParameter:
    """A unit on data with one trained parameter, the `law` of that one at time 0, and the values of all
    parameters; that of the trained one is not used."""

    reduced: Reduction
    law: Law
    values: np.ndarray

    @property
    def row(self) -> int:
        """Index of the trained parameter."""
        return int(np.flatnonzero(self.reduced.trained)[0])

    @property
    def name(self) -> str:
        """Its name."""
        return self.reduced.names[self.row]


class FiniteVolumes:
    """Cells of equal width between `low` and `high`; rho is a density at their middles."""

    def __init__(
        self, parameter: OneParameter, interval: tuple[float, float], cells: int, plan: StepPlan
    ) -> None:
        self.parameter, self.reduced, self.plan = parameter, parameter.reduced, plan
        low, high = interval
        self.edges = np.linspace(low, high, cells + 1)
        self.middle, self.width = (self.edges[1:] + self.edges[:-1]) / 2, (high - low) / cells
        theta = np.repeat(parameter.values[:, None], cells, axis=1)
        theta[parameter.row] = self.middle
        self.unit = self.reduced.values(theta)  # (cell, point)

    def output(self, rho: np.ndarray) -> np.ndarray:
        """f_m of a density."""
        return self.width * (rho @ self.unit)

    def potential(self, rho: np.ndarray) -> np.ndarray:
        """Psi at the middles of cells."""
        return (
            self.unit @ self.reduced.residual(self.output(rho)) + self.plan.weight_decay / 2 * self.middle**2
        )

    def observe(self, rho: np.ndarray) -> dict[str, np.ndarray]:
        """Averages under a density."""
        output = self.output(rho)
        mean, square = (self.width * (rho @ self.middle**k) for k in (1, 2))
        positive = rho[rho > 0]
        entropy = -self.width * (positive @ np.log(positive))
        decay = self.plan.weight_decay / 2 * square
        energy = self.reduced.mean_loss(output) + decay - self.plan.temperature * entropy
        return {
            "output": output,
            "risk": np.array(self.reduced.risk(output)),
            "entropy": np.array(entropy),
            "free_energy": np.array(energy),
            "parameter_mean": np.array([mean]),
            "parameter_square": np.array([square]),
            "density": rho[None],  # of one parameter
        }

    def implicit(self, rho: np.ndarray, scale: float) -> np.ndarray:
        """rho after one implicit step; `scale` = 2 xi h; the potential is that of the beginning.

        With B(x) = x / (e^x - 1) the flux from cell i to i + 1 is tau / width (B(r) rho_i - B(-r) rho_(i+1)),
        r the rise of Psi / tau between them. It vanishes where rho ~ exp(-Psi / tau), on any grid.
        """
        from scipy.linalg import solve_banded

        rise = np.diff(self.potential(rho)) / self.plan.temperature
        rate = scale * self.plan.temperature / self.width**2
        up, down = rate * _bernoulli(rise), rate * _bernoulli(-rise)  # out of a cell to its right, and back
        band = np.zeros((3, len(rho)))
        band[1] = 1.0
        band[1, :-1] += up
        band[1, 1:] += down
        band[0, 1:], band[2, :-1] = -down, -up
        return solve_banded((1, 1), band, rho)

    def step(self, rho: np.ndarray, t: float, h: float) -> np.ndarray:
        """One step, extrapolated from several numbers of parts (Deuflhard 1985).

        Row n of the table begins with the result of n implicit steps of size h / n. Each further entry has an
        error of one order more in h, by the rule of Aitken and Neville.
        """
        table: list[np.ndarray] = []
        for parts in range(1, _ORDER + 1):
            value = rho
            for k in range(parts):
                factor = self.plan.factor(t + (k + 1) * h / parts)
                value = self.implicit(value, 2 * factor * h / parts)
            row = [value]
            for j, before in enumerate(table, 1):
                row.append(row[-1] + (row[-1] - before) / (parts / (parts - j) - 1))
            table = row
        return table[-1]

    def solve(self) -> RunRecord:
        """Averages at every time, as far as densities are finite.

        Raises
        ------
        InputError
            A law without mass on the grid.
        """
        name = self.parameter.name
        rho = self.parameter.law.density(self.middle)
        require(rho.sum() > 0, f"the law of {name} has no mass on the grid; take another interval.")
        rho, now = rho / (rho.sum() * self.width), 0.0
        values: dict[str, list[np.ndarray]] = {}
        for until in self.plan.times:
            for t, h in steps_between(now, until, self.plan.step):
                rho = self.step(rho, t, h)
            if not np.isfinite(rho).all():
                return RunRecord(values, RunEnd(Status.DIVERGED, until))
            now = until
            for variable, value in self.observe(rho).items():
                values.setdefault(variable, []).append(value)
        return RunRecord(values, RunEnd(Status.COMPLETED, now))


def _bernoulli(x: np.ndarray) -> np.ndarray:
    """x / (e^x - 1)."""
    small = np.abs(x) < 1e-5
    safe = np.where(small, 1.0, np.minimum(x, 600.0))
    return np.where(small, 1 - x / 2 + x * x / 12, safe / np.expm1(safe))


def extrapolated(levels: list[dict[str, np.ndarray]]) -> tuple[dict[str, np.ndarray], float]:
    """Averages on grids of 1, 2 and 4 times as many cells, extrapolated in the squared width of cells, and
    their largest change in the last extrapolation; of one grid, its averages and NaN."""
    if len(levels) == 1:
        return levels[0], math.nan
    found, error = {}, 0.0
    for name in levels[0]:
        coarse, middle, fine = (level[name] for level in levels)
        # Errors c2 width^2 + c4 width^4: the first step removes c2, the second c4.
        first, second = middle + (middle - coarse) / 3, fine + (fine - middle) / 3
        found[name] = second + (second - first) / 15
        error = max(error, float(np.abs(found[name] - second).max()))
    return found, error

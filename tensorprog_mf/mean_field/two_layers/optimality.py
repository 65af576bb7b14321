"""Is a law of parameters the best there is? The objective is convex in the law, so a gradient tells."""

import json
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ...ground.calls import checked_call
from ...ground.errors import UnsupportedError, real, require, whole
from ...results.dataset import labelled
from ...results.provenance import made
from .dynamics import REFERENCES
from .population import Population
from .populations import population
from .stationary import box

_ITERATIONS = 20000
_HALVINGS = 50  # of a step along which the objective is convex
_CONVEX = ("squared", "logistic")  # and smooth: at a kink one slope bounds nothing
_STARTS = 8  # of local searches for a lower potential between nodes


@checked_call
def certificate(
    ds: xr.Dataset,
    unit,
    data,
    intervals,
    fixed=None,
    nodes: int = 401,
    time: int = -1,
    tolerance: float = 0.01,
    flat: float = 1e-6,
) -> xr.Dataset:
    """How far the law of parameters at a time is from the best of all laws on a box.

        J(rho) = E loss(f_rho, y) + (lambda / 2) int |theta|^2 d rho,
        Psi(theta; rho) = E[loss'(f_rho, y) sigma_*] + (lambda / 2) |theta|^2,   J(rho) - min J <= int Psi d rho - min Psi,

    as J is convex in rho with derivative Psi, for the squared and logistic losses.
    At the best law Psi is least, and flat, where rho has mass (Mei, Montanari & Nguyen
    2018, section 3). The best law on the nodes is found by pairwise Frank-Wolfe steps (Lacoste-Julien & Jaggi
    2015).

    Parameters
    ----------
    ds
        A result of `distributional_dynamics` without temperature.
    unit, data
        Those of that run.
    intervals
        Table from trained parameters to (low, high), the box; "w" is for w0, w1, ...
    fixed
        Table of numbers for parameters that are not trained.
    nodes
        Probes per trained parameter.
    time
        Index of the time.
    tolerance
        Distance from the best that counts as reached, as a fraction of the loss of f = 0, which is E y^2 / 2
        or log 2.
    flat
        Norm of grad Psi below which a site does not move.

    Returns
    -------
    xarray.Dataset
        objective J, best_objective on the probes, lower_bound on min J, gap J - lower_bound; potential
        (probe) at probe_value (probe, parameter), best_weight (probe): the best law; support_potential,
        gradient_norm (sample) at the sites of `ds`; dead_fraction of these: sites that do not move where Psi
        is higher than its least value by more than the tolerance. Attribute verdict is "reached" or "not
        reached".

    Raises
    ------
    InputError
        An argument that cannot be used; a result of another unit or other data.
    UnsupportedError
        A result with temperature, whose best law is `boltzmann`; untrained parameters that differ between
        sites; several outputs; the hinge loss, of which Psi jumps, and losses of the user's own, which need
        not be convex.

    Notes
    -----
    Bounds hold for laws on the box, up to what the least of Psi between probes is lower than local searches
    from the lowest probes find. Cost: nodes^(trained parameters) times points, per iteration.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> mf = tp.mean_field
    >>> unit, data = mf.Neuron("tanh", output_weight=False), mf.FiniteData([1.0], [0.5])
    >>> ds = mf.distributional_dynamics(unit, data, {"w": tp.Gaussian()}, [0, 50], n_samples=64)
    >>> [mf.certificate(ds, unit, data, {"w": (-5, 5)}, time=t).attrs["verdict"] for t in (0, 1)]
    ['not reached', 'reached']
    """
    found = population(unit, data, _radial_nodes(ds))
    found.refuse_outputs("certificate")
    if found.loss.name not in _CONVEX:
        known = " and ".join(_CONVEX)
        raise UnsupportedError(
            f"certificate: bounds are known for the {known} losses, not for {found.loss.name!r}."
        )
    settings = _settings(ds, found, unit, data)
    good = (
        isinstance(time, (int, np.integer))
        and not isinstance(time, bool)
        and -ds.sizes["time"] <= time < ds.sizes["time"]
    )
    require(good, f"time={time!r} is not an index of the {ds.sizes['time']} times of the result.")
    now = ds.isel(time=time)
    tolerance, flat = (
        real(name, value, "be positive", lambda v: v > 0)
        for name, value in (("tolerance", tolerance), ("flat", flat))
    )
    axes, probes, _ = box(found, fixed or {}, intervals, whole("nodes", nodes, 2))
    problem = _Problem(found, settings["weight_decay"], probes, [(axis[0], axis[-1]) for axis in axes])
    scale = tolerance * found.mean_loss(np.zeros(len(found.targets)))
    arrays, verdict = _judged(problem, now, scale, flat)
    chosen = {
        "time": float(now.time),
        "intervals": {k: list(map(float, v)) for k, v in intervals.items()},
        "nodes": nodes,
        "tolerance": tolerance,
        "flat": flat,
    }
    attributes = made(
        "certificate",
        ds.attrs["architecture"],
        chosen,
        "completed",
        f"The best law is {verdict}.",
        REFERENCES,
        {},
    )
    kept = {name: ds.attrs[name] for name in ("unit_json", "data_json")}
    return labelled(arrays, {"parameter": np.array(found.names)}, attributes | kept | {"verdict": verdict})


def _radial_nodes(ds) -> int | None:
    require(
        isinstance(ds, xr.Dataset) and ds.attrs.get("route") == "distributional_dynamics",
        "ds must be a result of distributional_dynamics.",
    )
    return ds.sizes["example"] // 2 if "radius" in ds else None


def _settings(ds: xr.Dataset, found: Population, unit, data) -> dict:
    settings = json.loads(ds.attrs["settings_json"])
    if settings["temperature"]:
        raise UnsupportedError(
            "with temperature the best law is Boltzmann's; compare with tp.mean_field.boltzmann."
        )
    told = {name: json.loads(ds.attrs[f"{name}_json"]) for name in ("unit", "data")}
    same = told == json.loads(json.dumps({"unit": unit.describe(), "data": data.describe()}))
    require(same, "the result is of another unit or other data; pass those of its run.")
    spread = (ds.parameter_square - ds.parameter_mean**2).values[:, ~found.trained]
    if (spread > 1e-9 * (1 + ds.parameter_square.values[:, ~found.trained])).any():
        raise UnsupportedError(
            "parameters that are not trained differ between sites: their law stays, so the best of all laws"
            " is no yardstick."
        )
    return settings


@dataclass
class _Problem:
    """J on laws on the probes."""

    population: Population
    weight_decay: float
    probes: np.ndarray
    intervals: list

    def __post_init__(self):
        self.values = self.population.values(self.probes)  # (probe, point)
        self.cost = self.decay(self.probes)

    def decay(self, theta: np.ndarray) -> np.ndarray:
        """(lambda / 2) |theta|^2 per site."""
        return self.weight_decay / 2 * (theta[self.population.trained] ** 2).sum(axis=0)

    def potential(self, theta: np.ndarray, residual: np.ndarray) -> np.ndarray:
        """Psi per site."""
        return self.population.values(theta) @ residual + self.decay(theta)

    def gradient(self, theta: np.ndarray, residual: np.ndarray) -> np.ndarray:
        """grad Psi, (parameter, site)."""
        return (
            self.population.pull(theta, residual)
            + self.weight_decay * theta * self.population.trained[:, None]
        )

    def least(self, residual: np.ndarray) -> float:
        """The least Psi on the box, by local searches from the lowest probes."""
        from scipy.optimize import minimize

        at_probes = self.values @ residual + self.cost
        found, moving = at_probes.min(), self.population.trained

        def of(x, start):
            theta = start.copy()
            theta[moving, 0] = x
            return float(self.potential(theta, residual)[0]), self.gradient(theta, residual)[moving, 0]

        for k in np.argsort(at_probes)[:_STARTS]:
            start = np.ascontiguousarray(self.probes[:, k : k + 1])
            found = min(
                found,
                minimize(of, start[moving, 0], (start,), "L-BFGS-B", jac=True, bounds=self.intervals).fun,
            )
        return float(found)

    def best(self, enough: float) -> tuple[np.ndarray, np.ndarray]:
        """Weights of the best law on the probes, up to `enough` in J, and its outputs."""
        alone = (
            self.population.loss.value(self.values, self.population.targets) @ self.population.weights
            + self.cost
        )
        share = np.zeros(len(alone))
        share[alone.argmin()] = 1.0
        for _ in range(_ITERATIONS):
            output = share @ self.values
            slope = self.values @ self.population.residual(output) + self.cost
            to, of = slope.argmin(), np.where(share > 0, slope, -np.inf).argmax()
            if slope @ share - slope[to] < enough:
                break
            size = self._size(
                output, self.values[to] - self.values[of], self.cost[to] - self.cost[of], share[of]
            )
            share[to] += size
            share[of] = max(share[of] - size, 0.0)
        return share, share @ self.values

    def _size(self, output: np.ndarray, move: np.ndarray, cost: float, most: float) -> float:
        """Where J, at outputs output + size move and with size cost beside, is least between 0 and `most`."""
        found = self.population

        def rises(size):
            return found.residual(output + size * move) @ move + cost

        if found.loss.name == "squared":
            return min(most, -rises(0.0) / max(found.weights @ move**2, 1e-300))
        if rises(most) <= 0:
            return most
        low, high = 0.0, most
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if rises(middle) < 0 else (low, middle)
        return low


def _judged(problem: _Problem, now: xr.Dataset, scale: float, flat: float) -> tuple[dict, str]:
    """Variables of the result and the verdict."""
    found, output = problem.population, now.output.values
    residual, square = found.residual(output), now.parameter_square.values[found.trained].sum()
    objective = found.mean_loss(output) + problem.weight_decay / 2 * square
    least = problem.least(residual)
    share, best_output = problem.best(scale / 20)
    best = found.mean_loss(best_output) + share @ problem.cost
    best_residual = found.residual(best_output)
    lower = objective - (residual @ output + problem.weight_decay / 2 * square - least)
    lower = max(
        lower, best - (best_residual @ best_output + share @ problem.cost - problem.least(best_residual)), 0.0
    )
    theta = np.ascontiguousarray(now.site_parameter.values.T, dtype=float)
    at_sites, slopes = (
        problem.potential(theta, residual),
        np.linalg.norm(problem.gradient(theta, residual), axis=0),
    )
    dead = (slopes < flat) & (at_sites > least + scale)
    scalars = {
        "objective": objective,
        "best_objective": best,
        "lower_bound": lower,
        "gap": objective - lower,
        "dead_fraction": dead.mean() if dead.size else np.nan,
    }
    arrays = {name: ((), value) for name, value in scalars.items()} | {
        "potential": (("probe",), problem.values @ residual + problem.cost),
        "probe_value": (("probe", "parameter"), problem.probes.T),
        "best_weight": (("probe",), share),
        "support_potential": (("sample",), at_sites),
        "gradient_norm": (("sample",), slopes),
    }
    return arrays, "reached" if objective - lower <= scale else "not reached"

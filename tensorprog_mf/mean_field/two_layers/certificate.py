"""Is a law of parameters the best there is? The objective is convex in the law, so a gradient tells."""

import json
import math
from collections.abc import Mapping

import numpy as np
import xarray as xr

from ...ground.calls import checked_call
from ...ground.errors import UnsupportedError, real, require, whole
from ...ground.status import Status
from ...results.dataset import labelled
from ...results.provenance import made
from ...results.references import cite
from ..outcomes import Arrays
from .box import box
from .data import Data, IsotropicGaussians
from .objective import Objective
from .on_data import reduction
from .reduction import Reduction
from .units import Unit

_PAPERS = cite("two layers", "Frank-Wolfe")

_CONVEX = ("squared", "logistic")  # and smooth: at a kink one slope bounds nothing
_SPREAD = 1e-9  # variance of an untrained parameter that counts as none, relative to its square
_PRECISION = 20  # how much closer than the tolerance the best law on the probes is found


@checked_call
def certificate(
    ds: xr.Dataset,
    unit: Unit,
    data: Data,
    intervals: Mapping[str, tuple[float, float]],
    fixed: Mapping[str, float] | None = None,
    nodes: int = 401,
    time: int = -1,
    tolerance: float = 0.01,
    flat: float = 1e-6,
) -> xr.Dataset:
    """How far the law of parameters at a time is from the best of all laws on a box.

        J(rho) = E loss(f_rho, y) + (lambda / 2) int |theta|^2 d rho,
        Psi(theta; rho) = E[loss'(f_rho, y) sigma_*] + (lambda / 2) |theta|^2,
        J(rho) - min J <= int Psi d rho - min Psi,

    for the squared and logistic losses, as J is convex in rho with derivative Psi. At the best law Psi is
    least, and flat, where rho has mass (Mei, Montanari & Nguyen 2018, section 3). The best law on the nodes
    is found by pairwise Frank-Wolfe steps (Lacoste-Julien & Jaggi 2015).

    Parameters
    ----------
    ds
        A result of `distributional_dynamics` without temperature.
    unit, data
        Those of that run.
    intervals
        Table from trained parameters to (low, high), the box; "w" stands for w0, w1, ...
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
        (probe) at probe_value (probe, parameter) and best_weight (probe), the best law; support_potential and
        gradient_norm (sample) at the sites of `ds`, and dead_fraction, the share of them that do not move
        although Psi exceeds its least value by more than the tolerance. Attribute verdict is "reached" or
        "not reached".

    Raises
    ------
    InputError
        An argument that cannot be used; a result of another unit or other data.
    UnsupportedError
        A result with temperature, whose best law is `boltzmann`; untrained parameters that differ between
        sites; several outputs; the hinge loss, whose Psi jumps, and losses of the user's own, which need not
        be convex.

    Notes
    -----
    Bounds hold for laws on the box, except that Psi between probes may be lower than local searches from the
    lowest probes find. Cost: O(nodes^(trained parameters) points) per iteration.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> mf = tp.mean_field
    >>> unit, data = mf.Neuron("tanh", output_weight=False), mf.FiniteData([1.0], [0.5])
    >>> ds = mf.distributional_dynamics(unit, data, {"w": tp.Gaussian()}, [0, 50], n_samples=64)
    >>> [mf.certificate(ds, unit, data, {"w": (-5, 5)}, time=t).attrs["verdict"] for t in (0, 1)]
    ['not reached', 'reached']
    """
    reduced = _on_data(ds, unit, data)
    settings = _settings_of(ds, reduced, unit, data)
    now = _at_time(ds, time)
    tolerance = real("tolerance", tolerance, "be positive", lambda v: v > 0)
    flat = real("flat", flat, "be positive", lambda v: v > 0)
    probes = box(reduced, fixed or {}, intervals, whole("nodes", nodes, 2))
    objective = Objective(reduced, probes, settings["weight_decay"])
    scale = tolerance * reduced.mean_loss(np.zeros(len(reduced.targets)))
    arrays, verdict = _judged(objective, now, scale, flat)
    chosen = {
        "time": float(now.time),
        "intervals": {name: [float(end) for end in ends] for name, ends in intervals.items()},
        "nodes": nodes,
        "tolerance": tolerance,
        "flat": flat,
    }
    ended = Status.COMPLETED.label, f"The best law is {verdict}."
    attributes = made("certificate", ds.attrs["architecture"], chosen, *ended, _PAPERS, {})
    attributes |= {name: ds.attrs[name] for name in ("unit_json", "data_json")} | {"verdict": verdict}
    return labelled(arrays, {"parameter": np.array(reduced.names)}, attributes)


def _on_data(ds: xr.Dataset, unit: Unit, data: Data) -> Reduction:
    """The unit on the data, as in the run that `ds` is the result of."""
    good = isinstance(ds, xr.Dataset) and ds.attrs.get("route") == "distributional_dynamics"
    require(good, "ds must be a result of distributional_dynamics.")
    radial = isinstance(data, IsotropicGaussians) and data.dimension != math.inf and "radius" in ds
    reduced = reduction(unit, data, ds.sizes["example"] // 2 if radial else None)
    reduced.refuse_outputs("certificate")
    if reduced.loss.name not in _CONVEX:
        known = " and ".join(_CONVEX)
        raise UnsupportedError(
            f"certificate: bounds are known for the {known} losses, not for {reduced.loss.name!r}."
        )
    return reduced


def _settings_of(ds: xr.Dataset, reduced: Reduction, unit: Unit, data: Data) -> dict:
    """Settings of the run, which must be of this unit and these data."""
    settings = json.loads(ds.attrs["settings_json"])
    if settings["temperature"]:
        raise UnsupportedError(
            "with temperature the best law is Boltzmann's; compare with tp.mean_field.boltzmann."
        )
    told = {name: json.loads(ds.attrs[f"{name}_json"]) for name in ("unit", "data")}
    same = told == json.loads(json.dumps({"unit": unit.describe(), "data": data.describe()}))
    require(same, "the result is of another unit or other data; pass those of its run.")
    square = ds.parameter_square.values[:, ~reduced.trained]
    spread = square - ds.parameter_mean.values[:, ~reduced.trained] ** 2
    if (spread > _SPREAD * (1 + square)).any():
        raise UnsupportedError(
            "parameters that are not trained differ between sites: their law stays, so the best of all laws"
            " is no yardstick."
        )
    return settings


def _at_time(ds: xr.Dataset, time: int) -> xr.Dataset:
    """The result at the time of an index."""
    count = ds.sizes["time"]
    whole_number = isinstance(time, (int, np.integer)) and not isinstance(time, bool)
    good = whole_number and -count <= time < count
    require(good, f"time={time!r} is not an index of the {count} times of the result.")
    return ds.isel(time=time)


def _judged(objective: Objective, now: xr.Dataset, scale: float, flat: float) -> tuple[Arrays, str]:
    """Variables of the result and the verdict."""
    reduced, output = objective.reduced, now.output.values
    residual, square = reduced.residual(output), now.parameter_square.values[reduced.trained].sum()
    decay = objective.weight_decay / 2 * square
    value = reduced.mean_loss(output) + decay
    least = objective.least(residual)
    share = objective.best(scale / _PRECISION)
    best_output, best_decay = share @ objective.values, share @ objective.cost
    best = reduced.mean_loss(best_output) + best_decay
    # Each law bounds min J from below by J - (int Psi d rho - min Psi); 0 does, too.
    best_residual = reduced.residual(best_output)
    lower = max(
        value - (residual @ output + decay - least),
        best - (best_residual @ best_output + best_decay - objective.least(best_residual)),
        0.0,
    )
    theta = np.ascontiguousarray(now.site_parameter.values.T, dtype=float)
    at_sites = objective.potential(theta, residual)
    slopes = np.linalg.norm(objective.gradient(theta, residual), axis=0)
    dead = (slopes < flat) & (at_sites > least + scale)
    arrays: Arrays = {
        "objective": ((), np.array(value)),
        "best_objective": ((), np.array(best)),
        "lower_bound": ((), np.array(lower)),
        "gap": ((), np.array(value - lower)),
        "dead_fraction": ((), np.array(dead.mean() if dead.size else np.nan)),
        "potential": (("probe",), objective.at_nodes(residual)),
        "probe_value": (("probe", "parameter"), objective.nodes.T),
        "best_weight": (("probe",), share),
        "support_potential": (("sample",), at_sites),
        "gradient_norm": (("sample",), slopes),
    }
    return arrays, "reached" if value - lower <= scale else "not reached"

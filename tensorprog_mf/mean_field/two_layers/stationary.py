"""Where noise takes the law of parameters: Boltzmann's fixed point."""

import math
from collections.abc import Mapping

import numpy as np
import xarray as xr

from ...ground.calls import checked_call
from ...ground.errors import (
    ConvergenceWarning,
    InputError,
    QuadratureWarning,
    UnsupportedError,
    real,
    require,
    warn,
    whole,
)
from ...results import memory
from ...results.provenance import made
from .data import FiniteData
from .dynamics import REFERENCES
from .initial import initial_laws
from .observables import result
from .population import Population
from .populations import population

_ITERATIONS = 100
_CLOSED = 1e-12  # of what is left of the equations, beside the targets


@checked_call
def boltzmann(
    unit, data, fixed, temperature: float, intervals, weight_decay: float = 0.0, nodes: int = 400
) -> xr.Dataset:
    """The law that minimises the free energy, to which noisy training converges.

        rho*(theta) = exp(-Psi(theta; rho*) / tau) / Z,   Psi = E[loss'(f_rho, y) sigma_*] + (lambda / 2) |theta|^2

    (Mei, Montanari & Nguyen 2018, section 4). The free energy is convex in rho, so it is unique. It depends
    on rho* through f at the examples only: as many equations as examples, solved by Newton's method.

    Parameters
    ----------
    unit, data, weight_decay
        As of `distributional_dynamics`, on finite data.
    fixed
        Table of numbers for the parameters that are not trained.
    temperature
        tau, positive.
    intervals
        Table from trained parameters to (low, high); "w" is for w0, w1, ...
    nodes
        Equally spaced nodes per trained parameter; the trapezoidal rule is exact but for exp(-const nodes)
        where the density vanishes at the ends.

    Returns
    -------
    xarray.Dataset
        output, mean_field_residual, risk, entropy, free_energy, parameter_mean, parameter_square of one time,
        infinity, and density (time, parameter, bin), the marginal on cells around the nodes.

    Raises
    ------
    InputError
        An argument that cannot be used.
    UnsupportedError
        Gaussian data; several outputs; a loss with a kink.

    Warns
    -----
    QuadratureWarning
        Density at an end of an interval. ConvergenceWarning: Newton's method did not come to rest.

    Notes
    -----
    Cost: nodes^(trained parameters) points^2 per iteration, some ten of them.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> mf = tp.mean_field
    >>> unit = mf.Neuron("linear", output_weight=False)
    >>> ds = mf.boltzmann(unit, mf.FiniteData([1.0], [0.0]), {}, 0.25, {"w": (-6, 6)}, weight_decay=1.0)
    >>> round(float(ds.parameter_square[0, 0]), 10)  # tau / lambda, as f = 0
    0.25
    """
    if not isinstance(data, FiniteData):
        raise UnsupportedError(
            "Boltzmann's law is computed for FiniteData; Gaussian data have no temperature here."
        )
    found = population(unit, data)
    found.refuse_outputs("boltzmann")
    if found.loss.name == "hinge":
        raise UnsupportedError(
            "boltzmann needs a loss of which the slope does not jump, as that of 'hinge' does; take"
            " 'logistic'."
        )
    temperature = real("temperature", temperature, "be positive", lambda v: v > 0)
    weight_decay = real("weight_decay", weight_decay, "be 0 or more", lambda v: v >= 0)
    axes, theta, cell = box(found, fixed, intervals, whole("nodes", nodes, 8))
    trained = np.flatnonzero(found.trained)
    unit_values, decay = found.values(theta), weight_decay / 2 * (theta[trained] ** 2).sum(axis=0)
    output, density, left, done = _newton(found, unit_values, decay, temperature, cell)
    message = f"Newton's method came to rest at a residual of {left:.1e}."
    if not done:
        message = (
            f"Newton's method did not come to rest in {_ITERATIONS} iterations: a residual of {left:.1e} is"
            " left; take a higher temperature."
        )
        warn(message, ConvergenceWarning)
    arrays = _arrays(found, axes, density, cell, output, weight_decay, temperature, theta[trained])
    settings = {
        "fixed": {name: float(theta[k, 0]) for k, name in enumerate(found.names) if not found.trained[k]},
        "temperature": temperature,
        "intervals": {found.names[k]: [float(axis[0]), float(axis[-1])] for k, axis in zip(trained, axes)},
        "weight_decay": weight_decay,
        "nodes": nodes,
    }
    described = {"unit": unit.describe(), "data": data.describe()}
    attributes = made(
        "boltzmann",
        type(unit).__name__,
        settings,
        "completed" if done else "not_converged",
        message,
        REFERENCES,
        described,
    )
    return result(arrays, _Trained(found), data, np.array([math.inf]), attributes)


class _Trained:
    """A population as the result sees it: its trained parameters only."""

    def __init__(self, found: Population):
        self.names = tuple(np.array(found.names)[found.trained])
        self.targets, self.weights = found.targets, found.weights


def box(
    found: Population, fixed, intervals, nodes: int, which=None
) -> tuple[list[np.ndarray], np.ndarray, float]:
    """Axes of the parameters of a box, theta (parameter, node) over its tensor product, and the volume of a
    cell.

    The parameters are the trained ones, or those that `which` says.
    """
    which = found.trained if which is None else which
    require(
        isinstance(intervals, Mapping),
        f"intervals={intervals!r} must be a table from parameters to (low, high).",
    )
    require(isinstance(fixed, Mapping), f"fixed={fixed!r} must be a table from parameters to numbers.")
    names = [name for name, moves in zip(found.names, which) if moves]
    table = {name: intervals["w"] for name in names if "w" in intervals and name[0] == "w"} | {
        k: v for k, v in intervals.items() if k != "w"
    }
    require(
        set(table) == set(names),
        f"intervals must have (low, high) for {', '.join(names)}, not for"
        f" {', '.join(map(str, intervals)) or 'none'}.",
    )
    others = tuple(name for name, moves in zip(found.names, which) if not moves)
    values = dict(zip(others, initial_laws(others, fixed))) if others or fixed else {}
    require(all(law.fixed for law in values.values()), "fixed must have numbers, not laws.")
    axes = [_axis(name, table[name], nodes) for name in names]
    numbers = nodes ** len(axes) * (len(found.targets) + 2 * len(found.names))
    memory.check(8 * 3 * numbers, f"take fewer than {nodes} nodes for each of {len(axes)} parameters")
    mesh = iter([x.ravel() for x in np.meshgrid(*axes, indexing="ij")])
    theta = np.stack(
        [
            next(mesh) if moves else np.full(nodes ** len(axes), values[name].mean)
            for name, moves in zip(found.names, which)
        ]
    )
    return axes, theta, math.prod(axis[1] - axis[0] for axis in axes)


def _axis(name: str, interval, nodes: int) -> np.ndarray:
    try:
        low, high = map(float, interval)
    except (TypeError, ValueError):
        raise InputError(f"intervals[{name!r}]={interval!r} must be two numbers, low and high.") from None
    require(
        math.isfinite(low) and math.isfinite(high) and low < high,
        f"intervals[{name!r}]={interval!r} must be finite, low less than high.",
    )
    return np.linspace(low, high, nodes)


def _law(
    found: Population, unit: np.ndarray, decay: np.ndarray, output: np.ndarray, temperature: float
) -> np.ndarray:
    """Probabilities of nodes, from exp(-Psi / tau) at given outputs."""
    log = -(unit @ found.residual(output) + decay) / temperature
    share = np.exp(log - log.max())
    return share / share.sum()


def _curvature(found: Population, output: np.ndarray) -> np.ndarray:
    """loss'' at every point; by differences, as Newton's method asks for no more."""
    if found.loss.name == "squared":
        return np.ones(len(output))
    return (found.slope(output + 1e-5) - found.slope(output - 1e-5)) / 2e-5


def _newton(found: Population, unit, decay, temperature, cell) -> tuple[np.ndarray, np.ndarray, float, bool]:
    """f with f = E_rho*[sigma_*] and the density of rho* at the nodes; Newton steps are halved till what is
    left shrinks."""
    output, closed = np.zeros(len(found.targets)), _CLOSED * (1 + np.abs(found.targets).max())
    share = _law(found, unit, decay, output, temperature)
    left = output - share @ unit
    for _ in range(_ITERATIONS):
        if np.abs(left).max() < closed:
            break
        mean = share @ unit
        covariance = (unit * share[:, None]).T @ unit - np.outer(mean, mean)
        bend = found.weights * _curvature(found, output)
        move = np.linalg.solve(np.eye(len(output)) + covariance * bend / temperature, left)
        size = 1.0
        while True:
            tried = _law(found, unit, decay, output - size * move, temperature)
            rest = output - size * move - tried @ unit
            if np.abs(rest).max() < np.abs(left).max() or size < 1e-6:
                break
            size /= 2
        output, share, left = output - size * move, tried, rest
    return share @ unit, share / cell, float(np.abs(left).max()), bool(np.abs(left).max() < closed)


def _arrays(found, axes, density, cell, output, weight_decay, temperature, theta) -> dict:
    share = density * cell
    risk, square = found.risk(output), (theta * theta) @ share
    entropy = -float(share[share > 0] @ np.log(density[share > 0]))
    energy = found.mean_loss(output) + weight_decay / 2 * square.sum() - temperature * entropy
    marginals, edges = [], []
    for k, axis in enumerate(axes):
        step = axis[1] - axis[0]
        marginal = (
            share.reshape([len(axis)] * len(axes)).sum(axis=tuple(j for j in range(len(axes)) if j != k))
            / step
        )
        if max(marginal[0], marginal[-1]) > 1e-9 * marginal.max():
            warn(
                "boltzmann: the density does not vanish at the ends of the interval of"
                f" {found.names[np.flatnonzero(found.trained)[k]]}; take a wider one.",
                QuadratureWarning,
            )
        marginals.append(marginal)
        edges.append(np.append(axis - step / 2, axis[-1] + step / 2))
    once = {
        "output": output,
        "mean_field_residual": found.slope(output),
        "parameter_mean": theta @ share,
        "parameter_square": square,
    }
    dims = {
        "output": "example",
        "mean_field_residual": "example",
        "parameter_mean": "parameter",
        "parameter_square": "parameter",
    }
    arrays = {name: (("time", dims[name]), values[None]) for name, values in once.items()}
    arrays |= {
        name: (("time",), [value])
        for name, value in (("risk", risk), ("entropy", entropy), ("free_energy", energy))
    }
    return arrays | {
        "density": (("time", "parameter", "bin"), [marginals]),
        "bin_edge": (("parameter", "edge"), edges),
    }

"""Where noise takes the law of parameters: Boltzmann's fixed point."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ...ground.calls import checked_call
from ...ground.errors import ConvergenceWarning, QuadratureWarning, UnsupportedError, real, warn, whole
from ...ground.status import Status
from ...results.provenance import made
from ...results.references import cite
from ..outcomes import Arrays
from .box import Box, box
from .data import FiniteData
from .observables import result
from .on_data import reduction
from .reduction import Reduction
from .units import Unit

_PAPERS = cite("two layers")

_ITERATIONS = 100
_CLOSED = 1e-12  # of what is left of the equations, relative to the targets
_SMALLEST = 1e-6  # part of a Newton step that is tried
_AT_END = 1e-9  # density at an end of an interval, over its maximum, that is warned of


@checked_call
def boltzmann(
    unit: Unit,
    data: FiniteData,
    fixed: Mapping[str, float],
    temperature: float,
    intervals: Mapping[str, tuple[float, float]],
    weight_decay: float = 0.0,
    nodes: int = 400,
) -> xr.Dataset:
    """The law that minimises the free energy, to which noisy training converges.

        rho*(theta) = exp(-Psi(theta; rho*) / tau) / Z,
        Psi(theta; rho) = E[loss'(f_rho, y) sigma_*] + (lambda / 2) |theta|^2

    (Mei, Montanari & Nguyen 2018, section 4). The free energy is convex in rho, so this law is unique. It
    depends on rho* through f at the examples only: as many equations as examples, solved by Newton's method.

    Parameters
    ----------
    unit, data, weight_decay
        As of `distributional_dynamics`, on finite data.
    fixed
        Table of numbers for the parameters that are not trained.
    temperature
        tau, positive.
    intervals
        Table from trained parameters to (low, high); "w" stands for w0, w1, ...
    nodes
        Equally spaced nodes per trained parameter; where the density vanishes at the ends the trapezoidal
        rule is exact up to exp(-const nodes).

    Returns
    -------
    xarray.Dataset
        output, mean_field_residual, risk, entropy, free_energy, parameter_mean, parameter_square at a single
        time, infinity, and density (time, parameter, bin), the marginals on cells around the nodes. Status is
        "completed" or "not_converged".

    Raises
    ------
    InputError
        An argument that cannot be used.
    UnsupportedError
        Gaussian data; several outputs; a loss with a kink.

    Warns
    -----
    QuadratureWarning
        A density that does not vanish at an end of an interval.
    ConvergenceWarning
        Newton's method did not come to rest.

    Notes
    -----
    Cost: nodes^(trained parameters) points^2 per iteration, of which there are about ten.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> mf = tp.mean_field
    >>> unit = mf.Neuron("linear", output_weight=False)
    >>> ds = mf.boltzmann(unit, mf.FiniteData([1.0], [0.0]), {}, 0.25, {"w": (-6, 6)}, weight_decay=1.0)
    >>> round(float(ds.parameter_square[0, 0]), 10)  # tau / lambda, as f = 0
    0.25
    """
    reduced = _on_data(unit, data)
    temperature = real("temperature", temperature, "be positive", lambda v: v > 0)
    weight_decay = real("weight_decay", weight_decay, "be 0 or more", lambda v: v >= 0)
    nodes = whole("nodes", nodes, 8)
    problem = FreeEnergy(reduced, box(reduced, fixed, intervals, nodes), temperature, weight_decay)
    point = problem.least()
    status, message = Status.COMPLETED, f"Newton's method came to rest at a residual of {point.left:.1e}."
    if not point.converged:
        status = Status.NOT_CONVERGED
        message = (
            f"Newton's method did not come to rest in {_ITERATIONS} iterations: a residual of"
            f" {point.left:.1e} is left; take a higher temperature."
        )
        warn(message, ConvergenceWarning)
    others = np.flatnonzero(~reduced.trained)
    settings = {
        "fixed": {reduced.names[k]: float(problem.box.theta[k, 0]) for k in others},
        "temperature": temperature,
        "intervals": problem.box.intervals,
        "weight_decay": weight_decay,
        "nodes": nodes,
    }
    described = {"unit": unit.describe(), "data": data.describe()}
    name = type(unit).__name__
    attributes = made("boltzmann", name, settings, status.label, message, _PAPERS, described)
    names = tuple(problem.box.axes)
    return result(problem.arrays(point), reduced, data, np.array([math.inf]), attributes, names)


def _on_data(unit: Unit, data: FiniteData) -> Reduction:
    """The unit on data that Boltzmann's law can be computed for."""
    if not isinstance(data, FiniteData):
        raise UnsupportedError(
            "Boltzmann's law is computed for FiniteData; Gaussian data have no temperature here."
        )
    reduced = reduction(unit, data)
    reduced.refuse_outputs("boltzmann")
    if reduced.loss.name == "hinge":
        raise UnsupportedError(
            "boltzmann needs a loss whose slope does not jump, as that of 'hinge' does; take 'logistic'."
        )
    return reduced


@dataclass(frozen=True)
class FixedPoint:
    """A law on the nodes that reproduces its own outputs up to `left`: outputs (point,), density (node,)."""

    output: np.ndarray
    density: np.ndarray
    left: float
    converged: bool


class FreeEnergy:
    """E loss + (lambda / 2) E |theta|^2 - tau Ent on laws on the nodes of a box."""

    def __init__(self, reduced: Reduction, box: Box, temperature: float, weight_decay: float) -> None:
        self.reduced, self.box = reduced, box
        self.temperature, self.weight_decay = temperature, weight_decay
        self.theta = box.theta[np.flatnonzero(reduced.trained)]
        self.values = reduced.values(box.theta)  # (node, point)
        self.decay = weight_decay / 2 * (self.theta**2).sum(axis=0)

    def law(self, output: np.ndarray) -> np.ndarray:
        """Probabilities of nodes, from exp(-Psi / tau) at given outputs."""
        log = -(self.values @ self.reduced.residual(output) + self.decay) / self.temperature
        share = np.exp(log - log.max())
        return share / share.sum()

    def curvature(self, output: np.ndarray) -> np.ndarray:
        """loss'' at every point; by differences, as Newton's method needs no more."""
        if self.reduced.loss.name == "squared":
            return np.ones(len(output))
        return (self.reduced.slope(output + 1e-5) - self.reduced.slope(output - 1e-5)) / 2e-5

    def least(self) -> FixedPoint:
        """f = E_rho*[sigma_*], rho* = law(f), by Newton steps that are halved till what is left shrinks.

        With F(f) = f - E_law(f)[sigma_*] the matrix is dF/df = 1 + Cov(sigma_*) diag(p loss'') / tau, the
        covariance of the unit's values between points under the law.
        """
        output = np.zeros(len(self.reduced.targets))
        closed = _CLOSED * (1 + np.abs(self.reduced.targets).max())
        share = self.law(output)
        left = output - share @ self.values
        for _ in range(_ITERATIONS):
            if np.abs(left).max() < closed:
                break
            mean = share @ self.values
            covariance = (self.values * share[:, None]).T @ self.values - np.outer(mean, mean)
            bend = self.reduced.weights * self.curvature(output)
            move = np.linalg.solve(np.eye(len(output)) + covariance * bend / self.temperature, left)
            size = 1.0
            while True:
                tried = self.law(output - size * move)
                rest = output - size * move - tried @ self.values
                if np.abs(rest).max() < np.abs(left).max() or size < _SMALLEST:
                    break
                size /= 2
            output, share, left = output - size * move, tried, rest
        worst = np.abs(left).max()
        return FixedPoint(share @ self.values, share / self.box.cell, float(worst), bool(worst < closed))

    def arrays(self, point: FixedPoint) -> Arrays:
        """Variables of the result."""
        reduced, density = self.reduced, point.density
        share = density * self.box.cell
        square = (self.theta * self.theta) @ share
        entropy = -float(share[share > 0] @ np.log(density[share > 0]))
        decay = self.weight_decay / 2 * square.sum()
        energy = reduced.mean_loss(point.output) + decay - self.temperature * entropy
        marginals, edges = self._marginals(share)
        return {
            "output": (("time", "example"), point.output[None]),
            "mean_field_residual": (("time", "example"), reduced.slope(point.output)[None]),
            "parameter_mean": (("time", "parameter"), (self.theta @ share)[None]),
            "parameter_square": (("time", "parameter"), square[None]),
            "risk": (("time",), np.array([reduced.risk(point.output)])),
            "entropy": (("time",), np.array([entropy])),
            "free_energy": (("time",), np.array([energy])),
            "density": (("time", "parameter", "bin"), marginals[None]),
            "bin_edge": (("parameter", "edge"), edges),
        }

    def _marginals(self, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Marginal densities (parameter, bin) and edges (parameter, edge); warns of mass at the ends."""
        axes, marginals, edges = list(self.box.axes.values()), [], []
        joint = share.reshape([len(axis) for axis in axes])
        for k, (name, axis) in enumerate(self.box.axes.items()):
            step = axis[1] - axis[0]
            marginal = joint.sum(axis=tuple(j for j in range(len(axes)) if j != k)) / step
            if max(marginal[0], marginal[-1]) > _AT_END * marginal.max():
                warn(
                    f"boltzmann: the density does not vanish at the ends of the interval of {name}; take a"
                    " wider one.",
                    QuadratureWarning,
                )
            marginals.append(marginal)
            edges.append(np.append(axis - step / 2, axis[-1] + step / 2))
        return np.stack(marginals), np.stack(edges)

"""What is kept of the particles at a time, and the labelled result."""

import math
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from ...problems.classes import class_labels
from ...results.dataset import labelled
from ...results.schema import VARIABLES
from ..outcomes import Arrays
from .data import Data, FiniteData
from .entropy import nearest_neighbour_entropy
from .initial import Particles
from .reduction import Reduction
from .stepping import StepPlan

PRODUCTS = 32  # parameters up to which second moments between them are kept


@dataclass
class Observer:
    """Records of one replicate, variable by variable, over times.

    `varying` (parameter,) are the parameters whose law has an entropy; with `keep_all` all particles are
    kept, for densities; `sobol` says that they began as a Sobol sequence.
    """

    reduced: Reduction
    plan: StepPlan
    varying: np.ndarray
    keep_all: bool
    sobol: bool
    record: dict[str, list[np.ndarray]] = field(default_factory=dict)
    everywhere: list[np.ndarray] = field(default_factory=list)

    def look(self, t: float, particles: Particles, output: np.ndarray) -> None:
        """Record the particles at time t, whose outputs are known."""
        theta, weight, reduced = particles.theta, particles.weight, self.reduced
        square = (theta * theta) @ weight
        found: dict[str, np.ndarray | float] = {
            "output": output,
            "mean_field_residual": reduced.slope(output),
            "risk": reduced.risk(output),
            "parameter_mean": theta @ weight,
            "parameter_square": square,
        }
        if len(theta) <= PRODUCTS:
            found["parameter_product"] = (theta * weight) @ theta.T
        decay = self.plan.weight_decay / 2 * square[reduced.trained].sum()
        found["free_energy"] = reduced.mean_loss(output) + decay
        if self.plan.temperature:
            found["entropy"] = entropy = self._entropy(t, theta)
            found["free_energy"] -= self.plan.temperature * entropy
        if reduced.two_classes:
            found["class_output"] = class_outputs(reduced, output)
        found["site_parameter"] = theta[:, particles.shown].T.copy()
        for name, value in found.items():
            self.record.setdefault(name, []).append(np.asarray(value))
        if self.keep_all:
            self.everywhere.append(theta.astype(np.float32))

    def _entropy(self, t: float, theta: np.ndarray) -> float:
        # Sobol points keep a distance from each other until noise has moved them.
        return math.nan if self.sobol and t == 0 else nearest_neighbour_entropy(theta[self.varying].T)


def class_outputs(reduced: Reduction, output: np.ndarray) -> np.ndarray:
    """E[f | y] of y = +1 and -1, (class,)."""
    shares = [reduced.weights * (reduced.targets == y) for y in (1.0, -1.0)]
    return np.stack([output @ (share / share.sum()) for share in shares], axis=-1)


def densities(everywhere: list[np.ndarray], weights: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Densities (replicate, time, parameter, bin) and edges (parameter, edge), from (time, parameter, site)
    of every replicate.

    Edges are evenly spaced where, at some time, all but 2e-4 of the sites lie; the first and the last bin
    reach to the outermost site, so that no mass is lost.
    """
    found, edges = [], []
    for parameter in range(everywhere[0].shape[1]):
        x = np.stack([theta[:, parameter] for theta in everywhere])
        per_bin, edge = _of_equal_sites(x, bins) if np.ptp(weights) == 0 else _of_nodes(x, weights, bins)
        found.append(per_bin / np.diff(edge))
        edges.append(edge)
    return np.stack(found, axis=2), np.stack(edges)


def _of_equal_sites(x: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Shares (replicate, time, bin) and edges of sites x (replicate, time, site) of equal weight, from one
    sort."""
    x = np.sort(x, axis=-1)
    total = np.cumsum(np.full(x.shape[-1], 1 / x.shape[-1]))
    low = int(np.searchsorted(total, 1e-4))
    high = min(int(np.searchsorted(total, 1 - 1e-4)), len(total) - 1)
    edges = _edges(x[..., low].min(), x[..., high].max(), x[..., 0].min(), x[..., -1].max(), bins)
    below = np.array([np.searchsorted(each, edges[1:-1]) for each in x.reshape(-1, x.shape[-1])])
    counts = np.diff(below, axis=1, prepend=0, append=x.shape[-1])
    return (counts / x.shape[-1]).reshape(*x.shape[:-1], bins), edges


def _of_nodes(x: np.ndarray, weights: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """The same of nodes with weights."""
    low, high = [], []
    for each in x.reshape(-1, x.shape[-1]):
        order = np.argsort(each)
        total = np.cumsum(weights[order])
        low.append(each[order[np.searchsorted(total, 1e-4)]])
        high.append(each[order[min(int(np.searchsorted(total, 1 - 1e-4)), len(order) - 1)]])
    edges = _edges(min(low), max(high), x.min(), x.max(), bins)
    shares = [_histogram(each, weights, edges) for each in x.reshape(-1, x.shape[-1])]
    return np.reshape(shares, (*x.shape[:-1], bins)), edges


def _histogram(x: np.ndarray, weights: np.ndarray, edges: np.ndarray) -> np.ndarray:
    index = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, len(edges) - 2)
    return np.bincount(index, weights, len(edges) - 1)


def _edges(low: float, high: float, least: float, most: float, bins: int) -> np.ndarray:
    """Edges that are even between `low` and `high`; the outermost reach to the last site."""
    room = max(high - low, 1e-3 * max(abs(low), abs(high), 1e-6)) * 0.02
    edges = np.linspace(low - room, high + room, bins + 1)
    edges[0], edges[-1] = min(edges[0], least - room), max(edges[-1], most + room)
    return edges


def of_points(reduced: Reduction, data: Data) -> Arrays:
    """Variables of the points at which outputs are known."""
    dims = VARIABLES["target"].dims_of(reduced.targets.ndim)
    arrays: Arrays = {"target": (dims, reduced.targets), "example_weight": (("example",), reduced.weights)}
    if isinstance(data, FiniteData):
        arrays["input"] = (("example", "feature"), data.inputs)
    elif reduced.radius is not None:
        arrays["radius"] = (("example",), reduced.radius)
    return arrays


def result(
    arrays: Arrays,
    reduced: Reduction,
    data: Data,
    times: np.ndarray,
    attributes: dict,
    names: tuple[str, ...] | None = None,
) -> xr.Dataset:
    """The labelled result; `names` are the parameters that it tells of, by default all."""
    parameters = np.array(reduced.names if names is None else names)
    coordinates = {
        "time": times,
        "parameter": parameters,
        "parameter_prime": parameters,
        "class": np.array([1, -1]),
    }
    if isinstance(data, FiniteData) and data.classes is not None and reduced.targets.ndim > 1:
        coordinates["class_label"] = class_labels(data.classes)
    return labelled(arrays | of_points(reduced, data), coordinates, attributes)

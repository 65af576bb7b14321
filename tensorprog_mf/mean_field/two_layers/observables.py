"""What is kept of the sites at a time, and the labelled result."""

import math
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from ...problems.classes import class_labels
from ...results.dataset import labelled
from ...results.schema import VARIABLES
from .data import FiniteData
from .entropy import nearest_neighbour_entropy
from .initial import Sites
from .population import Population

PRODUCTS = 32  # parameters up to which second moments between them are kept


@dataclass
class Observer:
    """Records of one replicate, variable by variable, over times."""

    population: Population
    weight_decay: float
    temperature: float
    varying: np.ndarray  # (parameter,): those of which the law has an entropy
    keep_all: bool
    sobol: bool
    classes: bool
    record: dict[str, list] = field(default_factory=dict)
    everywhere: list[np.ndarray] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def look(self, t: float, sites: Sites, output: np.ndarray) -> None:
        """Record the sites at time t."""
        theta, weight, population = sites.theta, sites.weight, self.population
        risk, mean = population.risk(output), theta @ weight
        square = (theta * theta) @ weight
        found = {
            "output": output,
            "mean_field_residual": population.slope(output),
            "risk": risk,
            "parameter_mean": mean,
            "parameter_square": square,
        }
        if len(theta) <= PRODUCTS:
            found["parameter_product"] = (theta * weight) @ theta.T
        decay = self.weight_decay / 2 * square[population.trained].sum()
        found["free_energy"] = population.mean_loss(output) + decay
        if self.temperature:
            found["entropy"] = self._entropy(t, theta)
            found["free_energy"] -= self.temperature * found["entropy"]
        if self.classes:
            found["class_output"] = class_outputs(population, output)
        found["site_parameter"] = theta[:, sites.shown].T.copy()
        for name, value in found.items():
            self.record.setdefault(name, []).append(value)
        self.times.append(t)
        if self.keep_all:
            self.everywhere.append(theta.astype(np.float32))

    def _entropy(self, t: float, theta: np.ndarray) -> float:
        # Sobol points keep a distance from each other until noise has moved them.
        return math.nan if self.sobol and t == 0 else nearest_neighbour_entropy(theta[self.varying].T)


def averaged(records: list[dict[str, np.ndarray]], reached: int) -> dict:
    """Means over replicates with standard errors, (dims, values) by name, cut to the times that all
    reached."""
    arrays = {}
    for name in records[0]:
        values = np.stack([np.asarray(record[name])[:reached] for record in records])
        dims = VARIABLES[name].dims_of(values.ndim - 1)
        if "sample" in dims:
            arrays[name] = (dims, values[0])
            continue
        arrays[name] = (dims, values.mean(axis=0))
        if len(records) > 1:
            with np.errstate(invalid="ignore"):  # of an entropy that is -inf
                arrays[f"{name}_stderr"] = (dims, values.std(axis=0, ddof=1) / math.sqrt(len(records)))
    return arrays


def class_outputs(population: Population, output: np.ndarray) -> np.ndarray:
    """E[f | y] of y = +1 and -1, (time, class)."""
    shares = [population.weights * (population.targets == y) for y in (1.0, -1.0)]
    return np.stack([output @ (share / share.sum()) for share in shares], axis=-1)


def densities(everywhere: list[np.ndarray], weights: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Densities (replicate, time, parameter, bin) and edges (parameter, edge); (time, parameter, site) of
    every replicate.

    Edges are even between what all but 2e-4 of the sites at some time lie in; the first and the last bin
    reach to the last site, so that no mass is lost.
    """
    found, edges = [], []
    for parameter in range(everywhere[0].shape[1]):
        x = np.stack([all_[:, parameter] for all_ in everywhere])
        per_bin, edge = _of_equal_sites(x, bins) if np.ptp(weights) == 0 else _of_nodes(x, weights, bins)
        found.append(per_bin / np.diff(edge))
        edges.append(edge)
    return np.stack(found, axis=2), np.stack(edges)


def _of_equal_sites(x: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Shares (replicate, time, bin) and edges of x (replicate, time, site), of the same weight: from one
    sort."""
    x = np.sort(x, axis=-1)
    total = np.cumsum(np.full(x.shape[-1], 1 / x.shape[-1]))
    low, high = np.searchsorted(total, 1e-4), min(np.searchsorted(total, 1 - 1e-4), len(total) - 1)
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
        high.append(each[order[min(np.searchsorted(total, 1 - 1e-4), len(order) - 1)]])
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


def of_points(population: Population, data) -> dict:
    """Variables of the points at which outputs are known."""
    dims = VARIABLES["target"].dims_of(population.targets.ndim)
    arrays = {"target": (dims, population.targets), "example_weight": (("example",), population.weights)}
    if isinstance(data, FiniteData):
        arrays["input"] = (("example", "feature"), data.inputs)
    elif hasattr(population, "radius"):
        arrays["radius"] = (("example",), population.radius)
    return arrays


def result(arrays: dict, population: Population, data, times: np.ndarray, attributes: dict) -> xr.Dataset:
    """The labelled result."""
    names = np.array(population.names)
    coordinates = {"time": times, "parameter": names, "parameter_prime": names, "class": np.array([1, -1])}
    if getattr(data, "classes", None) is not None and population.targets.ndim > 1:
        coordinates["class_label"] = class_labels(data.classes)
    return labelled(arrays | of_points(population, data), coordinates, attributes)

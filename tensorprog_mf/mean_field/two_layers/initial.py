"""Particles at time 0: draws of the initial law, or nodes of quadrature with weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ground.errors import require
from ...sites.draws import Draws
from ...sites.laws import Law, as_law

RANDOM = ("sobol", "pseudo-random")
NODES = ("quadrature", "midpoint")
_ROUNDING = 1e-14
_SHOWN = 1  # sequence of the random particles that nodes of quadrature carry along


@dataclass
class Particles:
    """theta (parameter, site), the weight of every site, and which sites are shown in the result."""

    theta: np.ndarray
    weight: np.ndarray
    shown: slice


def initial_laws(names: tuple[str, ...], given: Any, norms: tuple[str, ...] = ()) -> list[Law]:
    """One law per parameter, from a table of laws.

    "w" stands for w0, w1, ... and, with several outputs, "a" for a0, a1, ...: one law for all of them, or one
    for each. `norms` are parameters that must be 0 or more.

    Raises
    ------
    InputError
        A parameter without a law, a law without a parameter, or a number of laws that does not fit.
    """
    known = ", ".join(names)
    require(
        isinstance(given, Mapping),
        f"initial={given!r} must be a table from parameters ({known}) to laws or numbers.",
    )
    table = dict(given)
    for letter in ("a", "w"):
        if letter in table and (vector := [n for n in names if n[0] == letter and n[1:].isdigit()]):
            table |= _of_vector(letter, vector, table.pop(letter))
    missing = ", ".join(name for name in names if name not in table)
    require(not missing, f"initial has no law for {missing}; give a law or a number for each parameter.")
    unknown = ", ".join(str(name) for name in table if name not in names)
    require(not unknown, f"initial has laws for {unknown}, which are no parameters; they are {known}.")
    laws = [as_law(f"initial[{name!r}]", table[name]) for name in names]
    for name, law in zip(names, laws):
        low = law.mean if law.fixed else law.interval()[0]
        require(
            name not in norms or low >= 0,
            f"initial[{name!r}] reaches down to {low:.3g}, but {name} is a norm, 0 or more; take a law such"
            " as NormOfGaussian or Uniform.",
        )
    return laws


def _of_vector(letter: str, names: list[str], given: Any) -> dict[str, Any]:
    """Laws of the entries of a vector, from one for all of them or one for each."""
    several = isinstance(given, (Sequence, np.ndarray)) and not isinstance(given, str)
    each = list(given) if several else [given] * len(names)
    require(
        len(each) == len(names),
        f"initial[{letter!r}] has {len(each)} laws for {len(names)} numbers; give one law or one for each.",
    )
    return dict(zip(names, each))


def drawn(laws: list[Law], kind: str, count: int, seed: tuple[int, ...]) -> np.ndarray:
    """(parameter, site) draws of the laws; a fixed parameter takes no column."""
    draws = Draws(count, seed, kind)
    columns = iter(range(len(laws)))
    return np.stack(
        [
            np.full(count, law.mean) if law.fixed else law.of_normals(draws.column(next(columns)))
            for law in laws
        ]
    )


def initial_particles(
    laws: list[Law], kind: str, count: int, seed: int, replicate: int, samples: int
) -> Particles:
    """Draws of equal weight; or the tensor product of `count` nodes per parameter, beside which `samples`
    draws of weight 0 move along, to look at."""
    if kind in RANDOM:
        theta = drawn(laws, kind, count, (seed, replicate, 0))
        return Particles(theta, np.full(count, 1 / count), slice(0, min(samples, count)))
    axes = [law.nodes(count) if kind == "quadrature" else midpoints(law, count) for law in laws]
    theta = np.stack([x.ravel() for x in np.meshgrid(*(x for x, _ in axes), indexing="ij")])
    weight = np.array([1.0])
    for _, share in axes:
        weight = np.multiply.outer(weight, share)
    theta, weight = _relevant(theta, weight.ravel())
    shown = np.empty((len(laws), 0))
    if samples:
        shown = drawn(laws, "pseudo-random", samples, (seed, replicate, _SHOWN))
    nodes = theta.shape[1]
    theta, weight = np.concatenate([theta, shown], axis=1), np.append(weight, np.zeros(samples))
    return Particles(theta, weight, slice(nodes, nodes + samples))


def _relevant(theta: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Without the corners of a tensor product: the nodes that together have less weight than rounding."""
    order = np.argsort(weight, kind="stable")
    keep = np.sort(order[np.cumsum(weight[order]) > _ROUNDING])
    return np.ascontiguousarray(theta[:, keep]), weight[keep] / weight[keep].sum()


def midpoints(law: Law, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Middles of equal cells of the interval and their probabilities."""
    if law.fixed:
        return np.array([law.mean]), np.ones(1)
    low, high = law.interval()
    x = low + (high - low) * (np.arange(count) + 0.5) / count
    weight = law.density(x)
    return x, weight / weight.sum()

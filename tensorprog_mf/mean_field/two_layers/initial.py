"""Sites at time 0: draws of the initial law, or nodes of quadrature with weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...ground.errors import InputError, require
from ...sites.draws import Draws
from ...sites.laws import Law, as_law

RANDOM = ("sobol", "pseudo-random")
NODES = ("quadrature", "midpoint")
_ROUNDING = 1e-14
_SHOWN = 1  # population of the random sites that nodes of quadrature carry along


@dataclass
class Sites:
    """theta (parameter, site), the weight of every site, and which sites are shown."""

    theta: np.ndarray
    weight: np.ndarray
    shown: slice


def initial_laws(names: tuple[str, ...], given, norms: tuple[str, ...] = ()) -> list[Law]:
    """One law per parameter, from a table of laws; "w" is for w0, w1, ... and, of several outputs, "a" for
    a0, a1, ..., as one law or one for each. `norms` are 0 or more.

    Raises
    ------
    InputError
        A parameter without a law, a law without a parameter, or numbers of laws that do not fit.
    """
    require(
        isinstance(given, Mapping),
        f"initial={given!r} must be a table from parameters ({', '.join(names)}) to laws or numbers.",
    )
    table = dict(given)
    for letter in ("a", "w"):
        vector = [name for name in names if name[0] == letter and name[1:].isdigit()]
        if vector and letter in table:
            laws = table.pop(letter)
            several = isinstance(laws, (Sequence, np.ndarray)) and not isinstance(laws, str)
            each, count = list(laws) if several else [laws] * len(vector), len(vector)
            told = (
                f"initial[{letter!r}] has {len(each)} laws for {count} numbers; give one law or one for each."
            )
            require(len(each) == count, told)
            table |= dict(zip(vector, each))
    missing, unknown = (
        [name for name in names if name not in table],
        [name for name in table if name not in names],
    )
    require(
        not missing,
        f"initial has no law for {', '.join(missing)}; give a law or a number for each parameter.",
    )
    require(
        not unknown,
        f"initial has laws for {', '.join(map(str, unknown))}, which are no parameters; they are"
        f" {', '.join(names)}.",
    )
    laws = [as_law(f"initial[{name!r}]", table[name]) for name in names]
    for name, law in zip(names, laws):
        norm = name in norms
        low = law.mean if law.fixed else law.interval()[0]
        remedy = "take a law such as NormOfGaussian or Uniform"
        require(
            not norm or low >= 0,
            f"initial[{name!r}] reaches down to {low:.3g}, but {name} is a norm, 0 or more; {remedy}.",
        )
    return laws


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


def initial_sites(laws: list[Law], kind: str, count: int, seed: int, replicate: int, samples: int) -> Sites:
    """Draws of equal weight; or, of nodes, their tensor product, `count` per parameter, and `samples` draws
    of weight 0 to look at."""
    if kind in RANDOM:
        theta = drawn(laws, kind, count, (seed, replicate, 0))
        return Sites(theta, np.full(count, 1 / count), slice(0, min(samples, count)))
    if kind not in NODES:
        raise InputError(f"draws={kind!r} is unknown; choose one of {', '.join(RANDOM + NODES)}.")
    axes = [law.nodes(count) if kind == "quadrature" else midpoints(law, count) for law in laws]
    theta = np.stack([x.ravel() for x in np.meshgrid(*(x for x, _ in axes), indexing="ij")])
    weight = np.array([1.0])
    for _, share in axes:
        weight = np.multiply.outer(weight, share)
    weight = weight.ravel()
    theta, weight = _relevant(theta, weight)
    shown = (
        drawn(laws, "pseudo-random", samples, (seed, replicate, _SHOWN))
        if samples
        else np.empty((len(laws), 0))
    )
    nodes = theta.shape[1]
    return Sites(
        np.concatenate([theta, shown], axis=1),
        np.append(weight, np.zeros(samples)),
        slice(nodes, nodes + samples),
    )


def _relevant(theta: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Without the corners of a tensor product: nodes that together have less weight than rounding."""
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

"""A unit on data: which reduction it has."""

import math

import numpy as np

from ...ground.errors import InputError, UnsupportedError, require, whole
from .data import AnisotropicGaussians, Data, FiniteData, IsotropicGaussians
from .on_gaussians import in_finite_dimension, in_infinite_dimension
from .on_points import on_points
from .reduction import Reduction
from .units import Neuron, Unit, UserUnit

_RADIAL_NODES = {"high": 40, "low": 150}  # in dimension 10 and higher, and below


def reduction(unit: Unit, data: Data, radial_nodes: int | None = None) -> Reduction:
    """The unit on the data, with a number of nodes for |x| where these are points.

    Raises
    ------
    InputError
        Something that is not a unit, or not data; `radial_nodes` that cannot be used on the data.
    UnsupportedError
        A unit that has no reduction on these data.
    """
    if not isinstance(unit, (Neuron, UserUnit)):
        raise InputError(f"unit={unit!r} must be a Neuron or a UserUnit of tensorprog_mf.mean_field.")
    check_data(data)
    radial = isinstance(data, IsotropicGaussians) and data.dimension != math.inf
    require(
        radial_nodes is None or radial,
        f"radial_nodes={radial_nodes!r} are for IsotropicGaussians of finite dimension; leave them out.",
    )
    if isinstance(data, FiniteData):
        return on_points(unit, data, *_rows(unit, _vectors_on_points(data)))
    if isinstance(unit, UserUnit):
        raise UnsupportedError(
            "a UserUnit has no known average over Gaussian inputs; draw examples and pass them as FiniteData."
        )
    names, trained = _rows(unit, {"w": list(data.norms)})
    if data.dimension == math.inf:
        return in_infinite_dimension(unit, data, names, trained)
    if isinstance(data, AnisotropicGaussians):
        raise UnsupportedError(
            "the limit on AnisotropicGaussians is solved in infinite dimension; leave dimension out, or train"
            " real networks with train_particles."
        )
    usual = _RADIAL_NODES["high" if data.dimension >= 10 else "low"]
    nodes = usual if radial_nodes is None else whole("radial_nodes", radial_nodes, 2)
    return in_finite_dimension(unit, data, names, trained, nodes)


def check_data(given: object) -> None:
    """Refuse something that is not data of this room."""
    require(
        isinstance(given, (FiniteData, IsotropicGaussians, AnisotropicGaussians)),
        f"data={given!r} must be FiniteData, IsotropicGaussians or AnisotropicGaussians of"
        " tensorprog_mf.mean_field.",
    )


def _vectors_on_points(data: FiniteData) -> dict[str, list[str]]:
    """Names of the entries of vectors: of w, and of a where there are several outputs."""
    heads = ["a"] if data.targets.ndim == 1 else [f"a{c}" for c in range(data.targets.shape[1])]
    return {"w": [f"w{j}" for j in range(data.features)], "a": heads}


def _rows(unit: Unit, vectors: dict[str, list[str]]) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of all parameters, `vectors` of a neuron replaced by their entries, and which are trained."""
    names: list[str] = []
    trained: list[bool] = []
    for name in unit.names:
        entries = vectors.get(name, [name]) if isinstance(unit, Neuron) else [name]
        names += entries
        trained += [name in unit.trained] * len(entries)
    return tuple(names), np.array(trained)

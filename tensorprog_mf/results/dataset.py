"""From the records of replicates to one labelled Dataset."""

import json
from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ..ground.errors import require
from ..problems.classes import class_labels
from ..problems.source import DataSource
from ..sites.draws import Slot
from ..training.training import Training
from .schema import COORDINATES, ORDERS, SLOT_FIELDS, TRUNCATED, VARIABLES, Variable

Arrays = dict[str, tuple[tuple[str, ...], np.ndarray]]  # name of a variable -> dimensions, values
Slots = dict[str, dict[Slot, int]]  # name of a population -> slot -> column of its draws


def summarise(
    records: list[dict[str, np.ndarray]], keep_replicates: bool = False, vector_dim: str | None = None
) -> Arrays:
    """Means over replicates with `_stderr`, or all of them along a dimension `replicate`.

    If some replicates stopped early, all are cut to the times that each of them reached. Fields at sites come
    from replicate 0, and of ranks the largest is taken.

    Raises
    ------
    InputError
        A replicate diverged before its first record.
    """
    reached = min(len(record.get("loss", ())) for record in records)
    require(
        reached > 0,
        "the run diverged before its first record, so there is nothing to return; take a smaller learning"
        " rate or scale.",
    )
    result: Arrays = {}
    for name in records[0]:
        spec = VARIABLES[name]
        dims = spec.dims_of(records[0][name].ndim, vector_dim)
        cut = tuple(slice(0, reached) for dim in dims if dim.startswith("time"))
        if {"sample", "head"} & set(dims):
            result[name] = (dims, records[0][name][cut])
            continue
        values = [record[name][cut] for record in records]
        if not spec.estimate:
            result[name] = (dims, np.max(values, axis=0))
        elif keep_replicates:
            result[name] = (("replicate", *dims), np.stack(values))
        else:
            result[name] = (dims, np.mean(values, axis=0))
            if len(values) > 1:
                with np.errstate(over="ignore"):  # of a run that diverges
                    result[f"{name}_stderr"] = (dims, np.std(values, axis=0, ddof=1) / np.sqrt(len(values)))
    return result


def dataset(
    arrays: Arrays,
    problem: DataSource,
    training: Training,
    steps: np.ndarray,
    layers: list[int],
    attributes: Mapping[str, object],
    more: Mapping[str, np.ndarray] | None = None,
    input_dims: tuple[str, ...] = ("feature",),
) -> xr.Dataset:
    """The Dataset of a run: its arrays with coordinates (and `more` of them), attributes, inputs and targets.

    `steps` are those that were recorded; runs that stopped early have reached the first of them.
    """
    dims, output = arrays["output"]
    reached = output.shape[dims.index("time")]
    arrays = {
        **arrays,
        "input": (("example", *input_dims[: problem.all_inputs.ndim - 1]), problem.all_inputs),
        "target": (VARIABLES["target"].dims_of(problem.all_targets.ndim), problem.all_targets),
    }
    coordinates: dict[str, np.ndarray] = {
        "time": training.clock()[steps[:reached]],
        "layer": np.array(layers),
        "split": problem.splits,
        "pass": np.array(["forward", "backward"]),
        "order": np.arange(ORDERS),
        "iteration": np.arange(1, 1 + len(arrays["residual"][1])) if "residual" in arrays else np.empty(0),
        "slot_field": np.array(SLOT_FIELDS),
    }
    coordinates["time_prime"] = coordinates["time"]
    if problem.classes is not None and problem.outputs == len(problem.classes):
        coordinates["class_label"] = class_labels(problem.classes)
    if not training.flow:
        coordinates["step"] = coordinates["step_prime"] = steps[:reached]
    result = labelled(arrays, coordinates | dict(more or {}), attributes)
    if problem.classes is not None and problem.outputs != len(problem.classes):
        first, second = problem.classes
        result["target"].attrs["comment"] = f"+1 is {first!r}, -1 is {second!r}; NaN where not known."
    return result


def labelled(
    arrays: Mapping[str, tuple[tuple[str, ...], ArrayLike]],
    coordinates: Mapping[str, object],
    attributes: Mapping[str, object],
) -> xr.Dataset:
    """A Dataset of variables and coordinates that `schema` describes.

    Coordinates along dimensions that no variable has are left out; sites, heads and slots are numbered. If
    the attributes say how many `replicates` there were, standard errors say so too.
    """
    variables = {
        name: xr.Variable(dims, np.asarray(values, _spec(name).dtype), _describe(name))
        for name, (dims, values) in arrays.items()
    }
    used = {dim: size for variable in variables.values() for dim, size in variable.sizes.items()}
    # Results with different numbers of sites can be subtracted if these have an index.
    coordinates = dict(coordinates) | {
        dim: np.arange(used[dim]) for dim in ("sample", "head", "slot") if dim in used
    }
    if "replicates" in attributes:
        for name in variables:
            if name.endswith("_stderr"):
                variables[name].attrs["replicates"] = attributes["replicates"]
    result = xr.Dataset(
        variables,
        {
            name: (COORDINATES[name].dims[0], values, _attributes(COORDINATES[name]))
            for name, values in coordinates.items()
            if COORDINATES[name].dims[0] in used
        },
        attributes,
    )
    return output_as_data(result)


def output_as_data(ds: xr.Dataset) -> xr.Dataset:
    """The result with `output` among its data.

    With several outputs, `output` has a dimension of its own name, for which xarray makes it a coordinate;
    but coordinates stay out of arithmetic and comparisons.
    """
    return ds.reset_coords("output") if "output" in ds.coords else ds


def replaced(ds: xr.Dataset, variables: dict[str, xr.Variable]) -> xr.Dataset:
    """A result with some variables replaced or added.

    All at once, as assigning them one by one would turn `output` into a coordinate.
    """
    ds = output_as_data(ds)
    data = {str(name): array.variable for name, array in ds.data_vars.items()} | variables
    return output_as_data(xr.Dataset(data, ds.coords, ds.attrs))


def _spec(name: str) -> Variable:
    return VARIABLES[name.removesuffix("_stderr")]


def _describe(name: str) -> dict[str, str]:
    """Attributes of a variable or of its standard error."""
    described = _attributes(spec := _spec(name))
    if name.endswith("_stderr"):
        described["long_name"] = f"standard error of the {spec.long_name}"
        described["comment"] = (
            "Standard deviation over replicates / sqrt(replicates). It does not include the bias of order"
            " 1/n_samples."
        )
        if name in TRUNCATED:
            described["comment"] += (
                " It includes, added in quadrature, what the tolerance leaves out (output_truncation)."
            )
    return described


def described_error(name: str, attributes: dict) -> dict:
    """Attributes of the error that an extrapolation to infinite depth leaves in a variable."""
    comment = "Distance between extrapolations from two pairs of depths; it includes sampling errors."
    return attributes | {
        "long_name": f"error from finite depth of the {attributes['long_name']}",
        "comment": comment,
    }


def _attributes(spec: Variable) -> dict[str, str]:
    return {"long_name": spec.long_name, "symbol": spec.symbol, "units": spec.units, "comment": spec.comment}


def slot_table(slots: list[Slots]) -> tuple[np.ndarray, dict[str, list[str]]]:
    """Slots of all replicates as one table of integers (slot, slot_field), and the names these stand for."""
    populations = list(slots[0])
    sources = sorted({slot[0] for own in slots for table in own.values() for slot in table})
    rows = [
        (replicate, populations.index(population), sources.index(source), query, vector, column)
        for replicate, own in enumerate(slots)
        for population, table in own.items()
        for (source, query, vector), column in table.items()
    ]
    return np.array(rows, np.int32).reshape(-1, 6), {"populations": populations, "sources": sources}


def slot_maps(ds: xr.Dataset) -> list[Slots]:
    """The slots of all replicates, from a dataset that has `draw_slot`: the inverse of `slot_table`.

    Raises
    ------
    InputError
        The dataset has no slots, because its run was not asked to keep them.
    """
    require(
        "draw_slot" in ds,
        "common_draws: the earlier run did not keep its draws; run it with record=tp.Record(draws=True).",
    )
    names, table = json.loads(ds.attrs["slots_json"]), ds["draw_slot"].values
    maps: list[Slots] = [
        {name: {} for name in names["populations"]} for _ in range(int(table[:, 0].max()) + 1)
    ]
    for replicate, population, source, query, vector, column in table.tolist():
        maps[replicate][names["populations"][population]][(names["sources"][source], query, vector)] = column
    return maps

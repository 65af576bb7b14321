"""Distances between results: how far routes, widths or settings are apart, per variable and time."""

import json
from collections.abc import Iterable

import numpy as np
import xarray as xr

from ..ground.errors import InputError, require
from .dataset import output_as_data
from .intervals import effective, half_width, replicates
from .schema import COORDINATES, VARIABLES
from .steps import over_time

_COMPARED = (
    "output",
    "loss",
    "test_loss",
    "error_signal",
    "feature_kernel",
    "gradient_kernel",
    "tangent_kernel",
)
_OUTPUT = {"time", "example", "output", "replicate"}
_KEPT = {"time", "layer"}  # distances are taken over all other dimensions
_LONG = {
    "max": "largest difference of the {}",
    "rms": "root mean square difference of the {}",
    "sigma": "largest difference of the {} in standard errors",
    "outside": "share of entries of the {} that differ by more than their 95 % interval",
}
_COMMENT = {
    "max": "Over entries, |a - b|.",
    "rms": "Over entries.",
    "sigma": (
        "Largest |a - b|, divided by the root mean square over entries of the combined standard error; NaN"
        " where neither result has one."
    ),
    "outside": (
        "By Student's t with the degrees of freedom of both results. By chance 0.05; NaN where neither result"
        " has standard errors."
    ),
}


def compare(reference: xr.Dataset | xr.DataTree, *others: xr.Dataset, **named: xr.Dataset) -> xr.Dataset:
    """Distances of results to the first one, per variable, time and layer.

        max = max |a - b|,   rms = sqrt(mean (a - b)^2),   sigma = max |a - b| / sqrt(mean(se_a^2 + se_b^2))
        outside = share of entries with |a - b| > t sqrt(se_a^2 + se_b^2)

    over examples and all other dimensions, where se are standard errors. For sigma these are pooled over
    entries: measured in standard errors of single entries, which come from few replicates, differences follow
    Student's t and reach four by chance. `outside` goes entry by entry, and t is the 95 % quantile for the
    degrees of freedom of both errors (Welch & Satterthwaite): if the results agree, a share of 0.05 is
    outside by chance, but entries of one result fluctuate together.

    Parameters
    ----------
    reference
        A result, or a DataTree of results (such as `load` returns), the first of which is then compared with
        the others.
    others, named
        Results of any route on the same problem. Their names are their keywords, or else their routes.

    Returns
    -------
    xarray.Dataset
        <name>_max, <name>_rms, <name>_sigma, <name>_outside (route, time[, layer]) for every variable that
        the reference shares with a result, at the times that all results share. NaN where a result lacks a
        variable, or has kernels at other layers or not for every output.

    Raises
    ------
    InputError
        Nothing to compare, different problems, no common time, or replicates that were kept apart.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> problem, training = tp.Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0]), tp.Training(2, 0.5)
    >>> limit = tp.sample(tp.MLP(2), problem, training, n_samples=256)
    >>> distances = tp.compare(limit, tp.static_ntk(tp.MLP(2), problem, training))
    >>> distances.output_max.dims, distances.route.values.tolist()
    (('route', 'time'), ['static_ntk'])
    """
    first, results = _named(reference, others, named)
    for name, ds in results.items():
        _check(first, ds, name)
    times = first.time.values
    for ds in results.values():
        times = times[[bool(np.isclose(ds.time.values, t, rtol=1e-9, atol=1e-12).any()) for t in times]]
    require(len(times) > 0, "compare: the results share no recorded time; record the same times (record=).")
    base = _at(first, times)
    each = [_distances(base, _at(ds, times)) for ds in results.values()]
    found = xr.concat(
        each,
        xr.Variable("route", list(results), {"long_name": "compared with the reference"}),
        join="outer",
        data_vars="all",
    )
    for name in map(str, found):
        variable, kind = name.rsplit("_", 1)
        spec = VARIABLES[variable]
        found[name].attrs = {
            "long_name": _LONG[kind].format(spec.long_name),
            "symbol": spec.symbol,
            "units": "",
            "comment": _COMMENT[kind],
        }
    if "step" in base.coords:
        found = found.assign_coords(step=base.step)
    found.attrs = {"reference": _label(first), "source": first.attrs.get("source", ""), "route": "compare"}
    return found


def _named(
    reference: xr.Dataset | xr.DataTree, others: Iterable[xr.Dataset], named: dict[str, xr.Dataset]
) -> tuple[xr.Dataset, dict[str, xr.Dataset]]:
    """The reference and the results compared with it, each under a name of its own."""
    results: dict[str, xr.Dataset] = {}
    if isinstance(reference, xr.DataTree):
        groups = [(name, node.to_dataset()) for name, node in reference.children.items()]
        require(len(groups) > 0, "compare: the tree has no groups; pass results, or a tree of them.")
        (_, reference), *more = groups
        results = dict(more)
    for ds in others:
        label, count = _label(ds), 2
        while label in results or label in named:
            label, count = f"{_label(ds)} {count}", count + 1
        results[label] = ds
    results |= named
    first, compared = _over_time(reference), {name: _over_time(ds) for name, ds in results.items()}
    require(len(results) > 0, "compare: there is only one result; pass two or more.")
    return first, compared


def _over_time(ds: object) -> xr.Dataset:
    """A result with outputs over time; the point of a sweep along steps becomes one."""
    ds = over_time(ds) if isinstance(ds, xr.Dataset) else ds
    if not (isinstance(ds, xr.Dataset) and "output" in ds and {"time", "step"} & set(ds.output.dims)):
        raise InputError(
            f"compare takes results of routes, with outputs over time; this {type(ds).__name__} has none."
        )
    for dim in set(ds.output.dims) - _OUTPUT - {"step"}:
        raise InputError(
            f"compare: outputs have a dimension {dim}; choose one run of it first, such as ds.isel({dim}=0)."
        )
    require(
        "time" in ds.output.dims, "compare: these steps have no time; keep the coordinate time of tp.by_step."
    )
    return ds


def _label(ds: object) -> str:
    return str(ds.attrs.get("route", "result")) if isinstance(ds, xr.Dataset) else "result"


def _check(first: xr.Dataset, ds: xr.Dataset, name: str) -> None:
    """Refuse what cannot be compared with the first result."""
    for result in (first, ds):
        require(
            "replicate" not in result.dims,
            "compare: replicates were kept apart; run without keep_replicates=True.",
        )
    require(
        _same_problem(first, ds),
        f"compare: {name} was run on a different problem from the reference; pass results for one problem.",
    )


def _same_problem(a: xr.Dataset, b: xr.Dataset) -> bool:
    """Judged by attributes or, without them, by inputs and targets as far as both results have them."""
    if "problem_json" in a.attrs and "problem_json" in b.attrs:
        return json.loads(a.attrs["problem_json"]) == json.loads(b.attrs["problem_json"])
    shared = [name for name in ("input", "target") if name in a and name in b]
    return all(np.array_equal(a[name].values, b[name].values, equal_nan=True) for name in shared)


def _at(ds: xr.Dataset, times: np.ndarray) -> xr.Dataset:
    """The result at common times, labelled with the times of the reference."""
    ds = output_as_data(
        ds.sel(time=times, method="nearest").assign_coords(time=("time", times, ds.time.attrs))
    )
    return ds.drop_vars([name for name in ds.coords if name not in ("time", "step", "layer")])


def _same_layers(a: xr.DataArray, b: xr.DataArray) -> bool:
    return "layer" not in a.dims or np.array_equal(a.layer, b.layer)


def _outside(
    a: xr.Dataset, b: xr.Dataset, name: str, difference: xr.DataArray, rounding: float
) -> xr.DataArray:
    """1 where entries differ by more than their 95 % interval, else 0; NaN where errors are mere rounding."""
    zero = xr.zeros_like(difference)
    one, other = (ds.get(f"{name}_stderr", zero).transpose(*difference.dims) for ds in (a, b))
    counts = [(replicates(ds, name) or np.inf) if f"{name}_stderr" in ds else np.inf for ds in (a, b)]
    error = np.sqrt(one**2 + other**2)
    allowed = half_width(1.0, effective(one, counts[0], other, counts[1])) * error
    return (difference > allowed).astype(float).where(error > rounding)


def _distances(a: xr.Dataset, b: xr.Dataset) -> xr.Dataset:
    """All distances between two results with the same times."""
    found: dict[str, object] = {}
    for name in _COMPARED:
        if (
            name not in a
            or name not in b
            or set(a[name].dims) != set(b[name].dims)
            or not _same_layers(a[name], b[name])
        ):
            continue
        difference: xr.DataArray = abs(a[name] - b[name])
        over = [dim for dim in difference.dims if dim not in _KEPT]
        errors = [ds[f"{name}_stderr"] ** 2 for ds in (a, b) if f"{name}_stderr" in ds]
        largest = difference.max(over)
        combined = sum(errors[1:], errors[0]) if errors else xr.full_like(difference, np.nan)
        sigma = np.sqrt(combined.mean(over))
        rounding = 1e-13 * float(np.abs(a[name]).max())  # outputs that start at zero differ by it
        found |= {
            f"{name}_max": largest,
            f"{name}_rms": np.sqrt((difference**2).mean(over)),
            f"{name}_sigma": (largest / sigma).where(sigma > rounding),
            f"{name}_outside": _outside(a, b, name, difference, rounding).mean(over),
        }
    return xr.Dataset(found).assign_coords(
        {
            k: (k, a[k].values, {"long_name": COORDINATES[k].long_name})
            for k in ("time", "layer")
            if k in a.coords
        }
    )

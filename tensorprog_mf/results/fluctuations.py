"""Effects of finite width, measured: variances and mean shifts of trained networks, times their width.

Legend: N width, n number of networks of this width, q_i a quantity of network i, q_inf its limit,
V = N Var q, S = N (mean q - q_inf).
"""

import datetime
import json
from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr

from ..ground.calls import checked_call
from ..ground.errors import InputError, require
from ..ground.status import Status
from .references import cite
from .schema import SCHEMA_VERSION, VARIABLES

_Measured = tuple[tuple[Hashable, ...], np.ndarray, dict[str, str]]  # dimensions, values, attributes

NAMES = ("output", "loss", "feature_kernel", "gradient_kernel", "tangent_kernel")
_LEAST = 4  # networks; a fourth moment of fewer says nothing
_SHARED = {"network_json": "network", "training_json": "training", "problem_json": "problem"}
_VARIANCE, _SHIFT = "width times variance of the {}", "width times shift of the mean {} from the limit"
_PARTS = {  # long name, symbol and comment, around those of the variable
    "variance": (_VARIANCE, "N Var {}", "Over networks; independent of N up to O(1/N)."),
    "variance_stderr": (
        f"standard error of the {_VARIANCE}",
        "N Var {}",
        "From the fourth moment over networks.",
    ),
    "shift": (_SHIFT, "N (<{0}> - {0}_inf)", "Independent of N up to O(1/N)."),
    "shift_stderr": (
        f"standard error of the {_SHIFT}",
        "N (<{0}> - {0}_inf)",
        "It does not include a bias of the limit.",
    ),
}


@checked_call
def fluctuations(networks: xr.Dataset | Sequence[xr.Dataset], limit: xr.Dataset) -> xr.Dataset:
    """1/N corrections: width times variance over networks, and times shift of their mean from the limit.

    For a quantity q of n independent networks of width N, with the limit q_inf,

        V(N) = N Var_i q_i,      S(N) = N (mean_i q_i - q_inf)

    both tend to constants as N grows (Bordelon & Pehlevan 2023, arXiv:2304.03408). The V of an output before
    training is known: it is the last feature kernel / richness^2, for linear networks |x|^2 / (D richness^2)
    at every N.

    Parameters
    ----------
    networks
        Results of `train_finite(..., keep_replicates=True)`, one per width, of the same network, problem and
        training.
    limit
        Result of `sample`, `solve_linear` or `alternate` for the same network, problem and training. Only
        times that all results have recorded are used.

    Returns
    -------
    xarray.Dataset
        `<name>_variance` and `<name>_shift` (width, time, ...), each with `_stderr` (see `tp.interval`),
        where <name> is output (example), loss, feature_kernel or gradient_kernel (layer, example,
        example_prime), or tangent_kernel (example, example_prime), as far as all inputs have it. Widths are
        in ascending order; the coordinate n_replicates (width) has the numbers of networks.

    Raises
    ------
    InputError
        Networks that are not results of `train_finite`, hold only means or fewer than 4 networks, were
        centred, or have a parameterisation with another limit.
        The same width twice.
        A limit of another route, or a sampled one without standard errors.
        Results of different networks, trainings or problems, or without a common recorded step.

    Notes
    -----
    The error of V is N sqrt((m4 - (n - 3) / (n - 1) Var^2) / n) with the fourth central moment m4, which is V
    sqrt(2 / n) for Gaussian fluctuations; that of S is N sqrt(Var / n + err_inf^2). Entries of one network
    are correlated; different widths share only err_inf. To know S to a tenth takes n = 100 N V / S^2
    networks: variances can be measured at any width, shifts at small ones. A limit sampled at n_samples sites
    has a bias of order 1/n_samples, which enters S times N and is not part of its error. Cost: one pass over
    the arrays.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> setting = tp.MLP(2, "linear"), tp.Problem([[1.0, 2.0]], [1.0]), tp.Training(3, 0.1)
    >>> networks = tp.train_finite(*setting, width=64, n_replicates=100, keep_replicates=True, progress=False)
    >>> ds = tp.fluctuations(networks, tp.solve_linear(*setting))
    >>> score = (ds.output_variance - 2.5) / ds.output_variance_stderr  # |x|^2 / D = 2.5
    >>> bool(abs(score.sel(width=64, time=0, example=0)) < 5)
    True
    """
    by_width = _checked_networks([networks] if isinstance(networks, xr.Dataset) else networks)
    _check_limit(limit, next(iter(by_width.values())))
    *chosen, expected = _at_common_times([*by_width.values(), limit])
    variables: dict[str, _Measured] = {}
    for name in NAMES:
        if all(name in ds for ds in (*chosen, expected)):
            variables |= _measured(name, dict(zip(by_width, chosen)), expected)
    counts = [ds.sizes["replicate"] for ds in chosen]
    coordinates = {
        "width": (
            "width",
            list(by_width),
            _described("neurons per layer", "N", "Finite networks."),
        ),
        "n_replicates": (
            "width",
            counts,
            _described("number of networks", "n", "Independent networks of this width."),
        ),
        **{name: chosen[0][name] for name in ("time", "step", "layer", "split")},
    }
    return xr.Dataset(variables, coordinates, _attributes(by_width, limit))


def _settings(ds: xr.Dataset) -> dict:
    return json.loads(ds.attrs["settings_json"])


def _route(given: object) -> str:
    """The route that a result comes from; the type of anything else."""
    return str(given.attrs.get("route", "unknown")) if isinstance(given, xr.Dataset) else type(given).__name__


def _checked_networks(networks: Sequence[xr.Dataset]) -> dict[int, xr.Dataset]:
    """The results by width in ascending order, each of them fit to be measured."""
    wanted = "networks must be one result of tp.train_finite(..., keep_replicates=True) or a list of them"
    require(isinstance(networks, (list, tuple)) and len(networks) > 0, f"{wanted}.")
    by_width: dict[int, xr.Dataset] = {}
    for number, ds in enumerate(networks):
        what = f"networks[{number}]"
        require(_route(ds) == "train_finite", f"{wanted}; {what} is of type or route '{_route(ds)}'.")
        _check_law(what, ds)
        _check_shared(what, ds, networks[0])
        width = _settings(ds)["width"]
        once = width not in by_width
        require(once, f"{what}: width {width} comes twice; give it once, with more replicates.")
        by_width[width] = ds
    return dict(sorted(by_width.items()))


def _check_law(what: str, ds: xr.Dataset) -> None:
    """Refuse results that do not hold enough networks of the ordinary law, one by one."""
    require("replicate" in ds.dims, f"{what} holds means only; train with keep_replicates=True.")
    count, settings = ds.sizes["replicate"], _settings(ds)
    require(count >= _LEAST, f"{what} has {count} networks; train {_LEAST} or, better, some hundreds.")
    require(
        not settings["centred"],
        f"{what} is centred, which changes variance and shift; train with centred=False.",
    )
    # The other two tend to the lazy limit: their mean-field richness falls as 1 / sqrt(N).
    form = settings["parameterization"]
    require(
        form in ("mean_field", "mup"),
        f"{what} has parameterization={form!r} and so another limit; use 'mean_field'.",
    )


def _check_shared(what: str, ds: xr.Dataset, other: xr.Dataset) -> None:
    for attribute, meaning in _SHARED.items():
        same = ds.attrs.get(attribute) == other.attrs.get(attribute)
        require(same, f"{what} has another {meaning} than networks[0]; make all results with the same one.")


def _check_limit(limit: object, network: xr.Dataset) -> None:
    if not isinstance(limit, xr.Dataset) or _route(limit) not in ("sample", "solve_linear", "alternate"):
        raise InputError(
            "limit must be a result of tp.sample, tp.solve_linear or tp.alternate, not of an approximation;"
            f" it is of type or route '{_route(limit)}'."
        )
    _check_shared("limit", limit, network)
    # A route without replicates is exact; a single replicate is not, but nothing says how far off it is.
    several = "output_stderr" in limit or limit.sizes.get("replicate", 1) > 1
    known = several or "n_replicates" not in _settings(limit)
    require(known, "limit is one replicate, without standard errors; make it with n_replicates=4 or more.")


def _at_common_times(results: list[xr.Dataset]) -> list[xr.Dataset]:
    """The results at the steps that all of them recorded."""
    steps = set.intersection(*(set(ds["step"].values.tolist()) for ds in results))
    require(len(steps) > 0, "networks and limit have no recorded step in common; give all the same record=.")
    return [ds.isel(time=np.flatnonzero(np.isin(ds["step"].values, sorted(steps)))) for ds in results]


def _measured(name: str, networks: dict[int, xr.Dataset], limit: xr.Dataset) -> dict[str, _Measured]:
    """V and S of one variable and their errors, by name."""
    dims = tuple(dim for dim in next(iter(networks.values()))[name].dims if dim != "replicate")
    expected, expected_error = _of_limit(limit, name, dims)
    rows = []
    for width, ds in networks.items():
        values = ds[name].transpose("replicate", *dims).values
        mean, variance, variance_error = moments(values)
        shift_error = np.sqrt(variance / len(values) + expected_error**2)
        rows.append([width * part for part in (variance, variance_error, mean - expected, shift_error)])
    spec = VARIABLES[name]
    return {
        f"{name}_{part}": (
            ("width", *dims),
            np.stack(values),
            _described(text.format(spec.long_name), symbol.format(spec.symbol), comment),
        )
        for (part, (text, symbol, comment)), values in zip(_PARTS.items(), zip(*rows))
    }


def _of_limit(limit: xr.Dataset, name: str, dims: tuple[Hashable, ...]) -> tuple[np.ndarray, np.ndarray]:
    """A limit and its standard error, which is zero for an exact one."""
    if "replicate" in limit[name].dims:
        values = limit[name].transpose("replicate", *dims).values
        return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))
    value, error = limit[name].transpose(*dims).values, f"{name}_stderr"
    return value, limit[error].transpose(*dims).values if error in limit else np.zeros_like(value)


def moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, variance and standard error of the variance along the first axis, which has n >= 4 members.

    Var(s^2) = (m4 - (n - 3) / (n - 1) sigma^4) / n for any law with a fourth central moment m4.
    """
    n, mean = len(values), values.mean(axis=0)
    square = (values - mean) ** 2
    variance = square.sum(axis=0) / (n - 1)
    error = np.sqrt(np.maximum((square**2).mean(axis=0) - (n - 3) / (n - 1) * variance**2, 0) / n)
    return mean, variance, error


def _described(long_name: str, symbol: str, comment: str) -> dict[str, str]:
    return {"long_name": long_name, "symbol": symbol, "units": "", "comment": comment}


def _attributes(by_width: dict[int, xr.Dataset], limit: xr.Dataset) -> dict[str, str]:
    """How the result was made: what all inputs share, and the settings of each."""
    from .. import __version__

    networks = list(by_width.values())
    inputs, first = [*networks, limit], networks[0].attrs
    unfinished = next((ds for ds in inputs if Status.of(ds) is not Status.COMPLETED), networks[0]).attrs
    made = [
        _settings(ds) | {name: ds.attrs[name] for name in ("route", "source", "created_at", "status")}
        for ds in inputs
    ]
    return {
        "source": f"tensorprog_mf {__version__}",
        "created_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "schema_version": SCHEMA_VERSION,
        "route": "fluctuations",
        "seed": ", ".join(dict.fromkeys(ds.attrs["seed"] for ds in networks)),
        "status": unfinished["status"],
        "status_message": unfinished["status_message"],
        "references": f"{cite('finite width')}; {first['references']}",
        **{name: first[name] for name in ("architecture", *_SHARED, "environment_json")},
        "n_replicates_json": json.dumps(
            {str(width): ds.sizes["replicate"] for width, ds in by_width.items()}
        ),
        "settings_json": json.dumps({"networks": made[:-1], "limit": made[-1]}),
    }

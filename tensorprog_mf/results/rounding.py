"""Rounding of results on their way to a file, well below the errors that they have anyway.

Everything is rounded to binary fractions, whose last bits are zeros and compress away; readers of netCDF see
ordinary numbers.
"""

import json
from collections.abc import Iterator

import numpy as np
import xarray as xr

from .dataset import replaced
from .schema import VARIABLES

_Change = tuple[str, str, np.ndarray]  # name of a variable, how it is rounded, its rounded values

FIELD_BITS = {False: 9, True: 8}  # binary digits after the leading one: of fields at sites, of their parts
ERROR_BITS = 6  # of a standard error, which is itself known only to 1 / sqrt(2 (replicates - 1))
_BELOW = 7  # estimates are rounded to multiples of at most their standard error / 2^7
_SAID = (
    "Fields at sites are rounded to 0.1 %, their parts to 0.2 %; kernels and other estimates of three"
    " dimensions or more to 1/250 of their standard error, and these errors to 1 %. Everything else is exact."
    " tp.save(result, path, exact=True) keeps every bit."
)


def rounded(ds: xr.Dataset) -> xr.Dataset:
    """A copy of a result in which variables are rounded far below the errors that they have; they say so.

    Fields at sites, which are draws, keep 9 bits after the leading one, and their parts 8. Estimates of three
    dimensions or more (kernels, moments, densities) are rounded, entry by entry, to at most 1/250 of their
    standard error, or of their standard deviation where replicates were kept apart. Outputs, losses and
    coordinates stay exact, as do results of exact routes, which have no standard errors, and estimates on
    common draws, whose differences are known far better than the estimates themselves.
    """
    new = {
        name: xr.Variable(ds[name].dims, values, ds[name].attrs | {"rounding": how})
        for name, how, values in _changes(ds)
    }
    return replaced(ds, new).assign_attrs(rounding=_SAID) if new else ds


def _changes(ds: xr.Dataset) -> Iterator[_Change]:
    """Everything that is rounded."""
    common = _on_common_draws(ds)
    for key, array in ds.data_vars.items():
        name = str(key)
        spec = VARIABLES.get(name)
        if spec is None or array.dtype != spec.dtype:
            continue
        if "layer" in spec.dims and {"sample", "head"} & set(spec.dims):
            bits = FIELD_BITS[name.endswith("_part")]
            yield name, f"to {bits} bits after the leading one", to_bits(array.values, bits)
        elif spec.estimate and len(spec.dims) > 2 and not common:
            yield from _estimate(ds, name)


def _estimate(ds: xr.Dataset, name: str) -> Iterator[_Change]:
    """An estimate and its errors, rounded; nothing where its error is not known."""
    array, errors = ds[name], [f"{name}_stderr", f"{name}_depth_error"]
    if "replicate" in array.dims:
        if array.sizes["replicate"] > 1:
            axis = array.dims.index("replicate")
            with np.errstate(over="ignore"):  # of a run that diverges
                spread = np.std(array.values, axis=axis, ddof=1, keepdims=True)
            yield name, "to 1/250 of its standard deviation over replicates", to_error(array.values, spread)
        return
    if errors[0] not in ds or ds[errors[0]].dims != array.dims:
        return
    # Values are rounded in units of the rounded error, so that rounding again changes nothing.
    error = to_bits(ds[errors[0]].values, ERROR_BITS)
    yield name, "to 1/250 of its standard error", to_error(array.values, error)
    for known in errors:
        if known in ds:
            yield known, f"to {ERROR_BITS} bits after the leading one", to_bits(ds[known].values, ERROR_BITS)


def _on_common_draws(ds: xr.Dataset) -> bool:
    """Whether this result shares its draws with another one, or was made so that others can."""
    try:
        settings = json.loads(ds.attrs.get("settings_json", "{}"))
    except (TypeError, ValueError):  # attributes of some other program
        return False
    return "draw_slot" in ds or (isinstance(settings, dict) and settings.get("common_draws") is not None)


def to_bits(values: np.ndarray, bits: int) -> np.ndarray:
    """Numbers with `bits` binary digits after the leading one, off by at most 2^-(bits + 1) of themselves."""
    fraction, exponent = np.frexp(values)  # 1/2 <= |fraction| < 1
    with np.errstate(over="ignore"):  # of the largest numbers that there are
        found = np.ldexp(np.rint(np.ldexp(fraction, bits + 1)), exponent - bits - 1).astype(values.dtype)
    return np.where(np.isfinite(found), found, values)


def to_error(values: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Numbers off by at most 2^-(_BELOW + 1) of their `error`; unchanged where that is zero or not finite."""
    known = np.isfinite(error) & (error > 1e-290)
    _, exponent = np.frexp(np.where(known, error, 1.0))
    with np.errstate(over="ignore", invalid="ignore"):
        units = np.ldexp(values, _BELOW + 1 - exponent)
        found = np.ldexp(np.rint(units), exponent - _BELOW - 1)
    return np.where(known & (np.abs(units) < 2.0**52), found, values)  # beyond that there is nothing to round

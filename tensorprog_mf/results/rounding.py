"""What of a result is rounded on its way to a file, and how far: well below the errors that it has anyway.

Everything is rounded to binary fractions, so that the last bits are zeros, which compress away; any reader of
netCDF sees ordinary numbers.
"""

import json

import numpy as np
import xarray as xr

from .dataset import replaced
from .schema import VARIABLES

FIELD_BITS = {False: 9, True: 8}  # after the leading one, of a field at sites and of a part of it
ERROR_BITS = 6  # of a standard error: it is itself known to 1 / sqrt(2 (replicates - 1)) only
_BELOW = 7  # an estimate is rounded to multiples of its standard error / 2^7 at most, off by half of that
_SAID = (
    "Fields at sites are rounded to 0.1 %, their parts to 0.2 %; kernels and other estimates of three"
    " dimensions or more to 1/250 of their standard error, and these errors to 1 %. Everything else is exact."
    " tp.save(result, path, exact=True) keeps every bit."
)


def rounded(ds: xr.Dataset) -> xr.Dataset:
    """A copy of a result in which what has an error of its own is rounded far below it, and says so.

    Fields at sites, which are draws, keep 9 bits after the leading one, their parts 8. Estimates of three
    dimensions or more (kernels, moments, densities) are rounded to at most 1/250 of their standard error,
    entry by entry; with replicates kept apart, of their standard deviation. Exact: outputs, losses,
    coordinates, all results of exact routes, which have no standard errors, and estimates on common draws,
    whose differences are known far better than they are.
    """
    new = {
        name: xr.Variable(ds[name].dims, values, ds[name].attrs | {"rounding": how})
        for name, how, values in _changes(ds)
    }
    return replaced(ds, new).assign_attrs(rounding=_SAID) if new else ds


def _changes(ds: xr.Dataset):
    """Name, words and rounded values of everything that is rounded."""
    common = _on_common_draws(ds)
    for name, array in ds.data_vars.items():
        spec = VARIABLES.get(name)
        if spec is None or array.dtype != spec.dtype:
            continue
        if "layer" in spec.dims and {"sample", "head"} & set(spec.dims):
            bits = FIELD_BITS[name.endswith("_part")]
            yield name, f"to {bits} bits after the leading one", to_bits(array.values, bits)
        elif spec.estimate and len(spec.dims) > 2 and not common:
            yield from _estimate(ds, name)


def _estimate(ds: xr.Dataset, name: str):
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
    # Values are rounded by the rounded error, so that rounding again changes nothing.
    error = to_bits(ds[errors[0]].values, ERROR_BITS)
    yield name, "to 1/250 of its standard error", to_error(array.values, error)
    for known in errors:
        if known in ds:
            yield known, f"to {ERROR_BITS} bits after the leading one", to_bits(ds[known].values, ERROR_BITS)


def _on_common_draws(ds: xr.Dataset) -> bool:
    """Whether this result shares, or was made to share, its draws with another."""
    try:
        settings = json.loads(ds.attrs.get("settings_json", "{}"))
    except (TypeError, ValueError):  # attributes of somebody else
        return False
    return "draw_slot" in ds or (isinstance(settings, dict) and settings.get("common_draws") is not None)


def to_bits(values: np.ndarray, bits: int) -> np.ndarray:
    """Numbers with `bits` binary digits after the leading one, off by at most 2^-(bits + 1) of themselves."""
    fraction, exponent = np.frexp(values)  # 1/2 <= |fraction| < 1
    with np.errstate(over="ignore"):  # of the largest numbers there are
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

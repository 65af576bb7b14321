"""What a trained autoencoder does: outputs, learned features, densities."""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ...ground.calls import checked_call
from ...ground.errors import require
from ..arguments import finite_array

_NEEDED = "tp.mean_field.autoencoder or train_autoencoder"


@checked_call
def reconstruct(ds: xr.Dataset, inputs: ArrayLike) -> xr.DataArray:
    """The output B(t) x, (time, example, feature), for inputs (example, feature) with entries of order one.

    The mean of the data is taken off and put back. Exact for relu at infinite width; for a finite network B
    is only its diagonal part in the directions of the data.

    Raises
    ------
    InputError
        Another result, one of a spectrum whose directions stand for several features each, inputs with
        another number of features.
    """
    _check(ds)
    rows = finite_array("inputs", inputs, 2, "(example, feature)")
    vectors = _vectors(ds)
    require(
        rows.shape[1] == vectors.shape[1],
        f"inputs have {rows.shape[1]} features, but the data had {vectors.shape[1]}; they must agree.",
    )
    mean = ds.input_mean.values if "input_mean" in ds else 0.0
    own = (rows - mean) @ vectors.T
    if "reconstruction_matrix" in ds:
        own = np.einsum("tij,mj->tmi", ds.reconstruction_matrix.values, own)
    else:
        own = ds.reconstruction.values[:, None] * own
    return _array(own @ vectors + mean, ("time", "example", "feature"), ds, "output", "B x")


@checked_call
def learned_features(ds: xr.Dataset) -> xr.DataArray:
    """Weights kappa theta of the neurons that were kept, in features instead of directions: (time, sample,
    feature).

    Raises
    ------
    InputError
        Another result, one without neurons, one of a spectrum whose directions stand for several features
        each.
    """
    _check(ds)
    require("neuron_weight" in ds, "this result kept no neurons; run it with samples above 0.")
    return _array(
        ds.neuron_weight.values @ _vectors(ds),
        ("time", "sample", "feature"),
        ds,
        "weights of a neuron",
        "kappa theta",
    )


@checked_call
def preactivation_density(ds: xr.Dataset, points: ArrayLike) -> xr.DataArray:
    """Density of a preactivation over neurons, N(0, s^2(t)), at points (bin,): (time, bin).

    It holds on inputs of the data, for Gaussian initial weights or in large dimension.

    Raises
    ------
    InputError
        Another result, or points that are not finite.
    """
    _check(ds)
    bins = finite_array("points", points, 1, "(bin,)")
    variance = ds.preactivation_variance.values[:, None]
    require(
        bool((variance > 0).all()),
        "preactivations have variance 0 at some time: all weights are 0, and there is no density.",
    )
    values = np.exp(-(bins**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    found = _array(values, ("time", "bin"), ds, "density of the preactivation", "p(u)")
    return found.assign_coords(bin=bins)


def _check(ds: xr.Dataset) -> None:
    require(
        isinstance(ds, xr.Dataset) and "reconstruction" in ds,
        f"this is not a result of an autoencoder; pass one of {_NEEDED}.",
    )


def _vectors(ds: xr.Dataset) -> np.ndarray:
    if "direction_vector" in ds:
        return ds.direction_vector.values
    alone = np.allclose(ds.fraction * ds.sizes["direction"], 1)
    require(
        alone,
        "directions of this result stand for several features each; give the data as a covariance or one"
        " variance per direction.",
    )
    return np.eye(ds.sizes["direction"])


def _array(
    values: np.ndarray, dims: tuple[str, ...], ds: xr.Dataset, long_name: str, symbol: str
) -> xr.DataArray:
    coordinates = {name: ds[name] for name in ("time", "sample") if name in dims}
    return xr.DataArray(
        values, dims=dims, coords=coordinates, attrs={"long_name": long_name, "symbol": symbol, "units": ""}
    )

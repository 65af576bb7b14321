"""Handwritten digits for the recipes, from data/digits.nc."""

import pathlib

import numpy as np
import xarray as xr

import tensorprog_mf as tp

FILE = pathlib.Path(__file__).parents[1] / "data" / "digits.nc"


def two_digits(a: int, b: int, n_train: int, n_test: int, loss: str = "squared") -> tp.Problem:
    """Tell digit a (+1) from digit b (-1): 64 pixels, centred, |x|^2 / D = 1 on average; 70 images of each."""
    with xr.open_dataset(FILE) as digits:
        chosen = digits.isel(example=np.flatnonzero(digits.label.isin([a, b])))
        x = chosen.image.values.reshape(chosen.sizes["example"], -1).astype(float)
        y = np.where(chosen.label == a, 1.0, -1.0)
    x -= x[:n_train].mean(axis=0)
    x /= np.sqrt((x[:n_train] ** 2).mean())
    test = slice(n_train, n_train + n_test)
    return tp.Problem(x[:n_train], y[:n_train], x[test], loss, y[test])

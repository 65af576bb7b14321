"""Handwritten digits for the recipes, from data/digits.nc: 70 images of each digit, 64 pixels."""

import pathlib
import sys

import numpy as np
import xarray as xr

import tensorprog_mf as tp

FILE = pathlib.Path(__file__).resolve().parents[1] / "data" / "digits.nc"


def opened() -> xr.Dataset:
    """The file of digits, opened. Exits with one sentence if it is missing, as recipes may have been copied
    without their data."""
    if not FILE.is_file():
        sys.exit(
            f"The digits are missing: there is no file {FILE}. Run the recipe from a checkout, or copy the"
            " folder data of a checkout to that place."
        )
    return xr.open_dataset(FILE)


def _images(digits: list[int], n_train: int, n_test: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training and test images (example, pixel) and all labels, in the order of the file, which mixes the
    digits.

    Pixels are centred and |x|^2 / D is 1 on average, both over training images.
    """
    with opened() as file:
        chosen = file.isel(example=np.flatnonzero(file.label.isin(digits))[: n_train + n_test])
        x = chosen.image.values.reshape(chosen.sizes["example"], -1).astype(float)
        label = chosen.label.values.astype(int)
    x -= x[:n_train].mean(axis=0)
    x /= np.sqrt((x[:n_train] ** 2).mean())
    return x[:n_train], x[n_train:], label


def two_digits(a: int, b: int, n_train: int, n_test: int, loss: str = "squared") -> tp.Problem:
    """Tell digit a (+1) from digit b (-1)."""
    train, test, label = _images([a, b], n_train, n_test)
    y = np.where(label == a, 1.0, -1.0)
    return tp.Problem(train, y[:n_train], test, loss, y[n_train:])


def ten_digits(n_train: int, n_test: int) -> tp.Problem:
    """Which of the ten digits is it? Ten outputs and the cross-entropy."""
    train, test, label = _images(list(range(10)), n_train, n_test)
    return tp.Problem(train, label[:n_train], test, "cross_entropy", label[n_train:])

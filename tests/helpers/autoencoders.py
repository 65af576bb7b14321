"""Reference cases and settings that tests of the autoencoder share."""

import json
import pathlib

import numpy as np

import tensorprog_mf as tp

CASES = {
    case["id"]: case
    for case in json.loads(
        (pathlib.Path(__file__).parents[1] / "reference" / "autoencoder.json").read_text()
    )["cases"]
}
NAMES = {
    "u": "reconstruction",
    "b": "reconstruction",
    "r": "gain",
    "q": "gain",
    "loss": "loss",
    "s2": "preactivation_variance",
}
TWO_BLOCKS = tp.mean_field.Spectrum([2.25, 0.36], [5, 15])
ERF = tp.Activation("erf", gain=0.5**0.5)  # erf(h / sqrt 2) in the reference


def column(case, name):
    """One column of a reference table, with time first."""
    return np.array([row[name] for row in case["table"]])


def two_blocks(times, step=None, **options):
    """The limit of the first reference case."""
    return tp.mean_field.autoencoder(TWO_BLOCKS, "relu", 0.4, 0.1, times, step, **options)


def networks(times, step, width, method, n_replicates, **options):
    """Its finite networks."""
    return tp.mean_field.train_autoencoder(
        TWO_BLOCKS, "relu", 0.4, 0.1, times, step, width, method, n_replicates, progress=False, **options
    )


def pairs(count, size, scale=0.8, seed=0):
    """kappa theta of neurons (sample, feature) in pairs theta, -theta."""
    half = scale * np.random.default_rng(seed).standard_normal((count // 2, size))
    return np.concatenate([half, -half])

"""Kernel of one-pass stochastic gradient descent; see `accelerate` for the rules.

Losses: code 0 squared, 1 logistic, 2 hinge.
"""

import math

import numpy as np

from ...ground.accelerate import kernel
from .units_numba import activate

LOSS_CODES = {"squared": 0, "logistic": 1, "hinge": 2}


@kernel()
def _error(loss: int, f: float, y: float) -> float:
    """-d loss / d f."""
    if loss == 0:
        return y - f
    if loss == 1:
        small = math.exp(-abs(f))
        return y * (small if y * f > 0 else 1.0) / (1 + small)
    return y if y * f < 1 else 0.0


@kernel(sums=True)
def _dot(x: np.ndarray, y: np.ndarray) -> float:
    total = 0.0
    for j in range(x.shape[0]):
        total += x[j] * y[j]
    return total


@kernel()
def _shake(w: np.ndarray, a: np.ndarray, b: np.ndarray, trains: np.ndarray, noise: np.ndarray) -> None:
    """Add noise (site, feature + 2) to whatever is trained."""
    sites, features = w.shape
    for i in range(sites):
        if trains[1]:
            for j in range(features):
                w[i, j] += noise[i, j]
        if trains[0]:
            a[i] += noise[i, features]
        if trains[2]:
            b[i] += noise[i, features + 1]


@kernel()
def descend(
    weights: tuple, examples: tuple, sizes: np.ndarray, noise: np.ndarray, how: tuple, activation: tuple
) -> None:
    """One step per example, in place.

        theta <- (1 - 2 lambda s) theta + 2 s error grad sigma_* + noise

    with f the mean over sites. `weights` are w (site, feature), a and b (site,); `examples` are inputs
    (example, feature) and targets; `sizes` are s (example,); `noise` is (step, site, feature + 2), scaled, or
    has no steps. `how` has three switches, whether a, w and b are trained, then lambda and the code of the
    loss. `activation` is a code, the gain and the hinges of `units_numba`.
    """
    w, a, b = weights
    inputs, targets = examples
    trains, decay, loss = how
    code, gain, offset, slopes, kinks, even = activation
    sites, features = w.shape
    phi, slope = a.copy(), a.copy()
    for k in range(inputs.shape[0]):
        f = 0.0  # all sites see the weights of before the step
        for i in range(sites):
            h = gain * (_dot(w[i], inputs[k]) + b[i])
            phi[i], slope[i] = activate(code, h, offset, slopes, kinks, even)
            f += a[i] * phi[i]
        rate = 2 * sizes[k] * _error(loss, f / sites, targets[k])
        keep = 1 - 2 * decay * sizes[k]
        for i in range(sites):
            back = rate * a[i] * gain * slope[i]
            if trains[1]:
                if decay > 0:
                    for j in range(features):
                        w[i, j] *= keep
                if back != 0:
                    for j in range(features):
                        w[i, j] += back * inputs[k, j]
            if trains[0]:
                a[i] = keep * a[i] + rate * phi[i]
            if trains[2]:
                b[i] = keep * b[i] + back
        if noise.shape[0] > 0:
            _shake(w, a, b, trains, noise[k])

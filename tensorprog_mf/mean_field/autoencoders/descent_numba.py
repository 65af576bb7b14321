"""Kernels of finite autoencoders. Neurons are the sites; see `accelerate` for the rules."""

import math

import numpy as np

from ...ground.accelerate import BLOCK, kernel

LINEAR, RELU, ERF, TANH, SOFTPLUS, QUADRATIC = range(6)
CODES = {
    "linear": LINEAR,
    "relu": RELU,
    "scaled_relu": RELU,
    "erf": ERF,
    "tanh": TANH,
    "softplus": SOFTPLUS,
    "quadratic": QUADRATIC,
}
PAIRED = (LINEAR, RELU, ERF)  # whose averages over a pair of neurons are closed


@kernel(sums=True)
def norm_blocks(first: int, last: int, theta: np.ndarray, scaled: np.ndarray, norm: np.ndarray) -> None:
    """norm = <v, S v> of the neurons of the blocks, summed in the order of `pair_blocks`: to the last bit it
    is minus the c of a pair theta, -theta."""
    for i in range(first * BLOCK, min(last * BLOCK, theta.shape[0])):
        c = 0.0
        for k in range(theta.shape[1]):
            c += scaled[i, k] * theta[i, k]
        norm[i] = c


@kernel(sums=True)
def pair_blocks(first: int, last: int, weights: tuple, activation: tuple, sums: tuple) -> None:
    """Sums over all neurons j of what they do to the neurons i of the blocks.

    With g = v_i.v_j and K(a, b, c) = d E sigma(u_i) sigma(u_j) as a function of a = d E u_i^2 = norm, b =
    that of j, and c = d E u_i u_j,

        pull = sum_j K v_j,   push = sum_j g dK/dc S v_j,   own = sum_j 2 g dK/da,   pair_loss = sum_j g K.

    `weights` are theta (sample, direction), S theta and norm (sample,); `activation` is a code and the factor
    on arguments; `sums` are pull, push (sample, direction), own and pair_loss (sample,). In the code K is
    `value`, dK/dc `along` and 2 dK/da `turn`.
    """
    theta, scaled, norm = weights
    code, factor = activation
    pull, push, own, pair_loss = sums
    count, size = theta.shape
    d = float(size)
    f2 = factor * factor
    for i in range(first * BLOCK, min(last * BLOCK, count)):
        pull[i], push[i] = 0.0, 0.0
        turned, lost, a = 0.0, 0.0, norm[i]
        for j in range(count):
            g, c, b = 0.0, 0.0, norm[j]
            for k in range(size):
                g += theta[i, k] * theta[j, k]
                c += scaled[i, k] * theta[j, k]
            if code == RELU:  # the arc-cosine kernel of order 1
                # sqrt(a b) is exactly a where norms are equal, so that the angle of a pair theta, -theta is
                # exactly pi.
                both = math.sqrt(a * b)
                cosine = min(1.0, max(-1.0, c / both)) if both > 0 else 0.0
                angle = math.acos(cosine)
                sine = math.sqrt(max(0.0, (1 - cosine) * (1 + cosine)))
                along = f2 * (math.pi - angle) / (2 * math.pi)
                value = f2 * both * sine / (2 * math.pi) + along * c
                turn = f2 * sine * math.sqrt(b / a) / (2 * math.pi) if a > 0 else 0.0
            elif code == ERF:  # the arcsine kernel, as an atan2 that is exact at its ends
                size_a, size_b, twice = 1 + 2 * f2 * a / d, 1 + 2 * f2 * b / d, 2 * f2 * c / d
                rest = math.sqrt(size_a * size_b - twice * twice)
                value = d * 2 / math.pi * math.atan2(twice, rest)
                along = 4 * f2 / math.pi / rest
                turn = -along * twice / size_a
            else:
                value, along, turn = f2 * c, f2, 0.0
            turned += g * turn
            lost += g * value
            weight = g * along
            for k in range(size):
                pull[i, k] += value * theta[j, k]
                push[i, k] += weight * scaled[j, k]
        own[i], pair_loss[i] = turned, lost


@kernel(sums=True)
def descend(
    theta: np.ndarray,
    inputs: np.ndarray,
    step: float,
    decay: float,
    code: int,
    factor: float,
    u: np.ndarray,
    a: np.ndarray,
    s: np.ndarray,
) -> None:
    """One-pass stochastic gradient descent of theta (direction, sample), in place, on inputs (example,
    direction), one by one.

        theta <- theta - step [d sigma(u) (output - x) + d sigma'(u) <theta, output - x> x + decay theta]

    with d the number of directions; u, a and s (sample,) are room to work in.
    """
    size, count = theta.shape
    for x in inputs:
        u[:] = 0.0
        for k in range(size):
            for n in range(count):
                u[n] += x[k] * theta[k, n]
        _activate(u, a, s, code, factor)
        u[:] = 0.0  # from here on <theta, output - x>
        missing = np.empty(size)
        for k in range(size):
            total = 0.0
            for n in range(count):
                total += theta[k, n] * a[n]
            missing[k] = total / count - x[k]
            for n in range(count):
                u[n] += missing[k] * theta[k, n]
        for n in range(count):
            a[n] *= step * size
            s[n] *= step * size * u[n]
        for k in range(size):
            for n in range(count):
                theta[k, n] = (1 - step * decay) * theta[k, n] - a[n] * missing[k] - s[n] * x[k]


@kernel()
def _activate(u: np.ndarray, a: np.ndarray, s: np.ndarray, code: int, factor: float) -> None:
    """a = sigma(factor u) and s = factor sigma'(factor u)."""
    for n in range(u.shape[0]):
        h = factor * u[n]
        if code == LINEAR:
            a[n], s[n] = h, factor
        elif code == RELU:
            a[n], s[n] = (h, factor) if h > 0 else (0.0, 0.0)
        elif code == ERF:
            a[n], s[n] = math.erf(h), factor * 2 / math.sqrt(math.pi) * math.exp(-h * h)
        elif code == TANH:
            t = math.tanh(h)
            a[n], s[n] = t, factor * (1 - t * t)
        elif code == SOFTPLUS:
            small = math.exp(-abs(h))
            a[n], s[n] = max(h, 0.0) + math.log1p(small), factor * (1.0 if h > 0 else small) / (1 + small)
        else:
            a[n], s[n] = h * h, 2 * factor * h

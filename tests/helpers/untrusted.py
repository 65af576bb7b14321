"""Problems and an activation with which runs complete that cannot be trusted."""

import numpy as np

import tensorprog_mf as tp


def spheres(examples, features, seed):
    """Random examples of norm sqrt(features) and labels."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(examples, features))
    return tp.Problem(
        x * features**0.5 / np.linalg.norm(x, axis=1, keepdims=True), np.sign(rng.normal(size=examples))
    )


def modular_addition():
    """(a, b) -> a + b mod 5 from one-hot inputs, 18 of 25 pairs."""
    pairs = np.random.default_rng(0).permutation([(a, b) for a in range(5) for b in range(5)])[:18]
    x = np.zeros((18, 10))
    x[np.arange(18), pairs[:, 0]] = x[np.arange(18), 5 + pairs[:, 1]] = 5**0.5
    return tp.Problem(x, pairs.sum(axis=1) % 5, loss="cross_entropy")


S = spheres(10, 20, 0)
CUBIC = (lambda h: (h**3 - 3 * h) / 6**0.5, lambda h: (3 * h**2 - 3) / 6**0.5)

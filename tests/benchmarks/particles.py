"""Cost of distributional dynamics over that of the same particles in a plain numpy loop; both measured in one
run.

    python tests/benchmarks/particles.py

Prints a table of CPU seconds; nothing is asserted. Gradient descent of one network, then what is done by
default: four replicates of a Runge-Kutta method with four passes per step, beside as many passes of the plain
loop, and densities at every time.
"""

import time

import numpy as np
import scipy.special

import tensorprog_mf as tp

mf = tp.mean_field
RNG = np.random.default_rng(0)
FUNCTIONS = {
    "tanh": lambda h: (phi := np.tanh(h), 1 - phi * phi),
    "relu": lambda h: (np.maximum(h, 0), (h > 0).astype(float)),
    "erf": lambda h: (scipy.special.erf(h), 2 / np.sqrt(np.pi) * np.exp(-h * h)),
}
SIZES = (
    (6, 2, 4096, 100),
    (40, 10, 4096, 50),
    (200, 20, 1024, 50),
    (100, 50, 4096, 20),
)  # points, features, sites, steps
DT = 0.01


def plain(name: str, inputs: np.ndarray, targets: np.ndarray, sites: int, passes: int) -> None:
    """Gradient descent of a network, as one writes it down."""
    a, w = RNG.normal(size=sites), RNG.normal(size=(sites, inputs.shape[1]))
    for _ in range(passes):
        phi, slope = FUNCTIONS[name](w @ inputs.T)
        error = (a @ phi / sites - targets) / len(targets)
        a, w = a - 2 * DT * phi @ error, w - 2 * DT * (slope * a[:, None] * error) @ inputs


def ours(name: str, inputs: np.ndarray, targets: np.ndarray, sites: int, steps: int, **options) -> None:
    """The same by the library."""
    data, laws = mf.FiniteData(inputs, targets), {"a": tp.Gaussian(), "w": tp.Gaussian()}
    mf.distributional_dynamics(
        mf.Neuron(name), data, laws, n_samples=sites, dt=DT, progress=False, threads=1, **options
    )


def seconds(work, *arguments, **options) -> float:
    """CPU seconds of the better of two calls."""
    best = np.inf
    for _ in range(2):
        begin = time.process_time()
        work(*arguments, **options)
        best = min(best, time.process_time() - begin)
    return best


def main():
    """Measure and print."""
    print(
        "points features sites steps          descent: plain   ours  ratio      default: plain   ours  ratio"
    )
    for points, features, sites, steps in SIZES:
        inputs, targets = RNG.normal(size=(points, features)), RNG.normal(size=points)
        for name in FUNCTIONS:
            once = dict(times=[0, DT * steps], method="euler", n_replicates=1, draws="pseudo-random", bins=0)
            every = dict(times=np.linspace(0, DT * steps, 11))
            given = name, inputs, targets, sites
            row = [seconds(plain, *given, steps), seconds(ours, *given, steps, **once)]
            row += [seconds(plain, *given, 16 * steps), seconds(ours, *given, steps, **every)]
            print(
                f"{points:6d} {features:8d} {sites:5d} {steps:5d} {name:8s} {row[0]:14.2f} {row[1]:6.2f}"
                f" {row[1] / row[0]:6.1f} {row[2]:19.2f} {row[3]:6.2f} {row[3] / row[2]:6.1f}"
            )


if __name__ == "__main__":
    main()

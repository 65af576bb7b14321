"""Cost per architecture: ratios of seconds when samples or, at fixed total time, steps are doubled; measured
in one run.

    python tests/benchmarks/architectures.py

Prints a table; nothing is asserted. Linear is 2; in steps it is reached once the rank has saturated.
"""

import time

import numpy as np

import tensorprog_mf as tp

TOTAL = 2.0
RNG = np.random.default_rng(0)
SETTINGS = {  # network, shape of an input
    "MLP, depth 3": (tp.MLP(3), (6,)),
    "MeanFieldMLP, depth 3": (tp.MeanFieldMLP(3), (6,)),
    "ResidualMLP, depth 8": (tp.ResidualMLP(8), (6,)),
    "CNN, depth 2, 6 positions, 3 taps": (tp.CNN(2), (2, 6)),
    "RNN, 5 positions": (tp.RNN(), (5, 6)),
    "Transformer, depth 1, 3 tokens, heads of 4": (tp.Transformer(1), (3, 6)),
}


def seconds(network, problem, steps: int, n_samples: int) -> tuple[float, int]:
    """Of the best of two runs, and the largest rank."""
    best = np.inf
    for _ in range(2):
        begin = time.perf_counter()
        ds = tp.sample(
            network,
            problem,
            tp.Training(steps, TOTAL / steps),
            n_samples,
            1,
            tolerance=1e-2,
            samples=0,
            record=[0, steps],
            threads=1,
        )
        best = min(best, time.perf_counter() - begin)
    return best, int(ds["basis_rank"].max())


def main():
    """Measure and print."""
    print(f"{'':44s} seconds   samples x 2, x 4      steps x 2, x 4      ranks")
    for name, (network, shape) in SETTINGS.items():
        problem = tp.Problem(RNG.normal(size=(4, *shape)), RNG.choice([-1.0, 1.0], size=4))
        seconds(network, problem, 4, 512)  # compile
        base, rank = seconds(network, problem, 80, 4096)
        samples = [seconds(network, problem, 80, 4096 * factor)[0] / base for factor in (2, 4)]
        steps = [seconds(network, problem, 80 * factor, 4096) for factor in (2, 4)]
        ratios = (
            "  ".join(f"{ratio:5.2f}" for ratio in samples),
            "  ".join(f"{s / base:5.2f}" for s, _ in steps),
        )
        print(
            f"{name:44s} {base:7.2f}   {ratios[0]:>18}  {ratios[1]:>18}      {[rank, *(r for _, r in steps)]}"
        )


if __name__ == "__main__":
    main()

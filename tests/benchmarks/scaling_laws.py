"""Solvers of scaling laws beside each other and beside students: times, and ratios to the causal solver's
standard size.

    python tests/benchmarks/scaling_laws.py

Prints a table of seconds and ratios measured in one run. Nothing is asserted. Compilation is done before; the
best of three.
"""

import time

import numpy as np

import tensorprog_mf as tp

sl = tp.scaling_laws
LAW = sl.PowerLaw(a=1.5, b=1.25, modes=400)
MANY = sl.PowerLaw(a=1.5, b=1.25, modes=1e6, bin_ratio=1.05)
RICH = sl.Model(LAW, 150, 200, 0.1, richness=1.0)
TIMES, STEPS = np.geomspace(0.1, 1e6, 60), tp.log_steps(10**6, 60)
JOBS = {
    "solve: 400 modes, 60 steps, rich, N and P finite": lambda: sl.solve(RICH, sl.Descent(60, 0.1)),
    "the same, with ensembles": lambda: sl.solve(RICH, sl.Descent(60, 0.1), ensemble_sizes=[2]),
    "the same, 120 steps": lambda: sl.solve(RICH, sl.Descent(120, 0.1)),
    "the same, N infinite": lambda: sl.solve(sl.Model(LAW, None, 200, 0.1, 1.0), sl.Descent(60, 0.1)),
    "simulate: one student of this size, 60 steps": lambda: sl.simulate(
        RICH, sl.Descent(60, 0.1), 1, progress=False
    ),
    "stationary: 400 modes, 60 steps": lambda: sl.solve_stationary(
        sl.Model(LAW, 150, 200, 0.1), sl.Descent(60, 0.1)
    ),
    "stationary: 1e6 binned modes, flow to t = 1e6": lambda: sl.solve_stationary(
        sl.Model(MANY, 1000, 2000, 0.1), sl.Flow(TIMES)
    ),
    "stationary: 1e6 binned modes, 1e6 steps": lambda: sl.solve_stationary(
        sl.Model(MANY, 1000, 2000, 0.1), sl.Descent(10**6, 0.3), STEPS
    ),
    "the same, batches of 50": lambda: sl.solve_stationary(
        sl.Model(MANY, 1000, 2000, 0.1), sl.Descent(10**6, 0.3, batch_size=50), STEPS
    ),
    "reduced: 1e6 binned modes, rich flow to t = 1e6": lambda: sl.solve_reduced(
        sl.Model(MANY, richness=1.0), sl.Flow(TIMES)
    ),
    "the same, N = 1000": lambda: sl.solve_reduced(sl.Model(MANY, 1000, richness=1.0), sl.Flow(TIMES)),
    "reduced: N = 500 of 1000 modes, 400 steps": lambda: sl.solve_reduced(
        sl.Model(sl.PowerLaw(a=1.75, b=1.5, modes=1000), 500, richness=1.0), sl.Descent(400, 0.2)
    ),
}


def best(job, repeats: int = 3) -> float:
    """Shortest of several runs, in seconds."""
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        job()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def main() -> None:
    """Compile, measure, print."""
    for job in JOBS.values():
        job()
    seconds = {name: best(job) for name, job in JOBS.items()}
    unit = next(iter(seconds.values()))
    for name, taken in seconds.items():
        print(f"{name:52}{taken:8.3f} s{taken / unit:9.2f}")


if __name__ == "__main__":
    main()

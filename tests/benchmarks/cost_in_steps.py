"""Cost against number of steps at fixed total time, with the recorded rank: linear once the rank has
saturated.

    python tests/benchmarks/cost_in_steps.py

Prints a table of ratios measured in one run and writes cost_in_steps.png beside this file. Nothing is
asserted.
"""

import pathlib
import time

import numpy as np

import tensorprog_mf as tp

TOTAL = 4.0


def measure():
    """(steps, seconds, largest rank) at fixed total time."""
    rng = np.random.default_rng(0)
    problem = tp.Problem(rng.normal(size=(4, 10)), np.sign(rng.normal(size=4)))
    network, settings = tp.MLP(3, "tanh"), dict(n_samples=4096, n_replicates=2, tolerance=1e-3, samples=0)
    tp.sample(network, problem, tp.Training(2, 0.1), **settings)  # compile
    rows = []
    for steps in 100 * 2 ** np.arange(5):
        training = tp.Training(int(steps), TOTAL / steps)
        begin = time.perf_counter()
        ds = tp.sample(network, problem, training, record=tp.log_steps(int(steps), 12), **settings)
        rows.append(
            (int(steps), time.perf_counter() - begin, int(ds["basis_rank"].max()), float(ds.output[-1, 0]))
        )
    return rows


def main():
    """Measure, print, draw."""
    rows, before = measure(), None
    print("steps  seconds  ratio  largest rank  output")
    for steps, seconds, rank, output in rows:
        print(
            f"{steps:5d} {seconds:8.2f} {'' if before is None else f'{seconds / before:6.2f}':>6} {rank:8d}  "
            f"    {output:.4f}"
        )
        before = seconds
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    steps, seconds, rank, _ = np.array(rows).T
    fig, axis = plt.subplots(figsize=(5.5, 4), layout="constrained")
    axis.loglog(steps, seconds, "o-", label="seconds")
    axis.loglog(steps, seconds[0] * steps / steps[0], "k:", label="linear")
    axis.set(
        xlabel="steps, at fixed total time",
        ylabel="seconds",
        title="tanh, depth 3, 4 examples, 2 x 4096 samples",
    )
    twin = axis.twinx()
    twin.semilogx(steps, rank, "s--", color="C1", label="largest rank")
    twin.set(ylabel="directions revealed", ylim=(0, 1.5 * rank.max()))
    axis.legend(loc="upper left")
    twin.legend(loc="lower right")
    fig.savefig(pathlib.Path(__file__).with_suffix(".png"), dpi=110)


if __name__ == "__main__":
    main()

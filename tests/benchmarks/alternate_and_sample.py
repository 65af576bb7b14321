"""Cost, memory and error of the alternating procedure beside one pass through time, at the same numbers of
samples.

    python tests/benchmarks/alternate_and_sample.py

Prints a table of ratios measured in one run and writes alternate_and_sample.png beside this file. Nothing is
asserted. One thread; compilation is done before. Memory is the peak of what a second run allocates. Errors
are distances to a long run of `sample`. "refused": the fields span more than half of the samples, which
responses by regression do not bear.
"""

import pathlib
import time
import tracemalloc
import warnings

import numpy as np

import tensorprog_mf as tp

TASKS = {  # depth, examples, steps, learning rate; the last one is the standard task
    "depth 2, 4 examples, 10 steps": (2, 4, 10, 0.4),
    "depth 2, 4 examples, 20 steps": (2, 4, 20, 0.4),
    "depth 2, 4 examples, 40 steps": (2, 4, 40, 0.2),
    "depth 2, 4 examples, 80 steps": (2, 4, 80, 0.1),
    "depth 3, 10 examples, 50 steps": (3, 10, 50, 0.4),
}
N_SAMPLES = (1024, 4096)


def setting(name: str):
    """Network, problem and training of a task."""
    depth, examples, steps, rate = TASKS[name]
    rng = np.random.default_rng(0)
    problem = tp.Problem(rng.normal(size=(examples, 10)), np.sign(rng.normal(size=examples)))
    return tp.MLP(depth, "tanh"), problem, tp.Training(steps, rate)


def run(name: str, route: str, n_samples: int):
    """One replicate at the last step."""
    network, problem, training = setting(name)
    settings = dict(n_samples=n_samples, n_replicates=1, samples=0, record=[training.steps], threads=1)
    if route == "alternate":
        return tp.alternate(network, problem, training, iterations=60, target_residual=2e-3, **settings)
    return tp.sample(network, problem, training, **settings)


def measure(name: str, route: str, n_samples: int, reference) -> dict | None:
    """One run, timed, run again for its memory, and its distance to the reference."""
    begin = time.perf_counter()
    try:
        ds = run(name, route, n_samples)
    except tp.InputError:
        return None
    seconds = time.perf_counter() - begin
    tracemalloc.start()
    run(name, route, n_samples)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    off = {
        variable: float(
            np.linalg.norm(ds[variable][-1] - reference[variable][-1])
            / np.linalg.norm(reference[variable][-1])
        )
        for variable in ("output", "feature_kernel", "gradient_kernel")
    }
    return {
        "seconds": seconds,
        "MB": peak,
        "rounds": int(ds.sizes.get("iteration", 1)),
        "status": ds.attrs["status"],
        **off,
    }


def main() -> None:
    """Measure, print, draw."""
    warnings.simplefilter("ignore")
    for route in ("sample", "alternate"):
        run(next(iter(TASKS)), route, 1024)  # compile
    print(
        f"{'':32}{'':10}{'samples':>8}{'rounds':>8}{'seconds':>9}{'MB':>7}{'output':>9}{'Phi':>8}{'G':>8}  "
        " time ratio"
    )
    rows = []
    for name in TASKS:
        network, problem, training = setting(name)
        reference = tp.sample(
            network, problem, training, n_samples=2**15, n_replicates=4, samples=0, record=[training.steps]
        )
        for n_samples in N_SAMPLES:
            for route in ("sample", "alternate"):
                row = measure(name, route, n_samples, reference)
                if row is None:
                    print(f"{name:32}{route:10}{n_samples:8d}   refused")
                    continue
                ratio = (
                    ""
                    if route == "sample"
                    else f"{row['seconds'] / rows[-1][3]['seconds']:10.1f}  {row['status']}"
                )
                print(
                    f"{name:32}{route:10}{n_samples:8d}{row['rounds']:8d}{row['seconds']:9.2f}"
                    f"{row['MB']:7.0f}{row['output']:9.4f}{row['feature_kernel']:8.4f}"
                    f"{row['gradient_kernel']:8.4f}{ratio}",
                    flush=True,
                )
                rows.append((name, n_samples, route, row))
    draw(rows)


def draw(rows) -> None:
    """Error of the outputs against seconds, and seconds against steps."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.3), layout="constrained")
    for route, marker in (("sample", "o"), ("alternate", "s")):
        for i, name in enumerate(TASKS):
            own = [row for task, _, which, row in rows if (task, which) == (name, route)]
            style = {"color": f"C{i}", "mfc": f"C{i}" if route == "sample" else "white"}
            left.loglog(
                [r["seconds"] for r in own],
                [r["gradient_kernel"] for r in own],
                marker + "-",
                **style,
                label=f"{route}: {name}",
            )
        scan = [
            (TASKS[task][2], row["seconds"])
            for task, n, which, row in rows
            if TASKS[task][0] == 2 and (n, which) == (N_SAMPLES[-1], route)
        ]
        right.loglog(*zip(*scan), marker + "-", label=route)
    left.set(
        xlabel="seconds, one thread",
        ylabel="relative error of the gradient kernels",
        title=f"{N_SAMPLES[0]} and {N_SAMPLES[1]} samples",
    )
    right.set(
        xlabel="steps", ylabel="seconds, one thread", title=f"depth 2, 4 examples, {N_SAMPLES[1]} samples"
    )
    left.legend(fontsize=5.5)
    right.legend()
    figure.savefig(pathlib.Path(__file__).with_suffix(".png"), dpi=110)


if __name__ == "__main__":
    main()

"""Digits at a size people use: 512 training and 128 test images, ten classes, depth 2, 100 steps; rank,
error, time, memory.

    python tests/benchmarks/digits_640.py [TOLERANCE] [SITES] [STEPS]

Prints one row; nothing is asserted. Two replicates: the error is their scatter.
"""

import pathlib
import resource
import sys
import time

import numpy as np

import tensorprog_mf as tp

sys.path.append(str(pathlib.Path(__file__).parents[2] / "recipes"))
from digits import ten_digits


def main(tolerance: float = 1e-2, sites: int = 4096, steps: int = 100) -> None:
    """Measure and print."""
    problem = ten_digits(512, 128)
    record = tp.Record(steps=tp.log_steps(steps, 12), kernel_examples=range(64))
    begin = time.perf_counter()
    ds = tp.sample(
        tp.MLP(2),
        problem,
        tp.Training(steps, 2.0),
        sites,
        2,
        tolerance=tolerance,
        samples=0,
        record=record,
        keep_replicates=True,
    )
    seconds, peak = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    output, test = ds.output.values[:, -1], slice(512, None)
    scatter = np.sqrt(output.var(axis=0, ddof=1).mean())
    right = (output[:, test].argmax(axis=-1) == problem.test_targets.argmax(axis=1)).mean(axis=1)
    print(
        f"tolerance {tolerance:g}, {sites} sites, {steps} steps: {seconds:.0f} s, peak {peak:.1f} GB"
        f" (announced {ds.attrs['memory_estimate_bytes'] / 1e9:.1f} GB)"
    )
    print(
        f"  ranks forward and backward {ds['basis_rank'].values[-1].max(axis=0).tolist()}, status"
        f" {ds.attrs['status']}"
    )
    print(f"  outputs: rms {np.sqrt((output**2).mean()):.2f}, scatter of one run {scatter:.3f}")
    print(
        f"  training loss {ds.loss.values[:, -1].round(4).tolist()}, test loss"
        f" {ds.test_loss.values[:, -1].round(4).tolist()}, test accuracy {right.round(3).tolist()}"
    )


if __name__ == "__main__":
    main(*(kind(value) for kind, value in zip((float, int, int), sys.argv[1:])))

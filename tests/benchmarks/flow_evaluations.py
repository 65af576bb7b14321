"""Passes through the network that gradient flow takes, beside plain descent with small steps, at equal error.

    python tests/benchmarks/flow_evaluations.py

The network of recipes/mlp.py at its largest richness, one stored matrix per layer, so that all methods see
the same weights. Errors are those of outputs, relative to the largest one, against a flow of tolerance 1e-9.
Prints a table; nothing is asserted.
"""

import pathlib
import sys

import numpy as np

import tensorprog_mf as tp
from tensorprog_mf.engine.flow import FlowIntegrator

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "recipes"))
from mlp import PROBLEM, TRAINING, network  # noqa: E402

TIME = TRAINING.steps * TRAINING.learning_rate
SETTINGS = dict(width=256, n_replicates=1, samples=0, threads=1)


def flow(tolerance: float) -> tuple[np.ndarray, int]:
    """Outputs at five times, and the number of forward and backward passes."""
    counted, travel = [], FlowIntegrator.travel

    def count(self, *arguments):
        result = travel(self, *arguments)
        counted.append(self.evaluations)
        return result

    FlowIntegrator.travel = count
    try:
        training = tp.Training(flow=True, times=np.linspace(0, TIME, 6), tolerance=tolerance)
        return tp.train_finite(network(1.5), PROBLEM, training, **SETTINGS).output.values, counted[-1]
    finally:
        FlowIntegrator.travel = travel


def descent(steps: int) -> np.ndarray:
    """Outputs at the same times by plain descent."""
    record = np.linspace(0, steps, 6).astype(int)
    return tp.train_finite(
        network(1.5), PROBLEM, tp.Training(steps, TIME / steps), record=record, **SETTINGS
    ).output.values


def main() -> None:
    """Measure and print; descent of equal error is extrapolated, its error being proportional to the step."""
    best, _ = flow(1e-9)
    scale = np.abs(best).max()
    print("method           passes  error")
    for steps in (100, 200, 400, 800):
        error = np.abs(descent(steps) - best).max() / scale
        print(f"descent          {steps:6d}  {error:.1e}")
    for tolerance in (1e-3, 1e-4, 1e-5, 1e-6):
        outputs, passes = flow(tolerance)
        own = np.abs(outputs - best).max() / scale
        equal = steps * error / own
        print(
            f"flow, tol {tolerance:.0e}  {passes:6d}  {own:.1e}   descent would take {equal:9.0f},"
            f" {equal / passes:.0f} times as many"
        )


if __name__ == "__main__":
    main()

"""Linear flows at depth 2, 3 and 4 against their own tolerance of 1e-10, to time 64."""

import time

import numpy as np
import pytest

import tensorprog_mf as tp

pytestmark = pytest.mark.verification
NAMES = (
    "output",
    "feature_kernel",
    "gradient_kernel",
    "tangent_kernel",
    "feature_kernel_two_time",
    "gradient_kernel_two_time",
)


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize("richness", [0.1, 1.2, 3.0])
def test_errors_stay_below_the_tolerance(problem, depth, richness):
    best = None
    for tolerance in (1e-10, 1e-9, 1e-7, 1e-5, 1e-3):
        training, start = tp.Training(flow=True, times=[0.3, 1, 4, 16, 64], tolerance=tolerance), time.time()
        ds = tp.solve_linear(tp.MLP(depth, "linear", richness), problem, training, two_time=True)
        best = ds if best is None else best
        errors = [
            float(np.abs(ds[name] - best[name]).max() / (1 + np.abs(best[name]).max())) for name in NAMES
        ]
        print(
            f"depth {depth} richness {richness} tolerance {tolerance:.0e}: error {max(errors):.1e},"
            f" {time.time() - start:.1f} s"
        )
        assert ds.attrs["status"] == "completed" and max(errors) < tolerance

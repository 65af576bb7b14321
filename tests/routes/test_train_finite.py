import numpy as np

import tensorprog_mf as tp


def test_dense_networks_come_near_the_limit(problem):
    """Width 512, 16 networks: outputs within 5 standard errors (false alarm 1e-3 at 15 degrees of freedom, 50
    entries) and O(1/width)."""
    setting = tp.MLP(2, "tanh"), problem, tp.Training(10, 0.4)
    limit = tp.sample(*setting, n_samples=4096, n_replicates=4, samples=0)
    real = tp.train_finite(*setting, width=512, n_replicates=16, samples=0)
    error = np.hypot(real.output_stderr, limit.output_stderr)
    assert (np.abs(real.output - limit.output) <= 5 * error + 2 / 512).all()
    assert real.attrs["route"] == "train_finite" and "draw_slot" not in real


def test_parts_that_cannot_be_told_apart_are_nan(problem):
    setting = tp.MLP(3), problem, tp.Training(2, 0.4)
    dense = tp.train_finite(*setting, width=32, n_replicates=1)
    assert dense.sizes["sample"] == 32  # no more sites than there are
    for part in ("gaussian", "response", "learned"):
        known = np.isfinite(dense[f"preactivation_{part}_part"]).all(("time", "example", "sample"))
        assert known.values.tolist() == [True, False, False]
        known = np.isfinite(dense[f"backward_field_{part}_part"]).all(("time", "example", "sample"))
        assert known.values.tolist() == [False, False, True]
    revealed = tp.train_finite(*setting, width=32, n_replicates=1, matrix="conditioned")
    assert revealed.attrs["status"] == "completed" and np.isfinite(revealed.preactivation_response_part).all()

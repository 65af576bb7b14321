"""Errors against sites, with and without heavy tails: `largest_share` tells which fall."""

import warnings

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.routes.sampling.trust import HEAVY
from tests.helpers.figures import figure
from tests.helpers.untrusted import CUBIC, S, modular_addition

pytestmark = pytest.mark.verification
SITES = (1024, 4096, 16384)
CASES = {
    "mod 5, quadratic, cross-entropy": (
        tp.MLP(1, "quadratic"),
        modular_addition(),
        tp.Training(60, 0.2),
        True,
    ),
    "mod 5, quadratic, cross-entropy, half the rate": (
        tp.MLP(1, "quadratic"),
        modular_addition(),
        tp.Training(60, 0.1),
        True,
    ),
    "third Hermite polynomial": (tp.MLP(1, CUBIC, richness=0.3), S, tp.Training(50, 0.1), True),
    "cube, less rich": (
        tp.MLP(1, (lambda h: h**3, lambda h: 3 * h**2), richness=0.3),
        S,
        tp.Training(50, 0.05),
        False,
    ),
    "relu, rich": (tp.MLP(1, "relu", richness=3.0), S, tp.Training(10, 0.3), False),
    "tanh": (tp.MLP(1), S, tp.Training(10, 0.5), False),
}


def test_shares_tell_whose_errors_fall():
    """Between 1024 and 16384 sites the errors of light tails fall by 2.5 or more, sqrt(16) = 4 with
    pseudo-random draws.

    Standard errors of 8 replicates are known to a quarter, a factor of 1.4 either way in their ratio; 2.5 to
    4 leaves that. In heavy tails the feature kernel's largest 1 % hold more than the threshold at every
    number of sites, and more with more.
    """
    rows = {}
    for name, (network, problem, training, heavy) in CASES.items():
        errors, shares = [], []
        for n in SITES:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", tp.HeavyTailWarning)
                ds = tp.sample(
                    network,
                    problem,
                    training,
                    n_samples=n,
                    n_replicates=8,
                    samples=0,
                    progress=False,
                    draws="pseudo-random",
                    record=tp.Record(steps=[0, training.steps], kernel_examples=[]),
                )
            errors.append(
                float(np.sqrt((ds.output_stderr[-1] ** 2).mean()))
                if ds.attrs["status"] == "completed"
                else np.nan
            )
            shares.append(float(ds.largest_share[-1].max()))
        rows[name] = errors, shares
        assert (min(shares) >= HEAVY) == heavy == (max(shares) >= HEAVY), (name, shares)
        if not heavy:
            assert errors[0] / errors[-1] > 2.5, (name, errors)
    worst = rows["mod 5, quadratic, cross-entropy"]
    assert worst[0][-1] > 0.5 * worst[0][0] and worst[1][-1] > 1.4 * worst[1][0]
    with figure("heavy_tails") as axis:
        for name, (errors, shares) in rows.items():
            style = "o-" if CASES[name][-1] else "s--"
            axis.loglog(SITES, errors, style, label=f"{name}: {shares[0]:.2f} to {shares[-1]:.2f}")
        axis.set(
            xlabel="sites",
            ylabel="standard error of outputs",
            title="Share of the largest 1 % of sites",
            ylim=(1e-7, 1),
        )
        axis.legend(fontsize="x-small", loc="lower left")

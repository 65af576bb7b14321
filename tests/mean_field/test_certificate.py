"""Certificates: bounds that enclose the best law, verdicts on runs that arrive and that do not."""

import math

import numpy as np
import pytest
import scipy.optimize

import tensorprog_mf as tp
from tensorprog_mf.ground.errors import InputError, UnsupportedError
from tests.reference.distributional import CASES, setup

mf = tp.mean_field
UNIT, DATA = (
    mf.Neuron("tanh", output_weight=False),
    mf.FiniteData([-1.0, 0.5, 2.0], [-0.3, 0.3, 0.4], [0.2, 0.5, 0.3]),
)


@pytest.fixture(scope="module")
def run():
    return mf.distributional_dynamics(
        UNIT, DATA, {"w": tp.Gaussian(0.5, 1)}, [0, 200.0], 0.1, 128, 1, weight_decay=0.01
    )


def judged(name, box, index=-1, times=(0, 1), n_samples=40):
    unit, data, initial, _ = setup(CASES[name])
    ds = mf.distributional_dynamics(
        unit, data, initial, list(times), 0.02, n_samples, draws="quadrature", bins=0
    )
    return mf.certificate(ds, unit, data, box, time=index)


def test_bad_start_is_stuck_and_certified():
    found = judged("S1_fail_even_stuck", {"r": (0, 6)}, times=(0, 10))
    assert found.attrs["verdict"] == "not reached"
    assert found.dead_fraction == 1 and found.gradient_norm.max() < 1e-6 and found.gap > 3.6
    assert (
        found.objective == pytest.approx(7.25 / 2) and found.best_objective < 0.01
    )  # on the same data the other start gets there


def test_good_start_comes_near():
    found = judged("S1_fail_even_escapes", {"r": (0, 6)}, times=(0, 3), n_samples=200)
    assert found.dead_fraction == 0 and found.gap < 0.02 and found.objective >= found.best_objective


def test_bounds_enclose_the_best_law(run):
    """Upper and lower bound against non-negative least squares on the same probes: a row that adds weights
    up, decay as a linear cost."""
    found = mf.certificate(run, UNIT, DATA, {"w": (-4, 4)}, nodes=61)
    w = found.probe_value[:, 0].values
    values, cost = np.tanh(w[:, None] * DATA.inputs[:, 0]), 0.005 * w**2
    best = scipy.optimize.minimize(
        lambda c: (
            ((c @ values - DATA.targets) ** 2) @ DATA.weights / 2 + c @ cost,
            values @ (DATA.weights * (c @ values - DATA.targets)) + cost,
        ),
        np.full(61, 1 / 61),
        jac=True,
        bounds=[(0, 1)] * 61,
        constraints={"type": "eq", "fun": lambda c: c.sum() - 1, "jac": lambda c: np.ones(61)},
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 500},
    )
    scale = 0.01 * DATA.weights @ DATA.targets**2 / 2
    assert float(found.best_objective) == pytest.approx(best.fun, abs=scale / 10)
    assert float(found.lower_bound) <= best.fun + 1e-9 <= float(found.best_objective) + 2e-9
    assert float(found.best_objective - found.lower_bound) < scale / 10
    assert float(found.best_weight.sum()) == pytest.approx(1, abs=1e-9) and found.best_weight.min() >= 0


def test_verdicts_and_flatness(run):
    late, early = (mf.certificate(run, UNIT, DATA, {"w": (-4, 4)}, time=index) for index in (1, 0))
    assert (late.attrs["verdict"], early.attrs["verdict"]) == ("reached", "not reached")
    # Where there is mass the potential is least, and flat.
    assert (
        late.support_potential.max() - late.potential.min()
        < 0.01
        < early.support_potential.max() - early.potential.min()
    )
    assert late.gradient_norm.max() < 0.1 * early.gradient_norm.max()
    assert late.objective == pytest.approx(float(run.free_energy[1])) and late.gap < early.gap


def test_what_it_is_for(run, tmp_path):
    tp.save(mf.certificate(run, UNIT, DATA, {"w": (-4, 4)}), tmp_path / "a.nc")
    assert tp.load(tmp_path / "a.nc").attrs["verdict"] == "reached"


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(time=5), "time=5"),
        (dict(tolerance=0), "tolerance=0"),
        (dict(flat=-1), "flat=-1"),
        (dict(intervals={"r": (0, 1)}), "for w0"),
        (dict(nodes=1), "nodes=1"),
        (dict(ds=3), "must be a result"),
        (dict(data=mf.FiniteData([1.0], [1.0])), "other data"),
    ],
)
def test_refuses(run, options, message):
    with pytest.raises(InputError, match=message):
        mf.certificate(**(dict(ds=run, unit=UNIT, data=DATA, intervals={"w": (-4, 4)}) | options))


def test_what_has_another_yardstick():
    hot = mf.distributional_dynamics(UNIT, DATA, {"w": tp.Gaussian()}, [0.1], n_samples=64, temperature=0.1)
    with pytest.raises(UnsupportedError, match="boltzmann"):
        mf.certificate(hot, UNIT, DATA, {"w": (-4, 4)})
    unit = mf.Neuron("tanh", trained="w")
    spread = mf.distributional_dynamics(unit, DATA, {"a": tp.Gaussian(), "w": 1.0}, [0.1], n_samples=64)
    with pytest.raises(UnsupportedError, match="differ between sites"):
        mf.certificate(spread, unit, DATA, {"w": (-4, 4)}, {"a": 1.0})
    assert math.isfinite(spread.risk[0])

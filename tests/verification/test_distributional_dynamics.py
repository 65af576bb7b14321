"""Distributional dynamics at all times of the independent tables; noise over long times; real networks with
one example per step."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tests.helpers.figures import figure
from tests.reference.distributional import CASES, agrees, excesses, rows, setup

pytestmark = pytest.mark.verification
mf = tp.mean_field


def largest_so_far(table):
    """Errors of a table never shrinking with time: they come from one refinement each, and one of them is too
    small by chance.

    `S1_finite_set_erf`, f at t = 5: 7e-5 there, 2e-4 before and 2e-3 after; 56, 80 and 112 nodes per
    parameter here are 2.2e-4, 1.3e-4 and 1.4e-4 away from it.
    """
    worst, found = {}, []
    for row in table:
        worst |= {key: max(value, worst.get(key, 0.0)) for key, value in row.items() if key.startswith("err")}
        found.append(row | worst)
    return found


@pytest.mark.parametrize(
    "name, options",
    [
        ("S1_iso_d40", dict(n_samples=2000, dt=0.02)),
        ("S1_iso_d40_schedule", dict(n_samples=2000, dt=0.02)),
        ("S1_fail_even_stuck", dict(n_samples=100, dt=0.05)),
        ("S1_fail_even_escapes", dict(n_samples=2400, dt=0.0025)),
        ("S1_iso_dinf", dict(n_samples=400, dt=0.005)),
        ("S1_aniso_relu", dict(n_samples=60, dt=0.005)),
        ("S1_finite_set_tanh_uniform", dict(n_samples=32, dt=0.05)),
        ("S1_finite_set_erf", dict(n_samples=80, dt=0.1)),
        ("S1_noise_free_1d", dict(n_samples=16000, dt=0.02, draws="midpoint")),
    ],
)
def test_flow_agrees_at_all_times(name, options):
    unit, data, initial, more = setup(CASES[name])
    table = rows(CASES[name])
    more.pop("temperature", None)
    ds = mf.distributional_dynamics(
        unit, data, initial, [row["t"] for row in table], bins=0, **({"draws": "quadrature"} | more | options)
    )
    found = agrees(ds, largest_so_far(table) if name == "S1_finite_set_erf" else table)
    print(name, f"largest deviation / tabulated error: {max(found.values()):.2g}")
    assert np.diff(ds.free_energy).max() < 1e-12


@pytest.mark.parametrize(
    "name, options",
    [
        ("S1_iso_dinf", dict(n_samples=400)),
        ("S1_aniso_relu", dict(n_samples=60)),
        ("S1_finite_set_tanh_uniform", dict(n_samples=32)),
        ("S1_finite_set_erf", dict(n_samples=80)),
        ("S1_noise_free_1d", dict(n_samples=16000, draws="midpoint")),
    ],
)
def test_steps_agree_at_all_times(name, options):
    unit, data, initial, more = setup(CASES[name])
    table = rows(CASES[name], "gd_step")
    more |= {"method": "euler", "dt": CASES[name]["gd_step"]["eps"], "draws": "quadrature", "bins": 0}
    more.pop("temperature", None)
    ds = mf.distributional_dynamics(unit, data, initial, [row["t"] for row in table], **(more | options))
    found = agrees(ds, largest_so_far(table) if name == "S1_finite_set_erf" else table, floor=1e-10)
    print(name, f"largest deviation / tabulated error: {max(found.values()):.2g}")


def test_noisy_sites_over_long_times():
    """Every time and quantity within 5 standard errors, the tabulated error, and the bias of dt = 0.01.

    At t = 0.25, where it is largest, outputs are off by 0.0136 and 0.0061 with dt = 0.125 and 0.0625: 1e-3 at
    0.01.
    """
    case = CASES["S1_langevin_1d"]
    unit, data, initial, more = setup(case)
    ds = mf.distributional_dynamics(
        unit, data, initial, [row["t"] for row in case["table"]], 0.01, 4096, 24, bins=0, **more
    )
    # 7 times, 8 quantities, 23 degrees of freedom: false alarm below 3e-3; the seed is fixed. The estimator
    # of entropy has a bias of its own.
    found = excesses(ds, case["table"], own=1e-3)
    entropy = {key: value for key, value in found.items() if key[1] == "ent"}
    assert max(value for key, value in found.items() if key[1] != "ent") < 1, found
    assert (
        np.abs(ds.entropy - [row["ent"] for row in case["table"]]) < 5 * ds.entropy_stderr + 3e-3
    ).all(), entropy
    energy, error = ds.free_energy.values, ds.free_energy_stderr.values
    assert (np.diff(energy) < 5 * np.hypot(error[1:], error[:-1])).all()


def test_one_pass_descent_of_real_networks():
    """Excess of the risk at N = 800: tabulated runs have 0.0047 to 0.0052 at times 0.5 to 2, about 4 / N,
    known to 0.5 / N; here 2.9 to 3.4."""
    unit, data, initial, _ = setup(CASES["S1_iso_d40"])
    times = [0, 0.1, 0.5, 1.0, 2.0]
    limit = mf.distributional_dynamics(unit, data, initial, times, 0.02, 400, draws="quadrature", bins=0)
    law, found = {"w": tp.Gaussian(0, 0.8 / 40**0.5)}, {}
    for width, step in ((200, 1e-5), (800, 1e-5)):
        ds = found[width] = mf.train_particles(
            unit, data, law, times, width, step, 6, limit=limit, test_examples=40000
        )
        print(
            width,
            "excess times width:",
            (width * ds.risk_excess.values).round(2),
            (width * ds.risk_excess_stderr.values).round(2),
        )
        # Norms in the mean over 6 networks: spread of the law over the square root of their neurons, 5 sigma,
        # and the excess of step d.
        spread = np.sqrt(limit.parameter_square - limit.parameter_mean**2)
        assert (
            np.abs(ds.parameter_mean - limit.parameter_mean)
            < 5 * spread / np.sqrt(6 * width) + 0.002 * 800 / width
        ).all()
    runs = CASES["S1_iso_d40"]["finite_N_check"]["runs"]
    theirs = np.array([[row[1] for row in runs[f"N800_eps1e-05_seed{seed}"][2:5]] for seed in range(3)])
    mine, error = (found[800][name][2:].values for name in ("risk_excess", "risk_excess_stderr"))
    # Their risks have errors of 1e-3 each from test inputs, ours from 6 networks: 5 of both together, 3
    # times, false alarm below 1e-3.
    assert (
        np.abs(mine - (theirs.mean(axis=0) - limit.risk[2:].values)) < 5 * np.hypot(error, 1e-3 / np.sqrt(3))
    ).all()
    assert (mine > 0).all() and (800 * mine < 8).all()
    ratio = found[200].risk_excess[2:].mean() / found[800].risk_excess[2:].mean()
    assert 2 < ratio < 8  # 4 but for corrections of order 1 / N
    with figure("distributional_dynamics_excess") as axis:
        for width, ds in found.items():
            axis.errorbar(
                times,
                width * ds.risk_excess,
                2 * width * ds.risk_excess_stderr,
                marker="o",
                label=f"N = {width}",
            )
        axis.set(xlabel="time", ylabel="N (risk - limit)", ylim=(0, 9))
        axis.legend()


def test_one_pass_descent_in_many_dimensions():
    """Anisotropic Gaussians, d = 320: the tabulated risks of random starts are .9282 and .8264 at times 1 and
    2, .002 and .004 above the limit."""
    unit, data, initial, _ = setup(CASES["S1_aniso_relu"])
    times = [0, 0.5, 1.0, 2.0]
    limit = mf.distributional_dynamics(unit, data, initial, times, 0.01, 60, draws="quadrature", bins=0)
    laws = {"a": tp.Uniform(-0.5, 1.5), "b": 0.5, "w": tp.Gaussian(0, 0.8 / 320**0.5)}
    ds = mf.train_particles(
        unit,
        mf.AnisotropicGaussians(0.5, 0.25, 320),
        laws,
        times,
        800,
        2e-5,
        4,
        limit=limit,
        test_examples=20000,
    )
    print("excess", ds.risk_excess.values.round(4), ds.risk_excess_stderr.values.round(4))
    # The limit leaves out the variance of f within a class and the noise of steps, 4 step d of the square of
    # r2: some per cent.
    assert (np.abs(ds.risk_excess[1:]) < 5 * ds.risk_excess_stderr[1:] + 0.012).all()
    far = np.abs(ds.parameter_square / limit.parameter_square - 1)
    assert (far < 5 * ds.parameter_square_stderr / limit.parameter_square + 0.05).all()


def test_networks_on_the_finite_set():
    """Tabulated root mean squares of f_N - f over networks of 100 and 400 neurons, gradient descent with eps
    = 0.05."""
    case = CASES["S1_finite_set_tanh_uniform"]
    unit, data, initial, _ = setup(case)
    table = rows(case, "gd_step", 2.0)
    for width in (100, 400):
        ds = mf.distributional_dynamics(
            unit,
            data,
            initial,
            [row["t"] for row in table],
            0.05,
            width,
            64,
            draws="pseudo-random",
            method="euler",
            bins=0,
            samples=0,
        )
        far = 8 * ds.output_stderr.values  # times the root of 64 networks: the standard deviation
        theirs = np.array(case["finite_N_check"][str(width)]["rms_f_err"][: len(table)])
        # Root mean squares over 6 entries that go together, 64 networks here and some tens there: within 40
        # %, some 4 sigma.
        np.testing.assert_allclose(np.sqrt((far**2).mean(axis=1)), theirs, rtol=0.4)

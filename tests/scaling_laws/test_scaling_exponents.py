"""Exponents of scaling laws: those of the reference over the same windows, beside the predicted ones."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tests.helpers.scaling_cases import REFERENCE, sl

LAWS = REFERENCE["exponents"]
CLOSE = 5e-3  # 0.5 %
# Windows that reproduce the fits of the reference, which gives only their names; times, widths, budgets.
LATE, WIDE, EXAMPLES, MIXED, BUDGETS, LAST_BUDGETS, RICH_BUDGETS = (
    (1e3, 1e5),
    (3e4, 3e5),
    (1e4, 1e5),
    (56.0, 2.4e4),
    (1e5, 1e7),
    (1e7, 1e8),
    (1e5, 1e6),
)
MIXED_WIDTH, ONLINE = (
    30_000,
    (0.5, 8),
)  # width of the mixed slopes; learning rate and batch of the online ones


def law_of(case, modes=1e12):
    return sl.PowerLaw(a=case["a"], b=case["b"], modes=modes if case["a"] < 3 else 1e9, bin_ratio=1.05)


def inside(window, count=11):
    return np.geomspace(*window, count)


def late(law, resource):
    """(N or P, test loss, bias) at late times."""
    counts = np.unique(inside(WIDE if resource == "width" else EXAMPLES).astype(int))
    found = [sl.limits(sl.Model(law, **{resource: int(n)})) for n in counts]
    return counts, [float(ds.late_test_loss) for ds in found], [float(ds.late_bias_loss) for ds in found]


def flow_loss(law, times, width=None, richness=0.0):
    model = sl.Model(law, width, richness=richness)
    return (
        sl.solve_reduced(model, sl.Flow(times)) if richness else sl.solve_stationary(model, sl.Flow(times))
    ).test_loss.values


@pytest.mark.parametrize("case", LAWS["A"], ids=lambda case: f"a={case['a']}, b={case['b']}")
def test_time_width_and_examples(case):
    law, times = law_of(case), inside(LATE)
    (widths, by_width, bias), (counts, by_examples, _) = late(law, "width"), late(law, "examples")
    tail = (
        slice(None) if case["a"] < 3 else slice(0, 6)
    )  # the bias of steep spectra is a power law to 1e5 of 1e9 modes
    few = np.unique(inside((1e4, 1e5)).astype(int)) if case["a"] > 3 else widths
    if case["a"] > 3:
        found = [sl.limits(sl.Model(law, int(n))) for n in few]
        widths, by_width, bias = (
            few,
            [float(ds.late_test_loss) for ds in found],
            [float(ds.late_bias_loss) for ds in found],
        )
        tail = slice(None)
    curves = {
        "time": (times, flow_loss(law, times)),
        "width": (widths, by_width),
        "examples": (counts, by_examples),
        "bias_width": (widths[tail], bias[tail]),
    }
    ds = sl.fit_exponents(curves, law)
    for name, fitted, predicted in (
        ("time", "t_fit", "t_pred"),
        ("width", "N_fit", "N_pred"),
        ("examples", "P_fit", "P_pred"),
        ("bias_width", "bias_N_fit", "bias_pred"),
    ):
        one = ds.sel(resource=name)
        assert abs(float(one.exponent) / case[fitted] - 1) < CLOSE, (name, float(one.exponent))
        assert abs(float(one.predicted_exponent) / case[predicted] - 1) < 1e-12
    assert (np.abs(ds.exponent / ds.predicted_exponent - 1) < 0.01).all() and (
        ds.exponent_stderr < 0.02
    ).all()


@pytest.mark.parametrize("case", LAWS["A"], ids=lambda case: f"a={case['a']}, b={case['b']}")
def test_correction_of_finite_width(case):
    law, times, widths = law_of(case), inside(MIXED, 22), inside((1e3, 1e6), 7).astype(int)
    over_width = [float(flow_loss(law, [10.0], int(n))[0] - flow_loss(law, [10.0])[0]) for n in widths]
    assert abs(sl.fit_exponent(widths, over_width).exponent / case["dL_N_exponent_at_t10"] - 1) < CLOSE
    mixed = sl.fit_exponent(times, flow_loss(law, times, MIXED_WIDTH) - flow_loss(law, times))
    assert abs(mixed.exponent / case["mixed_t_slope"] - 1) < CLOSE, mixed
    assert abs(sl.predicted_exponents(law)["width_correction"] / case["mixed_pred"] - 1) < 1e-12


@pytest.mark.parametrize("case", LAWS["A_sgd_noise"], ids=lambda case: f"beta={case['beta']}")
def test_online(case):
    law, (rate, batch) = sl.PowerLaw(alpha=case["alpha"], beta=case["beta"], modes=1e7, bin_ratio=1.1), ONLINE
    around = np.array([0.8, 0.9, 1.0, 1.1, 1.2])
    steps = np.concatenate([1e3 * around, 1e4 * around]).round().astype(int)
    loss = sl.solve_reduced(
        sl.Model(law), sl.Descent(int(steps[-1]), rate, batch_size=batch), steps
    ).test_loss.values
    for name, part in (("slope_t1e3", slice(0, 5)), ("slope_t1e4", slice(5, 10))):
        assert abs(sl.fit_exponent(steps[part], loss[part]).exponent / case[name] - 1) < CLOSE
    noiseless = flow_loss(law, rate * steps)
    assert abs(sl.fit_exponent(steps[5:], noiseless[5:]).exponent / case["noiseless"] - 1) < CLOSE
    assert abs(sl.predicted_exponents(law)["online_time"] / case["pred"] - 1) < 1e-12


@pytest.mark.parametrize("case", LAWS["B_time"], ids=lambda case: f"beta={case['beta']}")
def test_time_with_features_learned(case):
    law = sl.PowerLaw(alpha=case["alpha"], beta=case["beta"], modes=1e15, bin_ratio=1.05)
    around = 10.0 ** np.linspace(-0.15, 0.15, 5)
    times = np.concatenate([t * around for t in (1e3, 1e5, 1e7)])
    for richness in (0.0, 0.1, 1.0):
        loss = flow_loss(law, times, richness=richness)
        for i, name in enumerate(("1e+03", "1e+05", "1e+07")):
            part = slice(5 * i, 5 * i + 5)
            assert (
                abs(
                    sl.fit_exponent(times[part], loss[part]).exponent / case[f"slope_gamma{richness}_t{name}"]
                    - 1
                )
                < CLOSE
            ), (richness, name)
    assert abs(sl.predicted_exponents(law)["time"] / case["pred_lazy"] - 1) < 1e-12
    assert abs(sl.predicted_exponents(law, 1.0)["time"] / case["pred_rich"] - 1) < 1e-12


def optimum(law, window, richness=0.0, most=3e4, count=36):
    budgets, widths = inside(window, 9), np.unique(np.geomspace(8, most, count).astype(int))
    ds = sl.compute_optimal(sl.Model(law, richness=richness), budgets, widths, n_times=3)
    curves = {
        "compute": (budgets, ds.optimal_test_loss),
        "optimal_width": (budgets, ds.optimal_width),
        "optimal_time": (budgets, ds.optimal_time),
    }
    return sl.fit_exponents(curves, law, richness)


@pytest.mark.parametrize(
    "case", [*LAWS["A"][:2], *LAWS["A_compute_easy"]], ids=lambda case: f"a={case['a']}, b={case['b']}"
)
def test_compute(case):
    easy = case["a"] > 3
    ds = optimum(
        sl.PowerLaw(a=case["a"], b=case["b"], modes=1e9, bin_ratio=1.08),
        LAST_BUDGETS if easy else BUDGETS,
        most=2e5 if easy else 3e4,
    )
    compute, n_opt = ds.exponent.values[:2]
    assert (
        abs(compute / case["C_fit_last" if easy else "C_fit"] - 1) < CLOSE
        and abs(n_opt / case["N_fit_last" if easy else "Nopt_fit"] - 1) < CLOSE
    ), ds.exponent.values
    assert (
        abs(ds.predicted_exponent[0] / case["C_pred"] - 1) < 1e-12
        and abs(ds.predicted_exponent[1] / case["N_pred" if easy else "Nopt_pred"] - 1) < 1e-12
    )
    np.testing.assert_allclose(ds.exponent[1] + ds.exponent[2], 1, atol=1e-9)


@pytest.mark.parametrize("richness", [0.0, 1.0])
def test_compute_with_features_learned(richness):
    (case,) = LAWS["B_compute"]
    ds = optimum(
        sl.PowerLaw(alpha=case["alpha"], beta=case["beta"], modes=1e7, bin_ratio=1.08),
        RICH_BUDGETS,
        richness,
        most=4e3,
        count=24,
    )
    assert (
        abs(ds.exponent[0] / case[f"C_fit_gamma{richness}"] - 1) < CLOSE
        and abs(ds.exponent[1] / case[f"Nopt_fit_gamma{richness}"] - 1) < CLOSE
    ), ds.exponent.values
    assert (
        abs(ds.predicted_exponent[0] / case[f"C_pred_gamma{richness}"] - 1) < 1e-12
        and abs(ds.predicted_exponent[1] / case[f"Nopt_pred_gamma{richness}"] - 1) < 1e-12
    )


@pytest.mark.parametrize("case", LAWS["B_sim_slopes"], ids=lambda case: f"gamma={case['gamma']}")
def test_slopes_of_simulations(case):
    """Theory over 400 steps at the six times of the reference, whose spectral measure is known to 1e-3, and
    its slope from step 43 on."""
    model = sl.Model(
        sl.PowerLaw(alpha=case["alpha"], beta=case["beta"], modes=case["M"]),
        case["N"],
        richness=case["gamma"],
    )
    steps, expected = np.array(case["test_theory_t"]).T
    ds = sl.solve_reduced(model, sl.Descent(400, case["eta"]), steps.astype(int))
    np.testing.assert_allclose(ds.test_loss, expected, rtol=1e-3)
    students = sl.fit_exponent(steps[2:], np.array(case["test_sim"])[2:])
    assert abs(students.exponent / case["slope_sim"] - 1) < 0.01
    assert abs(sl.fit_exponent(steps[2:], ds.test_loss[2:]).exponent / case["slope_theory"] - 1) < CLOSE


def test_fits_say_how_good_they_are():
    rng, x = np.random.default_rng(0), np.geomspace(1, 100, 40)
    fits = [sl.fit_exponent(x, x**-0.7 * np.exp(0.05 * rng.standard_normal(40))) for _ in range(200)]
    scaled = [(fit.exponent - 0.7) / fit.stderr for fit in fits]
    # Student's t with 38 degrees: a spread of 1.03, known to 5 %.
    assert 0.8 < np.std(scaled) < 1.25 and abs(np.mean(scaled)) < 0.4
    bent = sl.fit_exponent(x, 1 / (x + 0.1 * x**2))
    assert bent.points == 40 and 0.7 < bent.drift < 1
    np.testing.assert_allclose(sl.local_exponent(x, 3 * x**-0.7), 0.7, rtol=1e-10)
    grows = sl.fit_exponents({"optimal_width": (x, x**0.4), "other": (x, x**-2)})
    np.testing.assert_allclose(grows.exponent, [0.4, 2.0])
    assert np.isnan(grows.predicted_exponent).all() and grows.resource.values.tolist() == [
        "optimal_width",
        "other",
    ]


@pytest.mark.parametrize(
    "curve, window, message",
    [
        (([1, 2], [1, 1]), None, "2 points lie in the window"),
        (([1, 2, 3], [1, 1, 0]), None, "must be positive"),
        (([1, 3, 2], [1, 1, 1]), None, "must increase"),
        (([1, 2, 3, 4], [1, 1, 1, 1]), (2.5, 9), "2 points lie in the window"),
    ],
)
def test_what_cannot_be_fitted(curve, window, message):
    with pytest.raises(tp.InputError, match=message):
        sl.fit_exponent(*curve, window)


def test_shapes_that_differ():
    with pytest.raises(tp.InputError, match="give two lists of the same length"):
        sl.local_exponent([1, 2, 3], [1, 2])


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: sl.fit_exponent([1, 2, 3], [1, 2]), "give two lists of the same length"),
        (lambda: sl.fit_exponent([1, 2, 3], [1, 2], (1, 3)), "give two lists of the same length"),
        (lambda: sl.fit_exponent([[1, 2, 3]], [[1, 2, 3]]), "give two lists of the same length"),
        (lambda: sl.fit_exponent([1, 2, 3], [1, np.inf, 2]), "must be positive and finite"),
        (lambda: sl.fit_exponent([1, 2, np.inf], [1, 3, 2]), "must be positive and finite"),
        (lambda: sl.fit_exponent([1, 2, 3], ["a", "b", "c"]), "loss=.* must be real numbers"),
        (lambda: sl.fit_exponent([1, 2, 3], [1, 2, 3], 3), "window=3 must be two numbers that increase"),
        (lambda: sl.fit_exponent([1, 2, 3], [1, 2, 3], (3, 1)), "must be two numbers that increase"),
        (lambda: sl.fit_exponent([1, 2, 3], [1, 2, 3], (1, np.nan)), "must be two numbers that increase"),
        (lambda: sl.fit_exponent([1, 2, 3], [1, 2, 3], ("a", "b")), "window=.* must be real numbers"),
        (lambda: sl.local_exponent([1, 2], [1, np.inf]), "must be positive and finite"),
        (lambda: sl.local_exponent([1], [1]), "give two points or more"),
        (lambda: sl.predicted_exponents("x"), "law='x' must be a PowerLaw"),
        (lambda: sl.predicted_exponents(sl.PowerLaw(a=2, b=2), np.nan), "richness=nan must be 0 or more"),
        (lambda: sl.predicted_exponents(sl.PowerLaw(a=2, b=2), -1), "richness=-1 must be 0 or more"),
        (lambda: sl.fit_exponents({}), "curves must map names"),
        (lambda: sl.fit_exponents([1, 2]), "curves must map names"),
        (lambda: sl.fit_exponents({"time": [1, 2, 3]}), r"curves\['time'\] must be a pair"),
        (
            lambda: sl.fit_exponents({"time": ([1, 2, 3], [3, 2, 1])}, windows=[1]),
            "windows=.* must map names",
        ),
        (
            lambda: sl.fit_exponents({"time": ([1, 2, 3], [3, 2, 1])}, windows={"tim": (1, 3)}),
            "windows has tim, for which there is no curve",
        ),
        (
            lambda: sl.fit_exponents({"N_opt": ([1, 2, 3], [3, 2, 1])}),
            "curves has 'N_opt', which is called 'optimal_width' now",
        ),
        (lambda: sl.fit_exponents({"time": ([1, 2, 3], [3, 2, 1])}, "x"), "law='x' must be a PowerLaw"),
    ],
)
def test_what_is_no_curve(make, message):
    with pytest.raises(tp.InputError, match=message):
        make()

"""Solvers of scaling laws: against reference numbers, against each other, and how their errors fall."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.results.schema import RENAMED
from tests.helpers.scaling_cases import CASES, REFERENCE, check, setting, sl

STATIONARY = ["A_momentum", "A_online", "A_gd", "A_sgd", "A_gf"]
CAUSAL = ["B_gd", "B_sgd", "B_sgd_unprojected", "B_full_batch", "A_lr_schedule"]


@pytest.mark.parametrize("name", STATIONARY)
def test_stationary_theory(name):
    model, training, steps = setting(name)
    full = isinstance(training, sl.Descent) and training.batch_size is None
    ds = sl.solve_stationary(
        model, training, steps, ensemble_sizes=[CASES[name]["params"].get("ensemble", 2)], two_time=full
    )
    check(ds, name, ["test_t_inf"])
    if name == "A_gf":
        assert abs(float(sl.limits(model).late_test_loss) / CASES[name]["theory"]["test_t_inf"] - 1) < 1e-10


@pytest.mark.parametrize("name", CAUSAL)
def test_causal_theory(name):
    model, training, steps = setting(name)
    check(sl.solve(model, training, steps), name)


@pytest.mark.parametrize("name", ["B_gf_Ninf", "B_gf_Ninf_lazy"])
def test_flow_of_infinite_width(name):
    model, training, _ = setting(name)
    ds = sl.solve_reduced(model, training)
    check(ds, name)
    # Losses fall by factors of 50 to their last times, and are compared there too.
    np.testing.assert_allclose(ds.test_loss, CASES[name]["theory"]["test"], rtol=1e-6)
    assert ds.attrs["numerical_error"] < 1e-7


@pytest.mark.parametrize("limit", REFERENCE["limits"])
def test_late_times(limit):
    ds = sl.limits(
        sl.Model(
            sl.PowerLaw(a=limit["a"], b=limit["b"], modes=limit["M"]), limit["N"], limit["P"], limit["sigma2"]
        )
    )
    assert (
        abs(float(ds.resolution) / limit["kappa"] - 1) < 1e-10
        and abs(float(ds.late_test_loss) / limit["test_t_inf"] - 1) < 1e-10
    )


@pytest.mark.parametrize(
    "width, examples, batch",
    [(40, 60, None), (40, 60, 7), (None, 60, None), (40, None, None), (40, None, 20), (None, None, 20)],
)
def test_stationary_is_causal(width, examples, batch):
    """Two algorithms that share no formula: a pass through time, and generating functions."""
    model = sl.Model(sl.PowerLaw(a=1.6, b=1.3, modes=50), width, examples, noise=0.1)
    training = sl.Descent(30, 0.2, batch_size=batch, replacement=batch == 7)
    a = sl.solve(model, training, ensemble_sizes=[1, 4])
    b = sl.solve_stationary(model, training, ensemble_sizes=[1, 4], two_time=batch is None)
    for name in set(a) & set(b) - {"data_response", "feature_response"}:
        np.testing.assert_allclose(
            a[name], b[name], atol=1e-8 * max(1.0, float(np.abs(a[name]).max())), err_msg=name
        )
    np.testing.assert_allclose(a.feature_response[:, 0], b.feature_response, atol=1e-9)
    np.testing.assert_allclose(a.data_response[:, 0], b.data_response, atol=1e-9)
    assert {"error_correlation", "feature_gradient_correlation"} <= set(a) and ("loss" in a) == (
        "loss" in b
    ) == (examples is not None)


@pytest.mark.parametrize(
    "batch, online, momentum", [(None, False, 0.0), (10, False, 0.0), (40, True, 0.0), (20, False, 0.9)]
)
def test_many_steps(batch, online, momentum):
    """Beyond 200 steps, or where oscillations are gone, Talbot's contour and interpolated batch noise take
    over; the causal pass knows nothing of it."""
    model = sl.Model(sl.PowerLaw(a=1.5, b=1.25, modes=8), 20, None if online else 30, noise=0.1)
    steps = [100, 190, 380] if momentum else [100, 150, 199, 230]
    training = sl.Descent(steps[-1], 0.3 * (1 - momentum), momentum, batch_size=batch)
    a, b = sl.solve(model, training, steps), sl.solve_stationary(model, training, steps)
    np.testing.assert_allclose(b.test_loss, a.test_loss, rtol=1e-6)
    np.testing.assert_allclose(b.transfer_function, a.transfer_function, atol=1e-8)
    if not online:
        np.testing.assert_allclose(b.loss, a.loss, rtol=1e-6)


def test_flow_is_descent_in_small_steps():
    """Richardson extrapolated descent comes to the flow; its own error is of order eta."""
    model, times = sl.Model(sl.PowerLaw(a=1.5, b=1.25, modes=60), 40, 50, 0.1), [1.0, 4.0]
    flow = sl.solve_stationary(model, sl.Flow(times), two_time=True)
    coarse, fine = (
        sl.solve_stationary(model, sl.Descent(4 * n, 1 / n), [n, 4 * n], two_time=True) for n in (20, 40)
    )
    for name in (
        "test_loss",
        "loss",
        "transfer_function",
        "error_correlation",
        "residual_correlation",
        "mode_gradient_correlation",
        "feature_gradient_correlation",
    ):
        off = [float(np.abs(ds[name].values - flow[name].values).max()) for ds in (coarse, fine)]
        assert 1.7 < off[0] / off[1] < 2.3, name
        np.testing.assert_allclose(
            2 * fine[name].values - coarse[name].values, flow[name].values, atol=0.1 * off[1], err_msg=name
        )


@pytest.mark.parametrize(
    "width, momentum, projected", [(None, 0.0, True), (None, 0.5, False), (40, 0.0, True), (40, 0.6, True)]
)
def test_reduced_is_causal(width, momentum, projected):
    model = sl.Model(
        sl.PowerLaw(alpha=1.5, beta=0.3, modes=100), width, noise=0.05, richness=1.0, projected=projected
    )
    training = sl.Descent(30, 0.1, momentum, "cosine")
    a, b = sl.solve(model, training), sl.solve_reduced(model, training)
    # Infinite width: the same sums; finite width: the spectral measure is known to 1e-8.
    for name in (
        "test_loss",
        "error_correlation",
        "feature_gradient_correlation",
        "weight_propagator",
        "weight_correlation",
    ):
        np.testing.assert_allclose(
            b[name],
            a[name],
            atol=(1e-13 if width is None else 3e-8) * float(np.abs(a[name]).max()),
            err_msg=name,
        )


@pytest.mark.parametrize(
    "width, modes", [(20, 300), (200, 300), (300, 300), (600, 300), (30_000, 10**6), (10**9, 10**6)]
)
def test_spectral_measure(width, modes):
    """Its Laplace transform is the test loss of random features, found in another way."""
    model, times = (
        sl.Model(sl.PowerLaw(a=1.75, b=1.5, modes=modes, bin_ratio=1.05 if modes > 1000 else None), width),
        np.logspace(-1, 4, 11),
    )
    a, b = sl.solve_stationary(model, sl.Flow(times)), sl.solve_reduced(model, sl.Flow(times))
    np.testing.assert_allclose(b.test_loss, a.test_loss, atol=1e-6 if width == modes else 1e-7)
    assert (
        abs(
            float(b.spectral_mass.sum())
            + float(sl.limits(model).late_test_loss)
            - float(a.power @ a.multiplicity)
        )
        < 1e-9
    )


def test_rich_flow_is_descent_in_small_steps():
    """The scalar equation of the flow against steps of weights and projection, finite width."""
    model = sl.Model(sl.PowerLaw(alpha=1.5, beta=0.5, modes=200), 60, richness=1.0)
    flow = sl.solve_reduced(model, sl.Flow([1.0, 4.0])).test_loss.values
    coarse, fine = (
        sl.solve_reduced(model, sl.Descent(4 * n, 1 / n), [n, 4 * n]).test_loss.values for n in (50, 100)
    )
    assert (np.abs(coarse - flow) / np.abs(fine - flow) > 1.8).all()
    np.testing.assert_allclose(2 * fine - coarse, flow, rtol=2e-4)


def test_error_of_the_flow_falls():
    """Third order in the number of steps per decade, before extrapolation."""
    from tensorprog_mf.scaling_laws.reduced import _integrated

    modes, times = sl.PowerLaw(alpha=1.5, beta=0.5, modes=300).spectrum, np.array([1.0, 30.0])
    loss = [_integrated(modes, 1.0, times, refined)[0] ** 2 @ modes.power for refined in (0.125, 0.25, 4.0)]
    assert (np.abs(loss[0] - loss[2]) / np.abs(loss[1] - loss[2]) > 4).all()


def test_error_of_bins_falls():
    """Second order in the width of bins."""
    exact = sl.PowerLaw(a=1.5, b=1.25, modes=20_000)
    loss = {}
    for ratio in (None, 1.2, 1.1, 1.05):
        law = (
            exact
            if ratio is None
            else sl.PowerLaw(a=1.5, b=1.25, modes=20_000, bin_ratio=ratio, exact_modes=40)
        )
        assert (
            abs(law.spectrum.total_power / exact.spectrum.total_power - 1) < 1e-11
            and abs(law.spectrum.modes - 20_000) < 1e-6
        )
        loss[ratio] = sl.solve_stationary(
            sl.Model(law, 300, 500, 0.1), sl.Flow([10.0, 1000.0])
        ).test_loss.values
    off = [np.abs(loss[ratio] / loss[None] - 1).max() for ratio in (1.2, 1.1, 1.05)]
    assert off[2] < 6e-5 and 3 < off[0] / off[1] < 5 and 3 < off[1] / off[2] < 5


def test_copies_of_modes_change_nothing():
    law = sl.PowerLaw(a=1.5, b=1.25, modes=20)
    training = {c: sl.Descent(12, 0.1, 0.3, batch_size=6 * c) for c in (1, 3)}
    one, three = (
        sl.solve(sl.Model(law.spectrum.repeated(c), 20 * c, 30 * c, 0.1, 1.0), training[c]) for c in (1, 3)
    )
    for name in (
        "test_loss",
        "loss",
        "transfer_function",
        "error_correlation",
        "feature_gradient_correlation",
        "data_response",
        "mode_response_to_features",
        "weight_correlation",
    ):
        factor = 3 if name == "mode_response_to_features" else 1
        np.testing.assert_allclose(three[name], factor * one[name], atol=1e-13, err_msg=name)


def test_same_bits_on_any_number_of_threads():
    # Enough for late rows to be shared among threads: modes x steps^2 multiply-adds.
    model, training = (
        sl.Model(sl.PowerLaw(a=1.5, b=1.25, modes=600), 40, 60, 0.1, 1.0),
        sl.Descent(26, 0.1, batch_size=10),
    )
    for run in (
        lambda n: sl.solve(model, training, threads=n, samples=3),
        lambda n: sl.simulate(model, training, 3, threads=n, progress=False),
    ):
        one, two = run(1), run(2)
        assert all(one[name].equals(two[name]) for name in one)


def test_bias_and_variances_add_up():
    model = sl.Model(sl.PowerLaw(a=1.5, b=1.25, modes=60), 30, 50, 0.2, richness=1.0)
    ds = sl.solve(model, sl.Descent(20, 0.1), ensemble_sizes=[1, 2, 10**9])
    parts = ds.bias_loss + ds.variance_data + ds.variance_features + ds.variance_both
    np.testing.assert_allclose(parts + 0.2, ds.test_loss, atol=1e-13)
    np.testing.assert_allclose(ds.ensemble_loss.sel(ensemble_size=1), ds.test_loss, atol=1e-13)
    np.testing.assert_allclose(ds.ensemble_loss[-1], ds.loss_same_data + 0.2, atol=1e-8)
    np.testing.assert_allclose(ds.bagging_loss[-1], ds.loss_same_features + 0.2, atol=1e-8)
    for name in ("variance_data", "variance_features", "variance_both"):
        assert (ds[name][1:] > 0).all(), name


def test_sites_are_draws_of_the_solution():
    """Second moments of 4000 draws, known to 1 / sqrt(2000) each: five of these, over 60 correlated entries,
    fail below 1e-4."""
    model = sl.Model(sl.PowerLaw(a=1.5, b=1.25, modes=5), 8, 12, 0.1, 1.0)
    ds = sl.solve(model, sl.Descent(6, 0.2, batch_size=6), samples=4000)
    assert ds.weight_error.dims == (
        "mode",
        "time",
        "sample",
    ) and ds.example_error.dims == ds.feature_gradient.dims == ("time", "sample")
    five = 5 / np.sqrt(2000)
    np.testing.assert_allclose(
        (ds.feature_gradient**2).mean("sample"), np.diag(ds.feature_gradient_correlation), rtol=five
    )
    np.testing.assert_allclose((ds.example_error**2).mean("sample"), ds.loss, rtol=five)
    np.testing.assert_allclose(
        (ds.readout_weight**2).mean("sample")[1:], np.diag(ds.weight_correlation)[1:], rtol=five
    )
    np.testing.assert_allclose(
        ds.weight_error.var("sample")[:, 1:], ds.weight_error_variance[:, 1:], rtol=five
    )
    weight = np.sqrt(ds.power / ds.eigenvalue)
    total = (ds.eigenvalue * ((weight * ds.transfer_function) ** 2 + ds.weight_error_variance)).sum(
        "mode"
    ) + 0.1
    np.testing.assert_allclose(total, ds.test_loss, rtol=1e-12)


@pytest.mark.parametrize(
    "model, training",
    [
        (dict(width=160, examples=200, noise=0.1), sl.Descent(20, 0.2, 0.5)),
        (dict(width=160, examples=200, noise=0.1), sl.Descent(20, 0.2, batch_size=40)),
        (dict(width=160, examples=200, noise=0.1), sl.Descent(20, 0.2, batch_size=60, replacement=True)),
        (dict(width=160, noise=0.1, richness=1.0), sl.Descent(20, 0.1, 0.4, "cosine", 50)),
        (dict(width=160, examples=200, noise=0.1), sl.Flow([1.0, 10.0, 1e4])),
        (dict(examples=200, noise=0.1), sl.Flow([1.0, 10.0, 1e4])),
    ],
    ids=[
        "momentum",
        "batches",
        "batches with replacement",
        "rich, online, momentum, schedule",
        "flow",
        "flow, infinite width",
    ],
)
def test_students_follow_the_theory(model, training):
    """Within 5 standard errors and 4/N of each loss; about 60 entries, mostly correlated: a false alarm below
    1e-4."""
    model = sl.Model(sl.PowerLaw(a=1.5, b=1.25, modes=300), **model)
    sizes = [2] if model.examples and model.width and isinstance(training, sl.Flow) else []
    real = sl.simulate(model, training, 40, ensemble_sizes=sizes, progress=False)
    theory = (
        sl.solve_stationary(model, training, ensemble_sizes=[2])
        if isinstance(training, sl.Flow)
        else sl.solve(model, training)
    )
    names = [
        name
        for name in real
        if f"{name}_stderr" in real
        and name in theory
        and real[name].dims[-1] == "time"
        and name != "transfer_function"
    ]
    assert {"test_loss"} <= set(names) and (
        not sizes or {"bias_loss", "ensemble_loss", "loss_same_features"} <= set(names)
    )
    for name in (n for n in names if not n.startswith("variance")):
        slack = 5 * real[f"{name}_stderr"] + 4 / (model.width or model.examples) * theory[name] + 1e-8
        assert (np.abs(real[name] - theory[name]) < slack).all(), name


def test_sites_of_a_student():
    """All sites of one student make its averages; 4000 features follow the law of the theory's sites within 5
    / sqrt(2000)."""
    law, training = sl.PowerLaw(a=1.5, b=1.25, modes=50), sl.Descent(5, 0.2)
    ds = sl.simulate(
        sl.Model(law, 4000, None, richness=1.0),
        training,
        1,
        samples=4000,
        keep_replicates=True,
        progress=False,
    )
    np.testing.assert_allclose(
        ds.feature_gradient @ ds.feature_gradient.rename(time="time_prime") / 4000,
        ds.feature_gradient_correlation[0],
        atol=1e-12,
    )
    np.testing.assert_allclose(
        (ds.readout_weight**2).mean("sample"), np.diag(ds.weight_correlation[0]), atol=1e-12
    )
    # Of a Gaussian the fourth moment is 3 squared variances, known from 4000 to 5 sqrt(96 / 4000) of them.
    variance = (ds.feature_gradient**2).mean("sample")
    np.testing.assert_allclose(
        (ds.feature_gradient**4).mean("sample") / variance**2, 3, atol=5 * np.sqrt(96 / 4000)
    )
    both = sl.simulate(
        sl.Model(law, 40, 30, 0.1), training, 2, samples=64, keep_replicates=True, progress=False
    )
    assert both.example_error.shape == both.feature_gradient.shape == (6, 30) and both.sample.size == 30
    np.testing.assert_allclose((both.example_error**2).mean("sample"), both.loss[0], atol=1e-12)


def test_a_result_survives_its_file(tmp_path):
    ds = sl.solve(
        sl.Model(sl.PowerLaw(a=1.5, b=1.25, modes=20), 10, 15),
        sl.Descent(5, 0.1),
        record=[0, 2, 5],
        ensemble_sizes=[3],
        samples=2,
    )
    again = tp.load(tp.save(ds, tmp_path / "a.nc"))
    assert ds.identical(again) and ds.step.values.tolist() == [0, 2, 5] and ds.sizes["time_prime"] == 3
    assert all(
        variable.attrs["long_name"] and "units" in variable.attrs for variable in ds.variables.values()
    )


def test_files_of_the_second_version_have_the_names_of_today(tmp_path):
    """As they were called by their symbols."""
    model = sl.Model(sl.PowerLaw(a=1.5, b=1.25, modes=20), 10, 15)
    ds = sl.solve(model, sl.Descent(5, 0.1), ensemble_sizes=[3], samples=2)
    real = sl.simulate(model, sl.Descent(5, 0.1), 2, ensemble_sizes=[3], samples=2, progress=False)
    then = {entry.new: entry.old for entry in RENAMED if entry.routes == ("scaling_laws.",)}
    for each in (ds, real, sl.limits(model)):
        names = {name: then.get(name.removesuffix("_stderr")) for name in each}
        names = {new: old + new[len(new.removesuffix("_stderr")) :] for new, old in names.items() if old}
        old = each.rename(names).assign_attrs(schema_version="2")
        assert len(names) >= 4 and tp.load(tp.save(old, tmp_path / "old.nc", exact=True)).identical(each)
    assert {"C0", "W", "w", "v0", "loss_same_A"} <= {then[name] for name in ds if name in then}


def test_what_is_not_followed_is_left_out():
    """R24 at infinite width and R02 without noise of examples are not 0 but unknown; where they are known
    they are limits of ever more."""
    law, training = sl.PowerLaw(a=1.5, b=1.25, modes=20), sl.Descent(5, 0.1)
    assert "mode_response_to_features" not in sl.solve(
        sl.Model(law, None, 30), training
    ) and "mode_response_to_data" not in sl.solve(sl.Model(law, 30), training)
    assert "mode_response_to_data" in sl.solve(sl.Model(law), sl.Descent(5, 0.1, batch_size=9))
    ds = sl.solve(sl.Model(law, 10**9, 10**9), training)
    # One step of a feature: R24(1, 0) = -eta sum_k lam_k, of the first gradient's response; R02(1, 0) the
    # same.
    first = -0.1 * float(ds.eigenvalue.sum())
    assert (
        abs(float(ds.mode_response_to_features[1, 0]) - first) < 1e-6
        and abs(float(ds.mode_response_to_data[1, 0]) - first) < 1e-6
    )


def test_a_student_that_diverges_stops():
    """Between records, too: no step is computed after the first that is not finite."""
    from tensorprog_mf.scaling_laws import student

    calls, gradient = [], student._gradient
    student._gradient = lambda *given: calls.append(1) or gradient(*given)
    try:
        with pytest.raises(tp.InputError, match="before its first record"):
            sl.simulate(
                sl.Model(sl.PowerLaw(a=1.5, b=1.25, modes=20), 10),
                sl.Descent(500, 1e10),
                1,
                [500],
                threads=1,
                progress=False,
            )
    finally:
        student._gradient = gradient
    assert len(calls) < 10

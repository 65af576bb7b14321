"""Distributional dynamics of two layers against independent tables, closed forms, and finite networks."""

import math

import numpy as np
import pytest
import scipy.stats

import tensorprog_mf as tp
from tensorprog_mf.ground.errors import InputError, UnsupportedError
from tensorprog_mf.mean_field.two_layers.entropy import nearest_neighbour_entropy
from tensorprog_mf.mean_field.two_layers.on_data import reduction
from tensorprog_mf.mean_field.two_layers.radial import RadialTable, sphere_average
from tensorprog_mf.mean_field.two_layers.units_numba import look_up
from tests.reference.distributional import CASES, agrees, rows, setup

mf = tp.mean_field
CORNERS = mf.PiecewiseLinear(0.5, 1.5, -2.5, 7.5)
LINE = mf.FiniteData([1.0], [0.0])  # with a linear unit without output weight: dm / dt = -2 m


def solve(name, table="flow_continuous", until=math.inf, **options):
    unit, data, initial, more = setup(CASES[name])
    found = rows(CASES[name], table, until)
    if table == "gd_step":
        more |= {"method": "euler", "dt": CASES[name]["gd_step"]["eps"]}
    more.pop("temperature", None)
    return (
        mf.distributional_dynamics(
            unit, data, initial, [row["t"] for row in found], **({"draws": "quadrature"} | more | options)
        ),
        found,
    )


@pytest.mark.parametrize(
    "name, until, options",
    [
        ("S1_iso_d40", 3.0, dict(n_samples=150, dt=0.02)),
        ("S1_iso_d40_schedule", 2.0, dict(n_samples=150, dt=0.02)),
        ("S1_fail_even_stuck", 10.0, dict(n_samples=40, dt=0.1)),
        ("S1_fail_even_escapes", 1.0, dict(n_samples=200, dt=0.01)),
        ("S1_iso_dinf", 6.0, dict(n_samples=400, dt=0.005)),
        ("S1_aniso_relu", 8.0, dict(n_samples=60, dt=0.01)),
        ("S1_finite_set_tanh_uniform", 1.0, dict(n_samples=24, dt=0.05)),
        ("S1_noise_free_1d", 1.0, dict(n_samples=16000, dt=0.02, draws="midpoint")),
    ],
)
def test_flow_agrees_with_independent_tables(name, until, options):
    """To the tabulated errors; all times and cases are in tests/verification."""
    ds, table = solve(name, until=until, bins=0, **options)
    agrees(ds, table)
    assert np.diff(ds.free_energy).max(initial=0) < 1e-12


@pytest.mark.parametrize(
    "name, until, options",
    [
        ("S1_iso_dinf", 6.0, dict(n_samples=400)),
        ("S1_aniso_relu", 8.0, dict(n_samples=60)),
        ("S1_finite_set_tanh_uniform", 2.0, dict(n_samples=24)),
        ("S1_noise_free_1d", 2.0, dict(n_samples=16000, draws="midpoint")),
    ],
)
def test_steps_are_those_of_gradient_descent(name, until, options):
    ds, table = solve(name, "gd_step", until, bins=0, **options)
    agrees(ds, table, floor=1e-10)


def line(times, **options):
    unit = mf.Neuron("linear", output_weight=False)
    return mf.distributional_dynamics(
        unit, LINE, {"w": tp.Gaussian(1, 0.5)}, times, **({"n_samples": 30, "draws": "quadrature"} | options)
    )


def test_orders_in_time_and_times_are_met():
    times = [0.0, 0.33, 1.0]  # no multiples of the steps
    for method, order in (("rk4", 4), ("euler", 1)):
        coarse, fine = (
            np.abs(
                line(times, dt=dt, method=method).parameter_mean[:, 0].values - np.exp(-2 * np.array(times))
            )[-1]
            for dt in (0.1, 0.05)
        )
        assert math.log2(coarse / fine) == pytest.approx(order, abs=0.15)
    assert line(times).time.values.tolist() == times
    assert line(times, dt=10.0, method="euler").parameter_mean[1, 0] == pytest.approx(1 - 2 * 0.33)


def test_schedule_weight_decay_and_laws():
    ds = line([0.5], weight_decay=0.5, schedule=lambda t: 2 * t, dt=0.01)
    assert ds.parameter_mean[0, 0] == pytest.approx(math.exp(-2 * 1.5 * 0.25), abs=1e-8)
    # The mean is damped by data and decay, distances from it by decay alone.
    spread = float(ds.parameter_square[0, 0] - ds.parameter_mean[0, 0] ** 2)
    assert spread == pytest.approx(0.25 * math.exp(-4 * 0.5 * 0.25), abs=1e-8)
    assert ds.free_energy[0] == pytest.approx(float(ds.risk[0] / 2 + 0.25 * ds.parameter_square[0, 0]))
    assert line([0.5], schedule=0.0).parameter_mean[0, 0] == pytest.approx(1)


UNITS = [
    (mf.Neuron("tanh", bias=True), "points"),
    (mf.Neuron("softplus", output_weight=False, bias=True), "points"),
    (mf.Neuron(tp.Activation("erf", 0.7)), "points"),
    (mf.Neuron("quadratic", trained=("w",)), "points"),
    (mf.Neuron(mf.PiecewiseLinear(0.2, 1.5, -2.5, 7.5, even=True), bias=True), "points"),
    (mf.Neuron("scaled_relu", bias=True), mf.AnisotropicGaussians(0.5, 0.25)),
    (
        mf.Neuron(mf.PiecewiseLinear(0.2, 1.5, -2.5, 7.5, even=True), bias=True),
        mf.IsotropicGaussians(math.inf, -0.4),
    ),
    (mf.Neuron(CORNERS), mf.IsotropicGaussians(7, 0.5)),
    (mf.Neuron("relu"), mf.IsotropicGaussians(5, 0.5)),
]


@pytest.mark.parametrize("unit, data", UNITS)
def test_gradients_are_derivatives(unit, data):
    rng = np.random.default_rng(3)
    data = mf.FiniteData(rng.normal(size=(4, 3)), rng.normal(size=4)) if data == "points" else data
    found = reduction(unit, data)
    theta, residual, h = (
        0.3 + np.abs(rng.normal(size=(len(found.names), 5))),
        rng.normal(size=len(found.targets)),
        1e-5,
    )
    gradient = found.pull(theta, residual)
    for k in range(len(found.names)):
        shift = h * np.eye(len(found.names))[k][:, None]
        numeric = (found.values(theta + shift) - found.values(theta - shift)) @ residual / (2 * h)
        expected = numeric if found.trained[k] else 0 * numeric
        np.testing.assert_allclose(gradient[k], expected, atol=2e-6 * (1 + np.abs(numeric).max()))
    assert np.abs(gradient[found.trained]).min() > 0 and np.ndim(gradient) == 2


def test_functions_of_ones_own_are_the_same():
    data, initial = (
        mf.FiniteData([[-1.0, 0.5], [1.0, 2.0], [0.3, 0.1]], [1, -1, 0.5], [0.2, 0.5, 0.3]),
        {"a": tp.Gaussian(), "w": tp.Gaussian(), "b": 0.1},
    )
    pair = (np.tanh, lambda h: 1 - np.tanh(h) ** 2)

    def function(inputs, theta):
        phi = np.tanh(inputs @ theta[1:3] + theta[3])
        back = theta[0] * (1 - phi**2)
        return theta[0] * phi, np.stack([phi, back * inputs[:, :1], back * inputs[:, 1:], back])

    units = [
        mf.Neuron("tanh", bias=True),
        mf.Neuron(pair, bias=True),
        mf.UserUnit(function, ("a", "w0", "w1", "b")),
    ]
    solved = [
        mf.distributional_dynamics(unit, data, initial, [0, 1], n_samples=256, n_replicates=2)
        for unit in units
    ]
    for other in solved[1:]:
        np.testing.assert_allclose(other.output, solved[0].output, atol=1e-12)
        np.testing.assert_allclose(other.density, solved[0].density, atol=1e-6)
    with pytest.raises(InputError, match="gradient of shape"):
        mf.distributional_dynamics(
            mf.UserUnit(lambda x, theta: (theta, theta), ("w",)), data, {"w": tp.Gaussian()}, [1]
        )


@pytest.mark.parametrize("dimension", [3, 4, 10])
@pytest.mark.parametrize("even", [False, True])
def test_average_over_directions(dimension, even):
    """The closed form against an integral over one coordinate of the sphere, the tables against the closed
    form."""
    sigma = mf.PiecewiseLinear(0.5, 1.5, -2.5, 7.5, even)
    s = np.array([0.3, 0.8, 2.0, 5.0])
    angle = np.pi * (np.arange(100000) + 0.5) / 100000
    x, weight = np.cos(angle), np.sin(angle) ** (dimension - 2)
    expected = sigma(s[:, None] * x)[0] @ weight / weight.sum()
    value, slope, _ = sphere_average(s, dimension, sigma.hinges())
    np.testing.assert_allclose(value, expected, atol=1e-8)
    table = RadialTable(dimension, sigma.hinges()).up_to(5.0)
    found = np.array([look_up(x, *table) for x in s])
    np.testing.assert_allclose(found[:, 0], value, atol=1e-10)
    np.testing.assert_allclose(found[:, 1], slope, atol=1e-8)


def test_finite_dimension_tends_to_infinite():
    unit, initial = mf.Neuron(CORNERS, output_weight=False), {"r": tp.Uniform(0.4, 1.2)}
    risks = [
        mf.distributional_dynamics(
            unit, mf.IsotropicGaussians(d, 0.8), initial, [1.0], 0.02, 60, draws="quadrature"
        ).risk[0]
        for d in (100, 1000, math.inf)
    ]
    far, near = (float(risk - risks[-1]) for risk in risks[:2])
    assert far / near == pytest.approx(10, rel=0.2) and far > 0  # of order 1 / d


def test_sites_are_a_finite_network():
    """Pseudo-random sites with Euler steps: gradient descent of a network of that width, written down
    plainly."""
    unit, data, initial, _ = setup(CASES["S1_finite_set_tanh_uniform"])
    ds = mf.distributional_dynamics(
        unit, data, initial, [0, 1.0], 0.1, 50, 1, draws="pseudo-random", method="euler", samples=50, bins=0
    )
    a, w = ds.site_parameter[0, :, 0].values.astype(float), ds.site_parameter[0, :, 1:].values.astype(float)
    for _ in range(10):
        h = w @ data.inputs.T
        error = (a @ np.tanh(h) / 50 - data.targets) / 6
        a, w = (
            a - 0.2 * np.tanh(h) @ error,
            w - 0.2 * ((1 - np.tanh(h) ** 2) * a[:, None] * error) @ data.inputs,
        )
    np.testing.assert_allclose(
        a @ np.tanh(w @ data.inputs.T) / 50, ds.output[1], atol=1e-6
    )  # theta is kept in single precision


def test_networks_approach_the_limit():
    """Over 32 networks: rms distance of outputs falls as width^-1/2, and the excess of the risk at time 0 is
    the variance / width."""
    unit, data, initial, _ = setup(CASES["S1_finite_set_tanh_uniform"])
    options = dict(times=[0.0, 0.5], dt=0.1, method="euler")
    exact = mf.distributional_dynamics(unit, data, initial, n_samples=16, draws="quadrature", **options)
    distance, excess = [], []
    for width in (64, 1024):
        ds = mf.distributional_dynamics(
            unit, data, initial, n_samples=width, n_replicates=32, draws="pseudo-random", bins=0, **options
        )
        distance.append(float(np.sqrt((ds.output_stderr**2).mean()) * np.sqrt(32)))
        excess.append(ds.risk - exact.risk)
        # Means over networks, 12 entries at 5 standard errors with 31 degrees of freedom: false alarm below
        # 3e-4; bias 1 / width.
        assert (np.abs(ds.output - exact.output) < 5 * ds.output_stderr + 1 / width).all()
    # A ratio of two standard deviations of 12 correlated entries over 32 networks: within 30 % (4 sigma for
    # one entry alone is 70 %).
    assert distance[0] / distance[1] == pytest.approx(4, rel=0.3)


@pytest.mark.parametrize("draws", ["sobol", "pseudo-random"])
def test_draws_agree_with_nodes(draws):
    unit, data, initial, _ = setup(CASES["S1_finite_set_erf"])
    exact = mf.distributional_dynamics(unit, data, initial, [0, 0.5], 0.1, 40, draws="quadrature", bins=0)
    ds = mf.distributional_dynamics(unit, data, initial, [0, 0.5], 0.1, 1024, 8, draws=draws)
    # 12 outputs, 6 moments at 8 standard errors with 7 degrees of freedom: false alarm below 2e-3 at this
    # fixed seed.
    for name in ("output", "parameter_mean", "parameter_square"):
        assert (np.abs(ds[name] - exact[name]) < 8 * ds[f"{name}_stderr"] + 2e-5).all(), name
    assert float(ds.output_stderr.max()) < {"sobol": 2e-3, "pseudo-random": 2e-2}[draws]


def test_errors_fall_with_samples():
    few, many = (
        line([0.5], n_samples=n, draws="pseudo-random", n_replicates=64, bins=0).risk_stderr[0]
        for n in (64, 1024)
    )
    assert few / many == pytest.approx(
        4, rel=0.4
    )  # two standard deviations from 64 runs each: 0.4 is 3 sigma


def test_threads_do_not_change_bits():
    unit, data, initial, more = setup(CASES["S1_langevin_1d"])
    one, two = (
        mf.distributional_dynamics(unit, data, initial, [0, 0.2], 0.05, 3000, 1, threads=threads, **more)
        for threads in (1, 2)
    )
    radial = [
        mf.distributional_dynamics(*setup(CASES["S1_iso_d40"])[:3], [0.1], 0.05, 2048, 3, threads=threads)
        for threads in (1, 2)
    ]
    assert one.drop_attrs().identical(two.drop_attrs()) and radial[0].drop_attrs().identical(
        radial[1].drop_attrs()
    )


def test_densities_integrate_to_one_and_show_the_law():
    unit, data, initial, more = setup(CASES["S1_langevin_1d"])
    ds = mf.distributional_dynamics(unit, data, initial, [0, 0.5], 0.05, 4096, 4, bins=40, **more)
    total = (ds.density * np.diff(ds.bin_edge)[None]).sum("bin")
    np.testing.assert_allclose(total, 1, atol=1e-12)
    edges = ds.bin_edge.sel(parameter="w0").values
    expected = np.diff(scipy.stats.norm(0.5, 1).cdf(edges)) / np.diff(edges)
    found, error = ds.density[0].sel(parameter="w0"), ds.density_stderr[0].sel(parameter="w0")
    # 40 bins; the error is the known one of 16384 draws: 5 sigma, false alarm 2e-5.
    known = np.sqrt(expected / np.diff(edges) / (4 * 4096))
    assert (np.abs(found - expected) < 5 * known + 1e-4).all() and 0.5 < float(
        (error**2).mean() / (known**2).mean()
    ) < 2
    assert ds.site_parameter.dims == ("time", "sample", "parameter") and ds.sizes["sample"] == 64


def test_sites_beside_nodes_are_draws_of_the_law():
    ds = mf.distributional_dynamics(
        mf.Neuron("linear", output_weight=False),
        LINE,
        {"w": tp.Gaussian(1, 0.5)},
        [0, 1],
        n_samples=20,
        draws="quadrature",
        samples=500,
    )
    start, end = ds.site_parameter[:, :, 0].values
    # 500 draws: mean within 5 standard errors, false alarm 6e-7; every site has the mean's drift.
    assert abs(start.mean() - 1) < 5 * 0.5 / np.sqrt(500) and np.ptp(start - end) < 1e-6
    assert ds.parameter_mean[0, 0] == pytest.approx(1, abs=1e-12)


def test_noise_warms_up_to_the_known_variance():
    """Linear unit with noise: mean and variance of the Euler chain in closed form."""
    tau, decay, h = 0.2, 0.5, 0.02
    ds = line(
        [1.0],
        n_samples=4096,
        n_replicates=8,
        draws="pseudo-random",
        temperature=tau,
        weight_decay=decay,
        dt=h,
    )
    mean, variance = 1.0, 0.25
    for _ in range(50):
        mean, variance = mean * (1 - 2 * h * (1 + decay)), variance * (1 - 2 * h * decay) ** 2 + 4 * tau * h
    # The mean feels its own fluctuations, which is an error of 1 / n_samples. 5 sigma of known errors: false
    # alarm below 1e-5.
    assert float(ds.parameter_mean[0, 0]) == pytest.approx(mean, abs=5 * np.sqrt(variance / 32768))
    assert float(ds.parameter_square[0, 0] - ds.parameter_mean[0, 0] ** 2) == pytest.approx(
        variance, abs=6 * variance * np.sqrt(2 / 32768)
    )
    expected = 0.5 * math.log(2 * math.pi * math.e * variance)
    assert float(ds.entropy[0]) == pytest.approx(expected, abs=5 * float(ds.entropy_stderr[0]) + 1e-3)
    assert float(ds.free_energy[0]) == pytest.approx(
        float(ds.risk[0] / 2 + decay / 2 * ds.parameter_square[0, 0] - tau * ds.entropy[0])
    )


@pytest.mark.parametrize("dimension", [1, 3])
def test_entropy_of_samples(dimension):
    x = np.random.default_rng(0).normal(size=(20000, dimension))
    expected = dimension / 2 * math.log(2 * math.pi * math.e)
    # Standard deviation of -log rho is sqrt(D / 2), of the estimator some 15 % more: 5 sigma; its bias is
    # below 2e-3 here.
    assert nearest_neighbour_entropy(x) == pytest.approx(
        expected, abs=5 * 1.15 * np.sqrt(dimension / 2 / 20000) + 2e-3
    )
    assert nearest_neighbour_entropy(np.zeros((10, dimension))) == -math.inf and math.isnan(
        nearest_neighbour_entropy(x[:4])
    )


def test_entropy_of_sobol_draws_is_not_guessed():
    ds = line([0.0, 0.1], n_samples=1024, n_replicates=2, draws="sobol", temperature=0.1)
    assert np.isnan(ds.entropy[0]) and np.isfinite(ds.entropy[1])


def test_a_run_that_diverges_stops_and_keeps_what_it_has():
    with pytest.warns(tp.DivergenceWarning, match="dt=5"):
        ds = mf.distributional_dynamics(
            mf.Neuron("quadratic"),
            LINE,
            {"a": tp.Gaussian(1, 1), "w": tp.Gaussian(3, 1)},
            [0, 5, 100],
            5.0,
            64,
        )
    assert (
        ds.attrs["status"] == "diverged"
        and ds.time.values[0] == 0
        and ds.sizes["time"] < 3
        and np.isfinite(ds.risk).all()
    )
    with pytest.raises(InputError, match="nothing had been recorded by then; dt=5 is too large"):
        mf.distributional_dynamics(
            mf.Neuron("quadratic"), LINE, {"a": tp.Gaussian(1, 1), "w": tp.Gaussian(3, 1)}, [100], 5.0, 64
        )


def test_an_interrupted_run_keeps_what_there_is(monkeypatch):
    from tensorprog_mf.ground.progress import Progress

    advance = Progress.advance
    monkeypatch.setattr(Progress, "advance", lambda self: advance(self) and self._done < 12)
    with pytest.raises(tp.Interrupted) as caught:
        line([0, 0.1, 5.0], dt=0.01)
    ds = caught.value.result
    assert (
        ds.attrs["status"] == "interrupted"
        and ds.time.values.tolist() == [0, 0.1]
        and np.isfinite(ds.output).all()
    )


def test_dead_mass_is_no_error():
    ds, _ = solve("S1_fail_even_stuck", n_samples=20, dt=0.5)
    assert ds.attrs["status"] == "completed" and np.ptp(ds.risk.values) < 1e-9
    flat = mf.distributional_dynamics(
        mf.Neuron("relu", output_weight=False), mf.FiniteData([1.0], [1.0]), {"w": -1.0}, [0, 1], n_samples=4
    )
    assert (flat.parameter_mean == -1).all() and (flat.risk == 1).all()
    start = mf.distributional_dynamics(
        mf.Neuron(CORNERS, output_weight=False),
        mf.IsotropicGaussians(math.inf, 0.5),
        {"r": 0.0},
        [0, 1],
        n_samples=4,
    )
    assert (start.parameter_mean == 0).all() and (start.output == -2.5).all()


def test_results_are_saved_and_labelled(tmp_path):
    ds, _ = solve("S1_iso_d40", until=0.1, n_samples=20)
    tp.save(ds, tmp_path / "a.nc")
    again = tp.load(tmp_path / "a.nc")
    assert again.identical(ds) and again.attrs["route"] == "distributional_dynamics"
    assert (
        ds.radius.dims == ("example",)
        and ds.parameter.values.tolist() == ["r"]
        and ds["class"].values.tolist() == [1, -1]
    )
    for name in ds.data_vars:
        assert {"long_name", "symbol", "units", "comment"} <= set(ds[name].attrs), name


POINTS = ([[0.0], [1.0]], [1.0, -1.0])


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: mf.FiniteData([0, np.nan], [1, 1]), "inputs has entries that are not finite"),
        (lambda: mf.FiniteData([0, 1], [1, np.inf]), "targets contain NaN"),
        (lambda: mf.FiniteData(["a", "b"], [1, 1]), "inputs must be an array of numbers"),
        (lambda: mf.FiniteData([[[0.0]]], [1]), "inputs has shape .* it must be .example, feature."),
        (lambda: mf.FiniteData(POINTS[0], [1]), "one number for each of the 2 inputs"),
        (lambda: mf.FiniteData(*POINTS, [1.0]), "weights must be one number for each"),
        (lambda: mf.FiniteData(*POINTS, [0.5, 0.4]), "add up to 1, not to 0.9"),
        (lambda: mf.FiniteData(*POINTS, [1.5, -0.5]), "weights must be 0 or more"),
        (lambda: mf.IsotropicGaussians(2, 0.5), "dimension=2 must be a whole number, 3 or more"),
        (lambda: mf.IsotropicGaussians(40, 1.0), "delta=1.0 must lie between -1 and 1"),
        (lambda: mf.AnisotropicGaussians(-1.5, 0.5), "delta=-1.5"),
        (lambda: mf.AnisotropicGaussians(0.5, 0.0), "fraction=0.0 must lie between 0 and 1"),
        (lambda: mf.AnisotropicGaussians(0.5, 0.25, 10), "must be a whole number"),
        (lambda: mf.NormOfGaussian(0.0, 3), "scale=0.0 must be positive"),
        (lambda: mf.NormOfGaussian(1.0, 0), "dimension=0"),
        (lambda: mf.PiecewiseLinear(1.5, 0.5, 0, 1), "low=1.5 must be less than high=0.5"),
        (lambda: mf.PiecewiseLinear(0.5, 1.5, np.nan, 1), "low_value=nan must be finite"),
        (lambda: mf.PiecewiseLinear(-0.5, 1.5, 0, 1, even=True), "must be 0 or more"),
        (lambda: mf.PiecewiseLinear(0.5, 1.5, 0, 1, even="no"), "even='no'"),
        (lambda: mf.Neuron("nothing"), "activation='nothing' is unknown"),
        (lambda: mf.Neuron("relu", trained=("b",)), "trained=.* must name one or more of a, w"),
        (lambda: mf.UserUnit(3, ("a",)), "must be a function"),
        (lambda: mf.UserUnit(np.tanh, ("a", "a")), "different names"),
        (lambda: mf.UserUnit(np.tanh, ("a",), ()), "trained=.. must name"),
    ],
)
def test_descriptions_refuse(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(times=[1, 0.5]), "increasing"),
        (dict(times=[-1.0]), "0 or more"),
        (dict(times=["a"]), "times"),
        (dict(times=[0, 1, 1]), "increasing"),
        (dict(times=[]), "at least one entry"),
        (dict(dt=0.0), "dt=0.0 must be positive"),
        (dict(dt=-1), "dt=-1"),
        (dict(n_samples=0), "n_samples=0"),
        (dict(n_samples=100), "power of two"),
        (dict(n_replicates=0), "n_replicates=0"),
        (dict(draws="none"), "draws='none' is unknown"),
        (dict(method="heun"), "method='heun' is unknown"),
        (dict(temperature=-0.1), "temperature=-0.1"),
        (dict(weight_decay=-0.1), "weight_decay=-0.1"),
        (dict(temperature=0.1, method="rk4"), "has no noise"),
        (dict(temperature=0.1, draws="quadrature"), "which noise would blur"),
        (dict(schedule="fast"), "schedule='fast'"),
        (dict(schedule=lambda t: -1.0), "0 or more at time 0"),
        (dict(samples=-1), "samples=-1"),
        (dict(bins=-1), "bins=-1"),
        (dict(initial={"a": 1.0}), "no law for w0"),
        (dict(initial={"a": 1.0, "w": 1.0, "c": 2.0}), "laws for c"),
        (dict(initial={"a": 1.0, "w": [1.0, 2.0]}), "2 laws for 1 numbers"),
        (dict(initial=[1.0]), "must be a table"),
        (dict(initial={"a": "x", "w": 1.0}), "must be a law"),
        (dict(unit="relu"), "unit='relu' must be a Neuron"),
        (dict(data=POINTS), "must be FiniteData"),
    ],
)
def test_runs_refuse(options, message):
    given = dict(
        unit=mf.Neuron("tanh"),
        data=mf.FiniteData(*POINTS),
        initial={"a": tp.Gaussian(), "w": tp.Gaussian()},
        times=[0, 1],
        n_samples=16,
    )
    with pytest.raises(InputError, match=message):
        mf.distributional_dynamics(**(given | options))


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(temperature=0.1), "temperature on Gaussian inputs"),
        (dict(unit=mf.Neuron("tanh", output_weight=False)), "no closed form here"),
        (dict(unit=mf.Neuron(CORNERS, output_weight=False, bias=True)), "no bias and no corner below 0"),
        (
            dict(unit=mf.Neuron(mf.PiecewiseLinear(-1, 1, 0, 1), output_weight=False)),
            "no bias and no corner below 0",
        ),
        (dict(unit=mf.UserUnit(np.tanh, ("r",))), "no known average over Gaussian inputs"),
        (dict(data=mf.AnisotropicGaussians(0.5, 0.5, 10)), "solved in infinite dimension"),
    ],
)
def test_reductions_that_there_are_not(options, message):
    given = dict(
        unit=mf.Neuron(CORNERS, output_weight=False),
        data=mf.IsotropicGaussians(40, 0.5),
        initial={"r": 1.0},
        times=[0, 1],
        n_samples=16,
    )
    with pytest.raises(UnsupportedError, match=message):
        mf.distributional_dynamics(**(given | options))


SMALL = {"n_samples": 16, "n_replicates": 1, "progress": False}
ONE, TWO_POINTS = mf.Neuron("tanh", output_weight=False), mf.FiniteData([-1.0, 1.0], [-0.5, 0.5])
CORNER_UNIT = mf.Neuron(mf.PiecewiseLinear(0.5, 1.5, -1.0, 1.0), output_weight=False)


def one(**options):
    return mf.distributional_dynamics(ONE, TWO_POINTS, {"w": tp.Gaussian()}, [0.0, 0.1], **SMALL | options)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: mf.distributional_dynamics(
                CORNER_UNIT, mf.IsotropicGaussians(40, 0.5), {"r": tp.Gaussian(0, 1)}, [0], **SMALL
            ),
            "r is a norm",
        ),
        (
            lambda: mf.distributional_dynamics(
                CORNER_UNIT, mf.IsotropicGaussians(math.inf, 0.5), {"r": -1.0}, [0], **SMALL
            ),
            "r is a norm",
        ),
        (
            lambda: mf.distributional_dynamics(
                mf.Neuron("relu"),
                mf.AnisotropicGaussians(0.5, 0.25),
                {"a": 1, "r1": 1, "r2": tp.Uniform(-1, 1)},
                [0],
                **SMALL,
            ),
            "r2 is a norm",
        ),
        (lambda: one(radial_nodes=5), "radial_nodes=5 are for IsotropicGaussians"),
        (lambda: one(dt=1e-300), "dt=1e-300 is too small"),
        (lambda: one(progress="no"), "progress"),
        (lambda: one(draws="quadrature", n_samples=10**7), "GB of memory"),
        (
            lambda: mf.train_particles(ONE, TWO_POINTS, {"w": tp.Gaussian()}, [1.0], 8, step=1e-300),
            "step=1e-300 is too small",
        ),
        (
            lambda: mf.train_particles(ONE, TWO_POINTS, {"w": tp.Gaussian()}, [1.0], 8, progress="no"),
            "progress",
        ),
        (
            lambda: mf.fokker_planck(
                ONE, TWO_POINTS, {"w": tp.Gaussian()}, [0.1], 0.1, (-6, 6), cells=10**11
            ),
            "GB of memory",
        ),
        (
            lambda: mf.fokker_planck(
                ONE, TWO_POINTS, {"w": tp.Gaussian()}, [0.1], 0.1, (-6, 6), extrapolate="no"
            ),
            "extrapolate",
        ),
        (
            lambda: mf.fokker_planck(ONE, TWO_POINTS, {"w": tp.Gaussian()}, [0.1], 0.1, (-6, 6), dt=1e-300),
            "dt=1e-300 is too small",
        ),
    ],
)
def test_arguments_that_went_through(call, message):
    with pytest.raises(tp.InputError, match=message):
        call()


@pytest.mark.parametrize(
    "unit, data, options",
    [
        (ONE, mf.FiniteData([3.0, 4.0], [-0.5, 0.5]), {}),
        (ONE, mf.FiniteData([-1.0, 1.0], [-0.5, 0.5], [0.9, 0.1]), {}),
        (mf.Neuron("relu", output_weight=False), TWO_POINTS, {}),
        (ONE, TWO_POINTS, {"time": "x"}),
        (ONE, TWO_POINTS, {"time": 0.5}),
        (ONE, TWO_POINTS, {"time": slice(0, 2)}),
    ],
)
def test_certificates_of_another_run(unit, data, options):
    """A verdict on another problem would be wrong without a sign."""
    with pytest.raises(
        tp.InputError, match="is not an index of the 2 times" if options else "another unit or other data"
    ):
        mf.certificate(one(), unit, data, {"w": (-5, 5)}, nodes=11, **options)


def test_one_warning_of_an_interval_that_is_too_narrow():
    with pytest.warns(tp.QuadratureWarning) as caught:
        mf.fokker_planck(ONE, TWO_POINTS, {"w": tp.Gaussian()}, [0.1], 0.1, (-1, 1), cells=20)
    assert len(caught) == 1

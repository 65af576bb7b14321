"""Intervals by Student's t: the quantile, the number of replicates behind a standard error, who uses them."""

import numpy as np
import pytest
import xarray as xr

import tensorprog_mf as tp
from tensorprog_mf import plotting
from tensorprog_mf.results.intervals import effective, half_width
from tests.helpers.stopping import interrupt_after, stopped

mf, sl = tp.mean_field, tp.scaling_laws
UNITS = mf.Neuron("tanh"), mf.FiniteData([-1.0, 1.0], [-0.5, 0.5]), {"a": tp.Gaussian(), "w": tp.Gaussian()}


def test_the_quantile_is_that_of_student():
    from scipy.stats import norm, t

    for level in (0.5, 0.95, 0.999):
        for n in (2, 3, 4, 8, 100, 3.7):
            assert half_width(2.0, n, level) == pytest.approx(2 * t.ppf((1 + level) / 2, n - 1), rel=1e-9)
        assert half_width(2.0, np.inf, level) == pytest.approx(2 * norm.ppf((1 + level) / 2), rel=1e-12)
    assert half_width(np.ones(3), [2, 4, np.inf]) == pytest.approx(t.ppf(0.975, [1, 3, 10**9]), rel=1e-6)


def test_degrees_of_freedom_of_a_difference():
    """Welch & Satterthwaite: equal errors add their freedom, an exact result leaves that of the other."""
    assert effective(1.0, 5, 1.0, 5) == pytest.approx(9) and effective(1.0, 5, 0.0, 3) == pytest.approx(5)
    assert effective(1.0, 5, 0.0, np.inf) == pytest.approx(5) and effective(0.0, 5, 0.0, 5) == np.inf


def finite(problem, **options):
    return tp.train_finite(
        tp.MLP(1), problem, tp.Training(2, 0.3), 8, n_replicates=3, progress=False, **options
    )


MODES = sl.Model(sl.PowerLaw(a=1.5, b=1.25, modes=20), width=9, examples=9)
ROUTES = {
    "sample": (lambda p: tp.sample(tp.MLP(1), p, tp.Training(1, 0.3), 64, 3), "output"),
    "infinite depth": (
        lambda p: tp.sample(tp.ResidualMLP("infinite"), p, tp.Training(1, 0.3), 64, 3),
        "feature_kernel",
    ),
    "train_finite": (finite, "loss"),
    "static_ntk": (
        lambda p: tp.static_ntk(tp.MLP(1), p, tp.Training(1, 0.3), "sampled", n_samples=64, n_replicates=3),
        "output",
    ),
    "perturbation": (
        lambda p: tp.perturbation(tp.MLP(1), p, tp.Training(1, 0.3), 64, 3),
        "output_coefficient",
    ),
    "alternate": (lambda p: tp.alternate(tp.MLP(1), p, tp.Training(1, 0.3), 64, 3), "output"),
    "distributional_dynamics": (lambda p: mf.distributional_dynamics(*UNITS, [0, 0.1], 0.1, 16, 3), "risk"),
    "train_particles": (lambda p: mf.train_particles(*UNITS, [0, 0.1], 16, 0.1, 3), "risk"),
    "train_autoencoder": (
        lambda p: mf.train_autoencoder(
            [2.0, 1.0], "relu", 0.4, 0.1, [0, 0.1], 0.1, 8, "population", n_replicates=3
        ),
        "loss",
    ),
    "simulate": (lambda p: sl.simulate(MODES, sl.Descent(2, 0.1), 3), "test_loss"),
}


@pytest.mark.filterwarnings("ignore")  # of runs as small as these
@pytest.mark.parametrize("name", ROUTES)
def test_every_route_says_how_many_replicates_its_errors_stand_for(problem, name, tmp_path):
    run, variable = ROUTES[name]
    ds = run(problem)
    tp.save(ds, tmp_path / "run.nc")
    for result in (ds, tp.load(tmp_path / "run.nc")):
        half = tp.interval(result, variable)
        t = 4.302652729696  # of 2 degrees of freedom
        np.testing.assert_allclose(half, t * result[f"{variable}_stderr"], rtol=1e-6)
        assert half.attrs["long_name"].startswith("half width of the 95 % interval of the ")
    assert float(tp.interval(ds, variable, 0.5).max()) < float(half.max())


def test_an_interrupted_run_counts_what_it_has(problem, monkeypatch):
    interrupt_after(monkeypatch, 8)  # in the third of three replicates of 3 steps
    ds = stopped(tp.train_finite, tp.MLP(1), problem, tp.Training(2, 0.3), 8, n_replicates=3, threads=1)
    assert ds.attrs["replicates"] == 2
    np.testing.assert_allclose(tp.interval(ds, "loss"), 12.7062047 * ds.loss_stderr)


def test_what_cannot_be_known_is_refused(problem):
    ds = finite(problem)
    old = ds.copy()
    for name in old:
        old[name].attrs.pop("replicates", None)
    xr.testing.assert_allclose(
        tp.interval(old, "loss"), tp.interval(ds, "loss")
    )  # a file of an earlier version
    old.attrs["status"] = "interrupted"
    for message, call in (
        ("does not say how many replicates", lambda: tp.interval(old, "loss")),
        ("there is no loss_stderr", lambda: tp.interval(finite(problem, keep_replicates=True), "loss")),
        ("level=95 must lie between 0 and 1", lambda: tp.interval(ds, "loss", 95)),
        ("replicates=1 must be 2 or more", lambda: half_width(1.0, 1)),
    ):
        with pytest.raises(tp.InputError, match=message):
            call()


def test_intervals_of_fluctuations_differ_from_width_to_width(problem):
    setting = tp.MLP(1, "linear"), problem, tp.Training(1, 0.3)
    networks = [
        tp.train_finite(*setting, width, n_replicates=count, keep_replicates=True)
        for width, count in ((8, 4), (16, 40))
    ]
    ds = tp.fluctuations(networks, tp.solve_linear(*setting))
    ratio = (tp.interval(ds, "output_variance") / ds.output_variance_stderr).isel(time=0, example=0)
    np.testing.assert_allclose(ratio, [3.1824463, 2.0226909])


def test_compare_counts_what_lies_outside(problem):
    """Two runs of the same law: few entries; of another network: most, fewer if errors are of 2
    replicates."""
    training = tp.Training(3, 0.3)
    one, other = (tp.sample(tp.MLP(2), problem, training, 256, 4, seed=seed) for seed in (0, 1))
    rich = tp.sample(tp.MLP(2, richness=3.0), problem, training, 256, 4)
    distances = tp.compare(one, same=other, rich=rich)
    outside = distances.output_outside.isel(time=slice(1, None)).mean("time")
    assert float(outside.sel(route="same")) < 0.4 < float(outside.sel(route="rich"))
    exact = tp.static_ntk(tp.MLP(2), problem, training)
    assert tp.compare(exact, exact).output_outside.isnull().all()
    few = one.copy()
    few.output_stderr.attrs["replicates"] = 2
    less, more = (tp.compare(ds, rich).output_outside.isel(time=slice(1, None)) for ds in (few, one))
    assert (less <= more).all() and float(less.sum()) < float(more.sum())


def test_bands_are_intervals(problem):
    pytest.importorskip("matplotlib").use("Agg")
    ds = finite(problem)
    ax = plotting.loss(ds)
    top = ax.collections[0].get_paths()[0].vertices[:, 1].max()
    assert top == pytest.approx(float((ds.loss + tp.interval(ds, "loss")).max()))

"""Distances between results, and the tree and figure that hold several of them."""

import json

import numpy as np
import pytest
import xarray as xr

import tensorprog_mf as tp
from tensorprog_mf import plotting


@pytest.fixture(scope="module")
def results():
    rng = np.random.default_rng(7)
    problem = tp.Problem(rng.normal(size=(3, 5)), rng.normal(size=3), rng.normal(size=(2, 5)))
    setting = tp.MLP(2, "tanh"), problem, tp.Training(4, 0.3)
    return {
        "limit": tp.sample(*setting, n_samples=256, n_replicates=3, samples=4),
        "lazy": tp.static_ntk(*setting, record=[0, 2, 4]),
        "real": tp.train_finite(*setting, width=32, n_replicates=3, samples=4),
        "guessed": tp.alternate(*setting, n_samples=256, n_replicates=3, samples=4, iterations=30),
        "expanded": tp.perturbation(*setting, n_samples=256, n_replicates=3),
        "untied": tp.gradient_independence(*setting, n_samples=256, n_replicates=3, samples=4),
    }


def test_distances_are_those_of_plain_numpy(results):
    limit, real = results["limit"], results["real"]
    ds = tp.compare(limit, real=real)
    assert ds.route.values.tolist() == ["real"] and ds.time.values.tolist() == limit.time.values.tolist()
    difference = np.abs(real.feature_kernel.values - limit.feature_kernel.values)
    sigma = np.sqrt(
        (real.feature_kernel_stderr.values**2 + limit.feature_kernel_stderr.values**2).mean((2, 3))
    )
    np.testing.assert_allclose(ds.feature_kernel_max[0], difference.max((2, 3)), rtol=1e-14)
    np.testing.assert_allclose(ds.feature_kernel_rms[0], np.sqrt((difference**2).mean((2, 3))), rtol=1e-14)
    np.testing.assert_allclose(ds.feature_kernel_sigma[0], difference.max((2, 3)) / sigma, rtol=1e-14)
    np.testing.assert_allclose(ds.loss_rms[0], np.abs(real.loss - limit.loss), rtol=1e-14)
    assert all({"long_name", "units", "comment"} <= ds[name].attrs.keys() for name in ds)


def test_any_two_routes_can_be_subtracted(results):
    """Same variables, same dimensions, at the times that all have recorded."""
    for ds in results.values():
        for name in ("output", "loss", "error_signal", "feature_kernel", "gradient_kernel", "tangent_kernel"):
            assert ds[name].dims == results["limit"][name].dims
        assert (
            np.isfinite((ds - results["limit"]).output).all() and (ds - results["limit"]).sizes["time"] >= 3
        )
    reference, *others = results.values()
    ds = tp.compare(reference, *others)
    assert ds.route.values.tolist() == [
        "static_ntk",
        "train_finite",
        "alternate",
        "perturbation",
        "gradient_independence",
    ]
    assert ds.step.values.tolist() == [0, 2, 4]
    assert np.isfinite(ds.tangent_kernel_rms).all()


def test_two_exact_results_have_no_sigma():
    problem = tp.Problem(np.eye(3), np.ones(3))
    a, b = (tp.solve_linear(tp.MLP(2, "linear", r), problem, tp.Training(3, 0.2)) for r in (0.5, 1.0))
    ds = tp.compare(a, b)
    assert np.isnan(ds.output_sigma).all() and ds.output_max[0, -1] > 0


def test_a_tree_in_one_file_is_compared_and_drawn(results, tmp_path):
    tree = xr.DataTree.from_dict(results)
    loaded = tp.load(tp.save(tree, tmp_path / "routes.nc"))
    assert list(loaded.children) == list(results)
    ds = tp.compare(loaded)
    assert ds.route.values.tolist() == list(results)[1:] and ds.attrs["reference"] == "sample"
    xr.testing.assert_identical(ds, tp.load(tp.save(ds, tmp_path / "distances.nc")))
    for given in (loaded, results):
        figure = plotting.routes(given)
        assert len(figure.axes) == 6 and len(figure.axes[0].lines) == 6 and len(figure.axes[2].lines) == 6
        figure.savefig(tmp_path / "routes.png")


def test_networks_of_other_depth_are_compared_by_what_they_share(results):
    problem = tp.Problem(np.eye(3), np.ones(3))
    shallow, deep = (tp.static_ntk(tp.MLP(depth), problem, tp.Training(2, 0.3)) for depth in (1, 2))
    for pair in ((shallow, deep), (deep, shallow)):
        ds = tp.compare(*pair)
        assert "tangent_kernel_max" in ds and "output_rms" in ds and "feature_kernel_max" not in ds


def test_names_are_made_unique(results):
    ds = tp.compare(results["limit"], results["real"], results["real"], train_finite=results["real"])
    assert ds.route.values.tolist() == ["train_finite 2", "train_finite 3", "train_finite"]


def test_every_bad_input_has_its_sentence(results):
    limit = results["limit"]
    other = limit.assign_attrs(problem_json=json.dumps({"n_train": 1}))
    apart = limit.rename(sample="replicate")
    for message, arguments in (
        ("only one result", (limit,)),
        ("on a different problem", (limit, other)),
        ("share no recorded time", (limit.isel(time=[0, 1]), limit.isel(time=[2, 3]))),
        ("replicates were kept apart", (limit, apart)),
        ("this str has none", (limit, "limit.nc")),
        ("this Dataset has none", (limit, tp.compare(limit, limit))),
        ("the tree has no groups", (xr.DataTree(),)),
    ):
        with pytest.raises(tp.InputError, match=message):
            tp.compare(*arguments)

"""Files: what is rounded on the way to them and what is not, trees of results, files of earlier versions."""

import numpy as np
import pytest
import xarray as xr

import tensorprog_mf as tp
from tensorprog_mf.results import schema
from tensorprog_mf.results.rounding import to_bits, to_error
from tensorprog_mf.results.schema import COORDINATES, RENAMED, SCHEMA_VERSION, VARIABLES, new_names

SIZE = dict(n_samples=256, n_replicates=3, samples=16)
EXACT = {"output", "loss", "test_loss", "error_signal", "input", "target", "basis_rank", "rank_fraction"}


def saved(ds, tmp_path, **options):
    return tp.load(tp.save(ds, tmp_path / "result.nc", **options))


def check_rounding(ds, back):
    """Fields within 2^-10 of themselves (parts 2^-9), kernels within their error / 256, errors within 2^-7,
    all else the same bits."""
    rounded = set()
    for name in ds.variables:
        before, after = ds[name].values, back[name].values
        if before.dtype.kind != "f" or np.array_equal(before, after, equal_nan=True):
            np.testing.assert_array_equal(before, after, err_msg=name)
            continue
        rounded.add(name)
        assert after.dtype == before.dtype and back[name].attrs["rounding"]
        difference = np.abs(after.astype(float) - before)
        if f"{name}_stderr" in ds:
            allowed = ds[f"{name}_stderr"].values * 1.008 / 256  # the rounded error tells how far
        elif "replicate" in ds[name].dims:
            allowed = np.std(before, axis=ds[name].dims.index("replicate"), ddof=1, keepdims=True) / 256
        else:
            allowed = np.abs(before) * 2.0 ** (
                -7 if name.endswith(("_stderr", "_error")) else -9 if name.endswith("_part") else -10
            )
        assert (difference <= allowed)[np.isfinite(before)].all(), name
        np.testing.assert_array_equal(np.isnan(before), np.isnan(after))
    assert rounded == {name for name in back.variables if "rounding" in back[name].attrs} - {
        name
        for name in back.variables
        if np.array_equal(ds[name].values, back[name].values, equal_nan=ds[name].dtype.kind == "f")
    }
    assert not rounded & EXACT and not any(name.removesuffix("_stderr") in EXACT for name in rounded)
    return rounded


def test_what_is_rounded_and_how_far(problem, tmp_path):
    ds = tp.sample(
        tp.MLP(2), problem, tp.Training(3, 0.3), record=tp.Record(moments=["feature"], two_time=True), **SIZE
    )
    before = ds.copy(deep=True)
    back = saved(ds, tmp_path)
    rounded = check_rounding(ds, back)
    fields = {
        f"{field}{part}"
        for field in ("preactivation", "backward_field")
        for part in ("", "_gaussian_part", "_learned_part")
    }
    kernels = {
        "feature_kernel",
        "gradient_kernel",
        "tangent_kernel",
        "feature_kernel_two_time",
        "gradient_kernel_two_time",
        "feature_moment",
    }
    assert fields | kernels | {f"{name}_stderr" for name in kernels} <= rounded
    assert "exact=True" in back.attrs["rounding"] and back.attrs == ds.attrs | {
        "rounding": back.attrs["rounding"]
    }
    xr.testing.assert_identical(ds, before)  # in memory nothing is rounded
    xr.testing.assert_identical(saved(back, tmp_path), back)  # nor again


def test_exact_keeps_every_bit(problem, tmp_path):
    ds = tp.sample(tp.MLP(2), problem, tp.Training(3, 0.3), **SIZE)
    xr.testing.assert_identical(saved(ds, tmp_path, exact=True), ds)
    with pytest.raises(tp.InputError, match="exact='yes' must be true or false"):
        tp.save(ds, tmp_path / "result.nc", exact="yes")


def test_files_are_smaller(tmp_path):
    """Fields and kernels fill files; rounded they take less than half of what every bit of them takes, large
    ones a third."""
    rng = np.random.default_rng(0)
    problem = tp.Problem(rng.normal(size=(20, 5)), np.sign(rng.normal(size=20)))
    ds = tp.sample(tp.MLP(2), problem, tp.Training(20, 0.3), n_samples=256, n_replicates=3, tolerance=0.1)
    small, whole = (
        tp.save(ds, tmp_path / f"{exact}.nc", exact=exact).stat().st_size for exact in (False, True)
    )
    assert 0.2 < small / whole < 0.5


def test_exact_routes_stay_exact(problem, tmp_path):
    sl = tp.scaling_laws
    linear, training = tp.MLP(2, "linear"), tp.Training(3, 0.3)
    law = sl.solve(sl.Model(sl.PowerLaw(1.5, 1.5, modes=20), width=10, examples=20), sl.Descent(5, 0.1))
    for ds in (
        tp.solve_linear(linear, problem, training, two_time=True),
        tp.static_ntk(tp.MLP(2), problem, training),
        law,
    ):
        xr.testing.assert_identical(saved(ds, tmp_path), ds)


def test_no_error_no_rounding(problem, tmp_path):
    """One replicate has no standard error; runs that share draws differ by less than theirs: their kernels
    keep every bit."""
    setting = tp.MLP(2), problem, tp.Training(3, 0.3)
    alone = tp.sample(*setting, n_samples=256, n_replicates=1, samples=4)
    first = tp.sample(*setting, record=tp.Record(draws=True), **SIZE)
    second = tp.sample(tp.MLP(2, richness=1.1), *setting[1:], common_draws=first, **SIZE)
    for ds in (alone, first, second):
        rounded = check_rounding(ds, saved(ds, tmp_path))
        assert "preactivation" in rounded and not any("kernel" in name for name in rounded)


def _variant(name, problem):
    """A small result of each kind that dimensions, errors and gaps of fields differ in."""
    training = tp.Training(2, 0.2)
    rng = np.random.default_rng(1)
    sizes = dict(n_samples=128, n_replicates=2, samples=8)
    if name == "replicates":
        return tp.sample(tp.MLP(2), problem, training, keep_replicates=True, **sizes)
    if name == "outputs":
        classes = tp.Problem(problem.inputs, [0, 1, 2], loss="cross_entropy")
        return tp.sample(tp.MLP(2), classes, training, record=tp.Record(per_output=True), **sizes)
    if name == "positions":  # layers with fewer positions than others are filled with NaN
        images = tp.Problem(rng.normal(size=(2, 2, 6)), [1.0, -1.0])
        return tp.sample(
            tp.CNN(2, kernel=3, padding="zero", stride=2), images, training, tolerance=0.05, **sizes
        )
    if name == "heads":
        return tp.train_finite(
            tp.Transformer(1, head_dimension=4),
            tp.Problem(rng.normal(size=(2, 3, 4)), [1.0, -1.0]),
            training,
            16,
            n_replicates=2,
        )
    if name == "infinite depth":
        return tp.sample(tp.ResidualMLP(depth="infinite"), problem, training, tolerance=0.05, **sizes)
    if name == "coefficients":
        return tp.perturbation(tp.MLP(2, richness=0.1), problem, training, n_samples=128, n_replicates=2)
    return tp.train_finite(
        tp.MLP(2), problem, training, 16, n_replicates=3
    )  # parts that a stored matrix cannot tell are NaN


@pytest.mark.parametrize(
    "name", ["replicates", "outputs", "positions", "heads", "infinite depth", "coefficients", "networks"]
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # of ranks: these are small samples
def test_every_kind_of_result_is_rounded_within_its_errors(name, problem, tmp_path):
    ds = _variant(name, problem)
    assert any("kernel" in variable for variable in check_rounding(ds, saved(ds, tmp_path)))


def test_the_law_of_neurons_is_kept_as_it_is(tmp_path):
    """Certificates start from the sites of a result: a file of it gives the same one."""
    mf = tp.mean_field
    unit, data = mf.Neuron("tanh"), mf.FiniteData([-1.0, 1.0], [-0.5, 0.5])
    ds = mf.distributional_dynamics(
        unit, data, {"a": tp.Gaussian(), "w": tp.Gaussian()}, [0, 1], 0.1, 64, n_replicates=2, bins=8
    )
    assert saved(ds, tmp_path).site_parameter.equals(ds.site_parameter)


def test_rounding_of_any_number():
    rng = np.random.default_rng(0)
    for dtype, decades in ((np.float64, 300), (np.float32, 36)):
        x = (rng.normal(size=2000) * 10.0 ** rng.integers(-decades, decades, 2000)).astype(dtype)
        x[:5] = 0, np.nan, np.inf, -np.inf, np.finfo(dtype).max
        y = to_bits(x, 9)
        np.testing.assert_array_equal(y[:5], x[:5])
        x, y = x[5:], y[5:]
        assert y.dtype == dtype and (np.abs(y - x) <= np.abs(x) * 2.0**-10).all() and (y != x).mean() > 0.9
    x, error = x.astype(float), np.abs(rng.permutation(x.astype(float))) * 1e-3
    x[:3], error[3:7] = (np.nan, np.inf, 0.0), (0, np.nan, np.inf, 1e-320)
    z = to_error(x, error)
    np.testing.assert_array_equal(z[:7], x[:7])
    assert (np.abs(z[7:] - x[7:]) <= error[7:] / 256).all() and (z != x)[7:].mean() > 0.4


def test_a_tree_says_where_to_look(problem, tmp_path):
    """`xarray.open_dataset` shows the root of a file only."""
    runs = {
        name: tp.static_ntk(tp.MLP(depth), problem, tp.Training(2, 0.3))
        for name, depth in (("shallow", 1), ("deep one", 3))
    }
    path = tp.save(xr.DataTree.from_dict(runs), tmp_path / "both.nc")
    with xr.open_dataset(path) as root:
        told = dict(root.attrs)
    assert (
        told["title"].startswith("2 results")
        and told["groups"] == "shallow, deep one"
        and "tensorprog_mf" in told["source"]
    )
    assert "open_datatree" in told["how_to_open"] and "group='shallow'" in told["how_to_open"]
    with xr.open_dataset(path, group="shallow") as one:
        assert one.attrs["route"] == "static_ntk"
    tree = tp.load(path)
    assert tree.attrs == told and list(tree.children) == list(runs)
    for name, ds in runs.items():
        xr.testing.assert_identical(tree[name].to_dataset(), ds)
    own = xr.DataTree.from_dict({"/": xr.Dataset(attrs={"title": "mine"}), **runs})
    assert tp.load(tp.save(own, path)).attrs == told | {"title": "mine"}
    sampled = xr.DataTree.from_dict({"a": tp.sample(tp.MLP(2), problem, tp.Training(1, 0.3), **SIZE)})
    check_rounding(sampled["a"].to_dataset(), tp.load(tp.save(sampled, path))["a"].to_dataset())


def test_files_of_the_first_version_have_the_names_of_today(problem, tmp_path):
    ds = tp.sample(tp.MLP(2), problem, tp.Training(2, 0.3), record=tp.Record(draws=True), **SIZE)
    old = ds.rename(basis_rank="rank").assign_attrs(schema_version="1").copy(deep=True)
    for variable in old.variables.values():
        variable.attrs["units"] = "1"
    trees = (old, xr.DataTree.from_dict({"run": old}))
    for each in trees:
        each.to_netcdf(tmp_path / "old.nc")
        back = tp.load(tmp_path / "old.nc")
        xr.testing.assert_identical(back if isinstance(back, xr.Dataset) else back["run"].to_dataset(), ds)
    assert ds.attrs["schema_version"] == SCHEMA_VERSION == "3"
    assert ds.basis_rank.dims == ("time", "layer", "pass")  # as an attribute: `rank` is a method of xarray
    tp.sample(
        tp.MLP(2),
        problem,
        tp.Training(2, 0.3),
        common_draws=tp.load(tmp_path / "old.nc")["run"].to_dataset(),
        **SIZE,
    )


def test_files_of_the_second_version_have_the_names_of_today(problem, tmp_path):
    ds = tp.sample(tp.ResidualMLP("infinite"), problem, tp.Training(1, 0.3), **SIZE)
    old = ds.rename(relative_depth="tau").assign_attrs(schema_version="2")
    tp.save(old, tmp_path / "old.nc", exact=True)
    xr.testing.assert_identical(tp.load(tmp_path / "old.nc"), ds)


def test_the_table_of_renamed_variables_leads_to_names_of_the_schema():
    versions = [int(entry.version) for entry in RENAMED]
    assert versions == sorted(versions) and versions[-1] <= int(SCHEMA_VERSION)
    later = {entry.old for entry in RENAMED}
    for entry in RENAMED:
        assert entry.new in {*VARIABLES, *COORDINATES} | later, entry
        # names of one version are exchanged one after the other, so none may be both old and new
        assert not any(o.old == entry.new and o.version == entry.version for o in RENAMED), entry


def test_names_and_errors_move_by_version_and_route(monkeypatch):
    table = (
        schema.Renamed("a", "b", "2"),
        schema.Renamed("b", "c", "3"),
        schema.Renamed("x", "y", "3", ("s.",)),
    )
    monkeypatch.setattr(schema.renamed, "RENAMED", table)
    ds = xr.Dataset({name: ("t", [0.0]) for name in ("a", "a_stderr", "b_depth_error", "x")})
    known = {"a": "c", "a_stderr": "c_stderr", "b_depth_error": "c_depth_error"}
    assert new_names(ds) == new_names(ds.assign_attrs(schema_version="3")) == {}
    assert new_names(ds.assign_attrs(schema_version="2", route="r")) == {"b_depth_error": "c_depth_error"}
    assert new_names(ds.assign_attrs(schema_version="1", route="s.solve")) == known | {"x": "y"}


def test_attributes_of_others_do_no_harm(tmp_path):
    ds = xr.Dataset(
        {"feature_kernel": (("time", "layer"), np.eye(2)), "mine": ("x", [1.0, 2.0])},
        attrs={"settings_json": "{not ours", "n": 3},
    )
    xr.testing.assert_identical(saved(ds, tmp_path), ds)

import json

import numpy as np
import pytest
import xarray as xr

import tensorprog_mf as tp
from tensorprog_mf.results.schema import TRAINING_VARIABLES, VARIABLES


@pytest.fixture
def ds(problem):
    return tp.sample(tp.MLP(2), problem, tp.Training(3, 0.3), n_samples=128, n_replicates=3, samples=8)


def test_the_dataset_is_what_the_schema_says(ds):
    for name, variable in ds.data_vars.items():
        spec = VARIABLES[name.removesuffix("_stderr")]
        assert variable.dims == spec.dims and str(variable.dtype) == spec.dtype, name
        assert {"long_name", "symbol", "units", "comment"} <= variable.attrs.keys(), name
    on_request = (
        "two_time",
        "coefficient",
        "test_loss",
        "pseudogradient",
        "response",
        "_moment",
        "_density",
        "preactivation_kernel",
        "attention",
        "hidden_weight",
    )
    for name, spec in ((name, VARIABLES[name]) for name in TRAINING_VARIABLES):
        if spec.estimate and not any(part in name for part in on_request):
            assert f"{name}_stderr" in ds, name
    assert ds.split.values.tolist() == ["train"] * 3 + ["test"] * 2
    assert ds.layer.values.tolist() == [1, 2] and ds["pass"].values.tolist() == ["forward", "backward"]
    assert ds.sizes["sample"] == 8
    assert (ds.error_signal[:, 3:] == 0).all() and np.isnan(ds.target[3:]).all()
    for name, coordinate in ds.coords.items():
        assert {"long_name", "symbol", "units", "comment"} <= coordinate.attrs.keys(), name


def test_attributes_are_netcdf_safe_and_tell_all(ds):
    assert all(isinstance(value, (str, int, float)) for value in ds.attrs.values())
    wanted = (
        "source created_at schema_version route architecture seed status status_message references"
        " settings_json problem_json environment_json"
    )
    assert set(wanted.split()) <= ds.attrs.keys()
    assert json.loads(ds.attrs["settings_json"])["n_samples"] == 128 and ds.attrs["seed"] == "0"


def test_an_unnamed_seed_is_recorded(problem):
    arguments = dict(n_samples=64, n_replicates=1)
    ds = tp.sample(tp.MLP(1), problem, tp.Training(1, 0.3), seed=None, **arguments)
    again = tp.sample(tp.MLP(1), problem, tp.Training(1, 0.3), seed=int(ds.attrs["seed"]), **arguments)
    assert ds.output.identical(again.output) and len(ds.attrs["seed"]) > 20


def test_save_and_load_round_trip(ds, tmp_path):
    path = tp.save(ds, tmp_path / "run.nc", exact=True)  # what is rounded otherwise: test_files
    xr.testing.assert_identical(ds, tp.load(path))
    assert [p.name for p in tmp_path.iterdir()] == ["run.nc"]


def test_a_failed_save_leaves_the_old_file(ds, tmp_path, monkeypatch):
    path = tp.save(ds, tmp_path / "run.nc")
    before = path.read_bytes()

    def broken(self, target, **options):
        with open(target, "wb") as file:
            file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", broken)
    with pytest.raises(tp.InputError, match="disk full"):
        tp.save(ds, path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_unreadable_and_unwritable_files(ds, tmp_path):
    with pytest.raises(tp.InputError, match="does not exist; make it first"):
        tp.save(ds, tmp_path / "missing" / "run.nc")
    with pytest.raises(tp.InputError, match="no such file"):
        tp.load(tmp_path / "none.nc")
    (tmp_path / "text.nc").write_text("hello")
    with pytest.raises(tp.InputError, match="not a netCDF file"):
        tp.load(tmp_path / "text.nc")


def test_replicates_can_be_kept(problem):
    settings = dict(n_samples=128, n_replicates=3, samples=0)
    every = tp.sample(tp.MLP(2), problem, tp.Training(3, 0.3), keep_replicates=True, **settings)
    mean = tp.sample(tp.MLP(2), problem, tp.Training(3, 0.3), **settings)
    assert every.output.dims == ("replicate", "time", "example") and "output_stderr" not in every
    np.testing.assert_allclose(every.output.mean("replicate"), mean.output, atol=1e-15)
    sampled = every.output.std("replicate", ddof=1) / np.sqrt(3)
    np.testing.assert_allclose(np.hypot(sampled, every.output_truncation), mean.output_stderr, atol=1e-15)

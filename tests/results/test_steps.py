"""Sweeps put together with xarray: along steps each run keeps its own times; nobody speaks for another
run."""

import numpy as np
import pytest
import xarray as xr

import tensorprog_mf as tp

RATES = xr.Variable("learning_rate", [0.1, 0.2, 0.4])
SIZE = dict(n_samples=128, n_replicates=2, samples=4)


def run(problem, rate=0.3, route=tp.sample, network=None, steps=4, **options):
    return route(
        network or tp.MLP(2),
        problem,
        tp.Training(steps, rate),
        **(SIZE if route is tp.sample else {}),
        **options,
    )


@pytest.fixture(scope="module")
def runs():
    rng = np.random.default_rng(7)
    problem = tp.Problem(rng.normal(size=(3, 5)), rng.normal(size=3), rng.normal(size=(2, 5)))
    return [run(problem, rate, record=tp.Record([0, 2, 4], two_time=True)) for rate in RATES.values]


@pytest.fixture(scope="module", params=[False, True], ids=["today", "to come"])
def sweep(runs, request):
    """With the defaults of xarray today, and with those it announces."""
    if "use_new_combine_kwarg_defaults" not in xr.get_options():
        pytest.skip("an xarray that announces nothing")
    with xr.set_options(use_new_combine_kwarg_defaults=request.param):
        return xr.concat([tp.by_step(ds) for ds in runs], RATES, join="exact", combine_attrs="drop_conflicts")


def test_a_sweep_over_learning_rates(runs, sweep):
    """Nothing is joined, filled or moved: every point is its run, at its times."""
    assert sweep.sizes["step"] == sweep.sizes["step_prime"] == 3 and sweep.time.dims == (
        "learning_rate",
        "step",
    )
    for rate, ds in zip(RATES.values, runs):
        one = sweep.sel(learning_rate=rate)
        np.testing.assert_array_equal(one.time, ds.time)
        np.testing.assert_array_equal(one.time_prime, ds.time_prime)
        for name in ds.data_vars:
            assert one[name].dims == tuple(
                {"time": "step", "time_prime": "step_prime"}.get(dim, dim) for dim in ds[name].dims
            )
            assert one[name].attrs == ds[name].attrs
            np.testing.assert_array_equal(one[name], ds[name], err_msg=name)
    assert sweep.loss.sel(step=4).dims == ("learning_rate",)


def test_other_ways_to_put_it_together(runs, sweep):
    along = [tp.by_step(ds) for ds in runs]
    nested = xr.combine_nested(along, "learning_rate", join="exact", combine_attrs="drop_conflicts")
    assert nested.assign_coords(learning_rate=RATES).identical(sweep)
    labelled = [ds.expand_dims(learning_rate=[rate]) for rate, ds in zip(RATES.values, along)]
    by_coordinates = xr.combine_by_coords(
        labelled, join="exact", coords="minimal", compat="override", combine_attrs="drop_conflicts"
    )
    np.testing.assert_array_equal(by_coordinates.output.transpose(*sweep.output.dims), sweep.output)
    np.testing.assert_array_equal((along[1] - along[0]).output, runs[1].output.values - runs[0].output.values)
    assert tp.by_step(along[0]).identical(along[0])
    with pytest.raises(ValueError, match="exact"):  # along time they do not fit, and xarray says so
        xr.concat(runs, RATES, join="exact")


def test_attributes_hold_for_all_points(runs, sweep):
    assert "training_json" not in sweep.attrs and sweep.attrs["problem_json"] == runs[0].attrs["problem_json"]
    assert sweep.attrs["route"] == "sample" and sweep.output.attrs["long_name"] == "network output"


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_what_other_sweeps_look_like(problem):
    rich = xr.Variable("richness", [0.5, 1.0])
    same_times = [run(problem, network=tp.MLP(2, richness=richness)) for richness in rich.values]
    assert xr.concat(same_times, rich, join="exact").sizes["time"] == 5
    deep = xr.concat([run(problem, network=tp.MLP(depth)) for depth in (2, 3)], "depth", join="outer")
    assert deep.layer.values.tolist() == [1, 2, 3] and np.isnan(deep.feature_kernel.sel(layer=3)[0]).all()
    some = [tp.by_step(run(problem, rate, record=steps)) for rate, steps in ((0.1, [0, 2, 4]), (0.2, [0, 4]))]
    joined = xr.concat(some, "run", join="outer")
    assert (
        joined.step.values.tolist() == [0, 2, 4]
        and np.isnan(joined.loss[1, 1])
        and np.isfinite(joined.loss[1, 2])
    )
    apart = [tp.by_step(run(problem, rate, keep_replicates=True)) for rate in (0.1, 0.2)]
    assert xr.concat(apart, "run", join="exact").output.dims == ("run", "replicate", "step", "example")
    classes = tp.Problem(problem.inputs, [0, 1, 2], loss="cross_entropy")
    each = [run(classes, rate) for rate in (0.1, 0.2)]
    both = xr.concat([tp.by_step(ds) for ds in each], "run", join="exact", combine_attrs="drop_conflicts")
    assert both.output.dims == ("run", "step", "example", "output_number") and both.class_label.dims == (
        "output_number",
    )
    np.testing.assert_array_equal(both.output[1], each[1].output)
    assert float(tp.compare(tp.by_step(each[0]), each[0]).output_max.max()) == 0


def test_what_has_no_steps(problem):
    flow = tp.static_ntk(tp.MLP(2), problem, tp.Training(flow=True, times=[0.0, 1.0]))
    with pytest.raises(tp.InputError, match="gradient flow has times but no steps"):
        tp.by_step(flow)
    for other in (np.ones(3), flow.isel(time=-1)):
        with pytest.raises(tp.InputError, match="by_step takes a result over time"):
            tp.by_step(other)


def test_a_point_of_a_sweep_is_a_result(runs, sweep):
    """Along its steps, and without the attributes that points do not share."""
    point = sweep.isel(learning_rate=1)
    distances = tp.compare(point, run=runs[1])
    assert (
        float(distances.output_max.max()) == 0
        and distances.time.values.tolist() == runs[1].time.values.tolist()
    )
    with pytest.raises(
        tp.InputError,
        match=r"outputs have a dimension learning_rate; choose one run.*ds.isel\(learning_rate=0\)",
    ):
        tp.compare(sweep, runs[0])


def test_results_without_attributes_are_compared_by_their_data(runs, problem):
    bare = runs[0].drop_attrs()
    assert float(tp.compare(bare, runs[0]).output_max.max()) == 0
    assert float(tp.compare(bare, bare).output_max.max()) == 0
    other = tp.Problem(problem.inputs, problem.targets + 1, problem.test_inputs)
    with pytest.raises(tp.InputError, match="a different problem"):
        tp.compare(bare, run(other, 0.1, record=[0, 2, 4]).drop_attrs())


def test_info_says_what_attributes_speak_of(sweep, runs, tmp_path, capsys):
    from tensorprog_mf.cli import main

    as_xarray_does = xr.concat(
        [tp.by_step(ds) for ds in runs], RATES, join="exact"
    )  # the attributes of the first run
    odd = runs[0].drop_attrs().assign_attrs(settings_json="{not ours", list_json="[1, 2]", number=3)
    for name, ds in (("sweep", as_xarray_does), ("odd", odd), ("bare", runs[0].drop_attrs())):
        tp.save(ds, tmp_path / f"{name}.nc")
        assert main(["info", str(tmp_path / f"{name}.nc")]) == 0
        told = capsys.readouterr().out
        assert (
            "several runs           along learning_rate: what is said above may hold for the first" in told
        ) == (name == "sweep")
        assert "output" in told and ("{not ours" in told) == (name == "odd")

"""Several outputs: reference numbers, the lazy limit, how many directions they take, and what refuses
them."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.engine import loop as engine
from tests.reference.gate import OUTPUT_FLOOR, TRAINING_CASES, excess, excesses, training_setup


@pytest.fixture
def several(problem):
    """The shared problem with three outputs, values of a regression."""
    return tp.Problem(problem.inputs, np.random.default_rng(8).normal(size=(3, 3)), problem.test_inputs)


@pytest.fixture
def classes(problem):
    return tp.Problem(problem.inputs, [0, 2, 1], problem.test_inputs, "cross_entropy")


def sigmas(a, b):
    """Largest difference of outputs at any time after the first, in combined standard errors pooled over the
    entries of a time."""
    squares = sum(ds.output_stderr.values**2 for ds in (a, b) if "output_stderr" in ds)[1:]
    return float(
        (
            np.abs(a.output.values - b.output.values)[1:].max(axis=(1, 2))
            / np.sqrt(squares.mean(axis=(1, 2)))
        ).max()
    )


@pytest.mark.parametrize("name", [name for name, case in TRAINING_CASES.items() if case["item"] == 1])
def test_reference_cases_pass_the_gate(name):
    record = tp.Record(per_output=True)
    ds = tp.sample(
        *training_setup(TRAINING_CASES[name]), n_samples=4096, n_replicates=8, samples=0, record=record
    )
    found = excesses(ds, TRAINING_CASES[name])
    # Largest of some thousand entries at 5 pooled sigma: false alarm 1e-3; of seeds 0 to 2 the largest excess
    # is 0.8.
    assert max(found.values()) <= 1 and len(found) == 3 + 4 * ds.sizes["layer"], found


def test_outputs_first_move_along_their_tangent_kernel(classes):
    """df_mc = eta sum_nd K_mcnd Delta_nd to first order, whatever the number of samples; the tolerance must
    let the step be seen."""
    network, rate = tp.MLP(2, "erf", 1.5, [1.2, 0.9, 1.3], [0.4, 0.0], 0.6), 1e-5
    settings = dict(n_samples=128, n_replicates=1, tolerance=1e-10, centred=False)
    ds = tp.sample(network, classes, tp.Training(1, rate), **settings, record=tp.Record(per_output=True))
    expected = np.einsum("mcnd,nd->mc", ds.tangent_kernel[0], ds.error_signal[0])
    np.testing.assert_allclose(
        (ds.output[1] - ds.output[0]) / rate, expected, atol=1e-4 * np.abs(expected).max()
    )


def test_one_output_may_have_its_dimension(problem):
    given, settings = tp.Training(5, 0.4, 0.3), dict(width=24, n_replicates=2)
    one = tp.train_finite(tp.MLP(3), problem, given, **settings)
    column = tp.Problem(problem.inputs, problem.targets[:, None], problem.test_inputs)
    other = tp.train_finite(tp.MLP(3), column, given, **settings, record=tp.Record(per_output=True))
    assert other.gradient_kernel.dims == (
        "time",
        "layer",
        "example",
        "output",
        "example_prime",
        "output_prime",
    )
    for name in (
        "output",
        "loss",
        "error_signal",
        "feature_kernel",
        "gradient_kernel",
        "tangent_kernel",
        "backward_field",
    ):
        np.testing.assert_allclose(np.squeeze(other[name].values), one[name].values, atol=1e-11, err_msg=name)


def test_classes_are_alike():
    """Labels permuted are outputs permuted, in the limit: independent runs, within their errors, and far from
    each other unpermuted."""
    rng = np.random.default_rng(2)
    x, labels, order = rng.normal(size=(6, 5)), np.array([0, 1, 2, 0, 1, 2]), np.array([2, 0, 1])
    runs = [
        tp.sample(
            tp.MLP(2, "tanh", 1.5),
            tp.Problem(x, own, loss="cross_entropy"),
            tp.Training(12, 1.5),
            n_replicates=8,
            samples=0,
            seed=seed,
        )
        for seed, own in enumerate((labels, order[labels]))
    ]
    error = np.sqrt(np.mean([ds.output_stderr**2 for ds in runs]) * 2)
    # 216 correlated entries at 6 pooled sigma, Student's t with 7 degrees of freedom pooled over them: false
    # alarm below 1e-3.
    assert np.abs(runs[0].output.values - runs[1].output.values[:, :, order]).max() < 6 * error < 0.05
    assert np.abs(runs[0].output.values - runs[1].output.values).max() > 0.5


@pytest.mark.parametrize(
    "times",
    [{"steps": 15, "learning_rate": 0.3, "momentum": 0.4}, {"flow": True, "times": [0.0, 0.5, 2.0, 10.0]}],
    ids=["steps", "flow"],
)
def test_lazily_the_outputs_of_the_squared_loss_ignore_each_other(several, times):
    network, training = tp.MLP(2, "erf", weight_std=1.2, output_bias=0.5), tp.Training(**times)
    ds = tp.static_ntk(network, several, training)
    assert ds.output.dims == ("time", "example", "output")
    single = [
        tp.static_ntk(network, tp.Problem(several.inputs, y, several.test_inputs), training)
        for y in several.targets.T
    ]
    np.testing.assert_allclose(ds.output, np.stack([each.output for each in single], axis=2), atol=1e-13)
    np.testing.assert_allclose(ds.loss, sum(each.loss for each in single), rtol=1e-13)
    np.testing.assert_allclose(
        ds.error_signal, np.stack([each.error_signal for each in single], axis=2), atol=1e-13
    )


def test_lazy_flow_of_the_cross_entropy_is_the_limit_of_small_steps(classes):
    flow = tp.static_ntk(tp.MLP(2), classes, tp.Training(flow=True, times=[0.0, 1.0, 5.0], tolerance=1e-9))
    coarse, fine = (
        tp.static_ntk(tp.MLP(2), classes, tp.Training(5 * n, 1 / n), record=[0, n, 5 * n]).output.values
        for n in (400, 800)
    )
    np.testing.assert_allclose(
        flow.output, 2 * fine - coarse, atol=2e-6
    )  # Euler's error is linear in the step
    assert np.abs(fine - flow.output.values).max() > 1e-5
    np.testing.assert_allclose(
        flow.output.sum("output"), 0, atol=1e-9
    )  # errors of one example add up to zero
    assert float(flow.loss[0]) == pytest.approx(np.log(3)) and flow.loss[-1] < 0.8 * flow.loss[0]


@pytest.mark.parametrize("kind", ["squared", "cross_entropy"])
def test_small_richness_is_the_lazy_limit(several, classes, kind):
    setting = tp.MLP(2, "tanh", 0.01), several if kind == "squared" else classes, tp.Training(10, 0.4)
    exact, ds = tp.static_ntk(*setting), tp.sample(*setting, n_replicates=8, samples=0)
    # The gate, whose floor is some ten times what is of order richness^2: false alarm below 1e-3; of seeds 0
    # to 5 the largest is 0.72.
    assert excess(ds.output.values, ds.output_stderr.values, exact.output.values, 0.0, OUTPUT_FLOOR) <= 1
    assert np.abs(exact.output).max() > 0.2


def test_directions_of_vanishing_size_are_left_out(classes, monkeypatch):
    """Backward fields shrink with the errors: judged by the largest one so far, their rank saturates; by
    their own size it goes on."""
    setting = tp.MLP(2, "tanh", 1.5), classes, tp.Training(120, 1.5)
    settings = dict(n_samples=1024, n_replicates=4, samples=0, tolerance=1e-3, record=[0, 40, 120])
    runs, made = [tp.sample(*setting, **settings)], engine.Realization
    monkeypatch.setattr(engine, "Realization", lambda *given: made(*given[:-1], False))
    runs.append(tp.sample(*setting, **settings))
    absolute, relative = (ds["basis_rank"][:, 1, 1].values for ds in runs)
    assert absolute[2] < 1.1 * absolute[1] and relative[2] > 1.25 * relative[1], (absolute, relative)
    assert absolute[2] < 0.75 * relative[2]
    # Most draws are common to both: of seeds 0 to 3 the largest distances are 0.9 standard errors and 0.5 %.
    assert sigmas(*runs) < 5
    np.testing.assert_allclose(runs[0].output, runs[1].output, atol=0.03 * np.abs(runs[0].output).max())


def test_refusals_name_what_serves_instead(problem, several, classes):
    network, training = tp.MLP(2, "linear"), tp.Training(2, 0.1)
    for route in (tp.alternate, tp.perturbation):
        with pytest.raises(
            tp.UnsupportedError,
            match=(
                f"{route.__name__} takes one output.*for 3 outputs use tp.sample, tp.train_finite,"
                " tp.solve_linear, tp.static_ntk or tp.gradient_independence"
            ),
        ):
            route(network, several, training)
    for record in (tp.Record(two_time=True), tp.Record(responses=True)):
        with pytest.raises(
            tp.UnsupportedError,
            match=r"tp.Record\((two_time|responses)=True\) is for one output.*leave (two_time|responses) out",
        ):
            tp.sample(network, several, training, n_samples=64, record=record)
    with pytest.raises(
        tp.UnsupportedError,
        match=(
            "kernels of every output are those of gradients, which learning_rule='feedback_alignment'"
            " does not follow; leave out per_output"
        ),
    ):
        tp.sample(
            network,
            several,
            tp.Training(2, 0.1, learning_rule="feedback_alignment"),
            n_samples=64,
            record=tp.Record(per_output=True),
        )
    for message, given, record in (
        ("per_output=True is for several outputs", problem, tp.Record(per_output=True)),
        (
            "backward_field and gradient need per_output=True with several outputs",
            several,
            tp.Record(moments=["gradient"], densities=["backward_field"]),
        ),
        (
            "kernel_examples names example 9, but examples are 0 ... 4",
            classes,
            tp.Record(kernel_examples=[9], per_output=True),
        ),
    ):
        with pytest.raises(tp.InputError, match=message):
            tp.sample(network, given, training, n_samples=64, record=record)


def test_several_outputs_stay_data(classes, tmp_path):
    """A variable and a dimension are both called output: arithmetic, files, trees and comparisons keep the
    variable."""
    import xarray as xr

    setting = tp.MLP(2), classes, tp.Training(3, 0.5)
    ds = tp.sample(*setting, n_samples=128, n_replicates=2)
    assert "output" in ds.data_vars and float(abs((ds - ds).output).max()) == 0
    xr.testing.assert_identical(ds, tp.load(tp.save(ds, tmp_path / "one.nc", exact=True)))
    tree = tp.load(tp.save(xr.DataTree.from_dict({"a": ds, "b": ds}), tmp_path / "two.nc", exact=True))
    assert "output" in tree["b"].to_dataset().data_vars
    assert "output_rms" in tp.compare(ds, tp.static_ntk(*setting))
    deep = tp.sample(tp.ResidualMLP("infinite", n_tau=4), *setting[1:], n_samples=128, n_replicates=2)
    assert deep.output.dims == ("time", "example", "output") and {
        "output",
        "output_stderr",
        "output_depth_error",
    } <= set(deep.data_vars)


def test_linear_flow_and_sampled_kernels_of_several_outputs(several):
    flow = tp.solve_linear(
        tp.MLP(2, "linear"), several, tp.Training(flow=True, times=[0.5, 1.0], tolerance=1e-4)
    )
    coarse, fine = (
        tp.solve_linear(tp.MLP(2, "linear"), several, tp.Training(n, 1 / n), record=[n // 2, n])
        for n in (40, 80)
    )
    np.testing.assert_allclose(flow.output, 2 * fine.output.values - coarse.output.values, atol=1e-3)
    assert "output" in flow.data_vars
    lazy = tp.static_ntk(tp.MLP(2), several, tp.Training(3, 0.3), "sampled", n_samples=4096, n_replicates=2)
    exact = tp.static_ntk(tp.MLP(2), several, tp.Training(3, 0.3))
    assert lazy.output.dims == exact.output.dims
    np.testing.assert_allclose(lazy.output, exact.output, atol=0.02)


def test_as_many_outputs_as_sites_are_refused(problem):
    with pytest.warns(tp.DataWarning, match="have no training example"):
        classes = tp.Problem(problem.inputs, [0, 1, 39], loss="cross_entropy", classes=range(40))
    with pytest.raises(tp.InputError, match="centring the outputs takes .* of the 32 sites"):
        tp.sample(tp.MLP(2), classes, tp.Training(1, 0.1), n_samples=32, n_replicates=1)


def test_kernels_with_and_without_outputs_are_not_compared(several):
    lazy = tp.static_ntk(tp.MLP(2), several, tp.Training(1, 0.3))
    ds = tp.sample(
        tp.MLP(2, richness=0.01),
        several,
        tp.Training(1, 0.3),
        n_replicates=2,
        record=tp.Record(per_output=True),
        samples=0,
    )
    distances = tp.compare(lazy, ds)
    assert (
        "tangent_kernel_max" not in distances
        or distances.tangent_kernel_max.max() < 0.1 * lazy.tangent_kernel.max()
    )


def test_overview_of_several_outputs(classes):
    pytest.importorskip("matplotlib").use("Agg")
    from tensorprog_mf import plotting

    plotting.overview(tp.sample(tp.MLP(2), classes, tp.Training(2, 0.3), n_samples=128, n_replicates=2))

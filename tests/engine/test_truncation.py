"""What the tolerance leaves out of outputs: measured, stated, part of the error, and small by default at any
richness."""

import json

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.engine.truncation import default_tolerance
from tensorprog_mf.matrices.conditioned import Conditioned
from tensorprog_mf.matrices.parameter import Parameter, grown
from tensorprog_mf.sites.draws import Draws
from tensorprog_mf.sites.sites import Sites
from tests.helpers.marks import near_full_rank

RNG = np.random.default_rng(0)
X, SEQUENCES, IMAGES = RNG.normal(size=(9, 5)), RNG.normal(size=(5, 3, 4)), RNG.normal(size=(5, 1, 6))
Y = np.sign(RNG.normal(size=6))
PROBLEM, STEPS = tp.Problem(X[:6], Y, X[6:]), tp.Training(15, 0.3)
TIMES = tp.Training(flow=True, times=[0.5, 2.0, 4.0], tolerance=1e-4)
ALIGNED = tp.Training(15, 0.3, learning_rule=tp.rules.FeedbackAlignment(correlation=0.5))
TOKENS, PIXELS = (tp.Problem(x[:4], [1, -1, 1, -1.0], x[4:]) for x in (SEQUENCES, IMAGES))
CLASSES = tp.Problem(X[:6], [0, 1, 2, 0, 1, 2], X[6:], loss="cross_entropy")
VECTORS = tp.Problem(X[:6], np.eye(6)[:, :2], X[6:])

CASES = {
    "tanh": (tp.MLP, dict(depth=2), PROBLEM, STEPS),
    "relu, scales, biases": (
        tp.MLP,
        dict(depth=3, activation="relu", weight_std=[1, 1.5, 0.7, 1.2], bias_std=0.3, output_bias=1.0),
        PROBLEM,
        tp.Training(15, 0.1),
    ),
    "deep": (tp.MLP, dict(depth=5), PROBLEM, tp.Training(10, 0.2)),
    "momentum, decay": (tp.MLP, dict(depth=2), PROBLEM, tp.Training(15, 0.1, 0.8, 0.1, nesterov=True)),
    "batches": (tp.MLP, dict(depth=2), PROBLEM, tp.Training(15, 0.3, batch_size=3)),
    "logistic": (tp.MLP, dict(depth=2), tp.Problem(X[:6], Y, X[6:], loss="logistic"), tp.Training(15, 0.8)),
    "flow": (tp.MLP, dict(depth=2), PROBLEM, TIMES),
    "residual": (tp.ResidualMLP, dict(depth=3), PROBLEM, STEPS),
    "recurrent": (tp.RNN, dict(readout="average"), TOKENS, STEPS),
    "convolutional": (tp.CNN, dict(depth=2, kernel=3), PIXELS, STEPS),
    "attention": (tp.Transformer, dict(depth=1, mlp=True, normalise=True), TOKENS, tp.Training(8, 0.2)),
    "classes": (tp.MLP, dict(depth=2), CLASSES, tp.Training(15, 0.5)),
    "several outputs": (tp.MLP, dict(depth=2), VECTORS, STEPS),
    "several outputs, flow": (tp.MLP, dict(depth=2), VECTORS, TIMES),
    "feedback alignment": (tp.MLP, dict(depth=2), PROBLEM, ALIGNED),
}


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("richness, tolerance", [(1e-4, 1e-5), (1.0, 1e-2)])
@near_full_rank
def test_the_estimate_is_what_outputs_are_off_by(name, richness, tolerance, known_weights):
    """Same weights, at this tolerance and at 1e-11: the estimate is right within a factor of 4; measured 0.3
    to 2.5."""
    kind, options, problem, training = CASES[name]
    if training.flow and tolerance > 1e-5:
        pytest.skip("a flow allows no tolerance above a tenth of its own, whose steps it changes")
    network, settings = (
        kind(richness=richness, **options),
        dict(n_samples=128, n_replicates=1, samples=0, progress=False),
    )
    exact, ds = (
        tp.sample(network, problem, training, tolerance=each, **settings) for each in (1e-11, tolerance)
    )
    off, stated = rms(ds.output - exact.output), rms(ds.output_truncation)
    assert stated / 4 < off < 4 * stated, (off, stated)
    assert rms(exact.output_truncation) < 1e-3 * stated


def test_per_output_and_few_times_say_the_same(known_weights):
    """Backward fields of every output, or their sum weighted by the errors; recorded at all times or at the
    end only."""
    network, settings = (
        tp.MLP(2, richness=1e-3),
        dict(n_samples=128, n_replicates=1, samples=0, tolerance=1e-4),
    )
    single, each, late = (
        tp.sample(network, VECTORS, STEPS, record=record, **settings).output_truncation[-1]
        for record in (None, tp.Record(per_output=True), [15])
    )
    assert 1 / 3 < single / each < 3 and 1 / 3 < single / late < 3


@pytest.mark.parametrize("sizes", [(96, 96), (64, 96)])
def test_what_bases_hold_is_known_from_handles(sizes):
    """<z . E c> from coefficients alone, with a learned part, unequal populations and noise in the weights,
    to rounding."""
    out, into = (Sites(str(i), size, Draws(size, (3, i), "pseudo-random")) for i, size in enumerate(sizes))
    matrix, rng = Conditioned("W", out, into, 0.3), np.random.default_rng(1)
    fields = []
    for _ in range(3):
        x, g = rng.normal(size=(4, into.count)), rng.normal(size=(4, out.count))
        x[1], g[1] = (
            x[0] + 0.2 * rng.normal(size=into.count),
            g[0] + 0.2 * rng.normal(size=out.count),
        )  # left out, mostly
        parameter = Parameter(0.8, 0.1 * rng.normal(size=matrix.rank[::-1]))
        handle, query = matrix.apply(parameter, x)[1], matrix.ask(g, transposed=True)
        matrix.answer(parameter, query)
        fields.append((x, parameter, handle, query))
    for _ in range(2):
        for x, parameter, c, query in fields:
            whole = grown(query.handle, (4, matrix.rank[1]))  # its directions have their images by now
            z = matrix.answer(parameter, query._replace(handle=whole, added=[]))
            held = matrix.forward.basis.rows[: c.shape[1]]
            assert 0 < len(held) < 12 and rms(x - c @ held) > 1e-2  # something was left out
            np.testing.assert_allclose(
                matrix.held(parameter, query.handle, c), np.mean(z * (c @ held), axis=1), atol=1e-12
            )
        matrix.refresh(0.7)


@near_full_rank
def test_the_default_follows_richness_and_is_recorded():
    assert {default_tolerance(r) for r in (0.1, 0.5, 1.0, 30.0)} == {1e-4}
    assert [default_tolerance(r) / r for r in (1e-2, 1e-4, 1e-6)] == pytest.approx([1e-3] * 3)
    assert default_tolerance(1e-9) == 1e-10
    assert default_tolerance(1.0, target=1e-3) == 1e-4 and default_tolerance(
        0.1, target=1e-4
    ) == pytest.approx(1e-5)

    def recorded(**options):
        ds = tp.sample(
            tp.MLP(2, richness=options.pop("richness")),
            PROBLEM,
            options.pop("training", tp.Training(2, 0.3)),
            64,
            1,
            **options,
        )
        return json.loads(ds.attrs["settings_json"])["tolerance"], ds

    usual, ds = recorded(richness=0.1)
    assert usual == 1e-4 and ds.output.equals(recorded(richness=0.1, tolerance=1e-4)[1].output)
    assert recorded(richness=1e-3)[0] == pytest.approx(1e-6)
    assert recorded(richness=1.0, training=TIMES)[0] == pytest.approx(1e-5)  # a tenth of the flow's
    first = recorded(richness=0.05, record=tp.Record(draws=True))[1]
    for richness in (0.05, 1e-3, 0.2):
        again = recorded(richness=richness, record=tp.Record(draws=True), common_draws=first)
        assert again[0] == pytest.approx(5e-5)
        assert richness != 0.05 or again[1].output.equals(first.output)
    independent = tp.gradient_independence(tp.MLP(2, richness=1e-3), PROBLEM, tp.Training(2, 0.3), 64, 1)
    assert json.loads(independent.attrs["settings_json"])["tolerance"] == pytest.approx(1e-6)


def lazy_distance(richness, activation="tanh", **options):
    """Distance from the static kernel on test examples at the end, its stated error, and that of sampling
    alone."""
    setting = tp.MLP(2, activation, richness), PROBLEM, tp.Training(20, 0.4)
    ds = tp.sample(*setting, n_samples=1024, n_replicates=8, samples=0, **options)
    off = (ds.output - tp.static_ntk(*setting).output).values[-1, 6:]
    stated, left = ds.output_stderr.values[-1, 6:], float(ds.output_truncation[-1])
    return off, stated, np.sqrt(np.maximum(stated**2 - left**2, 0))


@pytest.mark.parametrize("activation, powers", [("tanh", (-5, -4, -3, -2)), ("relu", (-5, -4))])
def test_lazy_networks_are_their_static_kernel_by_default(activation, powers):
    for power in powers:
        off, stated, sampled = lazy_distance(10.0**power, activation)
        # Student's t with 7 degrees of freedom, 3 examples, 6 runs of almost the same noise: above 8 with
        # chance 3e-4. richness^2 is 1e-4 at most, richness of relu 1e-4: below 0.2 of the error.
        assert (np.abs(off) < 8 * stated).all() and (stated < 1.01 * sampled).all(), power


def test_too_large_a_tolerance_is_in_the_error():
    """Off by more than 8 standard errors of sampling, but not of what is stated, which is no more than 8
    times as large."""
    off, stated, sampled = lazy_distance(1e-4, tolerance=1e-4)
    assert (np.abs(off) > 8 * sampled).any()  # what used to come
    assert (np.abs(off) < 3 * stated).all() and rms(stated) < 8 * rms(off)


def test_between_lazy_and_rich_it_agrees_with_perturbation():
    """Order by order at richness 0.05, where the default tolerance is half of the usual one: the next order
    is 0.05^4 f_4."""
    setting, settings = (
        (tp.MLP(2, richness=0.05), PROBLEM, tp.Training(8, 0.8)),
        dict(n_samples=512, n_replicates=2, samples=0),
    )
    ds = tp.sample(*setting, record=tp.Record(draws=True), **settings)
    del settings["samples"]
    expanded = tp.perturbation(*setting, common_draws=ds, tolerance=5e-5, **settings)
    # Common draws: no sampling error. Measured 1.1e-5, as much as the tolerance leaves out, where order 2
    # makes 2.9e-4.
    assert (
        rms(ds.output - expanded.output)
        < 4e-5
        < 0.2 * rms(ds.output - expanded.output_coefficient.sel(order=0))
    )


def test_target_error_names_the_tolerance_that_keeps_it_out_of_reach():
    setting = tp.MLP(2, richness=1e-4), PROBLEM, tp.Training(20, 0.4)
    settings = dict(n_samples=256, n_replicates=4, samples=0, target_error=0.02)
    with pytest.warns(
        tp.TargetWarning,
        match="not reached: n_samples=256: what tolerance=0.0001 leaves out makes the 95 % interval",
    ):
        ds = tp.sample(*setting, tolerance=1e-4, **settings)
    assert json.loads(ds.attrs["settings_json"])["n_samples"] == 256  # more samples would not have helped
    ds = tp.sample(*setting, **settings)
    assert ds.attrs["target_error_message"].startswith("target_error=0.02 reached")
    assert (
        np.abs(ds.output - tp.static_ntk(*setting).output).max() < 0.02
    )  # a 95 % interval of 4 replicates is 3.2 sigma
    tight = tp.sample(tp.MLP(2), tp.Problem(X[:1], Y[:1]), tp.Training(1, 0.1), 1024, 2, target_error=5e-5)
    assert json.loads(tight.attrs["settings_json"])["tolerance"] == pytest.approx(5e-5)


def test_errors_are_joined_in_quadrature():
    problem = tp.Problem(X[:6], Y, X[6:], test_targets=[1.0, -1.0, 1.0])
    setting, settings = (
        (tp.MLP(2, richness=1e-3), problem, tp.Training(10, 0.4)),
        dict(n_samples=256, n_replicates=3, samples=0, tolerance=1e-4),
    )
    ds, each = tp.sample(*setting, **settings), tp.sample(*setting, keep_replicates=True, **settings)
    left = ds.output_truncation.values
    np.testing.assert_array_equal(left, each.output_truncation)
    sampled = {
        name: each[name].std("replicate", ddof=1).values / 3**0.5
        for name in ("output", "loss", "test_loss", "error_signal", "feature_kernel")
    }
    np.testing.assert_allclose(ds.output_stderr, np.hypot(sampled["output"], left[:, None]), rtol=1e-12)
    for name, cut in (("loss", slice(0, 6)), ("error_signal", slice(0, 6)), ("test_loss", slice(6, None))):
        for t in (1, 5, 10):
            factor = rms(ds.output_stderr[t, cut]) / rms(sampled["output"][t, cut])
            np.testing.assert_allclose(ds[f"{name}_stderr"][t], factor * sampled[name][t], rtol=1e-9)
            assert factor > 1.1
        assert "output_truncation" in ds[f"{name}_stderr"].comment
    np.testing.assert_array_equal(
        ds.feature_kernel_stderr, sampled["feature_kernel"]
    )  # is not divided by richness
    assert "output_truncation" not in ds.feature_kernel_stderr.comment
    assert "output_stderr" not in tp.sample(*setting, **settings | {"n_replicates": 1})


def test_at_richness_one_errors_practically_do_not_move():
    ds = tp.sample(tp.MLP(3), PROBLEM, tp.Training(20, 0.3), n_samples=4096, n_replicates=4, samples=0)
    left, stated = ds.output_truncation.values[1:, None], ds.output_stderr.values[1:]
    assert 0 < left[-1, 0] < 1e-5 and rms(left) < 1e-2 * rms(
        stated
    )  # in quadrature less than 1e-4 of the error


def test_extrapolated_depth_joins_the_errors_of_its_runs():
    setting, settings = (
        (tp.ResidualMLP("infinite", richness=1e-3, n_tau=4), PROBLEM, tp.Training(5, 0.3)),
        dict(n_samples=64, samples=0),
    )
    rough = tp.sample(*setting, n_replicates=2, tolerance=1e-3, **settings)
    assert (rough.output_stderr[-1] >= rough.output_truncation[-1]).all() and rough.output_truncation[
        -1
    ] > 1e-2


@pytest.mark.parametrize(
    "run",
    [
        lambda **s: tp.sample(tp.MLP(1), PROBLEM, STEPS, **s),
        lambda **s: tp.gradient_independence(tp.MLP(2), PROBLEM, STEPS, **s),
        lambda **s: tp.sample(tp.MeanFieldMLP(2), PROBLEM, STEPS, **s),
        lambda **s: tp.sample(tp.MLP(2), VECTORS, ALIGNED, **s),
        lambda n_samples, **s: tp.train_finite(tp.MLP(2), PROBLEM, STEPS, width=n_samples, **s),
    ],
)
@near_full_rank
def test_absent_where_nothing_is_left_out_or_nothing_tells(run):
    assert "output_truncation" not in run(n_samples=64, n_replicates=2, samples=0)


def test_a_sequence_of_one_position_leaves_nothing_out():
    """Its hidden matrix is never asked: outputs are those of a network of one layer."""
    one = tp.Problem(X[:6, None], Y, X[6:, None])
    settings = dict(n_samples=64, n_replicates=1, samples=0, progress=False)
    ds, plain = (
        tp.sample(network, problem, STEPS, **settings)
        for network, problem in ((tp.RNN(), one), (tp.MLP(1), PROBLEM))
    )
    assert (ds.output_truncation == 0).all()
    np.testing.assert_allclose(ds.output, plain.output, atol=1e-12)

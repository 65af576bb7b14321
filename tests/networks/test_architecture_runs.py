"""Runs of networks other than the MLP: special cases, checkpoints, threads, awkward inputs, what is
refused."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.ground import progress
from tensorprog_mf.sites.draws import Draws
from tests.helpers.stopping import interrupt_after, same, stopped

NETWORKS = {
    "residual": (tp.ResidualMLP(3), (4,)),
    "cnn": (tp.CNN(2, stride=(1, 2), readout="flat"), (2, 4)),
    "rnn": (tp.RNN(), (3, 2)),
    "attention": (tp.Transformer(1, head_dimension=4, causal=True, mlp=True, normalise=True), (3, 4)),
}
SETTINGS = dict(n_samples=512, n_replicates=2, samples=8, progress=False)


def given(shape, examples=3):
    rng = np.random.default_rng(len(shape))
    return tp.Problem(
        rng.normal(size=(examples, *shape)), rng.normal(size=examples), rng.normal(size=(1, *shape))
    )


@pytest.fixture(params=NETWORKS)
def setting(request):
    network, shape = NETWORKS[request.param]
    return network, given(shape), tp.Training(6, 0.4, 0.5, 0.1)


@pytest.mark.parametrize("readout", ["average", "flat"])
def test_a_convolution_at_one_position_is_an_mlp(problem, readout):
    """The same draws, so the same numbers up to rounding."""
    images = tp.Problem(problem.inputs[:, :, None], problem.targets, problem.test_inputs[:, :, None])
    cnn, mlp = (
        tp.sample(network, given, tp.Training(6, 0.3, 0.5), **SETTINGS)
        for network, given in (
            (tp.CNN(3, "tanh", 1.5, kernel=1, readout=readout), images),
            (tp.MLP(3, "tanh", 1.5), problem),
        )
    )
    for name in (
        "output",
        "loss",
        "tangent_kernel",
        "feature_kernel",
        "gradient_kernel",
        "preactivation",
        "backward_field_response_part",
    ):
        found, expected = cnn[name].values, mlp[name].values
        found = (
            found.reshape(expected.shape) if name != "backward_field_response_part" else found[:, :-1, :, 0]
        )
        expected = expected if name != "backward_field_response_part" else expected[:, :-1]
        np.testing.assert_allclose(
            found, expected, atol=1e-6 if "field" in name or name == "preactivation" else 1e-10, err_msg=name
        )


def test_one_token_looks_at_itself():
    problem = given((1, 4))
    ds = tp.sample(tp.Transformer(2, head_dimension=4, mlp=True), problem, tp.Training(4, 0.4), **SETTINGS)
    assert (
        (ds.attention_mean[:, :2] == 1).all()
        and (ds.attention_variance[:, :2] == 0).all()
        and (ds.attention[:, :2] == 1).all()
    )
    assert np.abs(ds.output[-1]).max() > 0.05
    # Nothing depends on queries and keys then.
    other = tp.sample(
        tp.Transformer(2, head_dimension=4, mlp=True, query_key_rate=9.0),
        problem,
        tp.Training(4, 0.4),
        **SETTINGS,
    )
    np.testing.assert_allclose(ds.output, other.output, atol=1e-12)


def test_coordinates_of_a_head_are_independent():
    """Correlations of 4 coordinates, and of their squares, over 1024 heads; neighbouring points of a sequence
    have them.

    Root mean squares over 6 pairs, 16 columns, 8 seeds: 768 numbers of standard error 1/32 were they random,
    so 1.3 times as much is 8 sigma off; means over seeds 1/sqrt(8) of that. Measured: 0.4 and 0.7, without
    groups 19 and 14.
    """

    def correlations(power, kind="sobol", group=4):
        found = []
        for seed, index in np.ndindex(8, 16):
            z = Draws(4096, (seed,), kind, group=group).column(index).reshape(1024, 4) ** power
            found.append(np.corrcoef(z.T)[np.triu_indices(4, 1)])
        return 32 * np.array(found).reshape(8, -1)

    def size(values):
        return np.sqrt((values**2).mean())

    for power in (1, 2):
        grouped, plain = correlations(power), correlations(power, group=1)
        assert size(grouped) < 1.3 and size(grouped.mean(axis=0)) < 1.3 / np.sqrt(8)
        assert size(plain) > 10 and size(plain.mean(axis=0)) > 5
        assert size(correlations(power, "pseudo-random")) < 1.3


def test_an_interrupted_run_goes_on_to_the_same_bits(setting, monkeypatch, tmp_path):
    whole, done = tp.sample(*setting, threads=1, **SETTINGS), []
    advance = progress.Progress.advance
    monkeypatch.setattr(progress.Progress, "advance", lambda self: done.append(1) or advance(self))
    with monkeypatch.context() as patched:
        interrupt_after(patched, 10)  # in the second replicate
        partial = stopped(tp.sample, *setting, threads=1, checkpoint=tmp_path / "state", **SETTINGS)
    assert partial.attrs["status"] == "interrupted" and len(done) < 14
    ds = tp.sample(*setting, threads=1, checkpoint=tmp_path / "state", **SETTINGS)
    assert ds.attrs["status"] == "completed" and same(ds, whole) and len(done) == 14  # no step was done twice


def test_same_bits_on_any_number_of_threads(setting):
    one, two = (
        tp.sample(*setting, threads=threads, **(SETTINGS | {"n_samples": 2048})) for threads in (1, 2)
    )
    assert same(one, two)


def test_repeated_and_collinear_inputs_are_no_trouble(setting):
    network, problem, training = setting
    x = problem.inputs
    mean = np.repeat(x[:1].mean(axis=-1, keepdims=True), x.shape[-1], axis=-1)
    repeated = tp.Problem(np.concatenate([x, x[:1], mean]), [1.0, -1.0, 0.5, 1.0, 0.2], 2 * x)
    ds = tp.sample(network, repeated, training, **(SETTINGS | {"n_samples": 1024}))
    assert ds.attrs["status"] == "completed" and np.isfinite(ds.output).all()
    np.testing.assert_allclose(ds.output[:, 0], ds.output[:, 3], atol=1e-10)


@pytest.mark.parametrize("rule", ["feedback_alignment", "direct_feedback_alignment", "hebb"])
@pytest.mark.parametrize("name", ["cnn", "rnn", "attention"])
def test_learning_rules_are_refused_with_the_remedy(name, rule):
    network, shape = NETWORKS[name]
    with pytest.raises(
        tp.UnsupportedError,
        match=(
            f"learning_rule='{rule}' is available for MLP and ResidualMLP only; train an?"
            f" {type(network).__name__} by gradients"
        ),
    ):
        tp.sample(network, given(shape), tp.Training(2, 0.1, learning_rule=rule), **SETTINGS)


def test_feedback_alignment_of_a_residual_network_begins_as_gradient_descent():
    """Correlation 1: what is sent back are the initial weights themselves, until they have moved."""
    runs = []
    for rule in ("gradient_descent", dict(name="feedback_alignment", correlation=1.0)):
        training = tp.Training(2, 0.4, learning_rule=rule)
        runs.append(
            tp.train_finite(
                tp.ResidualMLP(1, branch_scale=0.7),
                given((4,)),
                training,
                width=32,
                n_replicates=1,
                progress=False,
            )
        )
    np.testing.assert_allclose(runs[0].output[:2], runs[1].output[:2], atol=1e-12)
    np.testing.assert_allclose(runs[0].tangent_kernel[0], runs[1].tangent_kernel[0], atol=1e-12)
    assert np.abs(runs[0].output[2] - runs[1].output[2]).max() > 1e-4


def test_networks_of_infinite_depth_cannot_be_stored():
    with pytest.raises(tp.UnsupportedError, match="finite depth.*tp.sample"):
        tp.train_finite(tp.ResidualMLP("infinite"), given((4,)), tp.Training(2, 0.1), width=8)


def test_infinite_depth_has_the_layers_of_its_half():
    network, problem, training = tp.ResidualMLP("infinite", n_tau=8), given((4,)), tp.Training(3, 0.4)
    ds = tp.sample(network, problem, training, keep_replicates=True, **SETTINGS)
    runs = [
        tp.sample(tp.ResidualMLP(depth), problem, training, keep_replicates=True, **SETTINGS)
        for depth in (2, 4, 8)
    ]
    np.testing.assert_allclose(ds.relative_depth, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(ds.output, 2 * runs[2].output - runs[1].output, atol=1e-12)
    kernels = [run.preactivation_kernel.values for run in runs]
    np.testing.assert_allclose(ds.preactivation_kernel, 2 * kernels[2][:, :, ::2] - kernels[1], atol=1e-12)
    rough = (2 * runs[1].output - runs[0].output).values
    np.testing.assert_allclose(
        ds.output_depth_error, np.abs((ds.output - rough).mean("replicate")), atol=1e-12
    )

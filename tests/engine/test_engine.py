"""The engine on matrices that reveal themselves, against the same networks stored and trained densely."""

import warnings

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.matrices.realization import Realization
from tensorprog_mf.matrices.sampling import Sampling
from tensorprog_mf.matrices.stored import StoredMatrix
from tests.helpers.plain import Plain
from tests.helpers.plain_rules import PlainRules, aligned, direct, gradient, hebb
from tests.helpers.stored import stored

LOSSES = {
    "squared": (lambda f, y: y - f, lambda f, y: (y - f) ** 2 / 2),
    "logistic": (lambda f, y: y / (1 + np.exp(y * f)), lambda f, y: np.log1p(np.exp(-y * f))),
    "hinge": (lambda f, y: y * (y * f < 1), lambda f, y: np.clip(1 - y * f, 0, None)),
    "own": (lambda f, y: np.tanh(y - f), lambda f, y: np.log(np.cosh(y - f))),
    "cross_entropy": (lambda f, y: y - softmax(f), lambda f, y: -y * np.log(softmax(f))),
}
OWN = (
    lambda f, y: np.log(np.cosh(f - y)),
    lambda f, y: np.tanh(f - y),
)  # loss and derivative, as the library wants them


def softmax(f):
    return np.exp(f) / np.exp(f).sum(axis=1, keepdims=True)


@pytest.fixture
def made(monkeypatch):
    """The (realization, layers) that a run makes, one pair per replicate."""
    pairs, compose = [], tp.MLP.compose

    def keep(self, realization, inputs):
        composition = compose(self, realization, inputs)
        pairs.append((realization, composition.layers))
        return composition

    monkeypatch.setattr(tp.MLP, "compose", keep)
    return pairs


def whole(matrix):
    """All initial weights of a hidden matrix, those that were not revealed completed arbitrarily."""
    return matrix.initial_weights if isinstance(matrix, StoredMatrix) else stored(matrix)


def weights(realization, x):
    """All initial weights of a realization, of variance one; the readout is (output, site)."""
    first, *hidden, readout = [m for m in realization.matrices if not m.name.endswith("feedback")]
    coordinates = first.coordinates * np.sqrt(x.shape[1])
    w0 = first.columns.T @ np.linalg.lstsq(coordinates, x, rcond=None)[0]
    return [w0, *map(whole, hidden), readout.rows]


def way_back(realization, network, rule):
    """What a rule sends back in a realization, for the plain network; what is fixed at random is taken from
    there."""
    _, *hidden, readout = [m for m in realization.matrices if not m.name.endswith("feedback")]
    if isinstance(rule, tp.rules.FeedbackAlignment):
        kept, fresh = rule.correlation, np.sqrt(1 - rule.correlation**2)
        fixed = [
            std * (kept * whole(m) + fresh * whole(m.teacher.random))
            for std, m in zip(network.weight_std[1:], hidden)
        ]
        return aligned(fixed, readout.fixed)
    if isinstance(rule, tp.rules.DirectFeedbackAlignment):
        return direct([*(m.teacher.rows for m in hidden), readout.fixed])
    return hebb if isinstance(rule, tp.rules.Hebb) else gradient


def twin(realization, layers, network, rule, x):
    """The plain network with all that a realization drew."""
    scaled = [std * w for std, w in zip(network.weight_std, weights(realization, x))]
    biases = (
        None
        if network.bias_std is None
        else [layer.bias.std * layer.bias.column for layer in layers.layers[:-1:2]]
    )
    return PlainRules(
        scaled, biases, network.richness, network.output_bias, way_back(realization, network, rule)
    )


@pytest.mark.parametrize(
    "route, width, n_train, n_test, loss, options",
    [
        ("conditioned", 24, 3, 2, "squared", {}),  # bases fill up on the way
        (
            "conditioned",
            150,
            3,
            2,
            "logistic",
            dict(momentum=0.6, weight_decay=0.3, multipliers=(0.5, 2.0, 0.0, 1.5)),
        ),
        (
            "conditioned",
            300,
            60,
            50,
            "squared",
            dict(momentum=0.5, weight_decay=0.1),
        ),  # more than one panel of vectors
        (
            "dense",
            20,
            3,
            2,
            "logistic",
            dict(momentum=0.6, weight_decay=0.3, multipliers=(0.5, 2.0, 0.0, 1.5)),
        ),
        ("sample", 512, 5, 3, "squared", dict(momentum=0.6, weight_decay=0.3)),
        (
            "sample",
            512,
            3,
            2,
            "logistic",
            dict(momentum=0.6, weight_decay=0.3, nesterov=True, schedule="cosine"),
        ),
        ("dense", 20, 3, 2, "squared", dict(momentum=0.6, nesterov=True, multipliers=(0.5, 2.0, 0.0, 1.5))),
        ("dense", 20, 3, 2, "hinge", {}),
        (
            "sample",
            512,
            4,
            2,
            "squared",
            dict(batches=[[0], [1, 1], [2, 3, 0], [], [3], [0, 1], [2], [3, 3, 3]], momentum=0.5),
        ),
        (
            "dense",
            20,
            4,
            2,
            "logistic",
            dict(batches=[[0], [1, 1], [2, 3, 0], [3], [3], [0, 1], [2], [1]], momentum=0.5, nesterov=True),
        ),
        ("conditioned", 150, 3, 2, "own", {}),
        (
            "conditioned",
            150,
            3,
            2,
            "squared",
            dict(schedule=[1.0, 0.5, 0.0, 2.0, 1.0, 0.3, 0.2, 0.1], weight_decay=0.2),
        ),
    ],
)
def test_every_variable_is_that_of_a_plain_network(made, route, width, n_train, n_test, loss, options):
    """Train without the plain code; store the matrices that were revealed; train those plainly; compare
    everything."""
    rng = np.random.default_rng(width)
    x, y = rng.normal(size=(n_train + n_test, 5)), np.sign(rng.normal(size=n_train))
    given = OWN if loss == "own" else loss
    problem, network = tp.Problem(x[:n_train], y, x[n_train:], given), tp.MLP(3, "tanh", 1.3)
    training = tp.Training(8, 0.4, **options)
    settings = dict(n_replicates=2, tolerance=1e-12, samples=width, threads=1)
    settings |= {"n_samples": width} if route == "sample" else {"width": width, "matrix": route}
    run = tp.sample if route == "sample" else tp.train_finite
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tp.RankWarning)
        ds = run(network, problem, training, **settings)
        every = run(network, problem, training, keep_replicates=True, **settings)
    expected = []
    for realization, _ in made[2:]:
        *hidden, readout = weights(realization, x)
        plain = Plain([*hidden, readout[0]], network.richness)
        expected.append(plain.train(x, y, training, *LOSSES[loss]))
    assert np.abs(expected[0]["output"] - expected[1]["output"]).max() > 1e-3  # replicates differ
    for name, values in expected[0].items():
        if name in ("preactivation", "backward_field"):
            np.testing.assert_allclose(
                ds[name], values, rtol=1e-6, atol=1e-6, err_msg=name
            )  # single precision
            continue
        both = np.array([values, expected[1][name]])
        scale = np.abs(both).max()
        np.testing.assert_allclose(every[name], both, atol=1e-8 * scale, err_msg=name)
        np.testing.assert_allclose(ds[name], both.mean(0), atol=1e-8 * scale, err_msg=name)
        np.testing.assert_allclose(
            ds[f"{name}_stderr"], both.std(0, ddof=1) / np.sqrt(2), atol=1e-8 * scale, err_msg=name
        )
    if route == "dense":
        assert "basis_rank" not in ds
        return
    ranks = [[m.rank for m in realization.matrices[1:-1]] for realization, _ in made[2:]]
    found = ds["basis_rank"].isel(time=-1).values
    assert (
        found[0, 1] == found[-1, 0] == 0
    )  # nobody asks for the first layer's gradients or the last one's features
    for layer in (0, 1):
        assert found[layer, 0] == max(r[layer][0] for r in ranks)
        assert found[layer + 1, 1] == max(r[layer][1] for r in ranks)
    np.testing.assert_allclose(ds.rank_fraction, ds["basis_rank"] / width)


ALL = dict(momentum=0.6, weight_decay=0.3, multipliers=(0.5, 2.0, 0.0, 1.5))
BATCHES = [[0], [1, 1], [2, 3, 0], [1], [3], [0, 1], [2], [3, 3, 3]]
SCALES = dict(weight_std=[1.2, 0.9, 1.3, 0.8], bias_std=[0.4, 0.0, 0.3], output_bias=0.6)
PER_OUTPUT = ("gradient_kernel", "tangent_kernel", "backward_field")
OF_RULES = ("gradient_pseudogradient_kernel", "pseudogradient_kernel")


@pytest.mark.parametrize("route", ["dense", "conditioned"])
@pytest.mark.parametrize(
    "loss, outputs, rule, options, scales",
    [
        ("cross_entropy", 3, "gradient_descent", ALL, {}),
        ("cross_entropy", 3, "gradient_descent", dict(batches=BATCHES, momentum=0.5, nesterov=True), SCALES),
        (
            "squared",
            2,
            "gradient_descent",
            dict(batches=BATCHES, weight_decay=0.2, bias_multipliers=(2.0, 0.5, 1.0)),
            SCALES,
        ),
        ("own", 2, "gradient_descent", {}, {}),
        ("squared", None, tp.rules.FeedbackAlignment(correlation=0.6), ALL, {}),
        (
            "logistic",
            None,
            tp.rules.FeedbackAlignment(-0.3, current_readout=True),
            dict(batches=BATCHES),
            SCALES,
        ),
        ("squared", None, "direct_feedback_alignment", ALL, SCALES),
        ("squared", None, "hebb", dict(batches=BATCHES, momentum=0.5, nesterov=True), {}),
        ("logistic", None, "hebb", dict(weight_decay=0.2, bias_multipliers=(2.0, 0.5, 1.0)), SCALES),
        (
            "cross_entropy",
            3,
            tp.rules.FeedbackAlignment(correlation=0.6),
            dict(batches=BATCHES, momentum=0.5),
            SCALES,
        ),
        ("squared", 2, tp.rules.FeedbackAlignment(correlation=0.6, current_readout=True), ALL, {}),
        ("squared", 2, "direct_feedback_alignment", dict(momentum=0.5, nesterov=True), SCALES),
    ],
)
def test_outputs_and_rules_are_those_of_a_plain_network(made, route, loss, outputs, rule, options, scales):
    """As above: the plain network takes the weights that were drawn, and those that the rule sends back.

    Pseudo-gradients of several outputs are weighted by errors, so no kernel of them is recorded.
    """
    rng = np.random.default_rng(5)
    width, x, y = 20 if route == "dense" else 220, rng.normal(size=(6, 5)), rng.normal(size=(4, outputs or 1))
    y = {"logistic": np.sign(y), "cross_entropy": softmax(y)}.get(loss, y)
    given = OWN if loss == "own" else loss
    problem, network = (
        tp.Problem(x[:4], y if outputs else y[:, 0], x[4:], given),
        tp.MLP(3, "tanh", 1.3, **scales),
    )
    training = tp.Training(8, 0.4, learning_rule=rule, **options)
    record = tp.Record(per_output=outputs is not None and not training.ruled)
    ds = tp.train_finite(
        network,
        problem,
        training,
        width,
        route,
        2,
        samples=width,
        record=record,
        keep_replicates=True,
        threads=1,
    )
    expected = [
        twin(*pair, network, training.learning_rule, x).train(x, y, training, *LOSSES[loss]) for pair in made
    ]
    for name in expected[0]:
        values = np.array([each[name] for each in expected])
        if (
            name in OF_RULES
            and (outputs or not training.ruled)
            or name in PER_OUTPUT
            and outputs
            and training.ruled
        ):
            assert name not in ds
            continue
        values = values if outputs else np.squeeze(values)  # no axes of one output
        if name in ("preactivation", "backward_field"):
            np.testing.assert_allclose(
                ds[name], values[0], rtol=1e-6, atol=1e-6, err_msg=name
            )  # single precision, of one replicate
        else:
            np.testing.assert_allclose(ds[name], values, atol=1e-8 * np.abs(values).max(), err_msg=name)
    assert np.abs(expected[0]["output"] - expected[1]["output"]).max() > 1e-3  # replicates differ


@pytest.mark.parametrize("rule", ["gradient_descent", "feedback_alignment"])
def test_sampled_outputs_are_those_of_a_plain_network(made, rule):
    """Sobol draws, a readout centred for every output, and nothing recorded of single outputs: then none is
    sent back."""
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(5, 5)), np.eye(3)[[0, 2, 1]]
    setting = (
        tp.MLP(3, "tanh", 1.3),
        tp.Problem(x[:3], y, x[3:], "cross_entropy"),
        tp.Training(6, 0.8, momentum=0.3, learning_rule=rule),
    )
    ds = tp.sample(
        *setting,
        n_samples=256,
        n_replicates=1,
        samples=256,
        tolerance=1e-12,
        record=tp.Record(steps=[0, 3, 6]),
        keep_replicates=True,
    )
    expected = twin(*made[0], setting[0], setting[2].learning_rule, x).train(
        x, y, setting[2], *LOSSES["cross_entropy"]
    )
    assert made[0][0].matrices[1].rank[1] <= 6 * 3  # steps x training examples
    np.testing.assert_allclose(ds.output[0, 0], 0, atol=1e-12)
    np.testing.assert_allclose(ds.preactivation, expected["preactivation"][[0, 3, 6]], rtol=1e-6, atol=1e-6)
    for name in ("output", "loss", "error_signal", "feature_kernel"):
        np.testing.assert_allclose(
            ds[name][0], expected[name][[0, 3, 6]], atol=1e-8 * np.abs(expected[name]).max(), err_msg=name
        )
    assert not {*PER_OUTPUT, *OF_RULES} & ds.keys()


def test_finite_networks_have_their_moments(problem):
    """Dense and revealed networks of width 12, 400 each: means and variances of last outputs and kernels
    agree.

    30 outputs and kernel entries per moment, |z| < 4.5: false alarm below 5e-4.
    """
    setting, training = (tp.MLP(3, "tanh", 1.5), problem), tp.Training(4, 0.4)
    found = []
    for matrix, seed in (("dense", 1), ("conditioned", 2)):
        ds = tp.train_finite(*setting, training, 12, matrix, 400, seed, 0, [4], keep_replicates=True)
        names = ("output", "feature_kernel", "gradient_kernel")
        found.append(np.hstack([ds[name].values[:, 0].reshape(400, -1) for name in names]))
    for power in (1, 2):
        a, b = (((q - q.mean(0)) ** 2 if power == 2 else q) for q in found)
        z = (a.mean(0) - b.mean(0)) / np.sqrt((a.var(0) + b.var(0)) / 400)
        assert np.abs(z).max() < 4.5
    assert np.abs(found[0][:, 4].mean()) < 4.5 * found[0][:, 4].std() / 20 + 1  # finite, of order one
    outputs_at_start = tp.train_finite(
        *setting, tp.Training(0, 0.4), 12, "dense", 400, 3, 0, keep_replicates=True
    ).output
    assert outputs_at_start.std() > 0.05  # not centred


def test_weights_of_matrices_replicates_widths_and_kinds_are_independent():
    problem = tp.Problem(np.eye(3), [1.0, -1.0, 1.0])

    def first_rows(count, matrix, replicate):
        realization = Realization(
            Sampling(n_samples=count, matrix=matrix, draws="pseudo-random", seed=0, centred=False), replicate
        )
        tp.MLP(3).compose(realization, problem.all_inputs)
        rows = [realization.matrices[0].columns[0][:64]]
        return rows + [
            m.initial_weights[0][:64] for m in realization.matrices[1:-1] if isinstance(m, StoredMatrix)
        ]

    rows = [
        row
        for count in (64, 128)
        for matrix in ("dense", "conditioned")
        for r in (0, 1)
        for row in first_rows(count, matrix, r)
    ]
    overlap = (np.array(rows) @ np.array(rows).T / 64)[np.triu_indices(len(rows), 1)]
    assert (
        np.abs(overlap).max() < 5 / 8
    )  # 120 pairs at 5 sigma: false alarm 7e-5; the same draws would give 1


def test_only_what_is_wanted_is_recorded(problem):
    ds = tp.sample(
        tp.MLP(2), problem, tp.Training(6, 0.2), n_samples=128, n_replicates=2, record=[0, 2, 6], samples=0
    )
    assert ds.step.values.tolist() == [0, 2, 6]
    np.testing.assert_allclose(ds.time, [0.0, 0.4, 1.2])
    assert "sample" not in ds.dims
    with pytest.raises(tp.InputError, match="whole steps between 0 and 6"):
        tp.sample(tp.MLP(2), problem, tp.Training(6, 0.2), n_samples=128, record=[0, 7])


def test_a_diverging_run_keeps_what_it_has(problem):
    with pytest.warns(tp.DivergenceWarning, match="At step .* smaller learning rate"):
        ds = tp.sample(tp.MLP(2, "quadratic"), problem, tp.Training(60, 50.0), n_samples=128, n_replicates=2)
    assert ds.attrs["status"] == "diverged" and "At step" in ds.attrs["status_message"]
    assert 1 <= ds.sizes["time"] < 61 and np.isfinite(ds.output).all()


def test_rank_warns_then_goes_on_as_a_finite_network(problem):
    with pytest.warns(tp.RankWarning, match="n_samples = 32.*more samples or a larger tolerance"):
        ds = tp.sample(tp.MLP(2), problem, tp.Training(30, 0.5), n_samples=32, n_replicates=2, tolerance=1e-6)
    assert ds.attrs["status"] == "finite_width" and "32 sites" in ds.attrs["status_message"]
    assert ds["rank_fraction"].max() == 1 and np.isfinite(ds.output).all()


def test_degenerate_inputs_are_no_trouble():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3))
    problem = tp.Problem(np.vstack([x, x[:1], np.zeros((1, 3))]), [1.0, -1.0, 1.0, 0.5], 2 * x)
    for activation in ("tanh", "relu"):
        ds = tp.sample(tp.MLP(2, activation), problem, tp.Training(4, 0.3), n_samples=256, n_replicates=2)
        np.testing.assert_allclose(ds.output[:, 0], ds.output[:, 2], atol=1e-12)
        assert (ds.output[:, 3] == 0).all()


def test_centring_more_features_than_sites_is_refused():
    rng = np.random.default_rng(0)
    problem = tp.Problem(rng.normal(size=(80, 80)), rng.normal(size=80))
    with pytest.raises(tp.InputError, match="centring the outputs takes 62% of the 128 sites.*centred=False"):
        tp.sample(tp.MLP(1), problem, tp.Training(1, 0.1), n_samples=128, n_replicates=1)
    with pytest.warns(tp.RankWarning):
        tp.sample(tp.MLP(1), problem, tp.Training(1, 0.1), n_samples=128, n_replicates=1, centred=False)


def test_the_earliest_divergence_is_reported(problem):
    with pytest.warns(tp.DivergenceWarning):
        ds = tp.sample(
            tp.MLP(2, "quadratic"),
            problem,
            tp.Training(60, 5.0),
            n_samples=64,
            n_replicates=6,
            tolerance=1e-2,
        )
    assert f"At step {ds.sizes['time']} " in ds.attrs["status_message"]
    for name, values in ds.data_vars.items():
        assert np.isfinite(values).all() or name == "target", name


def test_log_steps():
    with pytest.raises(tp.InputError, match="count=1 must be"):
        tp.log_steps(10, 1)
    steps = tp.log_steps(1000, 10)
    assert steps[0] == 0 and steps[-1] == 1000 and len(steps) == 10

"""Learning rules: reference numbers, what they do to first order, where they coincide, and what refuses
them."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.matrices.realization import Realization
from tensorprog_mf.matrices.sampling import Sampling
from tests.helpers.marks import heavy_tailed
from tests.reference.gate import TRAINING_CASES, excesses, training_setup

RULES = [
    tp.rules.FeedbackAlignment(0.6),
    tp.rules.FeedbackAlignment(-0.3, current_readout=True),
    tp.rules.DirectFeedbackAlignment(),
    tp.rules.Hebb(),
]
SCALES = dict(weight_std=[1.2, 0.9, 1.3, 0.8], bias_std=[0.4, 0.0, 0.3], output_bias=0.6)


@pytest.mark.parametrize("name", [name for name, case in TRAINING_CASES.items() if case["item"] == 5])
@heavy_tailed
def test_reference_cases_pass_the_gate(name):
    ds = tp.sample(*training_setup(TRAINING_CASES[name]), n_samples=4096, n_replicates=8, samples=0)
    found = excesses(ds, TRAINING_CASES[name])
    # The gate takes errors for Gaussian and equal over entries. Here single entries of kernels have errors
    # several times the pooled one, skewed by Sobol columns that go badly together: at 4096 samples seeds 1
    # and 2 reach 2.1 in one tangent kernel and 1.2 to 1.3 in two others, outputs stay below 0.8; at 16384
    # samples all of seeds 0 to 2 is below 0.7.
    assert max(found.values()) <= 1 and len(found) == 3 + 8 * ds.sizes["layer"], found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_outputs_first_move_along_the_effective_kernel(problem, rule):
    """df = eta K Delta to first order, with K of gradients and pseudo-gradients, of one realization whatever
    its size."""
    rate, training = 1e-5, tp.Training(1, 1e-5, learning_rule=rule)
    ds = tp.sample(
        tp.MLP(3, "tanh", 1.5, **SCALES),
        problem,
        training,
        n_samples=256,
        n_replicates=1,
        tolerance=1e-10,
        centred=False,
    )
    expected = ds.tangent_kernel[0].values @ ds.error_signal[0].values
    np.testing.assert_allclose(
        (ds.output[1] - ds.output[0]) / rate, expected, atol=1e-4 * np.abs(expected).max()
    )
    symmetric = np.abs(ds.tangent_kernel[0] - ds.tangent_kernel[0].values.T).max() < 1e-12
    assert not symmetric


def test_full_correlation_is_gradient_descent_for_one_step(problem):
    """Feedback weights are the initial ones: the first update is that of the gradient, later ones are not."""
    settings = dict(n_samples=256, n_replicates=1, tolerance=1e-10)
    rule = tp.rules.FeedbackAlignment(correlation=1.0, current_readout=True)
    descent, alignment = (
        tp.sample(tp.MLP(2), problem, tp.Training(4, 0.8, learning_rule=given), **settings)
        for given in ("gradient_descent", rule)
    )
    for name in ("output", "feature_kernel", "preactivation"):
        np.testing.assert_allclose(alignment[name][:2], descent[name][:2], atol=1e-9, err_msg=name)
    assert np.abs(alignment.output - descent.output)[2].max() > 1e-3
    network = tp.MLP(4, "erf", **{**SCALES, "weight_std": 1.2, "bias_std": 0.3})
    ds = tp.train_finite(network, problem, tp.Training(3, 0.8, learning_rule=rule), width=24, n_replicates=1)
    for name in ("gradient_pseudogradient_kernel", "pseudogradient_kernel"):
        np.testing.assert_allclose(ds[name][0], ds.gradient_kernel[0], atol=1e-12)
        assert np.abs(ds[name] - ds.gradient_kernel)[2, :3].max() > 1e-3
        np.testing.assert_allclose(
            ds[name][:, 3], ds.gradient_kernel[:, 3], atol=1e-12
        )  # the readout is sent back as it is


def test_one_layer_has_nothing_but_the_readout_to_send_back(problem):
    """Then direct feedback is uncorrelated feedback, draw by draw, and feedback of the current readout is the
    gradient."""
    setting, settings = (tp.MLP(1, "tanh", 1.4), problem), dict(n_samples=256, n_replicates=2)
    fixed, direct, current, descent = (
        tp.sample(*setting, tp.Training(5, 0.5, learning_rule=rule), **settings)
        for rule in (
            "feedback_alignment",
            "direct_feedback_alignment",
            {"name": "feedback_alignment", "current_readout": True},
            "gradient_descent",
        )
    )
    np.testing.assert_array_equal(direct.output, fixed.output)
    np.testing.assert_allclose(current.output, descent.output, atol=1e-12)
    assert np.abs(fixed.output - descent.output).max() > 0.01


@pytest.mark.parametrize("current", [False, True])
def test_feedback_weights_have_their_correlation_and_size(current):
    """B = std (rho W + sqrt(1 - rho^2) R): in the readout by averages over sites, in a hidden layer by its
    two matrices."""
    realization = Realization(
        Sampling(n_samples=4096, matrix="conditioned", draws="sobol", seed=0),
        0,
        2,
        tp.rules.FeedbackAlignment(0.6, current),
    )
    layers = tp.MLP(2, weight_std=[1.0, 0.9, 1.3]).compose(realization, np.eye(3)).layers
    layers.forward(layers.initial(), slice(None))
    _, hidden, random, readout = realization.matrices
    assert (readout.fixed is None) == current
    if not current:
        overlap = readout.into.mean(np.vstack([readout.rows, readout.fixed]), readout.fixed)
        expected = np.vstack([1.3 * 0.6 * np.eye(2), 1.3**2 * np.eye(2)])
        np.testing.assert_allclose(
            overlap, expected, atol=0.05
        )  # 8 averages of 4096 products: 2.6e-2 / 3 for independent draws, less for Sobol
    g = hidden.out.draws.noise((3, 4096))
    sent, handle = hidden.feedback(
        hidden.initial().scaled(7.0), g, np.ones((3, 1))
    )  # whatever has become of the weights
    initial, fresh = (matrix.apply_transpose(matrix.initial(), g)[0] for matrix in (hidden, random))
    np.testing.assert_allclose(sent, 0.9 * (0.6 * initial + 0.8 * fresh), atol=1e-12)
    np.testing.assert_allclose(hidden.inner(handle, handle, hidden.out), g @ g.T / 4096, atol=1e-6)


def test_direct_feedback_is_drawn_for_every_output():
    """Standard normal whatever the scale of the weights, uncorrelated between outputs, with the readout and
    the first weights."""
    realization = Realization(
        Sampling(n_samples=4096, matrix="conditioned", draws="sobol", seed=0),
        0,
        2,
        tp.rules.DirectFeedbackAlignment(),
    )
    layers = tp.MLP(3, weight_std=1.3).compose(realization, np.eye(3)).layers
    layers.forward(layers.initial(), slice(None))
    first, *hidden, readout = realization.matrices
    for rows in (
        [readout.rows, readout.fixed],
        [first.columns, hidden[0].teacher.rows],
        [hidden[1].teacher.rows],
    ):
        rows = np.vstack(rows)  # of one population: sites of two layers never meet
        # 28 averages of 4096 products, 5 sigma of independent draws, 3.5 of squares: false alarm 2e-3, far
        # less for Sobol.
        np.testing.assert_allclose(rows @ rows.T / 4096, np.eye(len(rows)), atol=5 / 64)
    g, seed = np.ones((2, 4096)), np.array([[1.0, -2.0], [0.5, 0.0]])
    for matrix in hidden:
        sent, _ = matrix.feedback(matrix.initial().scaled(7.0), g, seed)  # whatever comes from above
        np.testing.assert_allclose(sent, seed @ matrix.teacher.rows, atol=1e-12)


def test_recorded_steps_do_not_change_the_run(problem):
    """Kernels of true gradients ask for more directions, and nothing else: stored networks, to rounding."""
    for rule in RULES:
        training = tp.Training(6, 0.5, learning_rule=rule)
        every, last = (
            tp.train_finite(tp.MLP(3), problem, training, width=24, n_replicates=1, record=record)
            for record in (None, [6])
        )
        np.testing.assert_allclose(every.output[-1], last.output[-1], atol=1e-13, err_msg=rule.name)


@pytest.mark.parametrize(
    "message, given",
    [
        (
            (
                "'backprop' is unknown; choose one of gradient_descent, feedback_alignment,"
                " direct_feedback_alignment, hebb"
            ),
            "backprop",
        ),
        ("is unknown; choose one of", {"correlation": 0.5}),
        ("is unknown; choose one of", None),
        ("is unknown; choose one of", tp.rules.Hebb),
        ("Hebb takes no arguments, so no correlation", {"name": "hebb", "correlation": 0.5}),
        ("correlation=1.5 must lie between -1 and 1", {"name": "feedback_alignment", "correlation": 1.5}),
        (
            "correlation=nan must lie between -1 and 1",
            {"name": "feedback_alignment", "correlation": float("nan")},
        ),
        ("correlation='half' must", {"name": "feedback_alignment", "correlation": "half"}),
        ("current_readout='yes' must be", {"name": "feedback_alignment", "current_readout": "yes"}),
    ],
)
def test_bad_rules(message, given):
    with pytest.raises(tp.InputError, match=message):
        tp.Training(2, 0.1, learning_rule=given)


def test_rules_are_named_in_the_result(problem):
    rule = {"name": "feedback_alignment", "correlation": 0.5}
    training = tp.Training(1, 0.1, learning_rule=rule)
    assert training.learning_rule == tp.rules.FeedbackAlignment(0.5) and rule["name"] == "feedback_alignment"
    ds = tp.sample(tp.MLP(1), problem, training, n_samples=64, n_replicates=1)
    assert (
        '"learning_rule": {"name": "feedback_alignment", "correlation": 0.5, "current_readout": false}'
        in ds.attrs["training_json"]
    )


def test_refusals_name_what_serves_instead(problem):
    with pytest.raises(
        tp.InputError, match="Hebb's rule is modulated by the error of one output; targets must be"
    ):
        tp.sample(
            tp.MLP(1),
            tp.Problem(np.eye(2), np.eye(2)),
            tp.Training(1, 0.1, learning_rule="hebb"),
            n_samples=64,
        )
    with pytest.raises(tp.InputError, match="temperature goes with gradient descent"):
        tp.Training(1, 0.1, temperature=0.5, learning_rule="feedback_alignment")
    network, training = tp.MLP(2, "linear"), tp.Training(2, 0.1, learning_rule="direct_feedback_alignment")
    gradients = "follows gradients; for learning_rule='direct_feedback_alignment'"
    follows = f"{gradients} use tp.sample or tp.train_finite"
    for route in (tp.solve_linear, tp.alternate, tp.perturbation, tp.gradient_independence, tp.static_ntk):
        with pytest.raises(tp.UnsupportedError, match=f"{route.__name__} {follows}"):
            route(network, problem, training)
    for form in ("ntk", "standard", "mup"):
        message = f"parameterization='{form}' {gradients} write the network in 'mean_field'"
        with pytest.raises(tp.UnsupportedError, match=message):
            tp.train_finite(network, problem, training, width=8, parameterization=form)
    earlier = tp.sample(network, problem, tp.Training(2, 0.1), n_samples=64, n_replicates=1)
    with pytest.raises(tp.UnsupportedError, match=f"common_draws {gradients} leave common_draws out"):
        tp.sample(network, problem, training, n_samples=64, n_replicates=1, common_draws=earlier)

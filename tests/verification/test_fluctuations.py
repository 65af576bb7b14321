"""Finite-width fluctuations: width times variance does not depend on width, and equals independent numbers.

Entries compared: outputs at the three recorded steps of the reference, diagonals of feature and gradient
kernels at the last one. Entries of one network are correlated, so limits are set by the number of entries
(Bonferroni), never by a sum.
"""

import json
import pathlib

import numpy as np
import pytest

import tensorprog_mf as tp
from tests.helpers.figures import figure

pytestmark = pytest.mark.verification
REFERENCE = pathlib.Path(__file__).parents[1] / "reference" / "fluctuations.json"
CASES = {case["params"]["activation"]: case for case in json.loads(REFERENCE.read_text())["cases"]}
SEEDS = {"tanh": 6, "linear": 7}
NETWORKS = {
    32: 2000,
    250: 1500,
    1000: 1000,
    10_000: 700,
    100_000: 300,
}  # the first width is one of the reference
SHOWN = {
    "f_1(0)": 0,
    "f_1(T)": 6,
    "f_test(T)": 8,
    "Phi^2_11(T)": 12,
    "G^1_11(T)": 15,
}  # positions among the entries


def measured(activation):
    """Our fluctuations of a reference case, and its exact or sampled limit."""
    case = CASES[activation]
    p = case["params"]
    problem = tp.Problem(case["inputs"], case["targets"], case["test_inputs"])
    # Its "steps" are recorded times.
    setting = (
        tp.MLP(p["depth"], activation, p["richness"]),
        problem,
        tp.Training(p["steps"] - 1, p["learning_rate"]),
    )
    settings = dict(record=case["output_steps"], samples=0)
    if activation == "linear":
        limit = tp.solve_linear(*setting, record=case["output_steps"])
    else:
        limit = tp.sample(*setting, n_samples=2**15, n_replicates=8, **settings)
    networks = [
        tp.train_finite(
            *setting,
            width=width,
            n_replicates=count,
            matrix="conditioned",
            tolerance=1e-6,
            keep_replicates=True,
            seed=SEEDS[activation],
            **settings,
        )
        for width, count in NETWORKS.items()
    ]
    return tp.fluctuations(networks, limit), limit


def entries(ds, part):
    """(width, entry): outputs, then diagonals of the last kernels; gradients of linear networks have no
    example index."""
    columns = [ds[f"output_{part}"].values.reshape(len(ds.width), -1)]
    for name in ("feature_kernel", "gradient_kernel"):
        last = np.diagonal(ds[name.replace("kernel", f"kernel_{part}")][:, -1].values, axis1=-2, axis2=-1)
        columns.append(last.reshape(len(ds.width), -1))
    return np.hstack(columns)


def of_reference(case, part):
    """The same of the reference; `part` is the name of one of its tables."""
    names = ("output", "feature_kernel_final_diag", "gradient_kernel_final_diag")
    return np.array([np.concatenate([np.ravel(row[part][name]) for name in names]) for row in case["widths"]])


def distinct(activation, scores):
    """Without the repeated gradient kernels of a linear network: (..., entry)."""
    return scores if activation == "tanh" else np.delete(scores, [16, 17, 19, 20], axis=-1)


def pooled(values, errors):
    """Weighted mean over the first axis and its error."""
    weights = errors**-2.0
    return (weights * values).sum(0) / weights.sum(0), weights.sum(0) ** -0.5


def extrapolated(widths, values, errors):
    """Values at infinite width and their errors, from a weighted fit of a + b / width to each column."""
    found = []
    for value, error in zip(values.T, errors.T):
        design = np.stack([np.ones(len(widths)), 1 / np.array(widths)], axis=1) / error[:, None]
        covariance = np.linalg.inv(design.T @ design)
        found.append(((covariance @ design.T @ (value / error))[0], covariance[0, 0] ** 0.5))
    return np.array(found).T


@pytest.fixture(scope="module", params=["tanh", "linear"])
def run(request):
    return request.param, *measured(request.param)


def test_width_times_variance_is_constant_and_that_of_the_reference(run):
    activation, ds, _ = run
    case, widths = CASES[activation], ds.width.values
    variance, error = entries(ds, "variance"), entries(ds, "variance_stderr")
    reference, reference_error = (
        of_reference(case, "n_times_variance"),
        of_reference(case, "n_times_variance_err"),
    )
    reference_widths = [row["width"] for row in case["widths"]]

    # In logarithms, because the error of a variance is proportional to itself.
    logarithm, relative = np.log(variance[1:]), (error / variance)[1:]
    mean, mean_error = pooled(logarithm, relative)
    chi_squared = distinct(activation, (((logarithm - mean) / relative) ** 2).sum(0))
    same_width = distinct(activation, (variance[0] - reference[0]) / np.hypot(error[0], reference_error[0]))
    infinite, infinite_error = extrapolated(reference_widths, reference, reference_error)
    limit = distinct(
        activation, (np.exp(mean) - infinite) / np.hypot(np.exp(mean) * mean_error, infinite_error)
    )
    with figure(f"fluctuations_{activation}") as axis:
        for i, (label, entry) in enumerate(SHOWN.items()):
            scale, apart = np.exp(mean[entry]), 1.06 ** (i - 2)
            style = {"color": f"C{i}", "ms": 4}
            axis.errorbar(
                widths * apart,
                variance[:, entry] / scale,
                error[:, entry] / scale,
                fmt="o",
                label=label,
                **style,
            )
            y, dy = reference[:, entry] / scale, reference_error[:, entry] / scale
            axis.errorbar(np.array(reference_widths) * apart, y, dy, fmt="s", mfc="white", alpha=0.6, **style)
        axis.axhline(1, color="k", linewidth=0.8)
        axis.set(xscale="log", ylim=(0.7, 1.3), xlabel="width N", ylabel="N Var over its mean of N >= 250")
        axis.set_title(f"{activation}, depth 2; squares: reference")
        axis.legend(fontsize=7, ncols=3, loc="lower left")
    for label, entry in SHOWN.items():
        ours = ", ".join(f"{v:.4f}({e:.4f})" for v, e in zip(variance[:, entry], error[:, entry]))
        print(f"{activation} N Var {label}: {ours} at {widths.tolist()}")
        print(
            f"    mean {np.exp(mean[entry]):.4f}, reference at infinity"
            f" {infinite[entry]:.4f}({infinite_error[entry]:.4f})"
        )
    print(
        f"{activation}: chi^2 of 3, {chi_squared.size} entries: mean {chi_squared.mean():.2f}, largest"
        f" {chi_squared.max():.1f}"
    )
    for what, z in (("at width 32", same_width), ("at infinity", limit)):
        print(
            f"{activation}: against the reference {what}, rms z {np.sqrt((z**2).mean()):.2f}, largest |z|"
            f" {abs(z).max():.2f}"
        )
    # 21 entries. chi^2 of 3 beyond 25.9 has probability 1e-5, |z| beyond 4.5 7e-6: false alarm below 5e-4 in
    # all, were errors known exactly; those of the heaviest-tailed kernels are known to some 10 %.
    assert chi_squared.max() < 25.9
    assert abs(same_width).max() < 4.5
    assert abs(limit).max() < 4.5


def test_shifts_at_a_small_width_are_those_of_the_reference(run):
    activation, ds, limit = run
    case = CASES[activation]
    shift, error = entries(ds, "shift")[0], entries(ds, "shift_stderr")[0]
    expected, expected_error = (
        of_reference(case, "n_times_mean_shift")[0],
        of_reference(case, "n_times_mean_shift_err")[0],
    )
    score = distinct(activation, (shift - expected) / np.hypot(error, expected_error))
    for label, entry in SHOWN.items():
        theirs = f"{expected[entry]:.3f}({expected_error[entry]:.3f})"
        print(f"{activation} N shift {label}: {shift[entry]:.3f}({error[entry]:.3f}), reference {theirs}")
    print(
        f"{activation}: shifts, largest |z| {abs(score).max():.2f}; largest |shift| / error"
        f" {abs(shift / error).max():.1f}"
    )
    assert abs(score).max() < 4.5  # 21 entries: false alarm 1.4e-4
    assert abs(shift / error).max() > 4.5  # there is a shift to agree on
    expected = np.array(case["limit"]["output"])[case["output_steps"]]
    np.testing.assert_allclose(limit.output, expected, atol=1e-10 if activation == "linear" else 1.5e-3)


def test_initial_variance_of_linear_networks_is_the_input_kernel():
    """Exact at every width; outputs of 3 examples at 2 widths, false alarm of 4.5 sigma 4e-5."""
    case = CASES["linear"]
    inputs = np.array(case["inputs"] + case["test_inputs"])
    setting = (
        tp.MLP(2, "linear"),
        tp.Problem(case["inputs"], case["targets"], case["test_inputs"]),
        tp.Training(1, 0.2),
    )
    settings = dict(n_replicates=4000, record=[0], samples=0, matrix="conditioned", keep_replicates=True)
    ds = tp.fluctuations(
        [tp.train_finite(*setting, width=width, **settings) for width in (16, 250)], tp.solve_linear(*setting)
    )
    score = (ds.output_variance[:, 0] - (inputs**2).sum(1) / inputs.shape[1]) / ds.output_variance_stderr[
        :, 0
    ]
    print("linear, N Var f(0) against K^x:", score.values.round(2).tolist())
    assert (abs(score) < 4.5).all()

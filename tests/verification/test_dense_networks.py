"""The limit against ordinary dense networks of width 1024, for every loss, optimiser, choice of batches and
learning rule.

The networks are those that anybody would train: stored weights, readout not centred. Centring would halve the
noise of outputs, but changes the law by the order of 6 features / 1024, more than the allowance below, and is
code of the limit.
"""

import numpy as np
import pytest

import tensorprog_mf as tp
from tests.helpers.figures import figure

pytestmark = pytest.mark.verification
WIDTH, NETWORKS, STEPS, RECORDED = 1024, 48, 12, [0, 4, 12]
SIGMAS, BIAS, RESOLVED = 5, 4, 0.02
KERNELS = (
    "feature_kernel",
    "gradient_kernel",
    "tangent_kernel",
    "gradient_pseudogradient_kernel",
    "pseudogradient_kernel",
)

RNG = np.random.default_rng(12)
INPUTS, SIGNS, VALUES = RNG.normal(size=(6, 6)), np.array([1.0, -1.0, 1.0, -1.0]), RNG.normal(size=(4, 2))
GIVEN = [[0, 1], [2], [3, 3, 0], [1, 2], [0], [3, 1], [2, 0], [1, 1], [3, 2], [0, 2], [1], [3]]
SCALES = dict(weight_std=[1.2, 0.9, 1.3], bias_std=[0.5, 0.3], output_bias=0.6)
QUARTIC = (lambda f, y: (f - y) ** 4 / 4, lambda f, y: (f - y) ** 3)
# Targets, loss, learning rate, further arguments of the training, of the network.
CASES = {
    "squared, 2 outputs": (VALUES, "squared", 0.4),
    "logistic": (SIGNS, "logistic", 1.0),
    # Where an example comes near its margin, networks part by O(1) steps and their mean tends to the limit
    # but slowly: 0.32 keeps all margins 0.05 away from it, 3 standard deviations of an output at this width,
    # and two examples pass.
    "hinge": (SIGNS, "hinge", 0.32),
    "cross-entropy, 3 classes": (np.array([0, 2, 1, 0]), "cross_entropy", 1.0),
    "own loss": (SIGNS, QUARTIC, 0.4),
    "momentum": (SIGNS, "squared", 0.2, dict(momentum=0.6)),
    "nesterov": (SIGNS, "squared", 0.2, dict(momentum=0.6, nesterov=True)),
    "weight decay": (SIGNS, "squared", 0.4, dict(weight_decay=0.2)),
    "schedule": (SIGNS, "squared", 0.4, dict(schedule="cosine")),
    "multipliers, one layer frozen": (SIGNS, "squared", 0.4, dict(multipliers=[1.5, 0.0, 0.7])),
    "biases and scales": (SIGNS, "squared", 0.3, dict(bias_multipliers=[1.0, 0.5]), SCALES),
    "batches": (SIGNS, "squared", 0.4, dict(batch_size=2)),
    "batches with replacement": (SIGNS, "squared", 0.4, dict(batch_size=2, replacement=True)),
    "batches given": (SIGNS, "squared", 0.4, dict(batches=GIVEN)),
    "feedback alignment": (SIGNS, "squared", 0.4, dict(learning_rule=tp.rules.FeedbackAlignment(0.6))),
    "feedback alignment, readout as it is": (
        SIGNS,
        "squared",
        0.4,
        dict(learning_rule=tp.rules.FeedbackAlignment(0.6, current_readout=True)),
    ),
    "direct feedback alignment": (SIGNS, "squared", 0.5, dict(learning_rule="direct_feedback_alignment")),
    "hebb": (SIGNS, "squared", 0.4, dict(learning_rule="hebb")),
}
MORE = {"hebb": 96}  # outputs of half the size


def setting(targets, loss, rate, training=None, network=None):
    """Network, problem, training of a case, and what to record of it."""
    problem = tp.Problem(INPUTS[:4], targets, INPUTS[4:], loss)
    settings = dict(samples=0, record=tp.Record(RECORDED, per_output=problem.outputs is not None))
    return (
        tp.MLP(2, "tanh", 1.5, **(network or {})),
        problem,
        tp.Training(STEPS, rate, **(training or {})),
    ), settings


def limit(*case):
    given, settings = setting(*case)
    return tp.sample(*given, n_samples=4096, n_replicates=8, seed=1, **settings)


def networks(count, *case):
    given, settings = setting(*case)
    return tp.train_finite(*given, width=WIDTH, matrix="dense", n_replicates=count, seed=2, **settings)


def pieces(ds, name):
    """An output, or the kernel of every layer, with errors."""
    value, error = ds[name].values, ds[f"{name}_stderr"].values
    return (
        [(value[:, i], error[:, i]) for i in range(value.shape[1])]
        if "layer" in ds[name].dims
        else [(value, error)]
    )


def distances(a, b):
    """Per output and kernel: largest difference, 5 sigma (pooled) and scale; largest z; largest excess over
    what is allowed."""
    found = {}
    for name in ("output", *(name for name in KERNELS if name in a)):
        for layer, ((x, dx), (y, dy)) in enumerate(zip(pieces(a, name), pieces(b, name)), 1):
            error, scale, difference = np.hypot(dx, dy), np.abs(x).max(), np.abs(x - y)
            pooled = np.sqrt((error**2).mean())
            error = np.maximum(
                error, pooled
            )  # of single entries from 8 replicates: Student's t; of few large ones: more than pooled
            allowed = SIGMAS * error + BIAS / WIDTH * scale
            key = name if name in ("output", "tangent_kernel") else f"{name} {layer}"
            found[key] = (
                difference.max(),
                SIGMAS * pooled,
                scale,
                (difference / error).max(),
                (difference / allowed).max(),
            )
    return found


@pytest.fixture(scope="module")
def table():
    """Distances of all cases, drawn at the end."""
    found = {}
    yield found
    with figure("dense_networks") as axis:
        for row, case in enumerate(found):
            kernels = [excess for name, (*_, excess) in found[case].items() if name != "output"]
            axis.plot(kernels, [row] * len(kernels), "C0.", label="kernels" if row == 0 else None)
            axis.plot(found[case]["output"][-1], row, "C1o", label="outputs" if row == 0 else None)
        axis.axvline(1, color="k", linewidth=0.8)
        axis.set(
            xlabel="largest difference over what is allowed",
            title=f"limit against networks of width {WIDTH}",
            xlim=(0, 1.1),
        )
        axis.set_yticks(range(len(found)), list(found), fontsize=7)
        axis.legend()


@pytest.mark.parametrize("case", CASES)
def test_dense_networks_have_the_means_of_the_limit(case, table):
    real = networks(MORE.get(case, NETWORKS), *CASES[case])
    found = table[case] = distances(limit(*CASES[case]), real)
    for name, (difference, sigmas, scale, z, excess) in found.items():
        print(
            f"{case}: {name} {difference / scale:.2%} of {scale:.2f}, 5 sigma {sigmas / scale:.2%}, largest"
            f" |z| {z:.1f}, excess {excess:.2f}"
        )
    # What is left at finite width is a shift of order 1/width. Measured at width 256 with 300 networks of
    # every case, width x shift / scale is at most 2.2(0.9) in an output, 4.3(0.9) with the hinge loss, and at
    # most 5.0(2.3) in a kernel, 7.7(2.0) in E[g gt] of Hebb's rule, which is small: so 4 / 1024 = 0.4 % of
    # the scale are allowed for it. 5 sigma: of 18 x 200 entries, effectively a tenth of that many, 2e-4 for
    # normal errors; below 1e-2 with errors that are themselves known to 10 to 25 %.
    assert max(excess for *_, excess in found.values()) <= 1, found
    difference, sigmas, scale, *_ = found["output"]
    assert sigmas <= RESOLVED * scale  # there are enough networks to tell
    targets, _, rate, *more = CASES[case]
    if targets is SIGNS:  # without what the case is about the limit is another one
        assert distances(limit(targets, "squared", rate), real)["output"][-1] > 3

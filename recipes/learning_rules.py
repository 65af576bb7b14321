"""What do networks learn without gradients? Feedback alignment and Hebb's rule, compared with gradient
descent, lazy and rich.

    python recipes/learning_rules.py [FOLDER]

Tells a handwritten 9 from a 5 with tanh networks whose hidden weights move along a pseudo-gradient gt in
place of the gradient g. The rules are gradient descent, feedback alignment with weights that are independent
of the initial ones (rho = 0) or correlated with them (rho = 0.5), direct feedback alignment, and Hebb's rule
modulated by the error. The readout always follows its gradient. In lazy networks gt and g keep their initial
angle, and where that is a right angle only the readout learns. In rich networks the weights turn towards
those of the feedback, gt aligns with g, and features align with the targets. Hebb's rule sharpens the
clusters that the features already form, right or wrong: two images in the wrong cluster stay there. One
learning rate serves all rules here (all of them diverge at eight times that rate); Hebb's rule does not need
a smaller one, with which it stops at the same loss. Prints losses, alignments and the agreement with real
networks. Writes learning_rules.nc and, with matplotlib, learning_rules.png into FOLDER (default: output).
"""

import numpy as np
import xarray as xr
from digits import two_digits
from runner import Figure, recipe

import tensorprog_mf as tp

RICHNESS = (0.1, 0.5, 2.0)
PROBLEM = two_digits(
    9, 5, n_train=16, n_test=16
)  # the pair of digits that the initial kernel tells apart least
STEPS, LEARNING_RATE, WIDTH = 60, 0.5, 1024
RECORD = tp.log_steps(STEPS, 16)
RULES = {
    "gradient descent": tp.rules.GradientDescent(),
    "feedback alignment, rho = 0.5": tp.rules.FeedbackAlignment(correlation=0.5),
    "feedback alignment, rho = 0": tp.rules.FeedbackAlignment(),
    "direct feedback alignment": tp.rules.DirectFeedbackAlignment(),
    "Hebb's rule": tp.rules.Hebb(),
}
COLORS = dict(zip(RULES, ("k", "C0", "C2", "C1", "C3")))
COSINES = {
    "field_cosine": "cosine between pseudo-gradient and gradient, mean over training examples",
    "update_cosine": "cosine between the rule's update of a weight matrix and that of gradient descent",
}


def setting(richness: float, rule: str) -> tuple:
    """Network, problem and training."""
    return tp.MLP(2, "tanh", richness), PROBLEM, tp.Training(STEPS, LEARNING_RATE, learning_rule=RULES[rule])


def cosines(ds: xr.Dataset) -> xr.Dataset:
    """How well the rule follows the gradient, as cosines (time, layer): of fields, and of the updates of the
    weights below a layer.

    For fields it is <g_mu gt_mu> / sqrt(<g_mu^2> <gt_mu^2>). The update of the weights is sum_mu Delta_mu
    gt_mu x_mu^T with the features x below, so that products of two updates are sums over kernels. To first
    order a layer lowers the loss where the cosine of its update is positive.
    """
    train = np.flatnonzero(ds.split == "train")
    among = {"example": train, "example_prime": train}
    names = ("gradient_pseudogradient_kernel", "gradient_kernel", "pseudogradient_kernel")
    mixed, own, taught = (
        ds.get(name, ds.gradient_kernel).isel(among).values for name in names
    )  # gradient descent has only g
    inputs = ds.input.values[train] @ ds.input.values[train].T / ds.sizes["feature"]
    below = np.concatenate(
        [np.broadcast_to(inputs, own[:, :1].shape), ds.feature_kernel.isel(among).values[:, :-1]], axis=1
    )
    delta = ds.error_signal.values[:, None, train]
    field = [np.diagonal(kernel, axis1=2, axis2=3) for kernel in (mixed, own, taught)]
    update = [
        np.einsum("tlm,tlmn,tlmn,tln->tl", delta, kernel, below, delta) for kernel in (mixed, own, taught)
    ]
    found = (
        (field[0] / np.sqrt(field[1] * field[2])).mean(axis=-1),
        update[0] / np.sqrt(update[1] * update[2]),
    )
    return ds.assign(
        {
            name: (("time", "layer"), each, {"long_name": COSINES[name], "units": ""})
            for name, each in zip(COSINES, found)
        }
    )


def run() -> dict[str, xr.Dataset]:
    """The limit of every rule at every richness, and real networks at the largest richness."""
    found = {}
    for richness in RICHNESS:
        tolerance = (
            3e-3 * richness
        )  # outputs, and so the effect of directions that are left out, are divided by the richness
        for rule in RULES:
            ds = tp.sample(
                *setting(richness, rule),
                n_samples=4096,
                n_replicates=2,
                tolerance=tolerance,
                record=RECORD,
                samples=0,
            )
            found[f"{rule}, richness {richness:g}"] = cosines(ds)
    for rule in RULES:
        ds = tp.train_finite(
            *setting(RICHNESS[-1], rule), width=WIDTH, n_replicates=8, record=RECORD, samples=0
        )
        found[f"{rule}, width {WIDTH}"] = cosines(ds)
    return found


def accuracy(ds: xr.Dataset) -> float:
    """Fraction of test examples on the right side at the last time."""
    test = np.flatnonzero(ds.split == "test")
    return float((np.sign(ds.output[-1, test]) == ds.target[test]).mean())


def report(results: dict[str, xr.Dataset]) -> None:
    """Print losses, accuracies and alignments at the end, and agreement with real networks."""
    print(
        f"after {STEPS} steps; cosines of the first and of the last layer, between gt and g and between the"
        " updates of weights"
    )
    print(
        f"{'':32}{'richness':>8}{'loss':>9}{'test accuracy':>15}"
        f"{'kernel alignment':>18}{'cosine of gt':>16}{'of updates':>16}"
    )
    for richness in RICHNESS:
        for rule in RULES:
            ds = results[f"{rule}, richness {richness:g}"]
            fields, updates = (" ".join(f"{value:6.2f}" for value in ds[name][-1].values) for name in COSINES)
            aligned = float(tp.plotting.kernel_alignment(ds)[-1, -1])
            print(
                f"{rule:32}{richness:8g}{float(ds.loss[-1]):9.4f}{accuracy(ds):15.2f}"
                f"{aligned:18.3f}{fields:>16}{updates:>16}"
            )
    widest = f"8 networks of width {WIDTH} at richness {RICHNESS[-1]:g}"
    print(f"{widest} and their limit: losses; largest distance over time in standard errors")
    for rule in RULES:
        exact, real = results[f"{rule}, richness {RICHNESS[-1]:g}"], results[f"{rule}, width {WIDTH}"]
        far = tp.compare(exact, real).isel(route=0, time=slice(1, None)).max("time")
        both = "   ".join(
            f"{float(ds.loss[-1]):.5f} +- {float(ds.loss_stderr[-1]):.5f}" for ds in (real, exact)
        )
        print(
            f"{rule:32}{both}   loss {float(far.loss_sigma):.1f}, test loss {float(far.test_loss_sigma):.1f}"
        )


def _row(axes, results: dict[str, xr.Dataset], richness: float) -> None:
    """Everything over time at one richness; real networks, if there are any, are points."""
    for rule, color in COLORS.items():
        ds, real = results[f"{rule}, richness {richness:g}"], results.get(f"{rule}, width {WIDTH}")
        tp.plotting.loss(ds, axes[0], label=rule, color=color)
        tp.plotting.alignment(ds, axes[1], color=color)
        points = {"fmt": "o", "color": color, "markersize": 4, "markerfacecolor": "w", "linewidth": 1}
        if richness == RICHNESS[-1]:
            axes[0].errorbar(real.time, real.loss, 2 * real.loss_stderr, **points)
            axes[1].errorbar(real.time, tp.plotting.kernel_alignment(real)[:, -1], **points)
        for ax, name in zip(axes[2:], COSINES):
            ax.plot(ds.time, ds[name][:, -1], color=color)
            ax.plot(ds.time, ds[name][:, 0], color=color, linestyle=":")
            if richness == RICHNESS[-1] and rule != "gradient descent":
                ax.errorbar(real.time, real[name][:, -1], **points)
    for ax in axes:
        ax.set(xlabel="", title="", xlim=(0, STEPS * LEARNING_RATE))
    place = {"xycoords": "axes fraction", "rotation": 90, "ha": "center", "va": "center"}
    axes[0].annotate(f"richness {richness:g}", (-0.24, 0.5), fontsize=14, **place)
    axes[0].set(ylim=(4e-4, 0.7), ylabel="loss")
    axes[1].set(ylim=(0.5, 1.02), ylabel="alignment")
    for ax in axes[2:]:
        ax.set(ylabel="cosine", ylim=(-0.3, 1.06))
        ax.axhline(0, color="0.7", linewidth=0.8, zorder=0)


def draw(results: dict[str, xr.Dataset]) -> Figure:
    """Losses and alignments over time, one row per richness."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(RICHNESS), 4, figsize=(17, 11), layout="constrained", sharex=True)
    for row, richness in zip(axes, RICHNESS):
        _row(row, results, richness)
    titles = (
        "training loss",
        "last feature kernel and targets",
        "fields: pseudo-gradient and gradient",
        "weight updates: rule and gradient",
    )
    for ax, title in zip(axes[0], titles):
        ax.set_title(title)
    for ax in axes[-1]:
        ax.set_xlabel("time")
    for style, layer in (("-", "last"), (":", "first")):
        axes[0, 2].plot([], [], color="0.4", linestyle=style, label=f"{layer} hidden layer")
    axes[0, 2].legend(fontsize=9, loc="upper right", bbox_to_anchor=(1, 0.93))
    lines, labels = axes[0, 0].get_legend_handles_labels()
    points = axes[0, 0].errorbar([], [], fmt="o", color="0.4", markersize=4, markerfacecolor="w")
    figure.legend(
        [*lines, points],
        [*labels, f"8 networks of width {WIDTH}"],
        loc="outside lower center",
        ncols=len(RULES) + 1,
    )
    said = "rich networks turn their gradients towards what the rule sends back, lazy ones do not"
    figure.suptitle(f"Learning without gradients, infinitely wide: {said}", fontsize=14)
    return figure


if __name__ == "__main__":
    recipe(__file__, run, report, draw)

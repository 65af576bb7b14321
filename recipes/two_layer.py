"""Two layers, lazy and rich: an exclusive or among distractors, and the neurons that find it.

    python recipes/two_layer.py [FOLDER]

The inputs are 20 random signs, and the target is the product of the first two. A lazy network cannot tell
which two inputs matter, and needs hundreds of examples. In a rich network the neurons turn into the plane of
these two inputs, towards its four corners, and a hundred examples are enough. Prints losses and accuracies on
test examples, the agreement with real networks, and where the weights are. Writes two_layer.nc and, with
matplotlib, two_layer.png into FOLDER (default: output).
"""

import numpy as np
import xarray as xr
from runner import Figure, recipe

import tensorprog_mf as tp

LAZY, RICH = 0.02, 5.0  # parity is hard enough that a network of richness 0.1 is no longer lazy
TRAINING = {LAZY: tp.Training(steps=200, learning_rate=1.0), RICH: tp.Training(steps=200, learning_rate=0.2)}
INPUTS, COUNT, TEST, SITES = 20, 96, 128, 4096
COUNTS, WIDTHS = (32, 64, 96, 128, 192, 256), {64: "#7ad151", 512: "#2a788e"}
SIGNS = np.random.default_rng(0).choice([-1.0, 1.0], size=(TEST + max(COUNTS), INPUTS))


def parity(count: int) -> tp.Problem:
    """Some training examples, and always the same test examples."""
    unseen, train = SIGNS[:TEST], SIGNS[TEST : TEST + count]
    return tp.Problem(train, train[:, 0] * train[:, 1], unseen, test_targets=unseen[:, 0] * unseen[:, 1])


def setting(richness: float, problem: tp.Problem) -> tuple:
    """Network, problem and training."""
    return tp.MLP(1, "relu", richness), problem, TRAINING[richness]


def outcome(ds: xr.Dataset) -> xr.Dataset:
    """The result without the kernels, which are large, and with the accuracy on test examples."""
    right = np.sign(ds.output) == ds.target
    accuracy = right.isel(example=np.flatnonzero(ds.split == "test")).mean("example")
    accuracy.attrs = {"long_name": "test accuracy", "units": ""}
    return ds.drop_vars([name for name in ds if "kernel" in name]).assign(accuracy=accuracy)


def neurons(route, richness: float, **size) -> xr.Dataset:
    """Weights of all sites before and after training; input weights come from h = W x / sqrt(inputs) of all
    examples."""
    network, problem, training = setting(richness, parity(COUNT))
    alone = tp.Problem(problem.inputs, problem.targets)  # without test examples
    ds = route(network, alone, training, n_replicates=1, samples=SITES, record=[0, training.steps], **size)
    solve = np.sqrt(INPUTS) * np.linalg.pinv(ds.input.values)
    weight = np.einsum("dm,tms->tds", solve, ds.preactivation.isel(layer=0).values).astype(np.float32)
    readout = ds.backward_field.isel(layer=0, example=0)  # df / d phi(h) at depth 1
    return xr.Dataset(
        {"input_weight": (("time", "feature", "sample"), weight), "readout_weight": readout}, attrs=ds.attrs
    )


def run() -> dict[str, xr.Dataset]:
    """Limits and real networks; lazy and rich limits on fewer and more examples; neurons."""
    problem, record = parity(COUNT), tp.log_steps(TRAINING[RICH].steps, 24)
    found = {"lazy, exact": tp.static_ntk(*setting(LAZY, problem), record=record)}
    for name, richness in (("lazy", LAZY), ("rich", RICH)):
        found[name] = tp.sample(*setting(richness, problem), n_samples=SITES, record=record, samples=0)
    for width in WIDTHS:
        found[f"width {width}"] = tp.train_finite(
            *setting(RICH, problem), width=width, record=record, samples=0
        )
    for count in COUNTS:
        network, few, training = setting(RICH, parity(count))
        found[f"lazy, {count} examples"] = tp.static_ntk(network, few, tp.Training(flow=True, times=[1e6]))
        found[f"rich, {count} examples"] = tp.sample(
            network, few, training, 2048, 1, record=[training.steps], samples=0
        )
    found = {name: outcome(ds) for name, ds in found.items()}
    found["lazy neurons"] = neurons(tp.sample, LAZY, n_samples=SITES)
    found["rich neurons"] = neurons(tp.sample, RICH, n_samples=SITES)
    found["network neurons"] = neurons(tp.train_finite, RICH, width=SITES)
    return found


def report(results: dict[str, xr.Dataset]) -> None:
    """Print the last times, the agreement, and the share of the weights on the two inputs that matter."""
    reference = {"lazy": "lazy, exact"} | {f"width {width}": "rich" for width in WIDTHS}
    print(f"{COUNT} examples; in brackets the largest distance over time, in standard errors")
    for name in ("lazy, exact", "lazy", "rich", *(f"width {width}" for width in WIDTHS)):
        ds, text = results[name].isel(time=-1), ""
        if name in reference:
            far = (
                tp.compare(results[reference[name]], results[name])
                .isel(route=0, time=slice(1, None))
                .max("time")
            )
            text = f"   ({reference[name]}: loss {far.loss_sigma:.1f}, test loss {far.test_loss_sigma:.1f})"
        print(
            f"  {name:12} loss {ds.loss:.5f}, test loss {ds.test_loss:.4f}, test accuracy"
            f" {ds.accuracy:.2f}{text}"
        )
    print("after training: number of examples, then test loss and test accuracy, lazy and rich")
    for count in COUNTS:
        both = (results[f"{name}, {count} examples"].isel(time=-1) for name in ("lazy", "rich"))
        print(f"  {count:4}   " + "   ".join(f"{ds.test_loss:.4f} {ds.accuracy:.2f}" for ds in both))
    print(
        f"share of the squared input weights on the two inputs out of {INPUTS} that matter, before and after"
    )
    for name in ("lazy neurons", "rich neurons", "network neurons"):
        square = (results[name].input_weight ** 2).mean("sample")
        share = square[:, :2].sum("feature") / square.sum("feature")
        print(f"  {name:16} {share[0]:.3f} {share[-1]:.3f}")


def draw(results: dict[str, xr.Dataset]) -> Figure:
    """Losses over time and over the number of examples, the inputs that have weight, and the weights."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 4, figsize=(17, 8), layout="constrained")
    lines = {"lazy": ("C0", "-"), "lazy, exact": ("k", "--"), "rich": ("C3", "-")}
    lines |= {f"width {width}": (color, ":") for width, color in WIDTHS.items()}
    for ax, which, title in (
        (axes[0, 0], "loss", f"training loss, {COUNT} examples"),
        (axes[0, 1], "test_loss", "test loss"),
    ):
        for name, (color, style) in lines.items():
            tp.plotting.loss(results[name], ax, which, name, color=color, linestyle=style)
        ax.set(title=title, xscale="log", xlim=(0.2, 200))
    for name, color in (("lazy", "C0"), ("rich", "C3")):
        each = [results[f"{name}, {count} examples"].isel(time=-1) for count in COUNTS]
        axes[0, 2].loglog(
            COUNTS, [ds.test_loss for ds in each], "o-", color=color, label=f"{name}, with test accuracy"
        )
        for count, ds in zip(COUNTS[1:], each[1:]):
            axes[0, 2].annotate(
                f"{ds.accuracy:.0%}", (count, ds.test_loss), (0, 7), textcoords="offset points", fontsize=8
            )
    axes[0, 2].set(
        title="test loss after training",
        xlabel="training examples",
        ylabel="loss",
        ylim=(5e-4, 2),
        xlim=(28, 330),
    )
    axes[0, 2].set_xticks(COUNTS, COUNTS)
    axes[0, 2].minorticks_off()
    shown = [
        ("rich", 0, "before training"),
        ("lazy", -1, f"lazy, richness {LAZY:g}"),
        ("rich", -1, f"rich, richness {RICH:g}"),
    ]
    for (name, when, title), style in zip(shown, ("ko:", "C0o-", "C3o-")):
        square = (results[f"{name} neurons"].input_weight[when] ** 2).mean("sample")
        axes[0, 3].semilogy(
            np.arange(1, INPUTS + 1), square, style, label=title, markersize=4, markerfacecolor="none"
        )
    axes[0, 3].set(
        title="which inputs have weight",
        xlabel="input",
        ylabel="mean square of the weights",
        xticks=(1, 2, 10, 20),
    )
    for ax, (name, when, title) in zip(
        axes[1], [*shown, ("network", -1, f"rich, one network of width {SITES}")]
    ):
        ds, reach = results[f"{name} neurons"].isel(time=when), 4 if when == 0 or name == "lazy" else 52
        ax.scatter(
            *ds.input_weight[:2], c=ds.readout_weight, s=5, cmap="RdBu_r", vmin=-3, vmax=3, linewidths=0
        )
        ax.set(title=title, xlabel="weight of input 1", ylabel="weight of input 2", aspect="equal")
        ax.axis((-reach, reach, -reach, reach))
    figure.colorbar(ax.collections[0], ax=axes[1], label="readout weight", shrink=0.8, extend="both")
    for ax in axes[0]:
        ax.legend(fontsize=8)
    return figure


if __name__ == "__main__":
    recipe(__file__, run, report, draw)

"""Memory in infinitely wide recurrent networks, lazy and rich: which sign came first, five steps ago?

    python recipes/recurrent.py [FOLDER]

The inputs are sequences of six random signs; the target is the first of them. At the start, the memory of
this sign in a recurrent network fades with every step. A lazy network has nothing else to read, and can only
guess at sequences it has not seen. A rich network learns to carry the sign along: at every position its
feature kernel turns towards the outer product of the targets. Prints losses and the memory at the last
position, of the limit and of real networks. Writes recurrent.nc and, with matplotlib, recurrent.png into
FOLDER (default: output).
"""

import itertools

import numpy as np
import xarray as xr
from runner import Figure, recipe

import tensorprog_mf as tp

LENGTH, TRAIN, TEST = 6, 12, 8
RICHNESS = {"lazy": 0.05, "rich": 1.0}
TRAINING = {
    "lazy": tp.Training(steps=40, learning_rate=0.4),
    "rich": tp.Training(steps=40, learning_rate=0.25),
}
RECORD = tp.Record(steps=range(0, 41, 2), kernel_examples=range(TRAIN))
WIDTHS, SEEDS = {64: "#7ad151", 256: "#2a788e", 1024: "#440154"}, 6


def sequences() -> tp.Problem:
    """Sequences that differ, and not only by a change of all signs, which changes just the sign of the
    outputs."""
    rng = np.random.default_rng(0)
    different = np.array([(1.0, *rest) for rest in itertools.product((-1.0, 1.0), repeat=LENGTH - 1)])
    signs = rng.permutation(different * rng.choice((-1.0, 1.0), size=(len(different), 1)))[: TRAIN + TEST]
    first, inputs = signs[:, 0], signs[..., None]
    return tp.Problem(inputs[:TRAIN], first[:TRAIN], inputs[TRAIN:], test_targets=first[TRAIN:])


def memory(ds: xr.Dataset) -> np.ndarray:
    """Alignment of the feature kernel at one position with the outer product of the targets, (time,
    position)."""
    kernel, y = np.einsum("tmknk->tkmn", ds.feature_kernel.isel(layer=0).values), ds.target.values[:TRAIN]
    return np.einsum("tkmn,m,n->tk", kernel, y, y) / (y @ y) / np.sqrt((kernel**2).sum((-1, -2)))


def run() -> dict[str, xr.Dataset]:
    """Limits, lazy and rich, and rich networks of several widths."""
    problem, options, found = sequences(), {"record": RECORD, "samples": 0}, {}
    for name, richness in RICHNESS.items():
        found[name] = tp.sample(
            tp.RNN("tanh", richness), problem, TRAINING[name], 4096, 2, tolerance=5e-3, **options
        )
    for width in WIDTHS:
        network = tp.RNN("tanh", RICHNESS["rich"])
        found[f"width {width}"] = tp.train_finite(
            network, problem, TRAINING["rich"], width, n_replicates=SEEDS, **options
        )
    return found


def report(results: dict[str, xr.Dataset]) -> None:
    """Print losses, and how much the last position remembers of the first sign."""
    print(
        "after training; memory is the alignment of the kernel at the last position with the targets, before"
        " and after training"
    )
    for name, ds in results.items():
        known, end = memory(ds)[:, -1], ds.isel(time=-1)
        right = float((np.sign(end.output) == end.target)[TRAIN:].mean())
        text = (
            f"loss {end.loss:.4f} +- {end.loss_stderr:.4f}, test loss {end.test_loss:.4f} +-"
            f" {end.test_loss_stderr:.4f}"
        )
        print(f"  {name:11} {text}, test accuracy {right:.2f}, memory {known[0]:.3f} {known[-1]:.3f}")
    widest = results[f"width {max(WIDTHS)}"].output[-1]
    rms = {name: float(np.sqrt(((results[name].output[-1] - widest) ** 2).mean())) for name in RICHNESS}
    print(
        f"outputs at the end, rms distance to networks of width {max(WIDTHS)}: rich {rms['rich']:.3f}, lazy"
        f" {rms['lazy']:.3f}"
    )


def draw(results: dict[str, xr.Dataset]) -> Figure:
    """Losses, outputs of unseen sequences, memory over positions, kernels between positions."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(15, 9), layout="constrained")
    lines = {"lazy": ("C0", "-", "limit, lazy"), "rich": ("C3", "-", "limit, rich")}
    lines |= {
        f"width {width}": (colour, ":", f"{SEEDS} rich networks, width {width}")
        for width, colour in WIDTHS.items()
    }
    losses, outputs, memories = axes[0]
    for name, (colour, style, label) in lines.items():
        ds = results[name]
        tp.plotting.loss(
            ds.assign_coords(time=ds.step),
            losses,
            "test_loss",
            label,
            color=colour,
            linestyle=style,
            linewidth=2,
        )
        if name in RICHNESS:
            losses.plot(
                ds.step, ds.loss, color=colour, linestyle="--", linewidth=1, label=f"{label}, training loss"
            )
    losses.set(title="test loss: only the rich network\nlearns what to remember", xlabel="step")
    test = (
        results["rich"].input.values[TRAIN:, :, 0]
        if "input" in results["rich"]
        else sequences().test_inputs[..., 0]
    )
    order = np.argsort(-test[:, 0], kind="stable")
    for shift, (name, (colour, _, label)) in zip(np.linspace(-0.25, 0.25, len(lines)), lines.items()):
        end = results[name].isel(time=-1)
        value, error = end.output.values[TRAIN:][order], end.output_stderr.values[TRAIN:][order]
        outputs.errorbar(
            np.arange(TEST) + shift, value, 2 * error, color=colour, marker="o", linestyle="", label=label
        )
    outputs.step(np.arange(TEST), test[order, 0], "k", where="mid", linewidth=0.8, label="target: first sign")
    outputs.set_xticks(
        np.arange(TEST), ["\n".join("+" if sign > 0 else "\u2212" for sign in row) for row in test[order]]
    )
    outputs.set(
        title="outputs for sequences not seen in training",
        ylabel="output after training",
        ylim=(-1.9, 1.4),
        xlabel="sequence, from top to bottom",
    )
    positions = np.arange(1, LENGTH + 1)
    memories.plot(
        positions, memory(results["rich"])[0], "ko--", markerfacecolor="none", label="before training"
    )
    for name, (colour, style, label) in lines.items():
        memories.plot(
            positions,
            memory(results[name])[-1],
            color=colour,
            linestyle=style,
            marker="o",
            linewidth=2,
            label=label,
        )
    memories.set(
        title="memory: kernel at one position, aligned\nwith the targets, after training",
        xlabel="position",
        ylabel="alignment",
        ylim=(0, 1.05),
    )
    for ax in (losses, outputs, memories):
        ax.legend(fontsize=8)
    widest = f"width {max(WIDTHS)}"
    shown = (
        ("rich", 0, "limit, before training"),
        ("rich", -1, "limit, rich, after training"),
        (widest, -1, f"rich networks of {widest}, after training"),
    )
    by_sign, top = (
        np.argsort(-results["rich"].target.values[:TRAIN], kind="stable"),
        float(np.abs(results["rich"].feature_kernel[-1]).max()),
    )
    for ax, (name, when, title) in zip(axes[1], shown):
        kernel = results[name].feature_kernel[when, 0].values[by_sign][:, :, by_sign]
        image = ax.imshow(
            kernel.transpose(1, 0, 3, 2).reshape(TRAIN * LENGTH, -1),
            vmin=-top,
            vmax=top,
            cmap="RdBu_r",
            interpolation="nearest",
        )
        for border in np.arange(1, LENGTH) * TRAIN - 0.5:
            ax.axhline(border, color="k", linewidth=0.6)
            ax.axvline(border, color="k", linewidth=0.6)
        ticks = np.arange(LENGTH) * TRAIN + TRAIN / 2 - 0.5
        ax.set(
            title=f"feature kernel between positions\n{title}",
            xticks=ticks,
            yticks=ticks,
            xticklabels=positions,
            yticklabels=positions,
            xlabel="position",
        )
    axes[1, 0].set_ylabel("position; within each, sequences by first sign")
    figure.colorbar(image, ax=axes[1], shrink=0.8)
    return figure


if __name__ == "__main__":
    recipe(__file__, run, report, draw)

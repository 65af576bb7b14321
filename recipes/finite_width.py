"""How far is a real network from the limit? Variances and mean shifts of trained networks, times their width,
up to 100,000.

    python recipes/finite_width.py [FOLDER]

Trains many networks of every width, with the tanh and the linear activation, and prints N Var and N shift
with their errors. Writes finite_width.nc and, with matplotlib, finite_width.png into FOLDER (default:
output). A dense network of width 100,000 would hold 10^10 weights (80 GB). A network that reveals its matrix
only as far as training asks for it has the same law and takes 0.3 s.
"""

import numpy as np
import xarray as xr
from digits import two_digits
from runner import Figure, recipe

import tensorprog_mf as tp

# A variance takes a few hundred networks at any width; the shift of the mean is lost in the noise unless the
# width is small.
NETWORKS = {32: 1000, 100: 500, 250: 400, 1000: 250, 10_000: 120, 100_000: 50}
PROBLEM = two_digits(3, 8, n_train=2, n_test=1)
TRAINING = {
    "tanh": tp.Training(steps=6, learning_rate=0.35),
    "linear": tp.Training(steps=6, learning_rate=0.08),
}
SHOWN = (250, 10_000)  # widths of which single networks are drawn
KEPT = 25
COLORS = ["#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#e8c51b"]  # dark to light with the width
# Quantities of the table and of the figure: name, variable, and where in it. Example 0 is trained on, 2 is
# not.
FIRST, LAST, TRAIN, TEST = {"time": 0}, {"time": -1}, {"example": 0}, {"example": 2}
QUANTITIES = {
    "output, training, start": ("output", FIRST | TRAIN),
    "output, training, end": ("output", LAST | TRAIN),
    "output, test, end": ("output", LAST | TEST),
    "loss, end": ("loss", LAST),
    "feature kernel, layer 2, end": ("feature_kernel", LAST | TRAIN | {"layer": -1, "example_prime": 0}),
    "tangent kernel, end": ("tangent_kernel", LAST | TRAIN | {"example_prime": 0}),
}


def of_activation(activation: str) -> dict[str, xr.Dataset]:
    """The fluctuations of one network, its limit, and the outputs of some single networks."""
    setting = tp.MLP(depth=2, activation=activation, richness=1.0), PROBLEM, TRAINING[activation]
    if activation == "linear":
        limit = tp.solve_linear(*setting)
    else:
        limit = tp.sample(*setting, n_samples=2**15, n_replicates=8, samples=0)
    # What a tolerance of 1e-4 leaves out of a field is far below the fluctuations, 1 / sqrt(width) or more.
    networks = [
        tp.train_finite(
            *setting,
            width=width,
            n_replicates=count,
            matrix="conditioned",
            tolerance=1e-4,
            samples=0,
            keep_replicates=True,
        )
        for width, count in NETWORKS.items()
    ]
    chosen = [
        ds[["output"]].isel(replicate=slice(KEPT)) for ds, width in zip(networks, NETWORKS) if width in SHOWN
    ]
    single = xr.concat(chosen, xr.Variable("width", list(SHOWN)))
    return {
        activation: tp.fluctuations(networks, limit),
        f"{activation} limit": limit,
        f"{activation} networks": single,
    }


def run() -> dict[str, xr.Dataset]:
    """The results for both activations."""
    return {name: ds for activation in TRAINING for name, ds in of_activation(activation).items()}


def table(ds: xr.Dataset) -> str:
    """N Var and N shift of all quantities, with a column per width; 0.238(11) means 0.238 with a standard
    error of 0.011."""

    def row(name: str, part: str) -> str:
        variable, where = QUANTITIES[name]
        values, errors = (ds[f"{variable}_{part}{error}"].isel(where).values for error in ("", "_stderr"))
        digits = [max(0, 1 - int(np.floor(np.log10(error)))) for error in errors]
        return f"  {name:30}" + "".join(
            f"{f'{v:.{d}f}({e * 10**d:.0f})':>14}" for v, e, d in zip(values, errors, digits)
        )

    widths = "".join(f"{f'N = {width:,}':>14}" for width in ds.width.values)
    parts = {"variance": "N Var", "shift": "N (mean - limit)"}
    blocks = [
        [f"{title:32}{widths}", *(row(name, part) for name in QUANTITIES)] for part, title in parts.items()
    ]
    return "\n".join(line for block in blocks for line in block)


def report(results: dict[str, xr.Dataset]) -> None:
    """Print a table per activation."""
    for activation, training in TRAINING.items():
        print(f"{activation}, depth 2, {training.steps} steps\n{table(results[activation])}\n")


def draw_networks(ax, single: xr.Dataset, limit: xr.Dataset) -> None:
    """Outputs of single networks of two widths around the limit."""
    for width, color in zip(SHOWN, ("C1", "C0")):
        for where in (TRAIN, TEST):
            lines = single.output.sel(width=width).isel(where).transpose("time", "replicate")
            ax.plot(single.time, lines, color=color, linewidth=0.6, alpha=0.6)
        ax.plot([], [], color=color, label=f"{KEPT} networks of width {width:,}")
    for where, style, label in ((TRAIN, "-", "training"), (TEST, "--", "test")):
        ax.plot(
            limit.time,
            limit.output.isel(where),
            style,
            color="k",
            linewidth=2,
            label=f"limit, {label} example",
        )
    ax.set(xlabel="time", ylabel="output f")
    ax.legend(fontsize=8)


def draw_collapse(ax, ds: xr.Dataset) -> None:
    """N Var f over time: one curve, whatever the width."""
    for width, color in zip(ds.width.values, COLORS):
        for where, style in ((TRAIN, "-"), (TEST, "--")):
            values, errors = (
                ds[f"output_variance{error}"].sel(width=width).isel(where) for error in ("", "_stderr")
            )
            ax.plot(ds.time, values, style, color=color, label=f"N = {width:,}" if where is TRAIN else None)
            ax.fill_between(ds.time, values - errors, values + errors, color=color, alpha=0.15, linewidth=0)
    ax.set(
        xlabel="time", ylabel="N Var f", ylim=(0, None), title="outputs: training (solid) and test (dashed)"
    )
    ax.legend(fontsize=8)


def draw_widths(ax, ds: xr.Dataset, start: float) -> None:
    """N Var against width, which is flat; `start` is the closed form for the output before training."""
    for i, (name, (variable, where)) in enumerate(QUANTITIES.items()):
        if variable == "loss":  # hundreds of times smaller; it has a picture of its own
            continue
        values, errors = (ds[f"{variable}_variance{error}"].isel(where) for error in ("", "_stderr"))
        ax.errorbar(
            ds.width, values, errors, fmt="o-", ms=4, linewidth=1, capsize=2, color=f"C{i}", label=name
        )
    ax.axhline(start, color="C0", linestyle="--", linewidth=1, label="first: closed form")
    ax.set(
        xscale="log", yscale="log", xlabel="width N", ylabel="N Var", title="width times variance: constant"
    )
    low, high = ax.get_ylim()
    ax.set_ylim(low / 10, high)  # room for the legend
    ax.legend(fontsize=7, ncols=2, loc="lower center")


def draw_laws(ax, ds: xr.Dataset) -> None:
    """Loss at the end: how far one network, and the mean over networks, are from the limit."""
    width = ds.width.values
    variance, shift, error = (
        ds[f"loss_{part}"].isel(LAST).values for part in ("variance", "shift", "shift_stderr")
    )
    ax.loglog(width, np.sqrt(variance / width), "o", color="C0", label="one network: N^-1/2")
    ax.loglog(width, np.sqrt(variance[-1] / width), color="C0", linewidth=1)
    seen = abs(shift) > 2 * error
    mean, bound = abs(shift / width)[seen], ((abs(shift) + 2 * error) / width)[~seen]
    ax.errorbar(
        width[seen], mean, (error / width)[seen], fmt="s", color="C3", capsize=2, label="mean of many: N^-1"
    )
    ax.errorbar(
        width[~seen], bound, 0.4 * bound, uplims=True, fmt="none", color="C3", label="mean: upper bound"
    )
    ax.loglog(width, abs(shift[0]) / width, color="C3", linewidth=1)
    ax.set(xlabel="width N", ylabel="distance from the limit", title="training loss at the end")
    ax.legend(fontsize=8)


def draw(results: dict[str, xr.Dataset]) -> Figure:
    """A row per activation: single networks, N Var over time, N Var against width, and how distances fall."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 4, figsize=(17, 7.5), layout="constrained")
    for row, activation in zip(axes, TRAINING):
        ds, limit = results[activation], results[f"{activation} limit"]
        draw_networks(row[0], results[f"{activation} networks"], limit)
        draw_collapse(row[1], ds)
        draw_widths(row[2], ds, float(limit.feature_kernel[0, -1, 0, 0]))
        draw_laws(row[3], ds)
        row[0].set_title(f"{activation}, depth 2", fontweight="bold")
    return figure


if __name__ == "__main__":
    recipe(__file__, run, report, draw)

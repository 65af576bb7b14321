"""Deep networks whose hidden layers are averages: widths collapse onto the limit, and mu_t as a film strip.

    python recipes/multilayer_mean_field.py [FOLDER]

In mean-field scaling, with (1/N) sum in every layer, a neuron is one draw from a law mu_t that training
moves. Networks of widths 25 to 400 learn a curve; the limit is one line, which they approach as width^-1/2.
Random biases keep neurons different: the densities of a preactivation and of an input weight are shown over
time. Without biases the middle layer is one neuron. If all hidden means are zero, the limit never moves, but
networks of width N do, after a time log N / (2 lambda). Prints distances times sqrt(width) and escape times.
Writes multilayer_mean_field.nc and, with matplotlib, multilayer_mean_field.png into FOLDER (default: output).
"""

import warnings

import numpy as np
import xarray as xr
from runner import Figure, recipe

import tensorprog_mf as tp

Z = np.linspace(-1.5, 1.5, 8)
GRID = np.linspace(-2, 2, 41)
WIDTHS, NETWORKS = (25, 100, 400), 8
SADDLE_WIDTHS = (50, 100, 200, 400)
STEPS, RATE, SADDLE_RATE = 150, 0.4, 0.1
LAWS = dict(input_weight=tp.Gaussian(0, 1.5), readout_weight=tp.Gaussian(0.5, 1.5))
BIASED = tp.MeanFieldMLP(2, "tanh", hidden_mean=1.0, bias_std=(0.0, 0.7), **LAWS)
PLAIN = tp.MeanFieldMLP(3, "tanh", hidden_mean=(1.0, 0.5), **LAWS)
SADDLE = tp.MeanFieldMLP(
    3, "tanh", tp.Gaussian(0, 1), hidden_mean=0.0, hidden_std=2.0, readout_weight=tp.Gaussian(0, 2.0)
)


def problem() -> tp.Problem:
    """A curve at a few points, and the points at which to look at the function."""
    points = [np.stack([z, np.ones_like(z)], axis=1) for z in (Z, GRID)]
    return tp.Problem(points[0], np.sin(2 * Z), points[1])


def run() -> dict[str, xr.Dataset]:
    """The limit with its densities, networks of several widths, neurons that collapse, the saddle."""
    training, slow = tp.Training(STEPS, RATE), tp.Training(STEPS, SADDLE_RATE)
    alone = tp.Problem(problem().inputs, problem().targets)
    record = tp.Record(
        range(0, STEPS + 1, 2),
        kernel_examples=(),
        densities=("preactivation", "input_weight"),
        moments=("preactivation",),
        edges=tuple(np.linspace(-4, 4, 121)),
    )
    found = {"limit": tp.sample(BIASED, problem(), training, 8192, 4, record=record)}
    found["limit_without_biases"] = tp.sample(PLAIN, alone, training, 2048, 4)
    for width in WIDTHS:
        size = dict(
            width=width, n_replicates=NETWORKS, samples=0, keep_replicates=True, record=range(0, STEPS + 1, 2)
        )
        found[f"width_{width}"] = tp.train_finite(BIASED, problem(), training, **size)
    for width in SADDLE_WIDTHS:
        size = dict(
            width=width, n_replicates=NETWORKS, samples=0, keep_replicates=True, record=range(0, STEPS + 1, 2)
        )
        found[f"saddle_width_{width}"] = tp.train_finite(SADDLE, alone, slow, **size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tp.SaddleWarning)  # shown on purpose
        found["saddle_limit"] = tp.sample(
            SADDLE, alone, slow, 256, 1, record=range(0, STEPS + 1, 2), samples=0
        )
    return found


def distances(found: dict[str, xr.Dataset]) -> dict[int, xr.DataArray]:
    """For each width, the rms distance of single networks to the limit over time, on the grid."""
    return {
        width: np.sqrt(
            ((found[f"width_{width}"].output - found["limit"].output) ** 2).mean(("replicate", "example"))
        )
        for width in WIDTHS
    }


def half_times(found: dict[str, xr.Dataset]) -> dict[int, tuple[float, float]]:
    """For each width, the mean time at which the loss has fallen to half of its start, and its standard
    error."""
    times = {}
    for width in SADDLE_WIDTHS:
        loss = found[f"saddle_width_{width}"].loss
        each = loss.time[(loss < loss[:, :1].values / 2).argmax("time")]
        times[width] = float(each.mean()), float(each.std(ddof=1)) / np.sqrt(each.size)
    return times


def report(found: dict[str, xr.Dataset]) -> None:
    """Print distances and escape times."""
    print("width   rms distance of single networks x sqrt(width) at t = 6, 30, 60")
    for width, distance in distances(found).items():
        print(
            f"{width:5d}  ",
            *(f"{float(distance.sel(time=t, method='nearest')) * np.sqrt(width):8.3f}" for t in (6, 30, 60)),
        )
    rate, times = tp.mean_field.escape_rate(SADDLE, problem()), half_times(found)
    mean, error = np.array(list(times.values())).T
    (slope, _), covariance = np.polyfit(np.log(list(times)), mean, 1, w=1 / error, cov="unscaled")
    effective = np.log1p(SADDLE_RATE * rate) / SADDLE_RATE
    print(
        f"saddle: half of the loss is gone at {', '.join(f'{t:.2f}' for t in mean)} for widths"
        f" {', '.join(map(str, times))}"
    )
    print(
        f"slope against log(width) {slope:.2f} +- {np.sqrt(covariance[0, 0]):.2f}, 1 / (2 lambda) ="
        f" {1 / (2 * effective):.2f} at this learning rate"
    )


def draw(found: dict[str, xr.Dataset]) -> Figure:
    """Functions and losses of all widths, film strips, the collapse, the saddle."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 4, figsize=(18, 8.2), layout="constrained")
    limit, colors = found["limit"], dict(zip(WIDTHS, ("#f4a259", "#5b8e7d", "#31688e")))
    test = limit.split == "test"
    for width, color in colors.items():
        real = found[f"width_{width}"].output
        lines = axes[0, 0].plot(GRID, real[:, -1, test.values].T, color=color, linewidth=0.7, alpha=0.8)
        lines[0].set_label(f"{NETWORKS} networks of width {width}")
        axes[0, 1].plot(real.time, real[:, :, len(Z) - 2].T, color=color, linewidth=0.7, alpha=0.8)
    axes[0, 0].plot(GRID, limit.output[-1][test.values], "k", linewidth=2, label="limit")
    axes[0, 0].plot(Z, np.sin(2 * Z), "o", color="k", markerfacecolor="w", label="training data", zorder=5)
    axes[0, 0].set(title=f"what has been learned at t = {STEPS * RATE:g}", xlabel="input z", ylabel="output")
    axes[0, 1].plot(limit.time, limit.output[:, len(Z) - 2], "k", linewidth=2)
    axes[0, 1].set(title=f"the output at z = {Z[-2]:.2f} on the way", xlabel="time", ylabel="output")
    for (width, distance), color in zip(distances(found).items(), colors.values()):
        axes[0, 2].plot(distance.time, distance * np.sqrt(width), color=color, label=f"width {width}")
    axes[0, 2].set(
        title="single networks to the limit",
        xlabel="time",
        ylabel=r"rms distance $\times$ $\sqrt{\mathrm{width}}$",
        ylim=(0, None),
    )
    for ax, density, title, label in (
        (axes[1, 0], limit.input_weight_density.isel(feature=0), "input weights", "weight of z"),
        (
            axes[1, 1],
            limit.preactivation_density.sel(layer=2).isel(example=len(Z) - 2),
            f"layer 2 at z = {Z[-2]:.2f}",
            "preactivation",
        ),
    ):
        image = ax.pcolormesh(
            limit.time,
            limit.bin,
            density.T,
            cmap="magma_r",
            vmin=0,
            vmax=float(density.quantile(0.995)),
            shading="nearest",
            rasterized=True,
        )
        figure.colorbar(image, ax=ax, label="density", extend="max")
        ax.set(title=f"film strip: {title}", xlabel="time", ylabel=label, ylim=_range(density))
    for name, ds, style in (("random biases", limit, "-"), ("no biases", found["limit_without_biases"], ":")):
        spread = ds.preactivation.isel(example=len(Z) - 2).std("sample")
        for layer, color in zip(ds.layer.values, ("#f4a259", "#5b8e7d", "#31688e")):
            axes[1, 2].plot(
                ds.time, spread.sel(layer=layer), style, color=color, label=f"layer {layer}, {name}"
            )
    axes[1, 2].set(
        title="neurons differ, or collapse", xlabel="time", ylabel="standard deviation over neurons"
    )
    tints = plt.get_cmap("viridis")(np.linspace(0.15, 0.85, len(SADDLE_WIDTHS)))
    for width, color in zip(SADDLE_WIDTHS, tints):
        loss = found[f"saddle_width_{width}"].loss
        lines = axes[0, 3].plot(loss.time, loss.T, color=color, linewidth=0.9)
        lines[0].set_label(f"{NETWORKS} networks of width {width}")
    axes[0, 3].plot(
        found["saddle_limit"].time,
        found["saddle_limit"].loss,
        "k",
        linewidth=2,
        label="limit: stays forever",
    )
    axes[0, 3].set(
        title="all hidden means zero: a saddle", xlabel="time", ylabel="training loss", ylim=(0, None)
    )
    mean, error = np.array(list(half_times(found).values())).T
    rate = np.log1p(SADDLE_RATE * tp.mean_field.escape_rate(SADDLE, problem())) / SADDLE_RATE
    guide = np.log(np.array(SADDLE_WIDTHS)) / (2 * rate)
    guide += mean.mean() - guide.mean()
    axes[1, 3].semilogx(SADDLE_WIDTHS, guide, "k--", label=r"slope $1 / (2 \lambda)$, predicted")
    axes[1, 3].errorbar(
        SADDLE_WIDTHS, mean, error, fmt="o", color="#31688e", label=f"mean of {NETWORKS} networks"
    )
    axes[1, 3].set(
        title="leaving the saddle", xlabel="width", ylabel="time at which half of the loss is gone"
    )
    axes[1, 3].set_xticks(SADDLE_WIDTHS, SADDLE_WIDTHS)
    axes[1, 3].minorticks_off()
    for ax in (axes[0, 0], axes[0, 2], axes[0, 3], axes[1, 2], axes[1, 3]):
        ax.legend(fontsize=8)
    return figure


def _range(density: xr.DataArray) -> tuple[float, float]:
    """The range in which there is anything to see."""
    seen = density.bin[(density > 0.01).any("time").values]
    return float(seen.min()), float(seen.max())


if __name__ == "__main__":
    recipe(__file__, run, report, draw, dpi=110)

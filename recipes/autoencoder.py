"""A weight-tied autoencoder learns the principal directions of its data one after another, and shrinks them.

    python recipes/autoencoder.py [FOLDER]

In the limit of infinite width, every direction of the data has one gain, in closed form: data with three
sizes of variance are learned in three stages, and weight decay drops the directions whose variance is below
it. Real networks, trained on one example after another, follow the limit at distances that fall as 1 / width.
On handwritten digits the neurons become images: noise at first, then mixtures of the principal components
that are worth their weight decay. Prints losses and their excess over the limit. Writes autoencoder.nc and,
with matplotlib, autoencoder.png into FOLDER (default: output). Takes half a minute.
"""

import numpy as np
import xarray as xr
from digits import opened
from runner import Figure, recipe

import tensorprog_mf as tp

train = tp.mean_field.train_autoencoder
SPECTRUM = tp.mean_field.Spectrum([4.0, 0.8, 0.2], multiplicities=[2, 6, 12])
SCALE, DECAY = 0.15, 0.05
TIMES = np.union1d(np.round(np.geomspace(0.1, 10, 24), 1), [10.0])  # of networks; the limit has more
LAST = 10.0
DECAYS = (0.0, 0.1, 0.4, 1.0)
WIDTHS = {100: "#7ad151", 400: "#22a884", 1600: "#2a788e"}
STAGES = np.array([0.0, 0.2, 0.4, 1.0, 4.0, 40.0])  # of the digits
DIGITS_DECAY, DIGITS_SCALE = 0.1, 0.1


def images() -> np.ndarray:
    """All handwritten digits (example, pixel), in units in which pixels have variance one on average."""
    with opened() as file:
        x = file.image.values.reshape(file.sizes["example"], -1).astype(float)
    return x / np.sqrt(x.var(axis=0).mean())


def network(width: int) -> xr.Dataset:
    """Real networks of one width, trained on one example after another; of wide ones, which differ less,
    there are fewer, with smaller steps."""
    step = 2e-4 if width < 1000 else 1e-4
    return train(
        SPECTRUM, "relu", SCALE, DECAY, TIMES, step, width, n_replicates=8 if width < 1000 else 4, samples=0
    )


def run() -> dict[str, xr.Dataset]:
    """The limit and real networks on three sizes of variance, weight decays over a continuum of variances,
    and the digits."""
    x = images()
    digits = tp.mean_field.Spectrum.from_examples(x)
    fine = np.union1d(TIMES, np.geomspace(0.05, 40, 120))
    found = {"limit": tp.mean_field.autoencoder(SPECTRUM, "relu", SCALE, DECAY, fine, samples=0)}
    found["erf"] = tp.mean_field.autoencoder(SPECTRUM, "erf", SCALE, DECAY, fine, samples=0)
    for width in WIDTHS:
        found[f"width {width}"] = network(width)
    for decay in DECAYS:
        variances = np.geomspace(0.03, 10, 120)
        found[f"weight decay {decay:g}"] = tp.mean_field.autoencoder(
            variances, "relu", SCALE, decay, [1.0, 10.0], samples=0
        )
    setting = (digits, "relu", DIGITS_SCALE, DIGITS_DECAY)
    found["digits"] = tp.mean_field.autoencoder(
        *setting, np.union1d(STAGES, np.geomspace(0.001, 40, 120)), samples=6
    )
    settings = dict(times=STAGES[STAGES <= 4], step=4e-4, width=1600, n_replicates=2, samples=6)
    found["Gaussian network"] = train(*setting, **settings)
    found["digits network"] = train(*setting, **settings, examples=x)
    return found


def report(results: dict[str, xr.Dataset]) -> None:
    """Print half-rise times, excess losses of networks over the limit, and what is kept of the digits."""
    limit = results["limit"]
    print("variance, half-rise time, final share:")
    for i in range(limit.sizes["direction"]):
        one = limit.isel(direction=i)
        print(f"  {one.variance:4.1f} {one.half_rise_time:7.2f} {one.final_reconstruction:6.3f}")
    print(f"excess loss of networks over the limit at time {LAST:g}, in units of d/N")
    for width in WIDTHS:
        excess, error = _excess(results, width)
        print(f"  width {width:5}: {excess * width / 20:.3f} +- {error * width / 20:.3f}")
    digits = results["digits"]
    kept = int((digits.final_reconstruction > 0).sum())
    print(f"digits: {kept} of {digits.sizes['direction']} directions are worth their weight decay")
    print(
        "losses: limit, a network on Gaussian inputs with the same covariance, and one on the digits, which"
        " are not Gaussian"
    )
    for moment in results["digits network"].time.values:
        losses = (
            results[name].loss.sel(time=moment) for name in ("digits", "Gaussian network", "digits network")
        )
        print(f"  time {moment:4.1f}: " + ", ".join(f"{float(loss):.4f}" for loss in losses))


def _excess(results: dict[str, xr.Dataset], width: int) -> tuple[float, float]:
    """Loss of networks above that of the limit at the last time, and its standard error."""
    last = results[f"width {width}"].sel(time=LAST)
    return float(last.loss - results["limit"].loss.sel(time=LAST)), float(last.loss_stderr)


def _curves(axes, results: dict[str, xr.Dataset]) -> None:
    limit = results["limit"]
    axes[0].plot(limit.time, limit.loss, "k", linewidth=2, label="limit, relu")
    axes[0].plot(results["erf"].time, results["erf"].loss, color="C3", linestyle="--", label="limit, erf")
    for width, color in WIDTHS.items():
        ds = results[f"width {width}"]
        axes[0].errorbar(
            ds.time,
            ds.loss,
            2 * ds.loss_stderr,
            fmt="o",
            markersize=4,
            color=color,
            label=f"networks, width {width}",
        )
        excess, error = _excess(results, width)
        axes[3].errorbar(width, excess, 2 * error, fmt="o", color=color, label=f"networks, width {width}")
    axes[0].set(
        title="loss: one stage for each size of variance", xlabel="time", ylabel="loss", xscale="log", ylim=0
    )
    for i, color in enumerate(("C0", "C1", "C2")):
        one = limit.isel(direction=i)
        axes[1].plot(one.time, one.reconstruction, color=color, label=f"variance {float(one.variance):g}")
        axes[1].plot(
            results["width 400"].time,
            results["width 400"].reconstruction[:, i],
            "o",
            markersize=4,
            color=color,
        )
        axes[1].axvline(one.half_rise_time, color=color, linestyle=":", linewidth=1)
    axes[1].plot([], [], "o", markersize=4, color="gray", label="networks, width 400")
    axes[1].set(
        title="how much of a direction is reconstructed",
        xlabel="time",
        ylabel="share",
        xscale="log",
        ylim=(0, 1),
    )
    for i, decay in enumerate(DECAYS):
        ds, color = results[f"weight decay {decay:g}"], f"C{i}"
        axes[2].plot(ds.variance, ds.reconstruction[-1], color=color, label=f"weight decay {decay:g}")
        axes[2].plot(ds.variance, ds.final_reconstruction, color=color, linestyle=":")
    axes[2].plot([], [], "k:", label="time to infinity")
    axes[2].set(
        title="shrinkage and threshold, time 10",
        xlabel="variance of the direction",
        ylabel="share",
        xscale="log",
        ylim=(-0.02, 1.02),
    )
    widths = np.array(list(WIDTHS))
    axes[3].plot(widths, _excess(results, widths[0])[0] * widths[0] / widths, "k--", label="1 / width")
    axes[3].set(
        title="excess loss of networks, time 10",
        xlabel="width",
        ylabel="loss above the limit",
        xscale="log",
        yscale="log",
    )
    axes[3].set_xticks(widths, widths)
    axes[3].set_yticks([5e-4, 1e-3, 2e-3, 5e-3], ["0.0005", "0.001", "0.002", "0.005"])
    axes[3].minorticks_off()
    for ax, place in zip(axes, ("upper right", "upper left", "lower right", "upper right")):
        ax.legend(fontsize=8, loc=place)


def _tiles(ax, tiles: np.ndarray, columns, rows, title: str, cmap: str, own_scale: bool) -> None:
    """Images (row, column, pixel) side by side; each row, or each image, has a scale of its own."""
    for r, row in enumerate(tiles):
        for c, tile in enumerate(row):
            low, high = (-np.abs(tile).max(), np.abs(tile).max()) if own_scale else (0.0, float(row.max()))
            ax.imshow(
                tile.reshape(8, 8),
                extent=(9 * c, 9 * c + 8, -9 * r - 8, -9 * r),
                vmin=low,
                vmax=high,
                cmap=cmap,
            )
    ax.set(xlim=(-0.5, 9 * tiles.shape[1]), ylim=(-9 * tiles.shape[0] + 0.5, 0.5), title=title)
    ax.set_xticks(9 * np.arange(tiles.shape[1]) + 4, columns)
    ax.set_yticks(-9 * np.arange(tiles.shape[0]) - 4, rows)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _digits(axes, results: dict[str, xr.Dataset]) -> None:
    import matplotlib.pyplot as plt

    digits, real = results["digits"], results["Gaussian network"]
    axes[0].plot(digits.time[1:], digits.loss[1:], "k", label="limit")
    axes[0].plot(
        real.time[1:],
        real.loss[1:],
        "o",
        color="#2a788e",
        label="network, Gaussian inputs with their covariance",
    )
    axes[0].plot(
        real.time[1:],
        results["digits network"].loss[1:],
        "s",
        color="C3",
        label="network, the digits themselves",
    )
    axes[0].set(
        title="digits: loss", xlabel="time", ylabel="loss", xscale="log", ylim=(0, 0.62), xlim=(0.02, 45)
    )
    axes[0].legend(fontsize=8, loc="upper right")
    shown = [0, 1, 3, 7, 15, 31]
    for i, color in zip(shown, plt.cm.viridis(np.linspace(0, 0.85, len(shown)))):
        axes[1].plot(
            digits.time[1:],
            digits.reconstruction[1:, i],
            color=color,
            label=f"{i + 1}: variance {float(digits.variance[i]):.2g}",
        )
        axes[1].plot(real.time[1:], real.reconstruction[1:, i], "o", markersize=4, color=color)
    axes[1].plot([], [], "o", color="gray", markersize=4, label="network, Gaussian inputs")
    axes[1].set(
        title="digits: components one after another",
        xlabel="time",
        ylabel="share",
        xscale="log",
        ylim=(0, 1.02),
    )
    axes[1].legend(fontsize=8, loc="upper left")
    features, names = (
        tp.mean_field.learned_features(digits).sel(time=STAGES).transpose("sample", "time", "feature"),
        [f"{t:g}" for t in STAGES],
    )
    _tiles(
        axes[2],
        features.values[:5],
        names,
        [f"{i + 1}" for i in range(5)],
        "weights of five neurons over time",
        "RdBu_r",
        True,
    )
    axes[2].set(xlabel="time", ylabel="neuron")
    x = images()[[3, 7, 8, 4, 16]]
    seen = (
        tp.mean_field.reconstruct(digits.sel(time=STAGES[1:]), x)
        .transpose("example", "time", "feature")
        .values
    )
    tiles = np.concatenate([x[:, None], seen], axis=1)
    _tiles(axes[3], tiles, ["input", *names[1:]], [""] * len(x), "reconstructions over time", "gray_r", False)
    axes[3].set(xlabel="time")


def draw(results: dict[str, xr.Dataset]) -> Figure:
    """Stages, thresholds and networks above; components, neurons and reconstructions of digits below."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(19, 9), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.1))
    _curves(top.subplots(1, 4), results)
    _digits(bottom.subplots(1, 4), results)
    return figure


if __name__ == "__main__":
    recipe(__file__, run, report, draw)

"""Convolutional networks on small images: at fixed richness all widths agree, up to differences that fall as
width^-1/2.

    python recipes/convolutional.py [FOLDER] [CIFAR]

A handwritten 3 or an 8? Networks of four widths (channels), with twelve seeds each, are compared with the
limit of infinitely many channels. At fixed richness their losses and feature kernels, between examples and
between positions, coincide; the distance of one network's kernels to the limit, times sqrt(width), is the
same at every width, and the recipe prints it. If the richness shrinks as width^-1/2 from the same start (the
NTK parameterisation), features stop moving, and the losses become those of different networks. Writes
convolutional.nc and, with matplotlib, convolutional.png into FOLDER (default: output). If a second folder is
given, that of the binary files of CIFAR-10, the images are aeroplanes and automobiles in colour, averaged to
8 x 8 pixels, instead of digits.
"""

import numpy as np
import xarray as xr
from digits import two_digits
from runner import Figure, recipe

import tensorprog_mf as tp

WIDTHS = {32: "#c7e020", 64: "#5ec962", 128: "#21918c", 256: "#3b528b"}
RICHNESS, SEEDS, TRAIN, TEST = 1.0, 12, 8, 4
TRAINING = tp.Training(steps=14, learning_rate=1.0)
RECORD = tp.Record(
    steps=(0, 2, 4, 6, 8, 10, 12, 14), kernel_examples=range(TRAIN)
)  # kernels of training examples only
WAYS = ("fixed", "shrinking")  # richness: the same at all widths, or falling as width^-1/2


def images(cifar: str | None) -> tp.Problem:
    """Eight images to learn from and four to test on, (example, channel, row, column)."""
    if cifar is not None:
        return tp.read_cifar10(cifar, TRAIN, TEST, classes=(0, 1), block=4)
    flat = two_digits(3, 8, TRAIN, TEST)
    inputs, unseen = (x.reshape(-1, 1, 8, 8) for x in (flat.inputs, flat.test_inputs))
    return tp.Problem(inputs, flat.targets, unseen, test_targets=flat.test_targets)


def network(richness: float = RICHNESS) -> tp.CNN:
    """Two convolutions; the first has a stride of three, so that both layers have 3 x 3 positions."""
    return tp.CNN(depth=2, activation="tanh", richness=richness, kernel=3, stride=(3, 1), padding="zero")


def size(kernel: xr.DataArray) -> xr.DataArray:
    """Root mean square over examples and positions."""
    return np.sqrt(
        (kernel**2).mean([dim for dim in kernel.dims if dim.startswith(("kernel_example", "position"))])
    )


def outcome(ds: xr.Dataset, limit: xr.DataArray) -> xr.Dataset:
    """For every network: its losses, how far its kernels are from the limit, and how far they have moved; and
    the kernels of the first network."""
    kernel = ds.feature_kernel
    distance, moved = size(kernel - limit) / size(limit), size(kernel - kernel[:, 0]) / size(kernel[:, 0])
    distance.attrs = {"long_name": "distance of feature kernels to the limit, relative", "units": ""}
    moved.attrs = {"long_name": "movement of feature kernels, relative", "units": ""}
    kept = ds[["loss", "test_loss", "output"]].assign(kernel_distance=distance, kernel_movement=moved)
    return kept.assign(feature_kernel=kernel[0].assign_attrs(long_name="feature kernel of the first network"))


def run(cifar: str | None = None) -> dict[str, xr.Dataset]:
    """The limit, and networks of every width whose richness is fixed or shrinks."""
    problem, options = images(cifar), {"record": RECORD, "samples": 0}
    limit = tp.sample(network(), problem, TRAINING, n_samples=4096, n_replicates=2, tolerance=1e-3, **options)
    found = {"limit": limit}
    for way in WAYS:
        for width in WIDTHS:
            richness = RICHNESS * (min(WIDTHS) / width) ** (0.5 * (way == "shrinking"))
            ds = tp.train_finite(
                network(richness),
                problem,
                TRAINING,
                width,
                n_replicates=SEEDS,
                keep_replicates=True,
                **options,
            )
            found[f"{way}, width {width}"] = outcome(ds, limit.feature_kernel)
    return found


def mean(values: xr.DataArray) -> tuple:
    """Mean over networks and its standard error."""
    return values.mean("replicate"), values.std("replicate", ddof=1) / np.sqrt(values.sizes["replicate"])


def last(results: dict[str, xr.Dataset], way: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error at the last time, (width[, layer])."""
    pairs = [mean(results[f"{way}, width {width}"][name].isel(time=-1)) for width in WIDTHS]
    return np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])


def movement_of_limit(limit: xr.Dataset) -> np.ndarray:
    """Relative change of the kernels, (layer,)."""
    kernel = limit.feature_kernel
    return (size(kernel[-1] - kernel[0]) / size(kernel[0])).values


def report(results: dict[str, xr.Dataset]) -> None:
    """Print losses, distances times sqrt(width), and movements."""
    limit = results["limit"].isel(time=-1)
    moved = movement_of_limit(results["limit"])
    print(
        "after training: losses; distance of one network's kernels to the limit times sqrt(width), and"
        " movement; layers 1, 2"
    )
    print(
        f"  limit            {limit.loss:.4f} +- {limit.loss_stderr:.4f}"
        + " " * 39
        + f"{moved[0]:.3f}   {moved[1]:.3f}"
    )
    for way in WAYS:
        print(f"richness {'fixed' if way == 'fixed' else 'shrinking as width^-1/2'}")
        each = {name: last(results, way, name) for name in ("loss", "kernel_distance", "kernel_movement")}
        for i, width in enumerate(WIDTHS):
            root, (losses, distance, moved) = (
                np.sqrt(width),
                [(value[i], error[i]) for value, error in each.values()],
            )
            text = "   ".join(f"{root * value:.2f} +- {root * error:.2f}" for value, error in zip(*distance))
            text += "   " + "   ".join(f"{value:.3f}" for value in moved[0])
            print(f"  width {width:5d}      {losses[0]:.4f} +- {losses[1]:.4f}   {text}")
    scaled = last(results, "fixed", "kernel_distance")[0] * np.sqrt(list(WIDTHS))[:, None]
    spread = np.abs(scaled / scaled.mean(axis=0) - 1).max(axis=0)
    print(
        f"at fixed richness, distance times sqrt(width) is constant within {spread[0]:.0%} and"
        f" {spread[1]:.0%} (layers 1, 2)"
    )


def draw(results: dict[str, xr.Dataset]) -> Figure:
    """Losses, movement and distances over widths; kernels between examples and positions."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 4, figsize=(17, 8), layout="constrained")
    limit, widths = results["limit"], np.array(list(WIDTHS))
    titles = (
        "fixed richness: every width\nfollows the limit",
        "richness shrinks as width$^{-1/2}$:\nfeatures stop moving, losses separate",
    )
    for ax, way, title in zip(axes[0], WAYS, titles):
        for width, colour in WIDTHS.items():
            value, error = mean(results[f"{way}, width {width}"].loss)
            ax.errorbar(
                value.time,
                value,
                2 * error,
                color=colour,
                marker="o",
                markersize=3,
                label=f"{SEEDS} networks, width {width}",
            )
        ax.errorbar(
            limit.time,
            limit.loss,
            2 * limit.loss_stderr,
            color="k",
            linestyle="--",
            linewidth=2,
            label="limit at fixed richness",
        )
        ax.set(xlabel="time", ylabel="training loss", title=title, ylim=(0, None))
        ax.legend(fontsize=8, loc="lower left")
    axes[0, 1].set_ylim(axes[0, 0].get_ylim())
    moves, scales = axes[0, 2:]
    for layer, marker in ((0, "s"), (1, "o")):
        for way, colour in zip(WAYS, ("C0", "C3")):
            for ax, name, root in (
                (moves, "kernel_movement", 1.0),
                (scales, "kernel_distance", np.sqrt(widths)),
            ):
                value, error = last(results, way, name)
                ax.errorbar(
                    widths,
                    root * value[:, layer],
                    2 * root * error[:, layer],
                    color=colour,
                    marker=marker,
                    label=f"{way} richness, layer {layer + 1}",
                )
        moves.axhline(
            movement_of_limit(limit)[layer], color="k", linestyle="--", label=None if layer else "limit"
        )
    start = last(results, "shrinking", "kernel_movement")[0][0, 0]
    moves.plot(widths, 0.75 * start * widths[0] / widths, "k:", label="richness$^2$ = 1 / width")
    scaled = last(results, "fixed", "kernel_distance")[0] * np.sqrt(widths)[:, None]
    for middle in scaled.mean(axis=0):
        scales.axhspan(0.75 * middle, 1.25 * middle, color="C0", alpha=0.1, linewidth=0)
    moves.set(
        title="movement of the kernels,\n$|\\Phi(T)-\\Phi(0)|$ / $|\\Phi(0)|$", ylabel="relative movement"
    )
    scales.set(
        title=(
            "distance of one network to the limit\ntimes $\\sqrt{\\mathrm{width}}$ (bands: mean $\\pm$ 25 %)"
        ),
        ylabel=r"$\sqrt{N}\,|\Phi_N-\Phi|\,/\,|\Phi|$",
    )
    for ax in (moves, scales):
        ax.set(xlabel="width (channels)", xscale="log", yscale="log")
        ax.set_xticks(widths, widths)
        ax.minorticks_off()
    moves.set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
    moves.set_ylim(0.006, 3)
    moves.legend(fontsize=8, loc="lower left")
    scales.set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
    scales.set_ylim(1, 15)
    scales.legend(fontsize=8, loc="upper left")
    widest = max(WIDTHS)
    shown = [
        ("limit", 0, "limit, before training"),
        ("limit", -1, "limit, after training"),
        (f"fixed, width {widest}", -1, f"one network of width {widest},\nfixed richness, after training"),
    ]
    shown.append(
        (
            f"shrinking, width {widest}",
            -1,
            f"one network of width {widest},\nshrunken richness, after training",
        )
    )
    order, top = (
        np.argsort(limit.target.values[:TRAIN], kind="stable"),
        float(np.abs(limit.feature_kernel[-1, 1]).max()),
    )
    for ax, (name, when, title) in zip(axes[1], shown):
        kernel = results[name].feature_kernel[when, 1].values[order][:, :, order]
        positions = kernel.shape[1]
        image = ax.imshow(
            kernel.reshape(TRAIN * positions, -1), vmin=-top, vmax=top, cmap="RdBu_r", interpolation="nearest"
        )
        for border in np.arange(1, TRAIN) * positions - 0.5:
            middle = round((border + 0.5) / positions) == np.sum(limit.target[:TRAIN] < 0)
            for line in (ax.axhline, ax.axvline):
                line(border, color="k", linewidth=1.5 if middle else 0.3)
        ax.set(title=title, xticks=[], yticks=[])
    axes[1, 0].set_ylabel("layer 2 feature kernel:\n8 examples (second class first) x 9 positions")
    figure.colorbar(image, ax=axes[1], shrink=0.8)
    return figure


if __name__ == "__main__":
    recipe(__file__, run, report, draw)

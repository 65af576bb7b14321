"""Ten handwritten digits: classification with ten outputs and the cross-entropy, by lazy, rich and real
networks.

    python recipes/classification.py [FOLDER]

Trains tanh networks with two hidden layers on a hundred images: infinitely wide ones at a small and a large
richness, the static kernel in closed form, and real ones of several widths. The outputs of the limit are
deterministic, and so is its accuracy. For real networks the recipe shows the mean accuracy of single
networks, which is not the accuracy of their averaged outputs. Lazy networks begin with random outputs of size
1 / (richness sqrt(width)), which for a long time hide what the narrow ones have learned. Prints losses,
accuracies, the distance of real networks to the limit for every width, and how the features of test images
come together by class. Writes classification.nc and, with matplotlib, classification.png into FOLDER
(default: output).
"""

import numpy as np
import xarray as xr
from digits import ten_digits
from runner import Figure, recipe

import tensorprog_mf as tp

PROBLEM = ten_digits(n_train=100, n_test=100)
TRAINING = tp.Training(steps=50, learning_rate=2.0)
RICHNESS = {"lazy": 0.1, "rich": 2.0}
NETWORKS = {64: 64, 256: 32, 1024: 8}  # how many of each width; narrow ones differ more
STEPS = tp.log_steps(TRAINING.steps, 12)  # few, as every recorded step also evaluates the test images
TEST = np.arange(PROBLEM.n_train, len(PROBLEM.all_inputs))
LABELS = PROBLEM.all_targets.argmax(axis=1)
PER_CLASS = 5
SHOWN = np.concatenate(
    [TEST[LABELS[TEST] == digit][:PER_CLASS] for digit in range(10)]
)  # test images ordered by class
RECORD = tp.Record(steps=STEPS, kernel_examples=SHOWN)
COLORS = {"lazy": "C0", "rich": "C3"}
MARKERS = {64: "v", 256: "s", 1024: "o"}


def setting(name: str) -> tuple:
    """Network, problem and training."""
    return tp.MLP(depth=2, activation="tanh", richness=RICHNESS[name]), PROBLEM, TRAINING


def accuracy(output: np.ndarray) -> np.ndarray:
    """Share of the test images whose largest output is that of their class, from outputs (..., example,
    class)."""
    return (output[..., TEST, :].argmax(axis=-1) == LABELS[TEST]).mean(axis=-1)


def outcome(ds: xr.Dataset) -> xr.Dataset:
    """The result without the kernels of all examples, which are large, and with the test accuracy."""
    small = ds.drop_vars([name for name in ds if "example_prime" in ds[name].dims])
    small = small.rename_dims(
        output="class"
    )  # nothing can be assigned beside a variable that is called like its dimension
    return small.assign(
        accuracy=("time", accuracy(ds.output.values), {"long_name": "test accuracy", "units": ""})
    )


def _rms(difference: np.ndarray) -> np.ndarray:
    """Root mean square over everything but time, of an array (..., time, example, class)."""
    return np.sqrt(
        (difference**2).mean(
            axis=tuple(axis for axis in range(difference.ndim) if axis != difference.ndim - 3)
        )
    )


def networks(name: str, width: int, exact: xr.Dataset) -> xr.Dataset:
    """Means over real networks with standard errors, their distance to the limit, and the outputs and kernel
    of the first network."""
    count = NETWORKS[width]
    ds = tp.train_finite(
        *setting(name), width=width, n_replicates=count, record=RECORD, samples=0, keep_replicates=True
    )
    output, limit, found = ds.output.values, exact.output.values, {}
    for variable, each in (
        ("loss", ds.loss.values),
        ("test_loss", ds.test_loss.values),
        ("accuracy", accuracy(output)),
    ):
        found[variable] = "time", each.mean(axis=0)
        found[f"{variable}_stderr"] = "time", each.std(axis=0, ddof=1) / np.sqrt(count)
    mean, stderr = output.mean(axis=0), output.std(axis=0, ddof=1) / np.sqrt(count)
    for variable, values, meaning in (
        ("ensemble_accuracy", accuracy(mean), "test accuracy of the mean outputs"),
        (
            "single_distance",
            _rms(output - limit),
            "rms distance of the outputs of single networks to the limit",
        ),
        ("mean_distance", _rms(mean - limit), "rms distance of the mean outputs to the limit"),
        (
            "distance_stderr",
            np.hypot(_rms(stderr), _rms(exact.output_stderr.values)),
            "standard error of the mean outputs minus the limit",
        ),
    ):
        found[variable] = "time", values, {"long_name": meaning, "units": ""}
    found["output"] = exact.output.dims, mean, {"long_name": "mean outputs", "units": ""}
    found["first_output"] = (
        exact.output.dims,
        output[0],
        {"long_name": "outputs of the first network", "units": ""},
    )
    found["feature_kernel"] = ds.feature_kernel.isel(replicate=0).variable
    return xr.Dataset(
        found, {"time": ds.time, "layer": ds.layer, "kernel_example": ds.kernel_example}, ds.attrs
    )


def run() -> dict[str, xr.Dataset]:
    """The static kernel, then the limit and real networks at both values of richness."""
    found = {"static kernel": outcome(tp.static_ntk(*setting("lazy"), record=STEPS))}
    for name, richness in RICHNESS.items():
        tolerance = (
            1e-2 * richness
        )  # outputs, and so the effect of directions that are left out, are divided by the richness
        exact = tp.sample(
            *setting(name), n_samples=8192, n_replicates=2, tolerance=tolerance, record=RECORD, samples=0
        )
        found[f"{name}, limit"] = outcome(exact)
        for width in NETWORKS:
            found[f"{name}, width {width}"] = networks(name, width, exact)
    return found


def similarity(kernel: np.ndarray) -> tuple[float, float]:
    """Mean cosine between the features of two images, of the same class and of different ones."""
    size = np.sqrt(np.diag(kernel))
    cosine, label = kernel / np.outer(size, size), LABELS[SHOWN]
    same, itself = np.equal.outer(label, label), np.eye(len(label), dtype=bool)
    return float(cosine[same & ~itself].mean()), float(cosine[~same].mean())


def kernels(results: dict[str, xr.Dataset]) -> dict[str, np.ndarray]:
    """Last feature kernels between the test images that are shown, and what each kernel belongs to."""
    rich, widest = results["rich, limit"].feature_kernel.isel(layer=-1), max(NETWORKS)
    return {
        "before training, limit": rich[0].values,
        f"after, lazy limit, richness {RICHNESS['lazy']:g}": (
            results["lazy, limit"].feature_kernel[-1, -1].values
        ),
        f"after, rich limit, richness {RICHNESS['rich']:g}": rich[-1].values,
        f"after, rich, one network of width {widest}": (
            results[f"rich, width {widest}"].feature_kernel[-1, -1].values
        ),
    }


def _with_error(ds: xr.Dataset, name: str, digits: int) -> str:
    error = f" +- {ds[f'{name}_stderr']:.{digits}f}" if f"{name}_stderr" in ds else ""
    return f"{ds[name]:.{digits}f}{error}"


def report(results: dict[str, xr.Dataset]) -> None:
    """Print losses and accuracies at the end, distances to the limit, and similarities of features."""
    print(
        f"{PROBLEM.n_train} training and {len(TEST)} test images after {TRAINING.steps} steps;"
        " for real networks, means over single ones"
    )
    print(f"{'':18}{'training loss':>20}{'test loss':>20}{'test accuracy':>20}{'of mean outputs':>18}")
    for name, ds in results.items():
        last = ds.isel(time=-1)
        cells = [
            _with_error(last, "loss", 4),
            _with_error(last, "test_loss", 4),
            _with_error(last, "accuracy", 3),
        ]
        mean = f"{last.ensemble_accuracy:.2f}" if "ensemble_accuracy" in last else ""
        print(f"{name:18}" + "".join(f"{cell:>20}" for cell in cells) + f"{mean:>18}")
    print(
        "rms distance of the outputs to the limit after training; the ratio is to the width before it, 0.5"
        " for width^-1/2"
    )
    print(
        f"{'':18}{'networks':>10}{'single network':>16}{'ratio':>8}"
        f"{'mean output':>14}{'its standard error':>20}"
    )
    for name in RICHNESS:
        before = None
        for width, count in NETWORKS.items():
            last = results[f"{name}, width {width}"].isel(time=-1)
            ratio = f"{last.single_distance / before:.2f}" if before is not None else ""
            before = last.single_distance
            print(
                f"{name}, width {width:<5}"
                f" {count:10}{before:16.3f}{ratio:>8}{last.mean_distance:14.3f}{last.distance_stderr:20.3f}"
            )
    print(
        f"mean cosine between the last features of two out of {len(SHOWN)} test images, of one class and of"
        " different classes"
    )
    for name, kernel in kernels(results).items():
        same, other = similarity(kernel)
        print(f"  {name:44} {same:.2f} {other:.2f}")


def _over_time(ax, results: dict[str, xr.Dataset], name: str) -> None:
    """Lines for the limits and the static kernel; points with two standard errors for real networks."""
    for regime, richness in RICHNESS.items():
        ds, color = results[f"{regime}, limit"], COLORS[regime]
        ax.plot(ds.time[1:], ds[name][1:], color=color, linewidth=2, label=f"limit, richness {richness:g}")
        for width, marker in MARKERS.items():
            real = results[f"{regime}, width {width}"].isel(time=slice(1, None))
            error, style = (
                2 * real[f"{name}_stderr"],
                {"markersize": 4.5, "markerfacecolor": "w", "linewidth": 1},
            )
            ax.errorbar(real.time, real[name], error, fmt=marker, color=color, zorder=3, **style)
    static = results["static kernel"].isel(time=slice(1, None))
    ax.plot(static.time, static[name], "k--", linewidth=1.3, label="static kernel", zorder=4)
    ax.set(xlabel="time", xscale="log")
    ax.set_xticks([2, 5, 10, 20, 50, 100], [2, 5, 10, 20, 50, 100])
    ax.minorticks_off()


def _convergence(ax, results: dict[str, xr.Dataset]) -> None:
    """Distances of real networks to the limit against their width."""
    widths = np.array(list(NETWORKS))
    for regime, color in COLORS.items():
        each = [results[f"{regime}, width {width}"].isel(time=-1) for width in widths]
        single = np.array([ds.single_distance for ds in each])
        ax.loglog(widths, single, "o-", color=color, label=f"{regime}, a single network")
        ax.loglog(
            widths,
            [ds.mean_distance for ds in each],
            "s--",
            color=color,
            markerfacecolor="w",
            label=f"{regime}, mean of networks",
        )
        ax.loglog(
            widths,
            [ds.distance_stderr for ds in each],
            ":",
            color=color,
            label=f"{regime}, standard error of the mean",
        )
        ax.loglog(
            widths, single[0] * np.sqrt(widths[0] / widths), color="k", linewidth=7, alpha=0.12, zorder=0
        )
    ax.loglog([], [], color="k", linewidth=7, alpha=0.12, label="width$^{-1/2}$")
    ax.set(xlabel="width", ylabel="rms distance of the outputs", ylim=(0.004, 0.8))
    ax.set_xticks(widths, widths)
    ticks = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5]
    ax.set_yticks(ticks, ticks)
    ax.minorticks_off()


def _outputs(ax, results: dict[str, xr.Dataset]) -> None:
    """Outputs of single networks on test images, plotted against those of the limit."""
    exact = results["rich, limit"].output[-1, TEST].values.ravel()
    for width, color in ((min(NETWORKS), "0.65"), (max(NETWORKS), "C3")):
        one = results[f"rich, width {width}"].first_output[-1, TEST].values.ravel()
        ax.plot(exact, one, ".", color=color, markersize=3, label=f"one of width {width}")
    reach = np.array([exact.min(), exact.max()])
    ax.plot(reach, reach, "k-", linewidth=0.8)
    ax.set(xlabel="output of the limit", ylabel="output of a network")


def _class_kernel(ax, kernel: np.ndarray, top: float):
    """A kernel between test images ordered by class, with lines between classes."""
    image = ax.imshow(kernel, vmin=-top, vmax=top, cmap="RdBu_r")
    for edge in np.flatnonzero(np.diff(LABELS[SHOWN])) + 0.5:
        ax.axhline(edge, color="0.6", linewidth=0.4)
        ax.axvline(edge, color="0.6", linewidth=0.4)
    middle = [np.flatnonzero(LABELS[SHOWN] == digit).mean() for digit in range(10)]
    ax.set_xticks(middle, range(10))
    ax.set_yticks(middle, range(10))
    ax.tick_params(length=0)
    same, other = similarity(kernel)
    ax.set_xlabel(f"mean cosine: same class {same:.2f}, others {other:.2f}")
    return image


def draw(results: dict[str, xr.Dataset]) -> Figure:
    """Loss and accuracy over time, distances against width, outputs, and kernels by class."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 4, figsize=(18, 9), layout="constrained")
    _over_time(axes[0, 0], results, "loss")
    axes[0, 0].set(title="training loss", ylabel="cross-entropy", ylim=(0, None))
    for width, marker in MARKERS.items():
        label = f"{NETWORKS[width]} networks of width {width}"
        axes[0, 0].errorbar(
            [], [], [], fmt=marker, color="0.4", markerfacecolor="w", markersize=4.5, label=label
        )
    _over_time(axes[0, 1], results, "accuracy")
    axes[0, 1].set(title="test accuracy", ylabel="share of test images", ylim=(0, 1))
    _convergence(axes[0, 2], results)
    axes[0, 2].set_title("distance to the limit, after training")
    _outputs(axes[0, 3], results)
    axes[0, 3].set_title(f"outputs on test images, richness {RICHNESS['rich']:g}")
    found = kernels(results)
    top = max(np.abs(kernel).max() for kernel in found.values())
    for ax, (name, kernel) in zip(axes[1], found.items()):
        image = _class_kernel(ax, kernel, top)
        ax.set_title(name, fontsize=11)
    axes[1, 0].set_ylabel("test images by digit")
    figure.colorbar(image, ax=axes[1], label="last feature kernel", shrink=0.85)
    for ax in axes[0, [0, 2, 3]]:
        ax.legend(
            fontsize=9,
            loc="upper left" if ax is axes[0, 3] else "lower left",
            markerscale=1 if ax is not axes[0, 3] else 3,
        )
    what = "infinitely wide networks, and real ones that approach them (bars: two standard errors)"
    figure.suptitle(f"Ten handwritten digits, {PROBLEM.n_train} training images: {what}", fontsize=14)
    return figure


if __name__ == "__main__":
    recipe(__file__, run, report, draw)

"""One learning rate for every depth: residual branches divided by sqrt(depth), and their limit of infinite
depth.

    python recipes/residual.py [FOLDER]

Infinitely wide residual networks of depths 2 to 32, and of infinite depth, are trained for ten steps at many
learning rates. If the branches are divided by sqrt(depth), the curves of the final loss coincide, and so do
their best learning rates; if they are not, the best rate falls by orders of magnitude. Along the stream the
kernels of all depths lie on one process in the relative depth tau = layer / depth, before and after training;
real networks of depth 16 confirm it. Prints the best rates, and the distances to infinite depth, which fall
as 1 / depth. Writes residual.nc and, with matplotlib, residual.png into FOLDER (default: output).
"""

import warnings

import numpy as np
import xarray as xr
from runner import Figure, recipe

import tensorprog_mf as tp

DEPTHS = {2: "#fde725", 4: "#90d743", 8: "#35b779", 16: "#31688e", 32: "#440154"}
STEPS, RATE, EXAMPLES, FEATURES = 10, 2.0**-1, 8, 6
RATES = {"divided": 2.0 ** np.arange(-5, 1.1, 0.5), "not divided": 2.0 ** np.arange(-13, 1.1, 1.0)}
DEEP, WIDTH, SEEDS = 16, 256, 8


def problem() -> tp.Problem:
    """Random signs of random inputs with |x|^2 = D."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(EXAMPLES, FEATURES))
    inputs *= np.sqrt(FEATURES / (inputs**2).sum(axis=1, keepdims=True))
    return tp.Problem(inputs, np.sign(rng.normal(size=EXAMPLES)))


def network(depth: int | str, way: str = "divided", n_tau: int = 32) -> tp.ResidualMLP:
    """Relu branches, divided by sqrt(depth) or not; both ways agree at the smallest depth."""
    scale = 1.0 if way == "divided" else np.sqrt(depth / min(DEPTHS))  # the library divides by sqrt(depth)
    return tp.ResidualMLP(depth, "relu", 1.0, branch_scale=float(scale), n_tau=n_tau)


def transfer() -> xr.Dataset:
    """Loss after the last step, over depths and rates; NaN where training diverged."""
    found, ends = {}, tp.Record(steps=(0, STEPS), kernel_examples=())
    infinite = np.full((len(RATES["divided"]), 2), np.nan)
    for j in np.flatnonzero(RATES["divided"] <= RATE)[::2]:  # unstable runs cannot be extrapolated
        ds = tp.sample(
            network("infinite", n_tau=16),
            problem(),
            tp.Training(STEPS, RATES["divided"][j]),
            512,
            2,
            tolerance=1e-3,
            record=ends,
            samples=0,
        )
        infinite[j] = ds.loss[-1], ds.loss_stderr[-1] + ds.loss_depth_error[-1]
    for way, rates in RATES.items():
        losses = np.full((len(DEPTHS), len(rates), 2), np.nan)
        for i, depth in enumerate(DEPTHS):
            for j, rate in enumerate(rates):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", tp.DivergenceWarning)
                    ds = tp.sample(
                        network(depth, way),
                        problem(),
                        tp.Training(STEPS, rate),
                        512,
                        2,
                        tolerance=1e-3,
                        record=ends,
                        samples=0,
                    )
                if ds.sizes["time"] == 2:
                    losses[i, j] = ds.loss[-1], ds.loss_stderr[-1]
        name = way.replace(" ", "_")
        attrs = {"long_name": f"loss after {STEPS} steps, branches {way} by sqrt(depth)", "units": ""}
        dims = ("depth", f"{name}_rate")
        found |= {
            f"{name}_loss": (dims, losses[..., 0], attrs),
            f"{name}_loss_stderr": (dims, losses[..., 1], {"units": ""}),
        }
    attrs = {"long_name": f"loss after {STEPS} steps, infinite depth", "units": ""}
    found["infinite_loss"] = ("divided_rate", infinite[:, 0], attrs)
    found["infinite_loss_error"] = ("divided_rate", infinite[:, 1], {"units": ""})
    return xr.Dataset(
        found,
        {"depth": list(DEPTHS), **{f"{way.replace(' ', '_')}_rate": rates for way, rates in RATES.items()}},
    )


def run() -> dict[str, xr.Dataset]:
    """Losses over rates; streams of every depth at one rate, of infinite depth, and of real networks."""
    training, options = (
        tp.Training(STEPS, RATE),
        {"record": [0, STEPS], "samples": 0, "keep_replicates": True},
    )
    found = {"transfer": transfer()}
    for depth in (*DEPTHS, "infinite"):
        found[f"depth {depth}"] = tp.sample(
            network(depth), problem(), training, 2048, 3, tolerance=1e-3, **options
        )
    found[f"networks of depth {DEEP}"] = tp.train_finite(
        network(DEEP), problem(), training, WIDTH, n_replicates=SEEDS, **options
    )
    return found


def stream(ds: xr.Dataset, when: int, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Relative depth tau and, along it, for every replicate, the mean of h^2, or how much more pairs of one
    class have in common than pairs of two classes; and the error of the depth."""
    kernel, y = ds.preactivation_kernel.isel(time=when).values, ds.target.values
    values = (
        np.einsum("...mm->...", kernel) / EXAMPLES
        if name == "size"
        else np.einsum("...mn,m,n->...", kernel, y, y) / EXAMPLES**2
    )
    bound = 0 * ds.relative_depth.values
    if "preactivation_kernel_depth_error" in ds:
        error = ds.preactivation_kernel_depth_error.isel(time=when).values
        bound = (
            np.einsum("lmm->l", error) / EXAMPLES if name == "size" else np.sqrt((error**2).mean(axis=(1, 2)))
        )
    return ds.relative_depth.values, values, bound


def mean(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over replicates, with its standard error."""
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))


def away(results: dict[str, xr.Dataset]) -> dict[int, tuple[float, float]]:
    """For each depth, the relative distance of its kernels at the end of the stream to those of infinite
    depth, before and after training."""

    def last(name):
        return results[name].preactivation_kernel.isel(layer=-1).mean("replicate").values

    def size(kernel):
        return np.sqrt((kernel**2).sum(axis=(1, 2)))

    return {
        depth: tuple(size(last(f"depth {depth}") - last("depth infinite")) / size(last("depth infinite")))
        for depth in DEPTHS
    }


def report(results: dict[str, xr.Dataset]) -> None:
    """Print the best rate and its loss per depth, losses at one rate, and distances to infinite depth."""
    table, distances = results["transfer"], away(results)
    print(
        "final losses: at the best learning rate, with branches divided and not divided by sqrt(depth), and"
        f" at rate {RATE:g}"
    )
    for depth in DEPTHS:
        text = ""
        for name in ("divided", "not_divided"):
            losses = table[f"{name}_loss"].sel(depth=depth)
            best = losses[f"{name}_rate"][int(np.nanargmin(losses))]
            text += f"rate {float(best):8.4f} loss {float(losses.min()):.4f}   "
        loss, error = mean(results[f"depth {depth}"].loss.values[:, -1])
        text += (
            f"loss {loss:.4f} +- {error:.4f}, kernel distance to infinite depth: {distances[depth][0]:.3f}"
            f" {distances[depth][1]:.3f}"
        )
        print(f"  depth {depth:3}   {text}")
    infinite, real = results["depth infinite"], results[f"networks of depth {DEEP}"]
    pairs = (*mean(infinite.loss.values[:, -1]), *mean(real.loss.values[:, -1]))
    print(
        f"  infinite depth: loss {pairs[0]:.4f} +- {pairs[1]:.4f}, error of the extrapolation in depth below"
        f" {float(infinite.loss_depth_error[-1]):.4f}"
    )
    print(f"  {SEEDS} networks of depth {DEEP} and width {WIDTH}: loss {pairs[2]:.4f} +- {pairs[3]:.4f}")


def draw(results: dict[str, xr.Dataset]) -> Figure:
    """Losses over rates both ways; curves along the stream before and after training, and distances to
    infinite depth."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(15, 9), layout="constrained")
    table = results["transfer"]
    titles = (
        r"branches / $\sqrt{L}$: one best learning rate",
        "branches not divided: the best rate\nfalls, deep networks diverge",
    )
    for ax, name, title in zip(axes[0], ("divided", "not_divided"), titles):
        for depth, colour in DEPTHS.items():
            losses, errors = (table[f"{name}_loss{suffix}"].sel(depth=depth) for suffix in ("", "_stderr"))
            best = int(np.nanargmin(losses))
            shown = losses.where(np.arange(losses.size) <= best + 1)
            ax.errorbar(
                losses[f"{name}_rate"],
                shown,
                errors,
                color=colour,
                marker="o",
                markersize=4,
                label=f"L = {depth}",
            )
            ax.plot(
                losses[f"{name}_rate"][best],
                losses[best],
                "*",
                color=colour,
                markersize=16,
                markeredgecolor="k",
            )
        ax.set(
            title=title,
            xlabel="learning rate",
            ylabel=f"loss after {STEPS} steps",
            yscale="log",
            ylim=(0.003, 1),
            xlim=(2**-14, 2**1.6),
        )
        ax.set_xscale("log", base=2)
    infinite = table[["infinite_loss", "infinite_loss_error"]].dropna("divided_rate")
    axes[0, 0].errorbar(
        infinite.divided_rate,
        infinite.infinite_loss,
        infinite.infinite_loss_error,
        color="C3",
        marker="x",
        markersize=9,
        linestyle="",
        zorder=9,
        label="infinite depth",
    )
    axes[0, 0].legend(
        fontsize=9,
        loc="lower left",
        title="stars: best rates;\nbeyond them training is unstable",
        title_fontsize=9,
    )
    gaps = away(results)
    axes[0, 2].loglog(list(gaps), [after for _, after in gaps.values()], "ko-", label="after training")
    first = gaps[min(DEPTHS)][1]
    axes[0, 2].loglog(list(gaps), [1.3 * first * min(DEPTHS) / depth for depth in gaps], "r:", label="1 / L")
    axes[0, 2].set(
        title=r"kernel at the end of the stream ($\tau = 1$):" + "\ndistance to infinite depth",
        xlabel="depth L",
        ylabel=r"$|H_L - H_\infty|\,/\,|H_\infty|$",
    )
    axes[0, 2].set_yticks([0.01, 0.02, 0.05, 0.1, 0.2], ["0.01", "0.02", "0.05", "0.1", "0.2"])
    axes[0, 2].set_xticks(list(DEPTHS), list(DEPTHS))
    axes[0, 2].minorticks_off()
    axes[0, 2].legend(fontsize=8)
    panels = (
        ("size", 0, r"size of the stream, mean of $h^2$," + "\nbefore training"),
        ("size", -1, r"size of the stream, mean of $h^2$," + "\nafter training"),
    )
    panels += (("classes", -1, r"class structure, $y^\top H y\,/\,P^2$," + "\nafter training"),)
    for ax, (name, when, title) in zip(axes[1], panels):
        for depth, colour in DEPTHS.items():
            tau, values, _ = stream(results[f"depth {depth}"], when, name)
            ax.plot(tau, mean(values)[0], "o-", color=colour, markersize=4, linewidth=1, label=f"L = {depth}")
        tau, values, bound = stream(results["depth infinite"], when, name)
        curve, error = mean(values)
        ax.plot(tau, curve, "k", linewidth=2, label="infinite depth and its error")
        ax.fill_between(
            tau, curve - 2 * error - bound, curve + 2 * error + bound, color="k", alpha=0.2, linewidth=0
        )
        if (name, when) == ("size", 0):
            ax.plot(tau, np.exp(tau / 2) * curve[0], "w:", linewidth=2, label=r"exact: $e^{\tau/2}$")
        tau, values, _ = stream(results[f"networks of depth {DEEP}"], when, name)
        curve, error = mean(values)
        ax.errorbar(
            tau[::2],
            curve[::2],
            2 * error[::2],
            color="C3",
            marker="x",
            linestyle="",
            label=f"{SEEDS} networks, L = {DEEP}, width {WIDTH}",
        )
        ax.set(title=title, xlabel=r"$\tau$ = layer / L")
    axes[1, 0].legend(fontsize=8, facecolor="0.93")
    return figure


if __name__ == "__main__":
    recipe(__file__, run, report, draw)

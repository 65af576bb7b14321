"""Deep linear networks, which can be solved exactly: richness and depth speed up the learning of fine detail.

    python recipes/deep_linear.py [FOLDER]

Eight items are the leaves of a tree with three levels, and the target is the place of a leaf, from -1 to 1.
The inputs say much about the first fork, less about the second and little about the third, so the levels are
learned one after another. Prints how fast they are learned, and how well the sampler and real networks agree
with the exact solution. Writes deep_linear.nc and, with matplotlib, deep_linear.png into FOLDER (default:
output).
"""

import numpy as np
import xarray as xr
from runner import Figure, recipe

import tensorprog_mf as tp

RICHNESS, DEPTHS = (0.1, 1.0, 4.0), (1, 2, 3, 4)
LAZY, RICH, DEPTH, STEPS = RICHNESS[0], RICHNESS[-1], 3, 120
WIDTHS = {64: 16, 512: 8}  # and how many networks of it
STRENGTH = (5.0, 1.0, 0.25)  # eigenvalues of the input kernel, one per level
ROUTES = ("sampled", *(f"width {width}" for width in WIDTHS))
LEVELS = ("first fork", "second forks", "third forks")
# A row per fork: +1 on its left leaves, -1 on its right ones, 0 elsewhere; normalised.
FORKS = [
    np.kron(np.eye(2**level), np.repeat([1.0, -1.0], 4 >> level)) / np.sqrt(8 >> level) for level in range(3)
]
INPUTS = np.concatenate([np.sqrt(7 * strength) * forks for strength, forks in zip(STRENGTH, FORKS)]).T
PROBLEM = tp.Problem(INPUTS, np.linspace(1, -1, 8))


def setting(richness: float, depth: int) -> tuple:
    """Network, problem and training. The tangent kernel grows like (1 + richness^2)^(depth / (depth + 1)),
    and the steps are smaller by the same factor."""
    rate = 0.6 / (depth + 1) / (1 + richness**2) ** (depth / (depth + 1))
    return tp.MLP(depth, "linear", richness), PROBLEM, tp.Training(STEPS, rate)


def run() -> dict[str, xr.Dataset]:
    """Exact solutions; for the richest network also kernels between any two times, samples, and real
    networks."""
    rich = setting(RICH, DEPTH)
    found = {
        f"richness {g:g}, depth {depth}": tp.solve_linear(*setting(g, depth))
        for depth in DEPTHS
        for g in RICHNESS
    }
    found["two times"] = tp.solve_linear(*rich, record=tp.log_steps(STEPS, 60), two_time=True)
    found["sampled"] = tp.sample(*rich, n_samples=4096, n_replicates=8, samples=0)
    for width, count in WIDTHS.items():
        found[f"width {width}"] = tp.train_finite(*rich, width=width, n_replicates=count, samples=0)
    return found


def learned(ds: xr.Dataset) -> np.ndarray:
    """The share of the target that is learned at each level, (time, level)."""
    directions = np.stack([forks.sum(axis=0) for forks in FORKS], axis=1)
    return (ds.output.values @ directions) / (ds.target.values @ directions)


def half_times(results: dict[str, xr.Dataset], richness: float) -> np.ndarray:
    """The time at which half of each level is learned, (depth, level)."""
    each = [results[f"richness {richness:g}, depth {depth}"] for depth in DEPTHS]
    return np.array([[np.interp(0.5, level, ds.time) for level in learned(ds).T] for ds in each])


def report(results: dict[str, xr.Dataset]) -> None:
    """Print speeds, agreement and alignment."""
    print(f"time until half is learned of the {', '.join(LEVELS)}")
    lazy = half_times(results, LAZY)
    for richness in RICHNESS:
        rich = half_times(results, richness)
        for depth, times, speed in zip(DEPTHS, rich, lazy / rich):
            print(f"  richness {richness:3g}, depth {depth}: {times.round(2)}, speed-up {speed.round(1)}")
    exact = results[f"richness {RICH:g}, depth {DEPTH}"]
    distances = tp.compare(exact, **{name: results[name] for name in ROUTES}).isel(
        time=slice(1, None)
    )  # outputs start at 0
    print(
        f"largest distance to the exact solution over time (in standard errors), richness {RICH:g}, depth"
        f" {DEPTH}"
    )
    for name in ROUTES:
        row = distances.max(["time", "layer"]).sel(route=name)
        text = (
            f"{v} {row[f'{v}_max']:.1e} ({row[f'{v}_sigma']:.1f})"
            for v in ("output", "loss", "feature_kernel")
        )
        print(f"  {name:10} {', '.join(text)}")
    aligned = tp.plotting.kernel_alignment(exact)
    text = (f"layer {int(a.layer)} {float(a[0]):.3f} to {float(a[-1]):.3f}" for a in aligned.transpose())
    print("alignment of feature kernels with the target:", ", ".join(text))


def draw(results: dict[str, xr.Dataset]) -> Figure:
    """Losses, levels, speed-up and distances; kernels, their alignment, and the kernel of the last layer
    between two times."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 4, figsize=(17, 7.8), layout="constrained")
    solved = {richness: results[f"richness {richness:g}, depth {DEPTH}"] for richness in RICHNESS}
    exact, early, marked = solved[RICH], 0.02, tp.log_steps(STEPS, 14)[1:]
    for i, (richness, ds) in enumerate(solved.items()):
        smooth = ds[["loss", "output", "target"]].interp(time=np.geomspace(early, ds.time[-1], 200))
        axes[0, 0].loglog(smooth.time, smooth.loss, color=f"C{i}", label=f"exact, richness {richness:g}")
        for level, name in enumerate(LEVELS if richness != RICHNESS[1] else ()):
            style = {"color": f"C{level + 3}"} | (
                {"label": name} if richness == RICH else {"linestyle": "--"}
            )
            axes[0, 1].semilogx(smooth.time, learned(smooth)[:, level], **style)
    axes[0, 0].plot(exact.time[marked], results["sampled"].loss[marked], "k+", label="sampled, 4096 sites")
    axes[0, 0].plot(
        exact.time,
        results["width 64"].loss,
        color="0.4",
        linestyle=":",
        label=f"{WIDTHS[64]} networks of width 64",
    )
    axes[0, 0].set(
        title=f"training loss, depth {DEPTH}",
        xlabel="time",
        ylabel="loss",
        xlim=(early, None),
        ylim=(1e-4, 0.4),
    )
    axes[0, 1].set(
        title=f"levels, richness {RICH:g} (dashed: {LAZY:g})",
        xlabel="time",
        ylabel="learned part of the target",
    )
    for level, name in enumerate(LEVELS):
        for richness, style in ((RICHNESS[1], {"linestyle": "--"}), (RICH, {"label": name})):
            speed = half_times(results, LAZY)[:, level] / half_times(results, richness)[:, level]
            axes[0, 2].plot(DEPTHS, speed, marker="o", color=f"C{level + 3}", **style)
    axes[0, 2].set(
        title=f"speed-up, richness {RICH:g} (dashed: {RICHNESS[1]:g})",
        xlabel="depth",
        ylabel="factor",
        xticks=DEPTHS,
    )
    for name, color in zip(ROUTES, ("k", "#7ad151", "#2a788e")):
        ds = results[name]
        axes[0, 3].loglog(ds.time[1:], tp.compare(exact, ds).output_rms[0, 1:], color=color, label=name)
        axes[0, 3].loglog(
            ds.time[1:], np.sqrt((ds.output_stderr[1:] ** 2).mean("example")), color=color, linestyle=":"
        )
    axes[0, 3].set(
        title="distance to exact (dotted: error)",
        xlabel="time",
        ylabel="rms difference, outputs",
        ylim=(1e-6, 0.5),
    )
    for ax, when, title in (
        (axes[1, 0], 0, "all layers before training"),
        (axes[1, 1], -1, f"layer {DEPTH} after training"),
    ):
        tp.plotting.kernel(exact, when, ax=ax).set(title=title, xlabel="leaves, from one end to the other")
    for richness, style in ((RICH, "-"), (LAZY, "--")):
        for i in range(DEPTH):
            label = f"layer {i + 1}" if richness == RICH else None
            tp.plotting.alignment(
                solved[richness], axes[1, 2], i, label, linestyle=style, color=plt.cm.plasma(i / DEPTH)
            )
    axes[1, 2].set(title=f"kernels and target (dashed: richness {LAZY:g})", xscale="log", xlim=(early, None))
    both = results["two times"].feature_kernel_two_time.isel(
        layer=-1, time=slice(1, None), time_prime=slice(1, None)
    )
    overlap = np.einsum("stmm->st", both.values)
    overlap /= np.sqrt(np.outer(overlap.diagonal(), overlap.diagonal()))
    image = axes[1, 3].pcolormesh(both.time, both.time, overlap, shading="gouraud", vmax=1)
    axes[1, 3].set(
        title=f"layer {DEPTH}: overlap of features",
        xlabel="time",
        ylabel="another time",
        xscale="log",
        yscale="log",
    )
    figure.colorbar(image, ax=axes[1, 3], shrink=0.8)
    for ax in (*axes[0], axes[1, 2]):
        ax.legend(fontsize=8)
    return figure


if __name__ == "__main__":
    recipe(__file__, run, report, draw)

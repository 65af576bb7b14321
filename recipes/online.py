"""One pass over fresh Gaussian data: feature learning without seeing any example twice.

    python recipes/online.py [FOLDER] [STEPS]

A teacher that looks along one direction out of 20 labels Gaussian inputs, one new example per step. Every
fresh example is a new direction for each hidden matrix, so ranks grow with the steps and never saturate. The
recipe prints how close the ranks come to the number of sites, how much memory was announced and how much was
used, the error for each number of sites, and how far real networks are from the limit. Writes online.nc and,
with matplotlib, online.png into FOLDER (default: output). 300 steps (the default) take about two minutes;
2000 steps take half an hour and 6 GB.
"""

import pathlib
import resource
import time

import numpy as np
import xarray as xr
from runner import Figure, output_folder, recipe

import tensorprog_mf as tp

FEATURES, TEST, DEPTHS, RATE = 20, 8, (2, 3), 0.1
SITES, REPLICATES, WIDTH = (2**10, 2**12, 2**14), 2, 1024
DIRECTION = np.random.default_rng(1).normal(size=FEATURES) / np.sqrt(FEATURES)


def teacher(inputs: np.ndarray) -> np.ndarray:
    """A single index: tanh of twice the component along one direction."""
    return np.tanh(2 * inputs @ DIRECTION / np.linalg.norm(DIRECTION))


def problem() -> tp.OnlineProblem:
    """One fresh example per step, and test points to follow."""
    test = np.random.default_rng(2).normal(size=(TEST, FEATURES))
    return tp.OnlineProblem(tp.GaussianStream(FEATURES, 1, teacher), test, test_targets=teacher(test))


def run(steps: int, folder: pathlib.Path) -> dict[str, xr.Dataset]:
    """Limits at several numbers of sites, and real networks, for each depth; long runs keep their state in
    the folder."""
    training, record, found = tp.Training(steps, RATE), tp.log_steps(steps, 16), {}
    for depth in DEPTHS:
        network = tp.MLP(depth, "tanh")
        for sites in SITES:
            start = time.perf_counter()
            state = folder / f"online-{steps}-{depth}-{sites}"
            ds = tp.sample(
                network,
                problem(),
                training,
                sites,
                REPLICATES,
                samples=0,
                record=record,
                keep_replicates=True,
                checkpoint=state,
            )
            ds.attrs |= {
                "seconds": time.perf_counter() - start,
                "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            }
            print(
                f"depth {depth}, {sites} sites: {ds.attrs['seconds']:.0f} s, rank / sites"
                f" {float(ds.rank_fraction.max()):.3f}",
                flush=True,
            )
            found[f"depth_{depth}_{sites}_sites"] = ds
        found[f"depth_{depth}_width_{WIDTH}"] = tp.train_finite(
            network,
            problem(),
            training,
            WIDTH,
            n_replicates=4,
            samples=0,
            record=record,
            keep_replicates=True,
        )
    return found


def distances(found: dict[str, xr.Dataset], depth: int) -> dict[int, tuple[float, float]]:
    """For each number of sites: the scatter of a single run, and the rms distance of the mean to the finest
    one, over outputs at all times."""
    finest = found[f"depth_{depth}_{SITES[-1]}_sites"].output
    rows = {}
    for sites in SITES:
        output = found[f"depth_{depth}_{sites}_sites"].output
        scatter = float(np.sqrt(output.var("replicate", ddof=1).mean()))
        rows[sites] = scatter, float(np.sqrt(((output - finest).mean("replicate") ** 2).mean()))
    return rows


def report(found: dict[str, xr.Dataset]) -> None:
    """Print ranks, memory, seconds and errors."""
    for depth in DEPTHS:
        print(
            f"depth {depth}:    sites  rank/sites  announced  process so far  seconds   scatter  to the"
            " finest"
        )
        for sites, (scatter, distance) in distances(found, depth).items():
            ds = found[f"depth_{depth}_{sites}_sites"]
            announced, peak = ds.attrs["memory_estimate_bytes"] / 1e9, ds.attrs["peak_bytes"] / 1e9
            fraction = float(ds.rank_fraction.max())
            print(
                f"  {sites:14d} {fraction:11.3f} {announced:8.2f} GB {peak:12.2f} GB"
                f" {ds.attrs['seconds']:8.0f} {scatter:9.1e} {distance:14.1e}"
            )
        finest, real = found[f"depth_{depth}_{SITES[-1]}_sites"], found[f"depth_{depth}_width_{WIDTH}"]
        away = float(np.sqrt(((real.output.mean("replicate") - finest.output.mean("replicate")) ** 2).mean()))
        losses = (
            f"{float(finest.test_loss.mean('replicate')[-1]):.4f} and"
            f" {float(real.test_loss.mean('replicate')[-1]):.4f}"
        )
        print(
            f"  mean of {real.sizes['replicate']} networks of width {WIDTH}: rms distance of outputs"
            f" {away:.1e}; last test losses {losses}"
        )


def draw(found: dict[str, xr.Dataset]) -> Figure:
    """Test losses, errors against sites, and ranks."""
    import matplotlib.pyplot as plt

    figure, (losses, errors, ranks) = plt.subplots(1, 3, figsize=(14, 4.4), layout="constrained")
    for depth, colour in zip(DEPTHS, ("#31688e", "#d1495b")):
        finest, real = found[f"depth_{depth}_{SITES[-1]}_sites"], found[f"depth_{depth}_width_{WIDTH}"]
        losses.plot(
            finest.step, finest.test_loss.mean("replicate"), color=colour, label=f"limit, depth {depth}"
        )
        losses.plot(
            real.step,
            real.test_loss.T,
            color=colour,
            linestyle=":",
            linewidth=1,
            label=[f"4 networks of width {WIDTH}", *[None] * 3],
        )
        rows = distances(found, depth)
        errors.plot(
            rows.keys(),
            [scatter for scatter, _ in rows.values()],
            "o-",
            color=colour,
            label=f"scatter of one run, depth {depth}",
        )
        coarse = list(rows)[:-1]
        errors.plot(
            coarse, [rows[sites][1] for sites in coarse], "s:", color=colour, label="distance to the finest"
        )
        for sites, style in zip(SITES, (":", "--", "-")):
            ds = found[f"depth_{depth}_{sites}_sites"]
            ranks.plot(
                ds.step,
                ds.rank_fraction.max(("layer", "pass")),
                style,
                color=colour,
                label=f"{sites} sites, depth {depth}",
            )
    losses.set(xlabel="step", ylabel="test loss", yscale="log", title="one new example per step")
    errors.set(xlabel="sites", ylabel="rms over outputs and times", xscale="log", yscale="log", title="error")
    guide = errors.lines[0].get_ydata()[0]
    errors.plot(
        SITES, guide * (np.array(SITES) / SITES[0]) ** -0.5, "k-", linewidth=0.6, label="sites$^{-1/2}$"
    )
    errors.set_xticks(SITES, [f"$2^{{{int(np.log2(sites))}}}$" for sites in SITES], minor=False)
    errors.minorticks_off()
    ranks.set(xlabel="step", ylabel="rank / sites", title="fresh examples are new directions")
    for ax in (losses, errors, ranks):
        ax.legend(fontsize=8)
    return figure


if __name__ == "__main__":
    recipe(__file__, lambda steps="300": run(int(steps), output_folder()), report, draw, dpi=130)

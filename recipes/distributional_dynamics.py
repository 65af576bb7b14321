"""Two layers as a law of neurons that flows: a film of it, real networks, a bad start, and the effect of
noise.

    python recipes/distributional_dynamics.py [FOLDER]

Neurons sigma(<w, x>) tell apart two Gaussians in many dimensions that differ only in scale. Only the law of
|w| matters, and it moves by an equation of its own (Mei, Montanari & Nguyen 2018): the film shows this law,
together with the neurons of one real network that is trained on one example per step. Next comes an even
activation that learns from one initial scale and never from another, with a certificate of how far from the
best law it stays. Last, with one parameter, Langevin noise is compared with the Fokker-Planck equation and
with Boltzmann's fixed point: the free energy never rises, while the risk does. Prints the numbers. Writes
distributional_dynamics.nc and, with matplotlib, distributional_dynamics.png into FOLDER (default: output).
Takes about a minute.
"""

import numpy as np
import xarray as xr
from runner import Figure, recipe

import tensorprog_mf as tp

mf = tp.mean_field
DIMENSION, DELTA, SCALE = 40, 0.8, 0.8
TIMES = np.array(
    [0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.5, 10.0]
)
FILM, WIDTHS = (0, 0.5, 1, 2, 3, 4, 5, 7, 10), {50: "#fdae61", 200: "#abdda4", 800: "#2b83ba"}
RISING = mf.Neuron(mf.PiecewiseLinear(0.5, 1.5, -2.5, 7.5), output_weight=False)
EVEN = mf.Neuron(mf.PiecewiseLinear(1.0, 1.5, -2.5, 7.5, even=True), output_weight=False)
SCALES, TROUBLE = (
    {0.1: "#d73027", 0.2: "#fc8d59", 0.3: "#91bfdb", 0.4: "#4575b4"},
    mf.IsotropicGaussians(320, 0.5),
)
LONG = np.concatenate([np.linspace(0, 2, 41), np.linspace(2.5, 16, 28)])
NOISY = mf.Neuron(tp.Activation("erf", 0.5**0.5), bias=True, trained=("w",))
POINTS = mf.FiniteData([-2, -0.7, 0.5, 1.6], [-0.8, 0.1, 0.9, 0.2])
NOISE, START, SHOWN = (
    dict(temperature=0.05, weight_decay=0.1),
    {"a": 2.0, "b": 0.3, "w": tp.Gaussian(0.5, 1)},
    (0, 0.25, 1, 8),
)
COOLING = np.concatenate([[0.0, 0.05, 0.1], np.arange(1, 33) / 4])


def run() -> dict[str, xr.Dataset]:
    """The limit and real networks; four initial scales with certificates; noise by sites, on a grid and at
    its fixed point."""
    data, found = mf.IsotropicGaussians(DIMENSION, DELTA), {}
    start = {"r": mf.NormOfGaussian(SCALE, DIMENSION)}
    found["limit"] = mf.distributional_dynamics(RISING, data, start, TIMES, 0.05, 4096, 2, bins=100)
    law = {"w": tp.Gaussian(0, SCALE / DIMENSION**0.5)}
    for width in WIDTHS:
        options = dict(samples=width, limit=found["limit"], test_examples=5000)
        found[f"width {width}"] = mf.train_particles(
            RISING, data, law, TIMES, width, 5e-5, 4 if width < 800 else 2, **options
        )
    for scale in SCALES:
        start = {"r": mf.NormOfGaussian(scale, TROUBLE.dimension)}
        ds = found[f"scale {scale}"] = mf.distributional_dynamics(
            EVEN, TROUBLE, start, LONG, 0.01, 100, draws="quadrature", bins=0
        )
        found[f"certificate {scale}"] = mf.certificate(ds, EVEN, TROUBLE, {"r": (0, 4)})
    found["sites"] = mf.distributional_dynamics(
        NOISY, POINTS, START, COOLING, 0.01, 4096, 4, bins=60, **NOISE
    )
    found["grid"] = mf.fokker_planck(NOISY, POINTS, START, COOLING, interval=(-8, 8), cells=200, **NOISE)
    fixed = {name: START[name] for name in "ab"}
    found["boltzmann"] = mf.boltzmann(
        NOISY, POINTS, fixed, NOISE["temperature"], {"w": (-8, 8)}, NOISE["weight_decay"]
    )
    return found


def report(results: dict[str, xr.Dataset]) -> None:
    """Print risks and their excess, verdicts, and free energies."""
    print("risk of the limit, and N times the excess of real networks")
    limit = results["limit"]
    for t in (0.5, 2, 10):
        excess = [(width, results[f"width {width}"].sel(time=t)) for width in WIDTHS]
        text = ", ".join(
            f"N = {width}: {width * float(ds.risk_excess):.1f} +- {width * float(ds.risk_excess_stderr):.1f}"
            for width, ds in excess
        )
        print(f"  t = {t:4}   {float(limit.risk.sel(time=t)):.4f}   {text}")
    print("an even activation at four initial scales, after time 16")
    for scale in SCALES:
        c = results[f"certificate {scale}"]
        print(
            f"  {scale}: risk {2 * float(c.objective):.4f}, of the best law"
            f" {2 * float(c.best_objective):.4f}, {float(c.dead_fraction):.0%} dead: {c.attrs['verdict']}"
        )
    print(
        "free energy at time 8: "
        + ", ".join(
            f"{name} {float(results[name].free_energy[-1]):.5f}" for name in ("sites", "grid", "boltzmann")
        )
    )
    print(
        "largest change between times on the grid (negative: always falls): free energy"
        f" {float(results['grid'].free_energy.diff('time').max()):.1e}, risk"
        f" {float(results['grid'].risk.diff('time').max()):.1e}"
    )


def film(ax, limit: xr.Dataset, network: xr.Dataset, colors) -> None:
    """Densities of |w| one above the other, with the neurons of one network as steps."""
    edges = limit.bin_edge.sel(parameter="r").values
    middle, coarse = (edges[1:] + edges[:-1]) / 2, np.linspace(0, 6, 61)
    for k, t in reversed(list(enumerate(FILM))):
        density = limit.density.sel(time=t, parameter="r").values
        height = 1.6 / density[middle > 0.3].max()  # some neurons end near 0
        count, _ = np.histogram(network.site_parameter.sel(time=t, parameter="r"), coarse, density=True)
        ax.fill_between(
            middle,
            k,
            k + np.minimum(height * density, 1.85),
            color=colors(k / 8.5),
            alpha=0.75,
            linewidth=0,
            zorder=10 - k,
        )
        ax.stairs(
            np.minimum(height * count, 1.85) + k,
            coarse,
            baseline=k,
            color="k",
            linewidth=0.7,
            zorder=10 - k + 0.5,
        )
    ax.set(
        xlabel="norm of the weights |w|",
        ylabel="time",
        xlim=(0, 5.7),
        ylim=(-0.15, len(FILM) + 1.1),
        title="the law of neurons: limit, and one network of 800",
    )
    ax.set_yticks(range(len(FILM)), [f"{t:g}" for t in FILM])
    ax.text(
        0.98, 0.05, "each scaled to its peak", transform=ax.transAxes, ha="right", fontsize=8, color="0.4"
    )


def risks(ax, results: dict[str, xr.Dataset]) -> None:
    """Risks of the limit and of real networks."""
    for width, color in WIDTHS.items():
        ds = results[f"width {width}"]
        value, error = ds.risk.values[1:], 2 * ds.risk_stderr.values[1:]
        ax.fill_between(ds.time[1:], value - error, value + error, color=color, alpha=0.3, linewidth=0)
        ax.plot(
            ds.time[1:], value, ".-", color=color, label=f"{width} neurons, one example per step", linewidth=1
        )
    ax.plot(results["limit"].time[1:], results["limit"].risk[1:], "k", linewidth=1.5, label="limit")
    ax.set(
        xlabel="time",
        ylabel=r"risk $E\,(y - f)^2$",
        xscale="log",
        title="risk (bands: two standard errors)",
        ylim=(0, None),
    )
    ax.legend(fontsize=8, loc="lower left")


def starts(ax, below, results: dict[str, xr.Dataset]) -> None:
    """Risks from four initial scales, and the potential that neurons see at the end."""
    for scale, color in SCALES.items():
        ds, c = results[f"scale {scale}"], results[f"certificate {scale}"]
        ax.semilogy(
            ds.time, ds.risk, color=color, linewidth=2, label=f"|w| = {scale} at first: {c.attrs['verdict']}"
        )
    best = 2 * float(results["certificate 0.4"].best_objective)
    ax.axhline(best, color="0.5", linestyle=":")
    ax.text(15, best * 0.6, "best possible law", color="0.4", fontsize=8, ha="right", va="center")
    ax.set(
        xlabel="time",
        ylabel="risk",
        title="an even activation: where training starts decides",
        ylim=(5e-4, 15),
        xlim=(0.05, 16),
        xscale="log",
    )
    ax.legend(fontsize=8, loc="lower left", handlelength=1, framealpha=1)
    for scale in (0.1, 0.4):
        c, color = results[f"certificate {scale}"], SCALES[scale]
        below.plot(
            c.probe_value[:, 0], c.potential, color=color, linewidth=1.5, label=f"|w| = {scale} at first"
        )
        below.plot(
            results[f"scale {scale}"].site_parameter[-1, :, 0],
            c.support_potential,
            "o",
            color=color,
            markersize=4,
            alpha=0.4,
            markeredgewidth=0,
        )
    below.set(
        xlabel="norm of the weights |w|",
        ylabel=r"potential $\Psi$",
        title="potential at the end; dots: neurons",
        xlim=(0, 4),
    )
    below.set_yscale("symlog", linthresh=0.3)
    below.set_yticks(
        [-10, -3, -1, -0.3, 0, 0.3, 1, 3, 10], ["-10", "-3", "-1", "-0.3", "0", "0.3", "1", "3", "10"]
    )
    below.legend(fontsize=8, loc="upper right", bbox_to_anchor=(1, 0.85))


def noise(ax, beside, results: dict[str, xr.Dataset], colors) -> None:
    """Densities of sites, of the grid and of Boltzmann's fixed point; free energy and risk."""
    sites, grid, rest = (results[name] for name in ("sites", "grid", "boltzmann"))
    for k, t in enumerate(SHOWN):
        color = colors(k / 3.4)
        ax.stairs(
            sites.density.sel(time=t, parameter="w0"),
            sites.bin_edge.sel(parameter="w0"),
            color=color,
            linewidth=1,
        )
        middle = (grid.bin_edge[0].values[1:] + grid.bin_edge[0].values[:-1]) / 2
        ax.plot(
            middle, grid.density.sel(time=t, parameter="w0"), color=color, linewidth=1.5, label=f"t = {t:g}"
        )
    middle = (rest.bin_edge[0].values[1:] + rest.bin_edge[0].values[:-1]) / 2
    ax.plot(middle, rest.density[0, 0], "k--", linewidth=1.2, label="Boltzmann")
    ax.set(
        xlabel="parameter w",
        ylabel="density",
        xlim=(-3, 3.6),
        ylim=(0, None),
        title="with noise: sites (steps), Fokker-Planck (lines)",
    )
    ax.legend(fontsize=8)
    for name, value, last, color in (
        ("free energy", grid.free_energy, rest.free_energy, "C0"),
        ("risk", grid.risk, rest.risk, "C3"),
    ):
        above = (value - float(last[0]))[1:]
        beside.loglog(grid.time[1:], above.where(above > 0), color=color, label=name)
        if (above < 0).any():
            beside.loglog(
                grid.time[1:], -above.where(above < 0), color=color, linestyle=":", label=f"{name}, below"
            )
    beside.set(
        xlabel="time", ylabel="distance from Boltzmann's", title="free energy falls, the risk overshoots"
    )
    beside.legend(fontsize=8)


def draw(results: dict[str, xr.Dataset]) -> Figure:
    """Film, risks, bad starts, noise."""
    import matplotlib.pyplot as plt

    colors = plt.get_cmap("viridis")
    figure, axes = plt.subplot_mosaic(
        [["film", "risk", "start", "potential"], ["film", "noise", "noise", "energy"]],
        figsize=(18, 8.5),
        layout="constrained",
        width_ratios=(1.2, 1, 1, 1),
    )
    film(axes["film"], results["limit"], results["width 800"], colors)
    risks(axes["risk"], results)
    starts(axes["start"], axes["potential"], results)
    noise(axes["noise"], axes["energy"], results, colors)
    return figure


if __name__ == "__main__":
    recipe(__file__, run, report, draw)

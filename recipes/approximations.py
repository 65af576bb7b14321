"""Where does each approximation break down? All routes to the same number, against richness, depth and time.

    python recipes/approximations.py [FOLDER]

Trains tanh networks with the static kernel, with gradient independence, by perturbation theory, by the
alternating procedure, as real networks, and as the limit itself. Writes approximations.nc (distances to the
limit, and all results at one setting) and, with matplotlib, approximations.png into FOLDER (default: output).
"""

import warnings

import numpy as np
import xarray as xr
from digits import two_digits
from runner import Figure, recipe

import tensorprog_mf as tp

PROBLEM = two_digits(3, 8, n_train=4, n_test=4)
TRAINING = tp.Training(steps=16, learning_rate=0.5)
RICHNESS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
DEPTHS = (1, 2, 3, 4)
BASE = {"depth": 2, "richness": 0.8}
WIDTH = 256
VARIABLES = {
    "output": "outputs",
    "feature_kernel": "last feature kernel",
    "gradient_kernel": "first gradient kernel",
}
LAYER = {"feature_kernel": -1, "gradient_kernel": 0}
COLORS = {
    "static kernel": "C0",
    "gradient independence": "C1",
    "perturbation": "C2",
    "alternating": "C3",
    "real networks": "C7",
}


def routes(depth: int, richness: float) -> dict[str, xr.Dataset]:
    """All routes at one depth and richness, the limit first."""
    setting = tp.MLP(depth, "tanh", richness), PROBLEM, TRAINING
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tp.ConvergenceWarning)  # its residual is printed
        guessed = tp.alternate(*setting, n_samples=2048, n_replicates=2, iterations=30, samples=0)
    return {
        "limit": tp.sample(*setting, n_replicates=4, samples=0),
        "static kernel": tp.static_ntk(*setting),
        "gradient independence": tp.gradient_independence(*setting, samples=0),
        "perturbation": tp.perturbation(*setting, n_samples=2048),
        "alternating": guessed,
        "real networks": tp.train_finite(*setting, width=WIDTH, samples=0),
    }


def distances(results: dict[str, xr.Dataset]) -> xr.Dataset:
    """Distances of all routes to the limit, with the standard error of the limit."""
    limit, *others = results.items()
    found = tp.compare(limit[1], **dict(others))
    for name in VARIABLES:
        error = limit[1][f"{name}_stderr"] ** 2
        found[f"{name}_limit_stderr"] = np.sqrt(
            error.mean([dim for dim in error.dims if dim not in ("time", "layer")])
        )
    return found


def run() -> dict[str, xr.Dataset]:
    """Distances against richness and against depth, which are printed as they come, and all results at one
    setting."""
    rich, deep = [], []
    print("rms distance of the outputs to the limit at the end")
    print(f"{'richness':>8}" + "".join(f"{name:>23}" for name in COLORS))
    for richness in RICHNESS:
        results = routes(BASE["depth"], richness)
        rich.append(distances(results))
        if richness == BASE["richness"]:
            shown = results
        print(
            f"{richness:8}{_row(rich[-1])}   residual of the alternating procedure"
            f" {float(results['alternating'].residual[-1]):.0e}"
        )
    print(f"{'depth':>8}" + "".join(f"{name:>23}" for name in COLORS))
    for depth in DEPTHS:
        results = shown if depth == BASE["depth"] else routes(depth, BASE["richness"])
        deep.append(distances(results).drop_dims("layer"))  # depths have different layers
        print(f"{depth:8}{_row(deep[-1])}")
    return {
        "against richness": xr.concat(rich, xr.Variable("richness", list(RICHNESS))),
        "against depth": xr.concat(deep, xr.Variable("depth", list(DEPTHS))),
        **shown,
    }


def _row(ds: xr.Dataset) -> str:
    return "".join(f"{float(ds.output_rms.sel(route=name)[-1]):23.4f}" for name in COLORS)


def _panel(ax, ds: xr.Dataset, name: str, dim: str) -> None:
    """Distance of every route at the last time against `dim`, with the standard error of the limit."""
    values = ds.isel(time=-1)
    if name in LAYER:
        values = values.isel(layer=LAYER[name])
    for route, color in COLORS.items():
        line = values[f"{name}_rms"].sel(route=route)
        ax.plot(values[dim], line.where(line > 0), "o-", ms=3, color=color, label=route)  # zero: exact
    ax.plot(values[dim], values[f"{name}_limit_stderr"], "k:", label="standard error of the limit")
    ax.set(yscale="log", xlabel=dim, ylabel="rms distance to the limit")


def draw(results: dict[str, xr.Dataset]) -> Figure:
    """Errors against richness for outputs and kernels; outputs against depth and time; losses."""
    import matplotlib.pyplot as plt

    from tensorprog_mf import plotting

    rich, deep = results["against richness"], results["against depth"]
    figure, axes = plt.subplots(2, 3, figsize=(15, 8), layout="constrained")
    for ax, (name, title) in zip(axes[0], VARIABLES.items()):
        _panel(ax, rich, name, "richness")
        ax.set(xscale="log", title=f"{title}, depth {BASE['depth']}, at the end")
    small = np.array(RICHNESS[:4])
    lazy = float(rich.isel(time=-1, richness=0, layer=-1).feature_kernel_rms.sel(route="static kernel"))
    axes[0, 1].plot(
        small, lazy * (small / small[0]) ** 2, color="C0", linewidth=5, alpha=0.2, label="~ richness^2"
    )
    _panel(axes[1, 0], deep, "output", "depth")
    axes[1, 0].set(title=f"outputs, richness {BASE['richness']}, at the end", xticks=DEPTHS)
    axes[1, 0].annotate(
        "gradient independence\nexact at depth 1",
        (1.02, 0.12),
        xycoords=("data", "axes fraction"),
        fontsize=8,
        color="C1",
    )
    over_time = rich.sel(richness=BASE["richness"])
    for route, color in COLORS.items():
        axes[1, 1].plot(over_time.time[1:], over_time.output_rms.sel(route=route)[1:], color=color)
    axes[1, 1].plot(over_time.time[1:], over_time.output_limit_stderr[1:], "k:")
    axes[1, 1].set(
        yscale="log",
        xlabel="time",
        ylabel="rms distance to the limit",
        title=f"outputs, richness {BASE['richness']}, depth {BASE['depth']}",
    )
    for route in ("limit", *COLORS):
        ds = results[route]
        style = (
            {"color": "k", "linewidth": 3}
            if route == "limit"
            else {"color": COLORS[route], "linestyle": "--"}
        )
        plotting.loss(ds, axes[1, 2], label=route, **style)
    axes[1, 2].set_title(f"training loss, richness {BASE['richness']}, depth {BASE['depth']}")
    axes[0, 0].legend(fontsize=8)
    axes[0, 1].legend(fontsize=7)
    axes[1, 2].legend(fontsize=8)
    return figure


if __name__ == "__main__":
    recipe(__file__, run, None, draw)

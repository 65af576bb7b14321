"""Telling a handwritten 3 from an 8 with an infinitely wide network, lazy and rich, beside real finite networks.

    python recipes/mlp.py [FOLDER]

Writes mlp_lazy.nc, mlp_rich.nc, mlp_finite.nc and, with matplotlib, mlp.png into FOLDER (default: output).
"""

import pathlib
import sys
import time

import numpy as np
import xarray as xr

import tensorprog_mf as tp

DIGITS = pathlib.Path(__file__).parents[1] / "data" / "digits.nc"
N_TRAIN, N_TEST = 12, 12
LAZY, RICH = 0.1, 1.5


def two_digits(a: int, b: int) -> tuple[tp.Problem, np.ndarray]:
    """Training problem a (+1) against b (-1), images centred and scaled to |x|^2 / D = 1 on average; the test labels."""
    with xr.open_dataset(DIGITS) as digits:
        chosen = digits.isel(example=np.flatnonzero(digits.label.isin([a, b])))
        x = chosen.image.values.reshape(chosen.sizes["example"], -1).astype(float)
        y = np.where(chosen.label == a, 1.0, -1.0)
    x -= x.mean(axis=0)
    x /= np.sqrt((x**2).mean())
    test = slice(N_TRAIN, N_TRAIN + N_TEST)
    return tp.Problem(x[:N_TRAIN], y[:N_TRAIN], x[test]), y[test]


def run() -> tuple[dict[str, xr.Dataset], np.ndarray]:
    """The limit at two values of richness, and finite networks at the larger one."""
    problem, test_targets = two_digits(3, 8)
    training = tp.Training(steps=40, learning_rate=0.5)
    results = {}
    for name, richness in (("lazy", LAZY), ("rich", RICH)):
        results[name] = tp.sample(tp.MLP(depth=3, activation="tanh", richness=richness), problem, training, n_samples=4096)
    network = tp.MLP(depth=3, activation="tanh", richness=RICH)
    results["finite"] = tp.train_finite(network, problem, training, width=512, n_replicates=8)
    return results, test_targets


def draw(results: dict[str, xr.Dataset], path: pathlib.Path) -> None:
    """Losses, the last feature kernel before and after, and the three parts of one neuron's preactivation."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, 4, figsize=(15, 3.6), layout="constrained")
    for name, ds in results.items():
        label = "8 networks of width 512" if name == "finite" else f"limit, {name}"
        style = dict(linestyle=":", linewidth=3) if name == "finite" else {}
        (line,) = axes[0].plot(ds.time, ds.loss, label=label, **style)
        axes[0].fill_between(ds.time, ds.loss - 2 * ds.loss_stderr, ds.loss + 2 * ds.loss_stderr, color=line.get_color(), alpha=0.3)
    axes[0].set(xlabel="time", ylabel="training loss", yscale="log")
    axes[0].legend()
    rich = results["rich"]
    order = np.argsort(rich.target.values[:N_TRAIN])
    top = rich.feature_kernel.isel(layer=-1).values[:, order][:, :, order]
    for axis, when, title in ((axes[1], 0, "before"), (axes[2], -1, "after")):
        image = axis.imshow(top[when], vmin=-top[-1].max(), vmax=top[-1].max(), cmap="RdBu_r")
        axis.set(title=f"last feature kernel {title} training", xticks=[], yticks=[])
    axes[2].set_xlabel("examples: the 8s, then the 3s")
    fig.colorbar(image, ax=axes[2])
    neuron = rich.isel(layer=-1, example=0, sample=0)
    axes[3].plot(rich.time, neuron.preactivation, "k", label="preactivation")
    for part in ("gaussian", "response", "learned"):
        axes[3].plot(rich.time, neuron[f"preactivation_{part}_part"], "--", label=f"{part} part")
    axes[3].set(xlabel="time", title="one neuron of the last layer")
    axes[3].legend()
    fig.savefig(path, dpi=110)


def main() -> None:
    """Run, report, save, draw."""
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "output")
    folder.mkdir(parents=True, exist_ok=True)
    begin = time.perf_counter()
    results, test_targets = run()
    for name, ds in results.items():
        accuracy = float((np.sign(ds.output[-1, N_TRAIN:]) == test_targets).mean())
        print(f"{name:7} loss {float(ds.loss[-1]):.4f} +- {float(ds.loss_stderr[-1]):.4f}, test accuracy {accuracy:.2f}, {ds.attrs['status']}")
        print("        written to", tp.save(ds, folder / f"mlp_{name}.nc"))
    try:
        draw(results, folder / "mlp.png")
        print("        written to", folder / "mlp.png")
    except ImportError:
        print("        no figure: matplotlib is not installed (pip install 'tensorprog_mf[plots]')")
    print(f"{time.perf_counter() - begin:.1f} s")


if __name__ == "__main__":
    main()

"""Telling a handwritten 3 from an 8 with infinitely wide networks, from lazy to rich, and with real networks.

    python recipes/mlp.py [FOLDER]

Writes mlp.nc (all results, with how they were made) and, with matplotlib, mlp.png into FOLDER (default:
output).
"""

import numpy as np
import xarray as xr
from digits import two_digits
from runner import Figure, recipe

import tensorprog_mf as tp

RICHNESS = (0.1, 0.5, 1.5)
PROBLEM = two_digits(3, 8, n_train=12, n_test=12)
TRAINING = tp.Training(steps=40, learning_rate=0.5)
WIDTH = 512


def network(richness: float) -> tp.MLP:
    """Three hidden layers, tanh."""
    return tp.MLP(depth=3, activation="tanh", richness=richness)


def run() -> dict[str, xr.Dataset]:
    """The limit at every richness, real networks at the largest, and both again with the densities of their
    neurons."""
    rich, bins = network(RICHNESS[-1]), np.linspace(-3.5, 3.5, 57)
    ends = tp.Record([0, TRAINING.steps], densities=["preactivation"], edges=bins)
    results = {
        f"limit {richness:g}": tp.sample(network(richness), PROBLEM, TRAINING, n_samples=4096)
        for richness in RICHNESS
    }
    results["networks"] = tp.train_finite(rich, PROBLEM, TRAINING, width=WIDTH, n_replicates=8)
    results["limit neurons"] = tp.sample(
        rich, PROBLEM, TRAINING, n_samples=4096, n_replicates=1, samples=0, record=ends
    )
    results["network neurons"] = tp.train_finite(
        rich, PROBLEM, TRAINING, width=2048, n_replicates=1, samples=0, record=ends
    )
    return results


def accuracy(ds: xr.Dataset) -> float:
    """Fraction of test examples on the right side at the last time."""
    test = np.flatnonzero(ds.split == "test")
    return float((np.sign(ds.output[-1, test]) == ds.target[test]).mean())


def report(results: dict[str, xr.Dataset]) -> None:
    """Print losses and test accuracies at the end, and how the runs ended."""
    for name, ds in results.items():
        error = f" +- {float(ds.loss_stderr[-1]):.1e}" if "loss_stderr" in ds else ""
        print(
            f"{name:16} loss {float(ds.loss[-1]):.5f}{error}, test accuracy {accuracy(ds):.2f},"
            f" {ds.attrs['status']}"
        )


def draw(results: dict[str, xr.Dataset]) -> Figure:
    """Losses, alignment, kernels before and after, densities, and the parts of one neuron's field."""
    import matplotlib.pyplot as plt

    from tensorprog_mf import plotting

    rich, real = results[f"limit {RICHNESS[-1]:g}"], results["networks"]
    figure, axes = plt.subplots(2, 4, figsize=(17, 7.5), layout="constrained")
    for ax, which in ((axes[0, 0], "loss"), (axes[0, 1], "test_loss")):
        for i, richness in enumerate(RICHNESS):
            plotting.loss(
                results[f"limit {richness:g}"], ax, which, f"limit, richness {richness:g}", color=f"C{i}"
            )
        plotting.loss(
            real,
            ax,
            which,
            f"8 networks of width {WIDTH}, richness {RICHNESS[-1]:g}",
            color="k",
            linestyle=":",
            linewidth=2,
        )
        ax.set_title("training loss" if which == "loss" else "test loss")
    for i, richness in enumerate(RICHNESS):
        plotting.alignment(
            results[f"limit {richness:g}"], axes[0, 2], label=f"richness {richness:g}", color=f"C{i}"
        )
    plotting.alignment(real, axes[0, 2], label="networks", color="k", linestyle=":", linewidth=2)
    plotting.parts(rich, ax=axes[0, 3])
    top = float(np.abs(rich.feature_kernel[[0, -1], -1]).max())
    plotting.kernel(rich, 0, ax=axes[1, 0], limit=top)
    plotting.kernel(rich, -1, ax=axes[1, 1], limit=top)
    axes[1, 0].set_xlabel("examples: the 8s, then the 3s")
    for ax, when, title in ((axes[1, 2], 0, "before training"), (axes[1, 3], -1, "after training")):
        plotting.density(
            results["limit neurons"], time=when, ax=ax, label="limit", histtype="stepfilled", alpha=0.4
        )
        plotting.density(
            results["network neurons"], time=when, ax=ax, label="one network of width 2048", color="k"
        )
        ax.set_title(title)
        ax.set(xlabel="preactivation, last layer, one example", xlim=(-3.5, 3.5))
    axes[1, 2].set_ylim(0, 1.1)
    axes[1, 2].legend(fontsize=8)
    axes[0, 1].legend(fontsize=8)
    return figure


if __name__ == "__main__":
    recipe(__file__, run, report, draw)

"""Two limits of attention: infinitely many heads, which stay random, and heads of infinite dimension, which
all agree.

    python recipes/attention.py [FOLDER]

Three tokens carry a sign each, and one of them is marked: its sign is the target. A last token is empty
except for a feature of its own. Without attention, the average over tokens hides the target; with attention,
the last token learns to look at the marked one. With many heads of dimension 4, every head looks somewhere
else, and what has a limit is the mean and variance over heads. With infinite head dimension, attention is the
same for all heads and starts nearly uniform. Real networks of three widths (numbers of units) follow both
limits. Prints losses and the attention to the marked token. Writes attention.nc and, with matplotlib,
attention.png into FOLDER (default: output).
"""

import numpy as np
import xarray as xr
from runner import Figure, recipe

import tensorprog_mf as tp

TOKENS, TRAIN, TEST = 4, 12, 8
KINDS = {
    "many heads": {"head_dimension": 4},
    "infinite dimension": {"head_dimension": "infinite", "logit_exponent": 1.0},
}
TRAINING = tp.Training(steps=32, learning_rate=0.2)
RECORD = tp.Record(steps=range(0, 33, 2), kernel_examples=())
WIDTHS, SEEDS, SITES = {64: "#7ad151", 256: "#2a788e", 1024: "#440154"}, 6, 4096


def marked() -> tuple[tp.Problem, np.ndarray]:
    """Inputs (example, token, feature), with the features mark, sign and last token; and which token is
    marked."""
    rng, count = np.random.default_rng(0), TRAIN + TEST
    mark = rng.integers(0, TOKENS - 1, size=count)
    signs = rng.choice((-1.0, 1.0), size=(count, TOKENS - 1))
    inputs = np.zeros((count, TOKENS, 3))
    inputs[:, :-1, 1], inputs[:, -1, 2], inputs[np.arange(count), mark, 0] = (
        1.2 * signs,
        np.sqrt(3),
        np.sqrt(3),
    )
    targets = signs[np.arange(count), mark]
    return tp.Problem(inputs[:TRAIN], targets[:TRAIN], inputs[TRAIN:], test_targets=targets[TRAIN:]), mark


def network(kind: str, scale: float = 2.0) -> tp.Transformer:
    """One block of attention."""
    return tp.Transformer(depth=1, activation="tanh", richness=2.0, branch_scale=scale, **KINDS[kind])


def run() -> dict[str, xr.Dataset]:
    """Limits of both kinds, a limit without attention, and networks of every width."""
    problem, mark = marked()
    given = (problem, TRAINING)
    options = {"record": RECORD, "samples": 256}
    found = {
        "without attention": tp.sample(
            network("many heads", 0.0), *given, SITES, 2, tolerance=5e-3, **options
        )
    }
    for kind in KINDS:
        found[kind] = tp.sample(network(kind), *given, SITES, 2, tolerance=5e-3, **options)
        for width in WIDTHS:
            found[f"{kind}, width {width}"] = tp.train_finite(
                network(kind), *given, width, n_replicates=SEEDS, **options
            )
    kept = (
        "loss",
        "output",
        "attention",
        "target",
        "input",
        "basis_rank",
        "rank_fraction",
    )  # and all names that begin like these
    return {
        name: looking(ds[[v for v in ds if v.startswith(kept) or "loss" in v]], mark)
        for name, ds in found.items()
    }


def looking(ds: xr.Dataset, mark: np.ndarray) -> xr.Dataset:
    """The result, with the attention from the last token to the marked one: mean and spread over heads,
    averaged over examples."""
    to_mark = ds.isel(layer=0, token=-1, token_prime=xr.DataArray(mark, dims="example"))
    means, spreads = (
        to_mark.attention_mean.mean("example"),
        np.sqrt(to_mark.attention_variance.mean("example")),
    )
    # An upper bound: the errors of different examples may coincide.
    error = to_mark.attention_mean_stderr.mean("example")
    names = {"to_marked": means, "to_marked_stderr": error, "to_marked_spread": spreads}
    return ds.assign(
        {
            name: values.assign_attrs(long_name="attention of the last token to the marked one", units="")
            for name, values in names.items()
        }
    )


def report(results: dict[str, xr.Dataset]) -> None:
    """Print losses and attention at the end."""
    print(
        "after training: losses; attention of the last token to the marked one before and after"
        " training, and its spread over heads"
    )
    for name, ds in results.items():
        end = ds.isel(time=-1)
        text = (
            f"loss {end.loss:.4f} +- {end.loss_stderr:.4f}, test loss {end.test_loss:.4f} +-"
            f" {end.test_loss_stderr:.4f}"
        )
        print(
            f"  {name:31} {text}   {ds.to_marked[0]:.3f} {end.to_marked:.3f} +- {end.to_marked_stderr:.3f},"
            f" spread {end.to_marked_spread:.3f}"
        )
    print("outputs: rms distance of the mean over networks to their limit")
    for kind in KINDS:
        away = [
            float(
                np.sqrt(((results[f"{kind}, width {width}"].output - results[kind].output)[-1] ** 2).mean())
            )
            for width in WIDTHS
        ]
        print(f"  {kind:20}" + "   ".join(f"width {width}: {rms:.3f}" for width, rms in zip(WIDTHS, away)))


def draw(results: dict[str, xr.Dataset]) -> Figure:
    """One row per limit: losses, attention over time, attention of single heads, and attention from the last
    token after training."""
    import matplotlib.pyplot as plt

    _, mark = marked()
    figure, axes = plt.subplots(2, 4, figsize=(18, 8.5), layout="constrained")
    titles = {"many heads": "many heads of dimension 4", "infinite dimension": "infinite head dimension"}
    for (losses, attention, heads, table), kind, colour in zip(axes, KINDS, ("C3", "C0")):
        limit = results[kind]
        tp.plotting.loss(limit, losses, "test_loss", "limit", color=colour, linewidth=2)
        tp.plotting.loss(
            results["without attention"],
            losses,
            "test_loss",
            "limit without attention",
            color="k",
            linestyle="--",
        )
        attention.plot(limit.time, limit.to_marked, color=colour, linewidth=2, label="limit, mean over heads")
        low, high = limit.to_marked - limit.to_marked_spread, limit.to_marked + limit.to_marked_spread
        attention.fill_between(
            limit.time,
            low,
            high,
            color=colour,
            alpha=0.15,
            linewidth=0,
            label="limit, spread over heads" if limit.to_marked_spread.max() > 0.01 else None,
        )
        for shift, (width, shade) in enumerate(WIDTHS.items()):
            ds = results[f"{kind}, width {width}"]
            for ax, value, error in (
                (losses, ds.test_loss, ds.test_loss_stderr),
                (attention, ds.to_marked, ds.to_marked_stderr),
            ):
                ax.errorbar(
                    ds.time + 0.04 * (shift - 1),
                    value,
                    2 * error,
                    color=shade,
                    marker="o",
                    markersize=3,
                    linestyle="",
                    label=f"{SEEDS} networks, width {width}",
                )
        losses.set(title=f"{titles[kind]}:\ntest loss", ylim=(3e-4, 1))
        losses.legend(fontsize=8, loc="lower left")
        attention.axhline(1 / TOKENS, color="k", linewidth=0.6)
        attention.set(
            title="attention of the last token\nto the marked token",
            xlabel="time",
            ylabel="attention",
            ylim=(0, 1.45),
        )
        attention.set_yticks(np.linspace(0, 1, 6))
        attention.legend(fontsize=8, loc="upper left")
        example = int(np.flatnonzero(mark[TRAIN:] == 1)[0]) + TRAIN  # a test example
        single = limit.attention.isel(layer=0, example=example, token=-1, token_prime=mark[example])
        shown = single.isel(time=[0, -1]).values
        shown = shown[:, np.isfinite(shown).all(axis=0)]
        for values, style, label in zip(shown, (("0.5", "--"), (colour, "-")), ("before", "after")):
            if shown.shape[1] > 1:  # one head of infinite dimension stands for all
                heads.hist(
                    values,
                    bins=np.linspace(0, 1, 21),
                    density=True,
                    histtype="step",
                    color=style[0],
                    linestyle=style[1],
                    linewidth=2,
                    label=f"{label} training",
                )
            else:
                heads.axvline(
                    values[0], color=style[0], linestyle=style[1], linewidth=2, label=f"{label} training"
                )
        many = shown.shape[1] > 1
        which = (
            f"{shown.shape[1]} heads of the limit, which differ" if many else "all heads of the limit agree"
        )
        heads.set(
            title=f"{which}:\none test example",
            xlabel="attention to the marked token",
            ylabel="density over heads",
            xlim=(0, 1),
        )
        if not many:
            heads.set(yticks=[], ylabel="")
        heads.legend(fontsize=8)
        widest = results[f"{kind}, width {max(WIDTHS)}"]
        order = np.argsort(mark[TRAIN:], kind="stable") + TRAIN
        both = [ds.attention_mean.isel(time=-1, layer=0, token=-1).values[order] for ds in (limit, widest)]
        image = table.imshow(
            np.concatenate([both[0], np.full((TEST, 1), np.nan), both[1]], axis=1),
            vmin=0,
            vmax=0.9,
            cmap="viridis",
            aspect="auto",
        )
        for row, token in enumerate(mark[order]):
            for column in (token, token + TOKENS + 1):
                table.plot(column, row, "x", color="w", markersize=8)
        columns = [*range(TOKENS), *range(TOKENS + 1, 2 * TOKENS + 1)]
        table.set_xticks(columns, [f"{token + 1}" for token in range(TOKENS)] * 2)
        table.set(
            title=f"mean attention of the last token: limit,\nnetworks of width {max(WIDTHS)} (x: marked)",
            yticks=[],
            ylabel="test examples",
            xlabel="token looked at",
        )
        figure.colorbar(image, ax=table, shrink=0.8)
    return figure


if __name__ == "__main__":
    recipe(__file__, run, report, draw)

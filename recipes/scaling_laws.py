"""Neural scaling laws: loss over time, width, examples and compute, for random features and for learned ones.

    python recipes/scaling_laws.py [FOLDER]

Linear students learn power-law tasks. The theory (lines) is compared with students of finite size (dots):
losses over time and at late times; bias and variances, with the bump where there are as many features as
examples; the compute-optimal frontier; and the exponents, which learned features change on hard tasks (beta <
1) and not on easy ones. Last comes the kernel of a network on handwritten digits: its own eigenvalues and
target coefficients predict how it learns from random draws of digits, up to late times, when it matters that
digits are not Gaussian. Prints fitted and predicted exponents. Writes scaling_laws.nc and, with matplotlib,
scaling_laws.png into FOLDER (default: output). Takes about half a minute.
"""

import numpy as np
import xarray as xr
from digits import opened
from runner import Figure, recipe

import tensorprog_mf as tp

sl = tp.scaling_laws
A, B, NOISE = 1.75, 1.25, 0.05
TASK = sl.PowerLaw(a=A, b=B, modes=1000)
TIMES = np.geomspace(0.3, 1e5, 45)
WIDTHS, COUNTS = (25, 100, 400), np.array([12, 25, 50, 100, 200, 400])
FINE = np.unique(np.geomspace(10, 500, 40).astype(int))
HARD, EASY = (sl.PowerLaw(alpha=1.5, beta=beta, modes=1e12, bin_ratio=1.05) for beta in (0.5, 1.25))
BUDGETS, MANY = np.geomspace(1e3, 1e8, 21), np.unique(np.geomspace(6, 3e4, 40).astype(int))
EXAMPLES, DRAWS, IMAGE_TIMES = (15, 40, 120), 24, np.geomspace(0.3, 1e3, 30)


def curves() -> dict[str, xr.Dataset]:
    """Losses over time at several widths, from the theory and of students."""
    found, few = {}, TIMES[::4]
    for width in WIDTHS:
        model = sl.Model(TASK, width)
        found[f"width {width}"] = sl.solve_stationary(model, sl.Flow(TIMES))
        found[f"width {width}, students"] = sl.simulate(model, sl.Flow(few), 20, progress=False)
    return found


def stacked(counts: np.ndarray, each: list[xr.Dataset]) -> xr.Dataset:
    """Results joined along `count`, without their modes."""
    return xr.concat(
        [ds.drop_dims(["mode", "time_prime"], errors="ignore") for ds in each], xr.Variable("count", counts)
    )


def late() -> dict[str, xr.Dataset]:
    """Losses at late times over width, or over examples, with the other one infinite; with noise, over width
    at 100 examples."""
    found, kinds = (
        {},
        {"over width": lambda n: sl.Model(TASK, n), "over examples": lambda n: sl.Model(TASK, None, n)},
    )
    for name, model in kinds.items():
        found[name] = stacked(FINE, [sl.limits(model(int(n))) for n in FINE])
        students = [
            sl.simulate(model(int(n)), sl.Flow([1e9]), 40, progress=False).isel(time=0) for n in COUNTS
        ]
        found[f"{name}, students"] = stacked(COUNTS, students)
    return found


def double_descent() -> dict[str, xr.Dataset]:
    """Bias and variances over width at 100 examples and time 1000."""

    def over(counts, run):
        return stacked(counts, [run(sl.Model(TASK, int(n), 100, NOISE)).isel(time=0) for n in counts])

    flow, sizes = sl.Flow([1e3]), [1, 4]
    return {
        "bias and variance": over(FINE, lambda model: sl.solve_stationary(model, flow, ensemble_sizes=sizes)),
        "bias and variance, students": over(
            COUNTS, lambda model: sl.simulate(model, flow, 30, ensemble_sizes=sizes, progress=False)
        ),
    }


def features() -> dict[str, xr.Dataset]:
    """Random and learned features on a hard and an easy task, and the compute-optimal frontier of the hard
    one."""
    found, times = {}, np.geomspace(1, 1e7, 60)
    for name, law in (("hard", HARD), ("easy", EASY)):
        for kind, richness in (("lazy", 0.0), ("rich", 1.0)):
            found[f"{name}, {kind}"] = sl.solve_reduced(sl.Model(law, richness=richness), sl.Flow(times))
    steps, few = sl.Descent(400, 0.2), np.unique(np.geomspace(4, 400, 9).astype(int))
    for kind, richness in (("lazy", 0.0), ("rich", 1.0)):
        model = sl.Model(sl.PowerLaw(alpha=1.5, beta=0.5, modes=1000), 500, richness=richness)
        found[f"hard, {kind}, students"] = sl.simulate(model, steps, 4, few, progress=False)
        found[f"hard, {kind}, width 500"] = sl.solve_reduced(model, steps, few)
        found[f"frontier, {kind}"] = sl.compute_optimal(sl.Model(HARD, richness=richness), BUDGETS, MANY)
    return found


def images() -> tuple[np.ndarray, np.ndarray]:
    """Tangent kernel of a network between 600 digits, and whether they are even (+1) or odd (-1)."""
    with opened() as file:
        x, label = (
            file.image.values.reshape(file.sizes["example"], -1).astype(float)[:600],
            file.label.values.astype(int)[:600],
        )
    x = (x - x.mean(axis=0)) / np.sqrt(((x - x.mean(axis=0)) ** 2).mean())
    y = np.where(label % 2, -1.0, 1.0)
    kernel = tp.static_ntk(tp.MLP(2, "relu"), tp.Problem(x, y), tp.Training(flow=True, times=[0.0]))
    return kernel.tangent_kernel[0].values, y


def digits() -> dict[str, xr.Dataset]:
    """Theory from the spectrum of the kernel, and kernel gradient flow on random draws of digits, tested on
    all digits."""
    kernel, y = images()
    spectrum, found, rng = sl.Spectrum.of_kernel(kernel, y), {}, np.random.default_rng(0)
    for count in EXAMPLES:
        found[f"digits, {count}"] = sl.solve_stationary(
            sl.Model(spectrum, None, count, spectrum.unexplained), sl.Flow(IMAGE_TIMES)
        )
        losses = []
        for _ in range(DRAWS):
            drawn = rng.integers(len(y), size=count)
            values, vectors = np.linalg.eigh(kernel[np.ix_(drawn, drawn)] / count)
            values = np.maximum(values, 1e-14)
            weights = (
                vectors
                @ (-np.expm1(-values * IMAGE_TIMES[:, None]) / values * (vectors.T @ y[drawn])).T
                / count
            )
            losses.append(((kernel[:, drawn] @ weights - y[:, None]) ** 2).mean(axis=0))
        spread = np.std(losses, axis=0, ddof=1) / np.sqrt(DRAWS)
        attrs = {"long_name": "test loss", "units": ""}
        found[f"digits, {count}, real"] = xr.Dataset(
            {
                "test_loss": ("time", np.mean(losses, axis=0), attrs),
                "test_loss_stderr": ("time", spread, attrs),
            },
            {"time": IMAGE_TIMES},
        )
    return found


def run() -> dict[str, xr.Dataset]:
    """All results, and their exponents."""
    found = curves() | late() | double_descent() | features() | digits()
    for kind, richness in (("lazy", 0.0), ("rich", 1.0)):
        flow, frontier = found[f"hard, {kind}"], found[f"frontier, {kind}"]
        budgets = frontier["compute"]
        curve = {
            "time": (flow.time, flow.test_loss),
            "compute": (budgets, frontier.optimal_test_loss),
            "optimal_width": (budgets, frontier.optimal_width),
        }
        windows = {"time": (1e5, 1e7), "compute": (1e5, 1e8), "optimal_width": (1e5, 1e8)}
        found[f"exponents, hard, {kind}"] = sl.fit_exponents(curve, HARD, richness, windows)
        flow = found[f"easy, {kind}"]
        found[f"exponents, easy, {kind}"] = sl.fit_exponents(
            {"time": (flow.time, flow.test_loss)}, EASY, richness, {"time": (1e5, 1e7)}
        )
    return found


def report(results: dict[str, xr.Dataset]) -> None:
    """Print exponents, and how far students and digits are from the theory."""
    print("exponents: fitted (predicted)")
    for task in ("hard", "easy"):
        for kind in ("lazy", "rich"):
            ds = results[f"exponents, {task}, {kind}"]
            both = zip(ds.resource.values, ds.exponent.values, ds.predicted_exponent.values)
            text = ",  ".join(f"{name} {fitted:.4f} ({predicted:.4f})" for name, fitted, predicted in both)
            print(f"  {task} task, {kind} features: {text}")
    print("students and the theory: largest distance over time, relative and in standard errors")
    for width in WIDTHS:
        theory, real = results[f"width {width}"].test_loss[::4], results[f"width {width}, students"]
        far = np.abs(real.test_loss.values / theory.values - 1).max()
        print(
            f"  width {width:4}: {far:.1%},"
            f" {(np.abs(real.test_loss.values - theory.values) / real.test_loss_stderr.values).max():.1f}"
        )
    print("digits and the theory for the spectrum of their kernel")
    for count in EXAMPLES:
        theory, real = (results[f"digits, {count}{more}"].test_loss for more in ("", ", real"))
        print(f"  {count:4} examples: largest distance {np.abs(real.values / theory.values - 1).max():.1%}")


def _dots(ax, x, ds: xr.Dataset, name: str = "test_loss", **style) -> None:
    ax.errorbar(
        x,
        ds[name],
        2 * ds[f"{name}_stderr"],
        fmt="o",
        markersize=4.5,
        capsize=2,
        markerfacecolor="white",
        **style,
    )


def draw(results: dict[str, xr.Dataset]) -> Figure:
    """Six panels."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(16, 9), layout="constrained")
    shades = dict(zip(WIDTHS, ("#7ad151", "#2a788e", "#440154")))
    ax = axes[0, 0]
    for width, color in shades.items():
        ds, real = results[f"width {width}"], results[f"width {width}, students"]
        ax.plot(ds.time, ds.test_loss, color=color, label=f"width {width}")
        _dots(ax, real.time, real, color=color)
    ax.set(xlabel="time", ylabel="test loss", title="random features, infinitely many examples")

    ax = axes[0, 1]
    for name, color, symbol in (("over width", "C0", "N"), ("over examples", "C3", "P")):
        ds, real = results[name], results[f"{name}, students"]
        ax.plot(ds["count"], ds.late_test_loss, color=color, label=f"{name} {symbol}")
        _dots(ax, real["count"], real, color=color)
    ax.set(
        xlabel="features N or examples P, the other infinite",
        ylabel="test loss",
        title="late times, 1000 modes: the scarce resource",
    )

    ax, ds, real = axes[0, 2], results["bias and variance"], results["bias and variance, students"]
    parts = {
        "test_loss": ("k", "test loss"),
        "ensemble_loss": ("C4", "mean of 4 students, same data"),
        "bias_loss": ("C0", "bias"),
        "variance_data": ("C3", "variance: data"),
        "variance_features": ("C2", "variance: features"),
        "variance_both": ("C1", "variance: both"),
    }
    for name, (color, label) in parts.items():
        pick = (lambda d: d.sel(ensemble_size=4)) if name == "ensemble_loss" else (lambda d: d)
        ax.plot(ds["count"], pick(ds)[name], color=color, label=label)
        if name in ("test_loss", "ensemble_loss", "bias_loss"):
            _dots(ax, real["count"], pick(real), name, color=color)
    ax.axvline(100, color="0.8", zorder=0)
    ax.set(
        xlabel="features N",
        ylabel="loss",
        title="100 examples with label noise: bias and variances",
        ylim=(0.009, 5),
    )

    ax = axes[1, 0]
    for task, style in (("hard", "-"), ("easy", ":")):
        for kind, color in (("lazy", "C0"), ("rich", "C3")):
            ds, fit = results[f"{task}, {kind}"], results[f"exponents, {task}, {kind}"]
            exponents = (
                f"exponent {float(fit.exponent[0]):.3f} (predicted {float(fit.predicted_exponent[0]):.3f})"
            )
            ax.plot(ds.time, ds.test_loss, style, color=color, label=f"{task} task, {kind}: {exponents}")
            if task == "hard":
                real = results[f"hard, {kind}, students"]
                _dots(ax, real.time, real, color=color)
    ax.set(
        xlabel="time",
        ylabel="test loss",
        title="learned features (rich) and random ones (lazy)",
        ylim=(1e-9, 50),
    )

    ax = axes[1, 1]
    for kind, color in (("lazy", "C0"), ("rich", "C3")):
        ds, fit = results[f"frontier, {kind}"], results[f"exponents, hard, {kind}"]
        for width in MANY[2::5]:
            one = ds.test_loss.sel(width=width)
            ax.plot(width * ds.time, one, color=color, linewidth=0.6, alpha=0.5)
        label = f"{kind}: exponent {float(fit.exponent[1]):.3f} ({float(fit.predicted_exponent[1]):.3f})"
        ax.plot(ds["compute"], ds.optimal_test_loss, color=color, linewidth=2.5, label=label)
    ax.plot(
        [],
        [],
        color="0.5",
        linewidth=0.6,
        label="single widths: " + ", ".join(str(width) for width in MANY[2::5]),
    )
    title = "hard task: compute-optimal frontier, and widths"
    ax.set(
        xlabel="compute N t",
        ylabel="test loss",
        title=title,
        xlim=(BUDGETS[0], BUDGETS[-1]),
        ylim=(1.5e-3, 0.6),
    )

    ax = axes[1, 2]
    for count, color in zip(EXAMPLES, shades.values()):
        ds, real = results[f"digits, {count}"], results[f"digits, {count}, real"]
        ax.plot(ds.time, ds.test_loss, color=color, label=f"{count} examples")
        _dots(ax, real.time[::2], real.isel(time=slice(None, None, 2)), color=color)
    ax.set(xlabel="time", ylabel="test loss", title="even or odd digit? from the kernel's spectrum")
    for ax in axes.flat:
        ax.set(xscale="log", yscale="log")
        ax.legend(fontsize=8, ncols=2 if ax is axes[0, 2] else 1)
    title = (
        "Neural scaling laws: theory (lines), and students of finite size or digits (dots, two standard"
        " errors)"
    )
    figure.suptitle(title, fontweight="bold")
    return figure


if __name__ == "__main__":
    recipe(__file__, run, report, draw)

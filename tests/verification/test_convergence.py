"""How errors fall: with samples, pseudo-random and Sobol, and with the width of real networks."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tests.helpers.figures import figure

pytestmark = pytest.mark.verification


@pytest.fixture(scope="module")
def setting():
    rng = np.random.default_rng(3)
    problem = tp.Problem(rng.normal(size=(4, 10)), np.sign(rng.normal(size=4)), rng.normal(size=(2, 10)))
    return tp.MLP(2, "tanh"), problem, tp.Training(15, 0.4)


def slope(n, error):
    return np.polyfit(np.log(n), np.log(error), 1)[0]


def test_error_against_samples(setting):
    """Root mean square over 16 replicates of the distance to the mean at 2^16 Sobol samples."""
    best = tp.sample(*setting, n_samples=2**16, n_replicates=4, samples=0, seed=99)
    n = 2 ** np.arange(8, 16)
    names, errors = ("output", "feature_kernel", "gradient_kernel"), {}
    for draws in ("pseudo-random", "sobol"):
        for count in n:
            ds = tp.sample(
                *setting,
                n_samples=int(count),
                n_replicates=16,
                samples=0,
                draws=draws,
                keep_replicates=True,
                seed=5,
            )
            for name in names:
                distance = ((ds[name] - best[name])[:, 1:] ** 2).mean()
                # The reference's own error is subtracted; it matters at the largest n only.
                errors.setdefault((draws, name), []).append(
                    float(np.sqrt(distance - (best[f"{name}_stderr"][1:] ** 2).mean()))
                )
    slopes = {key: slope(n, error) for key, error in errors.items()}
    with figure("error_against_samples") as axis:
        for (draws, name), error in errors.items():
            style = "o-" if draws == "sobol" else "s--"
            axis.loglog(
                n,
                error,
                style,
                color=f"C{names.index(name)}",
                label=f"{name}, {draws}: n^{slopes[draws, name]:.2f}",
            )
        axis.set(
            xlabel="samples n", ylabel="rms error of one run", title="tanh, depth 2, 4 + 2 examples, 15 steps"
        )
        axis.legend(fontsize=7)
    print({" ".join(key): round(value, 3) for key, value in slopes.items()})
    for name in names:
        # A slope over 8 points whose logarithms have errors of about 0.06 (16 replicates of correlated
        # entries) is known to 0.013 x 3: 5 sigma is 0.15.
        assert abs(slopes["pseudo-random", name] + 0.5) < 0.15, name
        assert slopes["sobol", name] < slopes["pseudo-random", name] - 0.1, name
        assert errors["sobol", name][-1] < errors["pseudo-random", name][-1] / 2, name


def shifts(setting, width, count, seed, limit):
    """Last outputs and kernels of every network minus the limit, (network, entry). Exact law, matrices
    revealed."""
    ds = tp.train_finite(
        *setting,
        width=int(width),
        matrix="conditioned",
        n_replicates=count,
        samples=0,
        record=[setting[2].steps],
        tolerance=1e-6,
        keep_replicates=True,
        seed=seed,
    )
    names = ("output", "feature_kernel", "gradient_kernel")
    return np.hstack([(ds[n].isel(time=0) - limit[n].isel(time=-1)).values.reshape(count, -1) for n in names])


def test_finite_width_tends_to_the_limit_as_one_over_width():
    """Mean over networks minus limit, in the direction in which it stands out most: proportional to
    1/width."""
    rng = np.random.default_rng(4)
    problem = tp.Problem(rng.normal(size=(2, 5)), np.array([0.8, -0.4]), rng.normal(size=(1, 5)))
    widths, count, drawn = np.array([16, 32, 64, 128]), 4000, {}
    for activation in ("linear", "tanh"):
        setting = tp.MLP(2, activation), problem, tp.Training(10, 0.4)
        if activation == "linear":
            limit = tp.solve_linear(*setting)
        else:
            limit = tp.sample(*setting, n_samples=2**15, n_replicates=8, samples=0)
        first = shifts(
            setting, widths[0], count, 1, limit
        )  # networks of their own, so that nothing is chosen by its noise
        direction = np.linalg.pinv(np.cov(first.T), rcond=1e-6, hermitian=True) @ first.mean(0)
        projected = [shifts(setting, width, count, 2, limit) @ direction for width in widths]
        mean = np.array([p.mean() for p in projected])
        error = np.array([p.std(ddof=1) for p in projected]) / np.sqrt(count)
        drawn[activation] = mean, error
        # log mean = a + b log width, weighted; the error of b from those of the means.
        x, w = np.log(widths), (mean / error) ** 2
        centred = x - (w * x).sum() / w.sum()
        power, power_error = (
            (w * centred * np.log(mean)).sum() / (w * centred**2).sum(),
            (w * centred**2).sum() ** -0.5,
        )
        print(
            f"{activation}: shift x width {(mean * widths).round(2)} +- {(error * widths).round(2)},"
            f" width^{power:.3f} +- {power_error:.3f}"
        )
        # 5 sigma of the slope (false alarm 6e-7) plus 0.1 for the 1/width^2 term, 10 % of the shift at width
        # 16.
        assert abs(power + 1) < 5 * power_error + 0.1 and power_error < 0.1, activation
    with figure("finite_width") as axis:
        for activation, (mean, error) in drawn.items():
            axis.errorbar(widths, mean / mean[0], 2 * error / mean[0], fmt="o", capsize=3, label=activation)
        axis.plot(widths, widths[0] / widths, "k:", label="1/width")
        axis.set(
            xscale="log",
            yscale="log",
            xlabel="width",
            ylabel="shift of the mean from the limit, relative",
            title="depth 2, 10 steps: outputs and kernels",
        )
        axis.legend()

"""How errors fall: with samples, pseudo-random and Sobol, and with the width of real networks."""

import numpy as np
import pytest

import tensorprog_mf as tp

from .figures import figure

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
            ds = tp.sample(*setting, n_samples=int(count), n_replicates=16, samples=0, draws=draws, keep_replicates=True, seed=5)
            for name in names:
                distance = ((ds[name] - best[name])[:, 1:] ** 2).mean()
                # The reference's own error is subtracted; it matters at the largest n only.
                errors.setdefault((draws, name), []).append(float(np.sqrt(distance - (best[f"{name}_stderr"][1:] ** 2).mean())))
    slopes = {key: slope(n, error) for key, error in errors.items()}
    with figure("error_against_samples") as axis:
        for (draws, name), error in errors.items():
            style = "o-" if draws == "sobol" else "s--"
            axis.loglog(n, error, style, color=f"C{names.index(name)}", label=f"{name}, {draws}: n^{slopes[draws, name]:.2f}")
        axis.set(xlabel="samples n", ylabel="rms error of one run", title="tanh, depth 2, 4 + 2 examples, 15 steps")
        axis.legend(fontsize=7)
    print({" ".join(key): round(value, 3) for key, value in slopes.items()})
    for name in names:
        # A slope over 8 points whose logarithms have errors of about 0.06 (16 replicates of correlated entries) is known
        # to 0.013 x 3: 5 sigma is 0.15.
        assert abs(slopes["pseudo-random", name] + 0.5) < 0.15, name
        assert slopes["sobol", name] < slopes["pseudo-random", name] - 0.1, name
        assert errors["sobol", name][-1] < errors["pseudo-random", name][-1] / 2, name


def test_finite_width_tends_to_the_limit_as_one_over_width():
    """Mean over networks minus limit, times width: constant. Conditioned networks, exact law at every width."""
    rng = np.random.default_rng(4)
    problem = tp.Problem(rng.normal(size=(2, 5)), np.array([0.8, -0.4]), rng.normal(size=(1, 5)))
    widths, counts = np.array([16, 32, 64, 128, 256]), [4000, 4000, 4000, 3000, 3000]
    drawn = {}
    for activation in ("linear", "tanh"):
        network, training = tp.MLP(2, activation), tp.Training(10, 0.4)
        if activation == "linear":
            limit = tp.solve_linear(network, problem, training)
        else:
            limit = tp.sample(network, problem, training, n_samples=2**15, n_replicates=8, samples=0)
        shifts, errors = [], []
        for width, count in zip(widths, counts):
            ds = tp.train_finite(
                network, problem, training, width=int(width), matrix="conditioned", n_replicates=count, samples=0, record=[10], tolerance=1e-6
            )  # fmt: skip
            values, sigma = [], []
            for name in ("output", "feature_kernel", "gradient_kernel"):
                own = limit[f"{name}_stderr"].isel(time=-1).values if f"{name}_stderr" in limit else 0.0
                values.append((ds[name].isel(time=0) - limit[name].isel(time=-1)).values.ravel())
                sigma.append(np.hypot(ds[f"{name}_stderr"].isel(time=0).values, own).ravel())
            shifts.append(np.concatenate(values))
            errors.append(np.concatenate(sigma))
        shifts, errors = np.array(shifts), np.array(errors)
        # Fit shift = c / width + d / width^2 per entry; what is left, in standard errors.
        design = np.stack([1 / widths, 1 / widths**2.0], axis=1)
        z = []
        for shift, error in zip(shifts.T, errors.T):
            c = np.linalg.lstsq(design / error[:, None], shift / error, rcond=None)[0]
            z.append((shift - design @ c) / error)
        z, size = np.array(z), np.sqrt((shifts**2 - errors**2).mean(1).clip(1e-12))
        drawn[activation] = size
        print(activation, "rms shift x width", (size * widths).round(3), "max |z|", np.abs(z).max().round(2))
        # Some 40 entries x 5 widths with two fitted: |z| > 4.5 by chance once in 700 runs.
        assert np.abs(z).max() < 4.5, activation
        assert abs(slope(widths[:4], size[:4]) + 1) < 0.2, activation  # noise is a quarter of the shift at width 256
    with figure("finite_width") as axis:
        for activation, size in drawn.items():
            axis.loglog(widths, size, "o-", label=f"{activation}: width^{slope(widths[:4], size[:4]):.2f}")
        axis.loglog(widths, drawn["tanh"][0] * widths[0] / widths, "k:", label="1/width")
        axis.set(xlabel="width", ylabel="rms shift of the mean from the limit", title="depth 2, 10 steps: outputs and kernels")
        axis.legend()

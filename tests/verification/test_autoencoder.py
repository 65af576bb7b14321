"""Finite autoencoders come to the limit: loss as d/N with relu, as d/N + 1/d with erf; every excess in units
of what it should be."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tests.helpers.autoencoders import CASES, ERF, networks, two_blocks
from tests.helpers.figures import figure

pytestmark = pytest.mark.verification
TIMES = [0.5, 1.0, 2.0, 5.0, 8.0]


def test_the_excess_of_relu_is_d_over_n():
    limit, found = two_blocks(TIMES, 0.1), {}
    for width, count in ((100, 32), (200, 24), (400, 16), (800, 8)):
        ds = networks(TIMES, 0.1, width, "population", count)
        found[width] = ((ds.loss - limit.loss).values * width / 20, ds.loss_stderr.values * width / 20)
    with figure("autoencoder_width") as ax:
        for width, (excess, error) in found.items():
            ax.errorbar(TIMES, excess, 2 * error, marker="o", capsize=3, label=f"N = {width}")
        ax.set(
            xlabel="time",
            ylabel="(loss of networks - limit) N / d",
            ylim=0,
            title="weight-tied autoencoder, relu, d = 20",
        )
        ax.legend()
    excess, error = (np.array([pair[k] for pair in found.values()]) for k in (0, 1))
    weight = 1 / error**2
    mean = (excess * weight).sum(axis=0) / weight.sum(axis=0)
    # Next order of d/N: a relative shift of some d/N = 0.2 at N = 100. 4 widths, 5 times, t with 7 or more
    # degrees of freedom beyond 6: 0.005 each at worst.
    assert (np.abs(excess - mean) < 6 * error + 0.2 * mean).all()
    assert (mean > 0.03).all() and (mean < 0.1).all()
    theirs = CASES["S3_relu_two_block"]["finite_N_check"]
    kept = [theirs["times"].index(t) for t in (2, 5, 8)]  # before, the scatter of initial weights rules
    flow = two_blocks(TIMES).loss.values[2:]
    table = theirs["population_gradient_flow_dt0p05"]["400"]
    reference = (np.array(table["loss_mean"])[kept] - flow) * 20
    assert (
        np.abs(reference - mean[2:])
        < 6 * np.hypot(20 * np.array(table["loss_sem"])[kept], 1 / np.sqrt(weight.sum(axis=0))[2:])
        + 0.05 * mean[2:]
    ).all()


def test_the_excess_of_erf_has_two_terms_and_no_third():
    sizes, rows = ((100, 10), (400, 10), (200, 20), (800, 20), (400, 40), (800, 40)), []
    for width, d in sizes:
        spectrum = tp.mean_field.Spectrum([2.25, 0.36], [d // 5, d - d // 5])
        setting = (spectrum, ERF, 0.4, 0.05, [1.0], 0.1)
        ds = tp.mean_field.train_autoencoder(
            *setting, width=width, method="population", n_replicates=12, progress=False
        )
        rows.append(
            (float(ds.loss[0] - tp.mean_field.autoencoder(*setting).loss[0]), float(ds.loss_stderr[0]))
        )
    excess, error = np.array(rows).T
    terms = np.array([[d / width, 1 / d, 1.0] for width, d in sizes])
    scaled = terms / error[:, None]
    best, covariance = np.linalg.lstsq(scaled, excess / error)[0], np.linalg.inv(scaled.T @ scaled)
    with figure("autoencoder_dimension") as ax:
        ax.errorbar(terms @ best, excess, 2 * error, fmt="o")
        for k, ((width, d), x, y) in enumerate(zip(sizes, terms @ best, excess)):
            right = k % 2
            ax.annotate(
                f"N = {width}, d = {d}",
                (x, y),
                (7, -9) if right else (-7, 4),
                textcoords="offset points",
                fontsize=7,
                ha="left" if right else "right",
            )
        reach = [0, 1.1 * excess.max()]
        ax.plot(reach, reach, "k:", linewidth=1)
        ax.set(
            xlabel=f"{best[0]:.3f} d/N + {best[1]:.3f}/d + {best[2]:.4f}",
            ylabel="loss of networks - limit",
            title="weight-tied autoencoder, erf, time 1",
        )
    # The constant vanishes within its error and the next orders, of which 1/d^2 is 0.01 at most.
    assert abs(best[2]) < 5 * np.sqrt(covariance[2, 2]) + 0.0005
    assert best[0] > 0 and best[1] > 0.02

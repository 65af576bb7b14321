"""Ensembles of lazy networks against real ones trained densely: the distance falls with the width."""

import numpy as np
import pytest

import tensorprog_mf as tp

pytestmark = pytest.mark.verification
TIMES = [0, 5, 30]


def problem(loss):
    rng = np.random.default_rng(7)
    targets = rng.normal(size=4)
    return tp.Problem(
        rng.normal(size=(4, 5)),
        np.sign(targets) if loss == "logistic" else targets,
        rng.normal(size=(2, 5)),
        loss,
    )


def moments(given, network, width, replicates, **options):
    """Means and products of outputs over real networks about `given` mean, with their standard errors."""
    more = (
        dict(centred=False, keep_replicates=True, samples=0, record=TIMES, progress=False, matrix="dense")
        | options
    )
    real = tp.train_finite(
        network, given, options_training(given), width=width, n_replicates=replicates, **more
    )
    return real.output.values


def options_training(given):
    return tp.Training(30, 0.4, 0.5, batch_size=2)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_ntk_parameterisation(loss):
    """400 networks at widths 32 and 256: 1 / width off at the first, within errors at the second."""
    given, network, distance = problem(loss), tp.MLP(2, "tanh"), []
    ds = tp.static_ntk(
        network, given, options_training(given), ensemble="ntk", record=TIMES, n_replicates=8, starts=500
    )
    for width in (32, 256):
        f = moments(given, network, width, 400, parameterization="ntk")
        apart = f - ds.output.values
        both = np.einsum("rtm,rtn->rtmn", apart, apart)
        for found, expected in ((f, ds.output.values), (both, ds.output_covariance.values)):
            error = found.std(axis=0, ddof=1) / np.sqrt(400)
            if (
                loss == "logistic"
            ):  # 4000 drawn starts have errors of their own, a third of those of 400 networks
                error = error * np.sqrt(1.1)
            off = found.mean(axis=0) - expected
            distance.append(float(np.abs(off[-1]).max()))
            # 18 and 108 entries at 5 standard errors: false alarm below 1e-4; the finite width is 1 / width
            # off, times 2 as measured.
            assert (np.abs(off) < 5 * error + 2 / width).all()
    print(f"{loss}: largest distance of means and covariances at the end, widths 32 and 256: {distance}")


def test_biases_and_scales_in_mean_field_parameterisation():
    """Small richness at a given width: outputs start at random by sigma^2 Phi / (richness^2 width)."""
    given, width = problem("squared"), 256
    network = tp.MLP(2, "erf", richness=0.05, weight_std=(1.0, 1.2, 0.7), bias_std=0.3, output_bias=0.4)
    ds = tp.static_ntk(
        network, given, options_training(given), ensemble="mean_field", width=width, record=TIMES
    )
    f = moments(given, network, width, 400)
    apart = f - ds.output.values
    both = np.einsum("rtm,rtn->rtmn", apart, apart)
    for found, expected in ((f, ds.output.values), (both, ds.output_covariance.values)):
        error = found.std(axis=0, ddof=1) / np.sqrt(400)
        # As above; richness^2 = 0.0025 on top.
        assert (np.abs(found.mean(axis=0) - expected) < 5 * error + 2 / width + 0.0025).all()
    assert float(ds.output_std[0].min()) > 0.2

"""The autoencoder's limit: reference numbers, closed forms, order of integration, edge cases."""

import json

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.mean_field.autoencoders.slopes import Slopes
from tests.helpers.autoencoders import CASES, ERF, NAMES, TWO_BLOCKS, column, pairs, two_blocks

autoencoder, Spectrum = tp.mean_field.autoencoder, tp.mean_field.Spectrum


@pytest.mark.parametrize("name", ["S3_relu_two_block", "S3_relu_threshold"])
def test_relu_cases_hold_to_their_errors(name):
    case = CASES[name]
    p = case["params"]
    ds = autoencoder(
        Spectrum(p["Sigma2"], p["multiplicity"]), "relu", p["r0"], p["lambda_"], column(case, "t")
    )
    for symbol in ("u", "r", "loss"):
        assert np.abs(ds[NAMES[symbol]].values - column(case, symbol)).max() <= case["err"], symbol
    np.testing.assert_allclose(ds.final_reconstruction, case["u_inf"], rtol=1e-14)
    np.testing.assert_allclose(
        ds.half_rise_time, [np.nan if t is None else t for t in case["t_half"]], rtol=1e-13
    )
    np.testing.assert_allclose(
        ds.regularisation, p["lambda_"] / 2 * ds.gain.values**2 @ ds.fraction.values, rtol=1e-14
    )


def test_the_bounded_case_holds_to_its_error():
    case = CASES["S3_bounded_erf"]
    p = case["params"]
    ds = autoencoder(
        Spectrum(p["Sigma2"], fractions=p["fractions"]), ERF, p["q0"], p["lambda_"], column(case, "t")
    )
    for symbol in ("q", "b", "s2", "loss"):
        assert np.abs(ds[NAMES[symbol]].values - column(case, symbol)).max() <= case["err"], symbol
    assert 0 < ds.attrs["integration_error"] < 1e-8 and ds.attrs["quadrature_error"] == 0


def test_own_functions_go_by_quadrature_and_agree_with_closed_forms():
    from scipy.special import erf

    times, spectrum = [0.0, 1.0, 5.0], Spectrum([2.25, 0.36], fractions=[0.25, 0.75])
    own = (lambda h: erf(0.7 * h), lambda h: 1.4 / np.sqrt(np.pi) * np.exp(-0.49 * h * h))
    closed = autoencoder(spectrum, tp.Activation("erf", gain=0.7), 0.4, 0.05, times)
    np.testing.assert_allclose(autoencoder(spectrum, own, 0.4, 0.05, times).gain, closed.gain, atol=1e-9)
    # softplus has gamma = 1/2 at every s, as relu has.
    relu = autoencoder(spectrum, "relu", 0.4, 0.05, times)
    soft = autoencoder(spectrum, "softplus", 0.4, 0.05, times)
    for name in ("gain", "loss", "final_reconstruction", "half_rise_time"):
        np.testing.assert_allclose(soft[name], relu[name], atol=1e-7, err_msg=name)


@pytest.mark.parametrize("name", ["tanh", "erf", "softplus", "quadratic", "relu", "linear", "scaled_relu"])
def test_slopes_are_gaussian_averages(name):
    activation, g = tp.Activation(name, gain=0.8), np.linspace(-12, 12, 400_001)
    weight = np.exp(-g * g / 2) / np.sqrt(2 * np.pi) * (g[1] - g[0])
    for s in (0.3, 1.0, 2.0):
        slope = activation(s * g)[1]
        gamma, third = Slopes(activation)(np.float64(s * s))
        # The trapezoidal rule misses the jump of relu' by a node: 1e-5.
        assert abs(gamma - slope @ weight) < (2e-5 if activation.kinked else 1e-10)
        assert abs(third - slope @ (weight * (g * g - 1)) / s**2) < (3e-4 if activation.kinked else 1e-9)


def test_the_error_falls_with_the_tolerance_and_with_nodes():
    times, spectrum = np.arange(0, 5, 1.0), Spectrum([2.0, 0.4])
    exact = autoencoder(spectrum, "tanh", 0.4, 0.05, times, tolerance=1e-13)
    runs = [
        autoencoder(spectrum, "tanh", 0.4, 0.05, times, tolerance=tolerance)
        for tolerance in (1e-5, 1e-8, 1e-11)
    ]
    errors = [float(abs(ds.gain - exact.gain).max()) for ds in runs]
    assert errors[0] > 30 * errors[1] and errors[1] > 30 * errors[2] and errors[2] < 1e-11
    assert all(error <= ds.attrs["integration_error"] for error, ds in zip(errors, runs))
    steep = tp.Activation("tanh", gain=3.0)
    errors = [Slopes(steep, nodes).error(np.array([1.0])) for nodes in (50, 100, 200, 400)]
    assert all(large > 30 * small for large, small in zip(errors, errors[1:]))  # faster than any power


@pytest.mark.parametrize("activation, exact", [("relu", True), ("tanh", False)])
def test_steps_tend_to_the_flow_with_order_one(activation, exact):
    flow = autoencoder(TWO_BLOCKS, activation, 0.4, 0.1, [2.0, 4.0])
    errors = [
        float(abs(autoencoder(TWO_BLOCKS, activation, 0.4, 0.1, [2.0, 4.0], step).gain - flow.gain).max())
        for step in (0.02, 0.01, 0.005)
    ]
    for large, small in zip(errors, errors[1:]):
        assert 1.9 < large / small < 2.1
    assert errors[-1] > 1e-5  # steps are not the flow
    half = autoencoder(TWO_BLOCKS, activation, 0.4, 0.1, [8.0], 0.005)
    flow = autoencoder(TWO_BLOCKS, activation, 0.4, 0.1, [0.0, 8.0])
    np.testing.assert_allclose(half.half_rise_time, flow.half_rise_time, rtol=0.01)
    np.testing.assert_allclose(half.final_reconstruction, flow.final_reconstruction, atol=1e-9)


def test_every_time_is_hit_exactly():
    times = np.array([0.1, 0.3, 0.7, 1.1])
    ds = two_blocks(times, 0.1)
    assert ds.step.values.tolist() == [1, 3, 7, 11] and ds.time.values.tolist() == times.tolist()
    r = 0.4
    for _ in range(3):
        r += 0.1 * (2.25 * (1 - r * r / 2) - 0.1) * r
    assert abs(ds.gain.values[1, 0] - r) < 1e-15


@pytest.mark.parametrize("variance", [0.3, 0.3 + 1e-13, 0.3 - 1e-13, 0.3 + 1e-7, 0.0])
def test_no_growth_and_almost_none(variance):
    """alpha = Sigma^2 - lambda = 0: u = u0 / (1 + 2 Sigma^2 u0 t), and the closed form goes through it
    smoothly."""
    decay, t = (0.3 if variance else 0.0), np.array([0.0, 1.0, 50.0])
    ds = autoencoder([variance, 1.0], "relu", 0.5, decay, t)
    np.testing.assert_allclose(
        ds.reconstruction[:, 0],
        0.125 / (1 + 2 * variance * 0.125 * t),
        rtol=2e-5 if variance > 0.3 + 1e-10 else 1e-11,
    )


def test_large_times_do_not_overflow():
    ds = autoencoder([2.0, 0.5, 0.1], "relu", [0.3, 0.3, 0.0], 0.5, [0.0, 1e3, 1e9])
    assert np.isfinite(ds.reconstruction).all() and ds.attrs["status"] == "completed"
    np.testing.assert_allclose(
        ds.reconstruction[-1], [0.75, 1 / (8 + 1e9), 0.0], atol=1e-12
    )  # 0.5 = weight decay: falls as 1/t
    lost = autoencoder([0.1, 1.0], "relu", 0.5, 2.0, [1e4])
    assert (
        (lost.gain == 0).all()
        and (lost.final_reconstruction == 0).all()
        and np.isnan(lost.half_rise_time).all()
    )


def test_zero_stays_zero():
    for activation in ("relu", ERF, "tanh"):
        ds = autoencoder([2.0, 1.0], activation, 0.0, 0.1, [0.0, 5.0])
        assert (
            (ds.gain == 0).all()
            and (ds.final_reconstruction == 0).all()
            and np.isnan(ds.half_rise_time).all()
        )
        np.testing.assert_allclose(ds.loss, 0.75, rtol=1e-15)
    part = autoencoder([2.0, 1.0], ERF, [0.4, 0.0], 0.1, [0.0, 5.0])
    assert (
        (part.gain[:, 1] == 0).all()
        and part.final_reconstruction.values[1] == 0
        and part.gain.values[1, 0] > 0.4
    )


def test_weights_may_begin_too_large():
    ds = autoencoder([2.0, 1.0], "relu", 2.0, 0.0, [0.0, 0.5, 1.0, 20.0])
    assert (
        ds.reconstruction.values[0, 0] == 2
        and (np.diff(ds.reconstruction, axis=0) < 0).all()
        and np.isnan(ds.half_rise_time).all()
    )
    np.testing.assert_allclose(ds.reconstruction[-1], 1, atol=1e-8)


def test_repeated_variances_are_equal_directions():
    grouped = autoencoder(Spectrum([2.0, 0.5], [2, 3]), "relu", 0.3, 0.1, [0, 1, 4])
    single = autoencoder([2.0, 2.0, 0.5, 0.5, 0.5], "relu", 0.3, 0.1, [0, 1, 4])
    shared = autoencoder(Spectrum([2.0, 0.5], fractions=[0.4, 0.6]), "relu", 0.3, 0.1, [0, 1, 4])
    for name in ("loss", "regularisation", "preactivation_variance"):
        np.testing.assert_allclose(grouped[name], single[name], rtol=1e-14)
        np.testing.assert_allclose(grouped[name], shared[name], rtol=1e-14)
    assert single.sizes["direction"] == 5 and np.allclose(
        single.reconstruction[:, 0], single.reconstruction[:, 1]
    )


def test_the_loss_may_rise_with_weight_decay():
    """Beyond the best weights the objective, not the loss, goes on falling."""
    times = np.linspace(0, 16, 200)
    p = CASES["S3_relu_threshold"]["params"]
    ds = autoencoder(Spectrum(p["Sigma2"], p["multiplicity"]), "relu", p["r0"], p["lambda_"], times)
    assert ds.loss.values[-1] > ds.loss.values.min() + 1e-4
    assert (np.diff(ds.loss + ds.regularisation) < 1e-15).all()


@pytest.mark.parametrize("activation", ["tanh", ERF, "relu"])
def test_the_objective_falls_and_the_end_is_a_fixed_point(activation):
    ds = autoencoder(
        Spectrum([2.25, 0.36, 0.05], fractions=[0.25, 0.5, 0.25]),
        activation,
        0.4,
        0.1,
        np.linspace(0, 400, 30),
    )
    assert (np.diff(ds.loss + ds.regularisation) < 1e-9).all()
    np.testing.assert_allclose(ds.reconstruction[-1], ds.final_reconstruction, atol=1e-6)
    assert ds.final_reconstruction.values[-1] == 0  # below the threshold


@pytest.mark.parametrize("activation", ["relu", "linear", tp.Activation("scaled_relu", gain=0.7)])
def test_the_matrix_equation_contains_the_closed_form(activation):
    """A covariance that commutes with the data's but is not diagonal in the directions chosen for equal
    variances."""
    rng, times = np.random.default_rng(1), [0.0, 1.0, 3.0]
    q, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    data = q @ np.diag([2.0, 2.0, 1.0, 0.3]) @ q.T
    exact = autoencoder(data, activation, [0.6, 0.2, 0.4, 0.3], 0.1, times)
    turn = np.eye(4)
    turn[:2, :2] = [[0.8, 0.6], [-0.6, 0.8]]
    vectors = turn @ exact.direction_vector.values
    ds = autoencoder(
        data,
        activation,
        None,
        0.1,
        times,
        initial_covariance=vectors.T @ np.diag(np.square([0.6, 0.2, 0.4, 0.3])) @ vectors,
    )
    for name in ("loss", "regularisation", "preactivation_variance"):
        np.testing.assert_allclose(ds[name], exact[name], atol=1e-9)
    np.testing.assert_allclose(ds.reconstruction_eigenvalue, -np.sort(-exact.reconstruction), atol=1e-9)
    assert 0 < ds.attrs["integration_error"] < 1e-6 and "half_rise_time" not in ds
    isotropic = autoencoder(data, activation, None, 0.1, times, initial_covariance=0.09 * np.eye(4))
    np.testing.assert_allclose(
        isotropic.gain, autoencoder(data, activation, 0.3, 0.1, times).gain, rtol=1e-12
    )
    assert "reconstruction_matrix" not in isotropic


def test_matrix_steps_tend_to_the_matrix_flow():
    covariance = np.array([[0.3, 0.1, 0.0], [0.1, 0.2, 0.05], [0.0, 0.05, 0.1]])
    runs = [
        autoencoder([2.0, 1.0, 0.4], "relu", None, 0.1, [1.0, 4.0], step, initial_covariance=covariance)
        for step in (None, 0.02, 0.01)
    ]
    large, small = (
        float(abs(ds.reconstruction_matrix - runs[0].reconstruction_matrix).max()) for ds in runs[1:]
    )
    assert 1.9 < large / small < 2.1 and small < 0.01
    assert (
        float(
            abs(
                runs[0].reconstruction_matrix.values[0]
                - np.diag(np.diag(runs[0].reconstruction_matrix.values[0]))
            ).max()
        )
        > 1e-3
    )


def test_neurons_keep_their_draws():
    ds = two_blocks([0.0, 1.0, 8.0], samples=2000, seed=3)
    assert ds.neuron_weight.dims == ("time", "sample", "direction") and ds.sizes["sample"] == 2000
    np.testing.assert_allclose(
        ds.neuron_weight.values / ds.gain.values[:, None],
        np.tile(ds.neuron_weight.values[0] / 0.4, (3, 1, 1)),
        atol=1e-13,
    )
    score = ((ds.neuron_weight[0] / 0.4) ** 2).mean(
        "sample"
    ).values - 1  # chi^2: standard error sqrt(2 / 2000)
    assert (np.abs(score) < 5 * np.sqrt(2 / 2000)).all()  # false alarm 2e-6
    assert ds.neuron_weight.identical(two_blocks([0.0, 1.0, 8.0], samples=2000, seed=3).neuron_weight)
    assert not np.allclose(ds.neuron_weight, two_blocks([0.0, 1.0, 8.0], samples=2000, seed=4).neuron_weight)
    assert "neuron_weight" not in two_blocks([1.0], samples=0)


def test_other_symmetric_laws_have_the_same_gains():
    law = tp.Uniform(-0.6, 0.6)
    ds = autoencoder([2.0, 1.0], "relu", law, 0.1, [0.0, 1.0], samples=100)
    np.testing.assert_allclose(
        ds.loss, autoencoder([2.0, 1.0], "relu", law.std, 0.1, [0.0, 1.0]).loss, rtol=1e-14
    )
    assert (
        float(abs(ds.neuron_weight[0]).max()) < 0.6
        and json.loads(ds.attrs["settings_json"])["initial"]["law"]["law"] == "Uniform"
    )


def test_reading_images():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 6)) * [3, 2, 1, 1, 0.5, 0.1] + 5
    spectrum = Spectrum.from_examples(x)
    ds = autoencoder(spectrum, "relu", 0.3, 0.2, [0.0, 1.0, 1e5], samples=5)
    covariance = np.cov(x.T, bias=True)
    out = tp.mean_field.reconstruct(ds, x[:3])
    values, vectors = np.linalg.eigh(covariance)
    shrink = vectors @ np.diag(np.maximum(0, 1 - 0.2 / values)) @ vectors.T
    np.testing.assert_allclose(out[-1], (x[:3] - x.mean(0)) @ shrink + x.mean(0), atol=1e-6)
    assert out.dims == ("time", "example", "feature")
    learned = tp.mean_field.learned_features(ds)
    assert learned.dims == ("time", "sample", "feature")
    np.testing.assert_allclose(
        (learned**2).sum("feature"), (ds.neuron_weight**2).sum("direction"), rtol=1e-12
    )
    skew = autoencoder(covariance, "relu", None, 0.2, [0.0, 1.0], initial_theta=pairs(10, 6))
    back = np.einsum(
        "ij,tjk,kl->til",
        skew.direction_vector.values.T,
        skew.reconstruction_matrix.values,
        skew.direction_vector.values,
    )
    np.testing.assert_allclose(
        tp.mean_field.reconstruct(skew, x[:3]), np.einsum("tij,mj->tmi", back, x[:3]), atol=1e-10
    )


def test_the_density_of_preactivations_is_that_of_neurons():
    ds = autoencoder(np.linspace(0.2, 2, 200), "relu", 0.5, 0.0, [0.0, 1.0], samples=4000)
    points = np.linspace(-12, 12, 2401)
    density = tp.mean_field.preactivation_density(ds, points)
    np.testing.assert_allclose(density.sum("bin") * 0.01, 1, atol=1e-8)
    x = np.random.default_rng(5).normal(size=(4000, 200)) * np.sqrt(ds.variance.values / 200)
    u = (ds.neuron_weight.values[1] * x).sum(
        axis=1
    )  # each neuron on an input of its own: independent, nearly Gaussian
    assert (
        abs((u**2).mean() / float(ds.preactivation_variance[1]) - 1) < 5 * np.sqrt(2 / 4000) * 1.02
    )  # false alarm 1e-6


def test_results_are_labelled_and_saved(tmp_path):
    ds = autoencoder(Spectrum.from_covariance([[2.0, 0.5], [0.5, 1.0]]), "relu", 0.3, 0.1, [0.0, 1.0], 0.5)
    assert set(ds.coords) == {"time", "step", "direction", "variance", "fraction", "sample"}
    for variable in ds.variables.values():
        assert {"long_name", "symbol", "units", "comment"} <= variable.attrs.keys()
    assert {
        "source",
        "route",
        "seed",
        "status",
        "references",
        "settings_json",
        "data_json",
    } <= ds.attrs.keys()
    tp.save(ds, tmp_path / "a.nc")
    assert tp.load(tmp_path / "a.nc").identical(ds)

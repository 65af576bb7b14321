"""Gaussian moments and initial kernels: closed forms, quadrature, sampled networks."""

import functools

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.routes.static_ntk.kernels import initial_kernels
from tensorprog_mf.sites.moments import CLOSED, closed_moments, hermite_moments


def covariance(size=5, seed=1):
    """Covariance of `size` vectors, among them one vector of zero and two that are equal."""
    x = np.random.default_rng(seed).normal(size=(size, 4))
    x[1], x[2] = 0.0, x[0]
    return x @ x.T / 4


def integral(function, a, b, c, corner):
    """E[function(u, v)] over N(0, [[a, c], [c, b]]) by adaptive quadrature in polar angle; `corner`: kinks at
    u = 0, v = 0.

    For functions that are homogeneous in (u, v) away from the axes the radial integral is one of r^3 or r
    times a Gaussian.
    """
    from scipy.integrate import quad

    rho = c / np.sqrt(a * b)

    def at(angle):
        x, y = np.cos(angle), np.sin(angle)
        return function(np.sqrt(a) * x, np.sqrt(b) * (rho * x + np.sqrt(1 - rho**2) * y))

    zero = np.arctan2(-rho, np.sqrt(1 - rho**2))
    kinks = sorted(np.mod([np.pi / 2, -np.pi / 2, zero, zero + np.pi], 2 * np.pi))
    pieces = [0.0, *kinks, 2 * np.pi]
    total = sum(quad(at, lo, hi, epsabs=1e-14, epsrel=1e-13)[0] for lo, hi in zip(pieces, pieces[1:]))
    return total * {"feature": 2.0, "derivative": 1.0}[corner] / (2 * np.pi)


def product_of(activation, index, u, v):
    """phi(u) phi(v) (index 0) or phi'(u) phi'(v) (index 1)."""
    return float(activation(np.array([u]))[index][0] * activation(np.array([v]))[index][0])


@pytest.mark.parametrize("gain", [1.0, -0.7])
@pytest.mark.parametrize("name", ["linear", "erf", "quadratic"])
def test_closed_forms_of_smooth_activations_equal_quadrature(name, gain):
    k = covariance()
    activation = tp.Activation(name, gain)
    for closed, summed in zip(closed_moments(activation, k), hermite_moments(activation, k, 512)):
        np.testing.assert_allclose(closed, summed, atol=1e-10)


@pytest.mark.parametrize("gain", [1.0, -1.3])
@pytest.mark.parametrize("name", ["relu", "scaled_relu"])
def test_closed_forms_of_kinked_activations_equal_quadrature(name, gain):
    """Homogeneous functions leave an integral over the angle, E[r^2] = 2 over the radius, done piece by
    piece."""
    activation = tp.Activation(name, gain)
    for a, b, rho in ((0.7, 1.9, 0.3), (1.0, 1.0, -0.8), (2.5, 0.4, 0.95)):
        c = rho * np.sqrt(a * b)
        closed = closed_moments(activation, np.array([[a, c], [c, b]]))
        for index, which in enumerate(("feature", "derivative")):
            product = functools.partial(product_of, activation, index)
            assert abs(integral(product, a, b, c, which) - closed[index][0, 1]) < 1e-10
        one_sided = {"relu": 0.5, "scaled_relu": 1.0}[name] * gain**2
        np.testing.assert_allclose(np.diag(closed.feature), one_sided * np.array([a, b]), rtol=1e-14)
        np.testing.assert_allclose(np.diag(closed.derivative), one_sided, rtol=1e-14)


def test_inputs_of_zero_and_equal_inputs():
    for name in CLOSED:
        for moment in closed_moments(tp.Activation(name), covariance()):
            assert np.isfinite(moment).all()
            np.testing.assert_allclose(
                moment[0], moment[2], atol=3e-8
            )  # arccos near 1 keeps half of the digits
    for name in ("relu", "scaled_relu"):  # as the activation itself has it, the slope at a kink is 0
        assert (closed_moments(tp.Activation(name), covariance()).derivative[1] == 0).all()


def test_quadrature_states_its_error():
    """The change from half as many nodes bounds the error, and falls below 1e-12 for tanh at unit
    variance."""
    x = np.random.default_rng(0).normal(size=(4, 6))
    assert initial_kernels(tp.MLP(3, "tanh"), x).error < 1e-12
    steep = initial_kernels(tp.MLP(2, tp.Activation("tanh", 4.0)), x)
    assert 1e-9 < steep.error < 1e-2
    kinked = initial_kernels(tp.MLP(2, (lambda h: np.maximum(h, 0), lambda h: (h > 0) * 1.0)), x)
    exact = initial_kernels(tp.MLP(2, "relu"), x)
    assert exact.error == 0 < kinked.error < 0.05
    for a, b in zip(kinked[:2], exact[:2]):
        for mine, theirs in zip(a, b):
            assert np.abs(mine - theirs).max() <= 2 * kinked.error * np.abs(theirs).max()


def test_quadrature_that_cannot_see_the_slope_says_so(problem):
    """tanh of variance 10^6: both numbers of nodes miss phi', so that their change is small; Stein's lemma
    shows it."""
    assert initial_kernels(tp.MLP(1, "tanh"), 1000 * problem.inputs).error > 0.5
    with pytest.warns(tp.DataWarning, match="Inputs have"):
        large = tp.Problem(1000 * problem.inputs, problem.targets)
    with pytest.warns(tp.QuadratureWarning, match="kernel='sampled' does not depend on that"):
        ds = tp.static_ntk(tp.MLP(1), large, tp.Training(1, 0.1))
    assert ds.attrs["kernel_error"] > 0.5
    with pytest.raises(tp.InputError, match="are not finite at these inputs"):
        tp.static_ntk(
            tp.MLP(1, (lambda h: np.exp(h**2), lambda h: 2 * h * np.exp(h**2))), problem, tp.Training(1, 0.1)
        )


@pytest.mark.parametrize("activation", [*CLOSED, "tanh", "softplus"])
def test_initial_kernels_agree_with_sampled_ones(problem, activation):
    network = tp.MLP(3 if activation != "quadratic" else 2, activation)
    found = initial_kernels(network, problem.all_inputs)
    ds = tp.sample(
        network,
        problem,
        tp.Training(0, 1.0),
        n_samples=4096,
        n_replicates=16,
        draws="pseudo-random",
        samples=0,
    )
    for name, expected in (
        ("feature_kernel", found.feature),
        ("gradient_kernel", found.gradient),
        ("tangent_kernel", sum(found.tangent.values())),
    ):
        z = (np.abs(ds[name][0] - expected) / ds[f"{name}_stderr"][0]).values[
            ds[f"{name}_stderr"][0].values > 1e-9
        ]
        # Student's t with 15 degrees of freedom, about 100 entries: beyond 6.5 with chance 1e-5 each; biases
        # of 1/4096 are below half a standard error.
        assert z.max() < 6.5, name

"""Two-layer networks with other losses than the squared one, and with several outputs."""

import math

import numpy as np
import pytest
import scipy.optimize

import tensorprog_mf as tp
from tensorprog_mf.mean_field.two_layers.on_data import reduction

mf = tp.mean_field
RNG = np.random.default_rng(5)
X, SIGNS, SHARES = (
    RNG.normal(size=(6, 3)),
    np.array([1.0, -1, 1, 1, -1, -1]),
    np.array([0.1, 0.2, 0.3, 0.1, 0.1, 0.2]),
)
CLASSES = np.array([0, 1, 2, 2, 1, 0])
ROWS = RNG.normal(size=(6, 2))
CORNERS = mf.PiecewiseLinear(0.5, 1.5, -2.5, 7.5)


def exponential(f, y):
    return np.exp(-y * f)


def exponential_slope(f, y):
    return -y * np.exp(-y * f)


def softmax(f):
    powers = np.exp(f)
    return powers / powers.sum(axis=1, keepdims=True)


# Targets, loss, its derivative and its mean over examples, plainly.
PLAIN = {
    "logistic": (
        SIGNS,
        "logistic",
        lambda f, y: -y / (1 + np.exp(y * f)),
        lambda f, y: np.log1p(np.exp(-y * f)),
    ),
    "hinge": (SIGNS, "hinge", lambda f, y: -y * (y * f < 1), lambda f, y: np.maximum(0, 1 - y * f)),
    "own": (SIGNS, (exponential, exponential_slope), exponential_slope, exponential),
    "cross_entropy": (
        CLASSES,
        "cross_entropy",
        lambda f, y: softmax(f) - np.eye(3)[y],
        lambda f, y: -np.log(softmax(f)[range(6), y]),
    ),
    "squared, two outputs": (ROWS, "squared", lambda f, y: f - y, lambda f, y: ((f - y) ** 2).sum(axis=1)),
}


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_particles_of_a_plain_loop(name, decay):
    """Full-batch gradient descent of 40 neurons with bias, written down plainly; one output is a row of
    one."""
    targets, loss, slope, value = PLAIN[name]
    data = mf.FiniteData(X, targets, SHARES, loss)
    initial = {"a": tp.Gaussian(0.3, 1), "w": tp.Gaussian(), "b": tp.Gaussian(0, 0.5)}
    more = dict(method="euler", draws="pseudo-random", samples=40, bins=0, progress=False)
    ds = mf.distributional_dynamics(
        mf.Neuron("tanh", bias=True), data, initial, [0, 2.0], 0.1, 40, 1, weight_decay=decay, **more
    )
    start = ds.site_parameter[0].values.astype(float)
    heads = start.shape[1] - 4
    a, w, b = start[:, :heads], start[:, heads:-1], start[:, -1]

    def output():
        f = np.tanh(X @ w.T + b) @ a / 40
        return f if data.targets.ndim > 1 else f[:, 0]

    for _ in range(20):
        phi = np.tanh(X @ w.T + b)
        residual = (slope(output(), targets).T * SHARES).T.reshape(6, -1)
        back = (residual @ a.T) * (1 - phi**2)
        a, w, b = (
            a - 0.2 * (phi.T @ residual + decay * a),
            w - 0.2 * (back.T @ X + decay * w),
            b - 0.2 * (back.sum(axis=0) + decay * b),
        )
    # Sites are kept in single precision, from which the loop starts.
    np.testing.assert_allclose(ds.output[1], output(), atol=1e-5)
    np.testing.assert_allclose(ds.site_parameter[1], np.column_stack([a, w, b]), atol=1e-5)
    assert float(ds.risk[1]) == pytest.approx(SHARES @ value(output(), targets), abs=1e-5)
    np.testing.assert_allclose(ds.mean_field_residual[1], slope(output(), targets), atol=1e-4)
    energy = float(ds.risk[1]) / (2 if name.startswith("squared") else 1) + decay / 2 * float(
        ds.parameter_square[1].sum()
    )
    assert float(ds.free_energy[1]) == pytest.approx(energy, rel=1e-12)
    assert ds.output.dims == ("time", "example", "output")[: 1 + data.targets.ndim]


GAUSSIANS = [mf.AnisotropicGaussians(0.5, 0.25, loss="logistic"), mf.IsotropicGaussians(7, 0.5, loss="hinge")]


@pytest.mark.parametrize("data", [*PLAIN, *GAUSSIANS])
def test_residuals_pull_down_the_loss(data):
    """Differences of the free energy: N d E loss / d theta_i = sum_m p_m loss'_m grad sigma_*."""
    unit = mf.Neuron("scaled_relu" if data not in PLAIN else "softplus")
    found = reduction(
        unit, mf.FiniteData(X, PLAIN[data][0], SHARES, PLAIN[data][1]) if data in PLAIN else data
    )
    rng = np.random.default_rng(0)
    theta, weight = 0.2 + np.abs(rng.normal(size=(len(found.names), 5))), np.full(5, 0.2)
    output, seen = found.look(theta, weight)
    gradient, step = found.pull(theta, found.residual(output), seen), 1e-6
    np.testing.assert_array_equal(
        gradient, found.pull(theta, found.residual(output))
    )  # what was kept changes nothing
    for at in np.ndindex(theta.shape):
        moved = np.zeros_like(theta)
        moved[at] = step
        up, down = (found.mean_loss(found.output(theta + sign * moved, weight)) for sign in (1, -1))
        assert 5 * (up - down) / (2 * step) == pytest.approx(gradient[at], abs=1e-7)


@pytest.mark.parametrize("name", ["logistic", "cross_entropy", "squared, two outputs"])
def test_free_energy_falls_at_its_rate(name):
    """d F / dt = -2 E |grad Psi|^2: monotone, and by that much."""
    data = mf.FiniteData(X, *PLAIN[name][:1], SHARES, PLAIN[name][1])
    initial = {"a": tp.Gaussian(0.3, 1), "w": tp.Gaussian()}
    more = dict(weight_decay=0.05, draws="pseudo-random", samples=64, bins=0, progress=False)
    ds = mf.distributional_dynamics(
        mf.Neuron("tanh"), data, initial, [0.499, 0.5, 0.501, 3.0, 10.0], 0.02, 64, 1, **more
    )
    assert (np.diff(ds.free_energy) < 0).all()
    found = reduction(mf.Neuron("tanh"), data)
    theta = np.ascontiguousarray(ds.site_parameter[1].values.T.astype(float))
    gradient = found.pull(theta, found.residual(found.output(theta, np.full(64, 1 / 64)))) + 0.05 * theta
    rate = float(ds.free_energy[2] - ds.free_energy[0]) / 0.002
    assert rate == pytest.approx(-2 * (gradient**2).sum() / 64, rel=1e-4)


@pytest.mark.parametrize("loss, targets", [("logistic", SIGNS), ("cross_entropy", CLASSES)])
def test_the_other_way_to_the_limit(loss, targets):
    """`sample` of a network of depth one, inputs divided by sqrt(D), is the same limit by other code."""
    rate, steps = 0.2, 10
    problem, training = tp.Problem(X, targets, loss=loss), tp.Training(steps, rate)
    other = tp.sample(
        tp.MLP(1, "tanh"), problem, training, n_samples=512, n_replicates=4, record=[0, steps], progress=False
    )
    data, laws = mf.FiniteData(X / math.sqrt(3), targets, loss=loss), {"a": tp.Gaussian(), "w": tp.Gaussian()}
    more = dict(method="euler", bins=0, progress=False)
    ds = mf.distributional_dynamics(
        mf.Neuron("tanh"), data, laws, [0, rate / 2 * steps], rate / 2, 1024, 8, **more
    )
    # Standard errors pooled over outputs, of 4 and 8 replicates; 18 outputs at 5 of them: false alarm below
    # 1e-3.
    pooled = np.sqrt((ds.output_stderr[1] ** 2).mean() + (other.output_stderr[1] ** 2).mean())
    assert float(np.abs(ds.output[1].values - other.output[1].values).max()) < 5 * float(pooled) + 1 / 512
    assert float(pooled) < 0.02 and float(ds.risk[1]) == pytest.approx(float(other.loss[1]), abs=0.01)


def test_two_classes_are_the_logistic_loss_of_the_difference():
    """With output weights that stay, a1 - a0 in place of a."""
    laws, moves = {"w": tp.Gaussian(), "b": tp.Gaussian()}, ("w", "b")
    more = dict(times=[0, 1.0], n_samples=64, draws="pseudo-random", n_replicates=1, progress=False)
    unit = mf.Neuron("erf", bias=True, trained=moves)
    two = mf.distributional_dynamics(
        unit, mf.FiniteData(X, (SIGNS > 0) * 1, loss="cross_entropy"), laws | {"a": [-0.4, 1.6]}, **more
    )
    one = mf.distributional_dynamics(
        unit, mf.FiniteData(X, SIGNS, loss="logistic"), laws | {"a": 2.0}, **more
    )
    np.testing.assert_allclose(two.output[..., 1] - two.output[..., 0], one.output, atol=1e-12)
    np.testing.assert_allclose(two.risk, one.risk, atol=1e-12)
    assert two.parameter.values.tolist() == ["a0", "a1", "w0", "w1", "w2", "b"]


def test_logistic_loss_on_gaussians_of_infinite_dimension():
    """Outputs are those of two classes, a s_y / sqrt(2 pi) for relu; Euler steps of the norms written down
    plainly."""
    data = mf.AnisotropicGaussians(0.5, 0.25, loss="logistic")
    laws = {"a": tp.Gaussian(1, 1), "r1": tp.Uniform(0.2, 1), "r2": tp.Uniform(0.2, 1)}
    more = dict(draws="pseudo-random", method="euler", samples=50, progress=False)
    ds = mf.distributional_dynamics(mf.Neuron("relu"), data, laws, [0, 1.0], 0.1, 50, 1, **more)
    a, *r = ds.site_parameter[0].values.T.astype(float)
    for _ in range(10):
        s = np.array([np.sqrt((tau * r[0]) ** 2 + r[1] ** 2) for tau in (1.5, 0.5)]) / math.sqrt(2 * math.pi)
        f = s @ a / 50
        residual = np.array([-1 / (1 + np.exp(f[0])), 1 / (1 + np.exp(-f[1]))]) / 2
        slopes = residual[:, None] * a / (2 * math.pi * s)
        a, r = (
            a - 0.2 * residual @ s,
            [r[0] - 0.2 * np.array([1.5**2, 0.5**2]) @ slopes * r[0], r[1] - 0.2 * slopes.sum(axis=0) * r[1]],
        )
    np.testing.assert_allclose(
        ds.class_output[1],
        [np.sqrt((t * r[0]) ** 2 + r[1] ** 2) @ a / 50 / math.sqrt(2 * math.pi) for t in (1.5, 0.5)],
        atol=1e-6,
    )
    f = ds.class_output[1].values
    assert float(ds.risk[1]) == pytest.approx(
        (np.log1p(np.exp(-f[0])) + np.log1p(np.exp(f[1]))) / 2, abs=1e-12
    )


def test_logistic_loss_on_gaussians_of_finite_dimension():
    """The risk and its gradient by quadrature over |x| against drawn inputs."""
    data, unit = mf.IsotropicGaussians(7, 0.5, "logistic"), mf.Neuron(CORNERS)
    found = reduction(unit, data)
    rng = np.random.default_rng(1)
    y = rng.choice([1.0, -1.0], 20000)
    norms = np.linalg.norm(rng.normal(size=(20000, 7)), axis=1) * (1 + 0.5 * y)
    a, r = np.array([1.0, -0.4, 0.3]), np.array([0.3, 0.8, 1.2])
    # An infinite population of each size is isotropic: directions are averaged, f is a function of |x|.
    cosines = rng.normal(size=(4000, 7))
    cosines = cosines[:, 0] / np.linalg.norm(cosines, axis=1)
    grid = np.linspace(0, norms.max(), 300)
    f = np.interp(
        norms,
        grid,
        [np.mean(sum(ai * CORNERS(ri * s * cosines)[0] for ai, ri in zip(a, r))) / 3 for s in grid],
    )
    losses = np.log1p(np.exp(-y * f))
    found_loss = found.mean_loss(found.output(np.stack([a, r]), np.full(3, 1 / 3)))
    # 20000 inputs at 5 standard errors, and as much again for 4000 directions.
    assert found_loss == pytest.approx(losses.mean(), abs=10 * losses.std() / math.sqrt(20000))


def test_real_networks_with_the_logistic_loss():
    laws, data = {"a": tp.Gaussian(), "w": tp.Gaussian()}, mf.FiniteData(X, SIGNS, SHARES, "logistic")
    limit = mf.distributional_dynamics(mf.Neuron("tanh"), data, laws, [0, 1.0], 0.02, 4096, progress=False)
    ds = mf.train_particles(
        mf.Neuron("tanh"), data, laws, [0, 1.0], 400, 0.004, n_replicates=24, progress=False
    )
    # 12 mean outputs over 24 networks at 5 standard errors: false alarm below 1e-3; biases 1 / width and the
    # step.
    assert (np.abs(ds.output - limit.output) < 5 * ds.output_stderr + 1 / 400 + 0.004).all()
    assert (
        float(ds.risk[1]) == pytest.approx(float(limit.risk[1]), abs=0.02)
        and limit.risk[1] < limit.risk[0] - 0.1
    )
    gaussian = mf.train_particles(
        mf.Neuron("relu"),
        mf.IsotropicGaussians(20, 0.5, "logistic"),
        laws,
        [0, 0.1],
        50,
        0.01,
        n_replicates=2,
        progress=False,
    )
    assert float(gaussian.free_energy[0]) == pytest.approx(float(gaussian.risk[0]))


ONE = mf.Neuron("tanh", output_weight=False)


def test_certificates():
    """Bounds against a minimum over laws on the same probes by another solver; late runs get there, early
    ones do not."""
    data = mf.FiniteData([-1.0, 0.5, 2.0], [-1, 1, -1], [0.2, 0.5, 0.3], "logistic")
    slope, value = PLAIN["logistic"][2:]
    ds = mf.distributional_dynamics(
        ONE, data, {"w": tp.Gaussian(0.5, 1)}, [0, 300.0], 0.1, 128, 1, weight_decay=0.02, progress=False
    )
    late, early = (mf.certificate(ds, ONE, data, {"w": (-4, 4)}, nodes=61, time=index) for index in (1, 0))
    w = late.probe_value[:, 0].values
    values, cost = np.tanh(w[:, None] * data.inputs[:, 0]), 0.01 * w**2
    best = scipy.optimize.minimize(
        lambda c: (
            value(c @ values, data.targets) @ data.weights + c @ cost,
            values @ (data.weights * slope(c @ values, data.targets)) + cost,
        ),
        np.full(61, 1 / 61),
        jac=True,
        bounds=[(0, 1)] * 61,
        constraints={"type": "eq", "fun": lambda c: c.sum() - 1, "jac": lambda c: np.ones(61)},
        method="SLSQP",
        options={"ftol": 1e-10, "maxiter": 500},
    )
    scale = 0.01 * value(np.zeros(3), data.targets) @ data.weights
    assert float(late.lower_bound) <= best.fun + 1e-7 and float(late.best_objective) == pytest.approx(
        best.fun, abs=scale / 10
    )
    assert float(late.objective) == pytest.approx(float(ds.free_energy[1]), abs=1e-12)
    assert (late.attrs["verdict"], early.attrs["verdict"]) == ("reached", "not reached")


def test_where_noise_takes_the_law():
    """Boltzmann's law of the logistic loss solves its equation, and the Fokker-Planck equation gets there."""
    data, tau, decay = mf.FiniteData([-1.0, 0.5, 2.0], [-1, 1, -1], [0.2, 0.5, 0.3], "logistic"), 0.1, 0.4
    ds = mf.boltzmann(ONE, data, {}, tau, {"w": (-9, 9)}, decay, nodes=400)
    w = (ds.bin_edge[0, 1:] + ds.bin_edge[0, :-1]).values / 2
    f = ds.output[0].values
    potential = (
        np.tanh(w[:, None] * data.inputs[:, 0]) @ (data.weights * PLAIN["logistic"][2](f, data.targets))
        + decay / 2 * w**2
    )
    density = np.exp(-potential / tau)
    density /= density.sum() * (w[1] - w[0])
    np.testing.assert_allclose(ds.density[0, 0], density, atol=1e-10)
    np.testing.assert_allclose(
        density @ np.tanh(w[:, None] * data.inputs[:, 0]) * (w[1] - w[0]), f, atol=1e-10
    )
    grid = mf.fokker_planck(ONE, data, {"w": tp.Gaussian()}, [0, 1, 3, 30], tau, (-9, 9), decay, 0.2, 120)
    np.testing.assert_allclose(grid.output[-1], f, atol=1e-6)
    assert (
        float(grid.free_energy[-1]) == pytest.approx(float(ds.free_energy[0]), abs=1e-6)
        and (np.diff(grid.free_energy) < 0).all()
    )
    np.testing.assert_allclose(grid.mean_field_residual[-1], PLAIN["logistic"][2](f, data.targets), atol=1e-6)


def test_classes_by_name():
    """Words, as in `tp.Problem`: the order of the outputs is told, and a class without example is warned
    of."""
    words = np.array(["cat", "dog", "owl"])[CLASSES]
    more = dict(times=[0.0, 0.5], n_samples=64, n_replicates=2, progress=False)
    laws = {"a": tp.Gaussian(), "w": tp.Gaussian()}
    ds, numbered = (
        mf.distributional_dynamics(
            mf.Neuron("tanh"), mf.FiniteData(X, targets, loss="cross_entropy"), laws, **more
        )
        for targets in (words, CLASSES)
    )
    assert ds.class_label.values.tolist() == ["cat", "dog", "owl"] and ds.class_label.dims == ("output",)
    np.testing.assert_array_equal(ds.output, numbered.output)
    np.testing.assert_array_equal(
        mf.FiniteData(X, words[:2].repeat(3), loss="logistic").targets, [-1] * 3 + [1] * 3
    )
    with pytest.warns(tp.DataWarning, match="'emu' has no training example"):
        wider = mf.FiniteData(X, words, loss="cross_entropy", classes=("emu", "cat", "dog", "owl"))
    assert wider.targets.shape == (6, 4) and wider.describe()["classes"][0] == "emu"


def many():
    return mf.FiniteData(X, CLASSES, loss="cross_entropy")


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: mf.FiniteData(X, SIGNS, loss="cubic"), tp.InputError, "loss='cubic' is unknown"),
        (lambda: mf.FiniteData(X, CLASSES, loss="logistic"), tp.InputError, "these have 3"),
        (lambda: mf.FiniteData(X, X[:, 0], loss="cross_entropy"), tp.InputError, "labels of classes must be"),
        (lambda: mf.FiniteData(X, 0 * SIGNS, loss="cross_entropy"), tp.InputError, "1 class"),
        (lambda: mf.FiniteData(X, np.ones((6, 2)), loss="cross_entropy"), tp.InputError, "add up to 1"),
        (lambda: mf.FiniteData(X, np.ones((6, 2, 2))), tp.InputError, "or one row of outputs"),
        (lambda: mf.IsotropicGaussians(5, 0.5, "cross_entropy"), tp.UnsupportedError, "take 'logistic'"),
        (lambda: reduction(ONE, many()), tp.UnsupportedError, "Neuron without output weight has one output"),
        (
            lambda: reduction(mf.UserUnit(np.tanh, ("a",)), many()),
            tp.UnsupportedError,
            "UserUnit has one output",
        ),
        (
            lambda: mf.boltzmann(mf.Neuron(), many(), {}, 0.1, {}),
            tp.UnsupportedError,
            "boltzmann is for one output",
        ),
        (
            lambda: mf.fokker_planck(mf.Neuron(), many(), {}, [1], 0.1, (-1, 1)),
            tp.UnsupportedError,
            "fokker_planck is for one output",
        ),
        (
            lambda: mf.boltzmann(ONE, mf.FiniteData([1.0], [1.0], loss="hinge"), {}, 0.1, {"w": (-5, 5)}),
            tp.UnsupportedError,
            "hinge",
        ),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_certificates_refuse():
    more = dict(times=[0.0], n_samples=8, n_replicates=1, progress=False)
    ds = mf.distributional_dynamics(mf.Neuron("tanh"), many(), {"a": 1.0, "w": tp.Gaussian()}, **more)
    with pytest.raises(tp.UnsupportedError, match="certificate is for one output"):
        mf.certificate(ds, mf.Neuron("tanh"), many(), {})
    for loss in ((exponential, exponential_slope), "hinge"):
        data = mf.FiniteData(X, SIGNS, loss=loss)
        ds = mf.distributional_dynamics(ONE, data, {"w": tp.Gaussian()}, **more)
        with pytest.raises(tp.UnsupportedError, match="squared and logistic losses"):
            mf.certificate(ds, ONE, data, {"w": (-4, 4)})
    signs = mf.FiniteData(X, SIGNS, loss="logistic")
    ds = mf.distributional_dynamics(ONE, signs, {"w": tp.Gaussian()}, **more)
    with pytest.raises(tp.InputError, match="other data"):
        mf.certificate(ds, ONE, mf.FiniteData(X, SIGNS), {"w": (-4, 4)})

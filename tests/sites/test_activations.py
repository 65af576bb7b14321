"""Activations by name, with options, and of one's own: derivatives, kernels, refusals, files."""

import json
import warnings

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.cli import config
from tensorprog_mf.routes.static_ntk.kernels import initial_kernels
from tensorprog_mf.sites.activations import as_activation, own
from tensorprog_mf.sites.activations.named import NAMED
from tensorprog_mf.sites.moments import CLOSED, closed_moments, hermite_moments
from tests.helpers.marks import heavy_tailed, short_of_draws

VARIANTS = [
    *(tp.Activation(name) for name in NAMED),
    tp.Activation("leaky_relu", slope=0.3),
    tp.Activation("leaky_relu", slope=-1),
    tp.Activation("softplus", sharpness=5.0),
    tp.Activation("hermite", order=1),
    tp.Activation("hermite", order=5),
    tp.Activation("gelu", gain=-1.7),
    tp.Activation("softplus", gain=0.5, sharpness=3.0),
]


def labels(activation):
    return json.dumps(activation.describe())


@pytest.mark.parametrize("activation", VARIANTS, ids=labels)
def test_derivatives_are_differences_and_nothing_overflows(activation):
    h = np.random.default_rng(0).normal(size=(3, 200)) * 2
    h = h[:, np.abs(h).min(axis=0) > 1e-4]
    step = 1e-5
    slope = (activation(h + step)[0] - activation(h - step)[0]) / (2 * step)
    np.testing.assert_allclose(activation(h)[1], slope, rtol=1e-7, atol=1e-8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(all="raise", under="ignore"):
            for values in activation(np.array([-800.0, -40.0, 0.0, 40.0, 800.0])):
                assert np.isfinite(values).all() and values.dtype == float


def test_what_names_mean():
    """Against formulas as they are written elsewhere, at a point on either side."""
    from math import erf, exp, expm1, log, sin, sqrt

    h = np.array([-1.3, 0.7])
    formulas = {
        "gelu": lambda v: v * (1 + erf(v / sqrt(2))) / 2,
        "silu": lambda v: v / (1 + exp(-v)),
        "sin": sin,
        "elu": lambda v: v if v > 0 else expm1(v),
        "leaky_relu": lambda v: v if v > 0 else 0.01 * v,
        "softplus": lambda v: log(1 + exp(v)),
        "hermite": lambda v: (v * v - 1) / sqrt(2),
    }
    for name, formula in formulas.items():
        np.testing.assert_allclose(tp.Activation(name)(h)[0], [formula(v) for v in h], rtol=1e-14)
    np.testing.assert_allclose(
        tp.Activation("hermite", order=3)(h)[0], (h**3 - 3 * h) / np.sqrt(6), rtol=1e-13
    )
    np.testing.assert_allclose(
        tp.Activation("softplus", sharpness=5.0)(h)[0], np.log1p(np.exp(5 * h)) / 5, rtol=1e-13
    )


def test_hermite_polynomials_are_orthonormal():
    one = np.ones((1, 1))
    for order in (1, 2, 7):
        activation = tp.Activation("hermite", order=order)
        np.testing.assert_allclose(closed_moments(activation, one).feature, 1.0, rtol=1e-13)
        np.testing.assert_allclose(closed_moments(activation, one).derivative, order, rtol=1e-13)


COVARIANCE = np.array(
    [[1.4, 0.6, 0.0, -0.5], [0.6, 0.7, 0.0, -0.1], [0.0, 0.0, 0.0, 0.0], [-0.5, -0.1, 0.0, 2.0]]
)


@pytest.mark.parametrize("activation", [a for a in VARIANTS if a.name in CLOSED], ids=labels)
def test_closed_kernels_equal_quadrature(activation):
    """Gauss-Hermite nodes: to rounding for smooth functions; with kinks to 4e-4 and 2e-2."""
    for which, (closed, summed) in enumerate(
        zip(closed_moments(activation, COVARIANCE), hermite_moments(activation, COVARIANCE, 1024))
    ):
        error = np.abs(closed - summed).max() / np.abs(closed).max()
        assert error < ((6e-4, 2e-2)[which] if activation.kinked else 1e-11), which


@pytest.mark.parametrize("slope", [0.2, -1.0, 1.7])
def test_leaky_kernels_are_those_of_their_two_sides(slope):
    """phi(u) = a relu(u) - b relu(-u), whose arc-cosine kernels are known: those of (u, v) and (u, -v)."""
    a, b = 1.0, slope
    same = closed_moments(tp.Activation("relu"), COVARIANCE)
    turned = [
        closed_moments(tp.Activation("relu"), np.array([[k[0, 0], -k[0, 1]], [-k[0, 1], k[1, 1]]]))
        for k in [COVARIANCE[:2, :2]]
    ][0]
    found = closed_moments(tp.Activation("leaky_relu", slope=slope), COVARIANCE)
    feature = (a * a + b * b) * same.feature[0, 1] - 2 * a * b * turned.feature[0, 1]
    derivative = (a * a + b * b) * same.derivative[0, 1] + 2 * a * b * turned.derivative[0, 1]
    np.testing.assert_allclose(found.feature[0, 1], feature, rtol=1e-12)
    np.testing.assert_allclose(found.derivative[0, 1], derivative, rtol=1e-12)
    at_zero = found.derivative[2, [0, 2]]  # where phi' is the slope
    np.testing.assert_allclose(at_zero, [slope * (1 + slope) / 2, slope**2], rtol=1e-14)


@pytest.mark.parametrize(
    "activation",
    [
        "gelu",
        "silu",
        "sin",
        "elu",
        {"name": "leaky_relu", "slope": 0.1},
        {"name": "softplus", "sharpness": 5},
        {"name": "hermite", "order": 2},
    ],
    ids=str,
)
@heavy_tailed
def test_kernels_agree_with_sampled_ones(problem, activation):
    network = tp.MLP(2, activation)
    found = initial_kernels(network, problem.all_inputs)
    assert found.error < 1e-3
    ds = tp.sample(
        network,
        problem,
        tp.Training(0, 1.0),
        n_samples=2048,
        n_replicates=16,
        draws="pseudo-random",
        samples=0,
        progress=False,
    )
    for name, expected in (("feature_kernel", found.feature), ("gradient_kernel", found.gradient)):
        z = (np.abs(ds[name][0] - expected) / ds[f"{name}_stderr"][0]).values
        # Student's t with 15 degrees of freedom, 50 entries: beyond 6.5 with chance 1e-5 each; biases of
        # 1/2048 are below a standard error.
        assert z.max() < 6.5, name


def test_quadrature_of_what_bends_states_its_error():
    """elu, whose slope has a corner: the change from half as many nodes is the error, one over nodes."""
    k = COVARIANCE[:2, :2]
    coarse, middle, fine = (
        hermite_moments(tp.Activation("elu"), k, nodes).derivative[0, 1] for nodes in (256, 512, 1024)
    )
    assert 1.8 < (middle - coarse) / (fine - middle) < 2.2 and 1e-5 < abs(fine - middle) < 1e-3
    assert 1e-5 < initial_kernels(tp.MLP(1, "elu"), np.eye(3)).error < 1e-3


def test_options_are_part_of_what_is_described():
    assert tp.Activation("softplus", 2.0, sharpness=5).describe() == {
        "name": "softplus",
        "gain": 2.0,
        "sharpness": 5.0,
    }
    for activation in VARIANTS:
        assert as_activation(json.loads(json.dumps(activation.describe()))) == activation
    assert tp.Activation("relu", kinked=False).describe() == {"name": "relu", "gain": 1.0, "kinked": False}
    one, other = (
        tp.MLP(1, (lambda h, a=a: a * h, lambda h, a=a: np.full_like(h, a))).describe()["activation"]
        for a in (1.0, 2.0)
    )
    assert one["name"] == other["name"] and one != other  # two functions of a name are two functions


SIGN = (np.abs, np.sign)
LEAKY = (lambda h: np.where(h > 0, h, 0.99 * h), lambda h: np.where(h > 0, 1.0, 0.99))
SHIFTED = (lambda h: np.maximum(h - 0.7, 0), lambda h: h > 0.7)


@pytest.mark.parametrize(
    "pair, kinked",
    [
        (SIGN, True),
        (LEAKY, True),
        (SHIFTED, True),
        ((lambda h: np.clip(h, -1, 1), lambda h: (np.abs(h) < 1) * 1.0), True),
        ((np.sin, np.cos), False),
        ((np.exp, np.exp), False),
        ((lambda h: h**3, lambda h: 3 * h**2), False),
        ((lambda h: np.tanh(200 * h), lambda h: 200 / np.cosh(np.minimum(np.abs(200 * h), 300)) ** 2), False),
        ((lambda h: h / (1 + np.abs(h)), lambda h: (1 + np.abs(h)) ** -2.0), False),
        ((lambda h: np.tanh(h.astype(np.float32)), lambda h: 1 - np.tanh(h.astype(np.float32)) ** 2), False),
    ],
)
def test_kinks_are_found(pair, kinked):
    activation = as_activation(pair)
    assert activation.kinked is kinked
    for values in activation(np.array([[-0.5, 0.5]])):
        assert values.dtype == float  # of what a function gives as truth values or in single precision


def test_kinks_of_names_are_those_found_in_their_functions():
    for activation in VARIANTS:
        assert own.checked("x", activation) is activation.kinked, activation
    assert not tp.Activation("leaky_relu", slope=1).kinked
    assert tp.Activation("mine", function=lambda h: (np.sin(h), np.cos(h)), kinked=True).kinked


def not_one_by_one(h):
    return h / np.std(h)


@pytest.mark.parametrize(
    "pair, message",
    [
        (
            (np.sin, np.sin),
            r"'custom \(sin\)': phi' is not the derivative of phi: phi'\(-?\d.* is .*, but the slope of phi",
        ),
        ((np.tanh, np.tanh), "is not the derivative"),
        ((np.sin, lambda h: 1.02 * np.cos(h)), "is not the derivative"),
        (
            (lambda h: np.where(h > 2, 2 * h, h), np.ones_like),
            r"phi'\(2\.\d+\) is 1, but the slope of phi there is 2",
        ),
        ((np.sin, lambda h: np.ones(1)), r"phi'\(h\) has shape \(1,\) where h has \(2, 512\).*np.full_like"),
        ((lambda h: h[0], np.cos), r"phi\(h\) has shape \(512,\)"),
        (
            (np.sin, lambda h: 1.0),
            r"phi'\(h\) is float where h is an array; it must be an array of real numbers",
        ),
        ((np.sin, lambda h: None), r"phi'\(h\) is NoneType"),
        ((lambda h: 1j * h, np.cos), r"phi\(h\) is complex128"),
        ((np.log, lambda h: 1 / h), r"phi\(-3.99.\) is nan; it must be finite"),
        ((np.sin, lambda h: np.where(np.abs(h) < 0.1, np.inf, np.cos(h))), r"phi'\(-0.0.*\) is inf"),
        ((not_one_by_one, np.ones_like), "of an entry depends on the others"),
        ((lambda h: np.maximum(h, 0, out=h), lambda h: (h > 0) * 1.0), "writes into the array"),
        (
            (np.sin, lambda h, power: h),
            "failed on a numpy array of shape .*TypeError.*take and return numpy arrays",
        ),
    ],
)
def test_own_pairs_that_are_none_are_refused_with_the_place(pair, message):
    with pytest.raises(tp.InputError, match=message):
        tp.MLP(2, pair)


class LeakyReLU:
    """As of another library."""

    def __call__(self, x):
        return x


def relu(x):
    """As of another library."""


def mish(x):
    """Of another library, and not here."""


@pytest.mark.parametrize(
    "given, message",
    [
        (np.tanh, 'activation=tanh: a function without its derivative is not enough; pass activation="tanh"'),
        (relu, 'pass activation="relu"'),
        (LeakyReLU, 'pass activation="leaky_relu"'),
        (LeakyReLU(), 'pass activation="leaky_relu"'),
        (mish, r"activation=mish: .*pass a pair \(phi, dphi\) of functions on numpy arrays"),
        ("swish", "activation='swish' is unknown; here it is 'silu'"),
        ("LeakyReLU", "here it is 'leaky_relu'"),
        ("tahn", "did you mean 'tanh'"),
        (None, "is not a name"),
        ((np.tanh,), "is not a name"),
        ((np.tanh, None), "is not a name"),
        (["relu"], "is not a name"),
        ({"name": "relu", "slope": 0.1}, "activation 'relu' has no slope; leave slope=0.1 out"),
        ({"slope": 0.1}, "needs a name in quotes"),
        (
            {"name": "leaky_relu", "slop": 0.1},
            "slop in its table is unknown; choose from name, gain, kinked, slope",
        ),
        ({"name": "hermite", "order": 0}, "order=0 must be a whole number, 1 or more"),
        ({"name": "hermite", "order": 1000}, "at most 100"),
        ({"name": "softplus", "sharpness": -1}, "activation sharpness=-1 must be positive"),
        ({"name": "leaky_relu", "slope": np.nan}, "activation slope=nan must be finite"),
    ],
)
def test_what_is_no_activation_gets_a_sentence(given, message):
    with pytest.raises(tp.InputError, match=message):
        tp.MLP(2, given)


CONFIG = """[problem]
inputs = [[1.0, 0.5], [0.0, -1.0]]
targets = [1, -1]
[training]
steps = 1
learning_rate = 0.1
[network]
depth = 1
{}
"""


@pytest.mark.parametrize(
    "text, activation",
    [
        ('activation = "gelu"', tp.Activation("gelu")),
        ('activation = "silu"\ngain = 2.0', tp.Activation("silu", 2.0)),
        ('activation = {name = "leaky_relu", slope = 0.1}', tp.Activation("leaky_relu", slope=0.1)),
        ('activation = {name = "hermite", order = 3, gain = 0.5}', tp.Activation("hermite", 0.5, order=3)),
        ('[network.activation]\nname = "softplus"\nsharpness = 5', tp.Activation("softplus", sharpness=5)),
    ],
)
def test_files_say_the_same_as_python(tmp_path, text, activation):
    (tmp_path / "m.toml").write_text(CONFIG.format(text))
    assert (
        config.read(tmp_path / "m.toml").network == tp.MLP(1, activation) == tp.MLP(1, activation.describe())
    )


@pytest.mark.parametrize(
    "text, message",
    [
        ('activation = {name = "gelu", gain = 2}\ngain = 2.0', "gives gain twice"),
        ('activation = ["gelu"]', "must be a name in quotes, or a table"),
        ('activation = {name = "gelu", function = "x"}', "function in its table is unknown"),
    ],
)
def test_files_that_cannot_be_get_a_sentence(tmp_path, text, message):
    (tmp_path / "m.toml").write_text(CONFIG.format(text))
    with pytest.raises(tp.InputError, match=message):
        config.read(tmp_path / "m.toml")


SMALL = dict(n_samples=512, n_replicates=2, progress=False)


@pytest.mark.parametrize(
    "activation",
    [
        "relu",
        tp.Activation("leaky_relu", slope=0.1),
        (lambda h: np.where(h > 0, h, 0.1 * h), lambda h: np.where(h > 0, 1.0, 0.1)),
        SIGN,
    ],
    ids=["relu", "leaky_relu", "pair", "absolute"],
)
def test_perturbation_heeds_kinks(problem, activation):
    """Near sample on the same draws; with probes of smooth ones a leaky relu had errors of 1.6 on 0.4."""
    network, training = tp.MLP(2, activation, richness=0.2), tp.Training(8, 0.2)
    with warnings.catch_warnings():
        warnings.simplefilter("error", tp.ToleranceWarning)
        ds = tp.perturbation(network, problem, training, **SMALL)
    settings = json.loads(ds.attrs["settings_json"])
    assert settings["order"] == 2 and max(settings["probes"]) == 0.4
    run = tp.sample(network, problem, training, **SMALL)
    assert np.abs(ds.output - run.output).max() < 0.1 and ds.output_stderr.max() < 0.1


@short_of_draws
def test_perturbation_that_is_noise_says_so(problem):
    with pytest.warns(
        tp.ToleranceWarning, match="standard errors of outputs .* are of the size of outputs .* larger probes"
    ):
        tp.perturbation(
            tp.MLP(2, tp.Activation("relu", kinked=False), richness=0.5),
            problem,
            tp.Training(8, 0.2),
            probes=[0.001, 0.002, 0.003, 0.004],
            order=3,
            **SMALL,
        )


def test_mean_field_takes_names_where_it_can():
    mf = tp.mean_field
    rng = np.random.default_rng(0)
    data = mf.FiniteData(rng.normal(size=(6, 2)), rng.normal(size=6))
    start = {"a": tp.Gaussian(0.0, 1.0), "w0": tp.Gaussian(0.0, 1.0), "w1": tp.Gaussian(0.0, 1.0)}
    for name in ("gelu", "tanh"):
        named = tp.Activation(name, 1.3)
        pair = (lambda h, n=named: n(h)[0], lambda h, n=named: n(h)[1])
        both = [
            mf.distributional_dynamics(
                mf.Neuron(phi), data, start, times=[0.0, 0.2], n_samples=256, n_replicates=1, progress=False
            )
            for phi in (named, pair)
        ]
        np.testing.assert_allclose(both[0].risk, both[1].risk, rtol=1e-12)
    with pytest.raises(
        tp.UnsupportedError,
        match="no compiled kernel for activation 'gelu'; take linear.*or distributional_dynamics",
    ):
        mf.train_particles(mf.Neuron("gelu"), data, start, [0.0, 0.1], width=8, step=0.1)
    with pytest.raises(tp.UnsupportedError, match="no kernel for activation 'softplus'"):
        mf.train_autoencoder(
            [2.0, 1.0], tp.Activation("softplus", sharpness=5), 0.1, 0.1, [0.1], step=0.1, width=4
        )


def test_autoencoders_with_leaky_relu():
    """Linear on both sides: gamma = (1 + slope) / 2, and the flow is that of relu with another gain."""
    mf, slope, times = tp.mean_field, 0.3, [0.0, 1.0, 4.0]
    leaky = mf.autoencoder([2.0, 1.0], tp.Activation("leaky_relu", slope=slope), 0.4, 0.1, times)
    scaled = mf.autoencoder([2.0, 1.0], tp.Activation("relu", gain=1 + slope), 0.4, 0.1, times)
    np.testing.assert_allclose(leaky.gain, scaled.gain, rtol=1e-12)

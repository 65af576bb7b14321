"""Bad input gets one clear sentence."""

import numpy as np
import pytest

import tensorprog_mf as tp

X, Y = np.eye(3), np.array([1.0, -1.0, 1.0])


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: tp.Problem(X, Y[:2]), "3 inputs but 2 targets"),
        (lambda: tp.Problem(X, Y, np.eye(2)), "test_inputs have 2 features, inputs 3"),
        (lambda: tp.Problem(X * np.nan, Y), "inputs contain NaN"),
        (lambda: tp.Problem(np.zeros((0, 3)), []), "inputs are empty"),
        (
            lambda: tp.Problem(X, [0.0, 1.0, 2.0], loss="logistic"),
            'have 3, 0, 1, 2: take loss="cross_entropy"',
        ),
        (lambda: tp.Problem(X, Y, loss="huber"), "loss='huber' is unknown"),
        (lambda: tp.Problem(X[0], Y), "shape \\(3,\\); 2 or 3 or 4 dimensions are needed"),
        (lambda: tp.Problem([["a"]], [1.0]), "cannot be read as numbers"),
        (lambda: tp.Problem(X * 1j, Y), "inputs are complex"),
        (lambda: tp.MLP(0), "depth=0"),
        (lambda: tp.MLP(2.5), "depth=2.5"),
        (lambda: tp.MLP("2"), "depth='2'"),
        (lambda: tp.Training(3, "0.1"), "learning_rate='0.1'"),
        (lambda: tp.sample(tp.MLP(1), tp.Problem(X, Y), tp.Training(1, 0.1), n_samples=1), "above 1.*use 2"),
        (lambda: tp.sample(tp.MLP(1), tp.Problem(X, Y), tp.Training(1, 0.1), threads=-1), "threads=-1"),
        (lambda: tp.sample(tp.MLP(1), tp.Problem(X, Y), tp.Training(1, 0.1), seed="a"), "seed='a'"),
        (lambda: tp.MLP(2, "sigmoid"), "activation='sigmoid' is unknown; choose from linear"),
        (lambda: tp.MLP(2, 3), "not a name"),
        (lambda: tp.MLP(2, richness=0.0), "richness=0.0 must be positive.*0.01"),
        (lambda: tp.Activation("tanh", gain=0.0), "gain=0.0"),
        (lambda: tp.Training(-1, 0.1), "steps=-1"),
        (lambda: tp.Training(3, -0.1), "learning_rate=-0.1 must be positive"),
        (lambda: tp.Training(3, 0.1, momentum=1.0), "momentum=1.0"),
        (lambda: tp.Training(3, 0.1, weight_decay=-1.0), "weight_decay=-1.0"),
        (
            lambda: tp.sample(tp.MLP(1), tp.Problem(X, Y), tp.Training(1, 0.1, multipliers=())),
            "0 multipliers but 2 weights",
        ),
        (lambda: tp.Training(3, 0.1, multipliers=(1, -1)), "multipliers=-1 must be 0 or more"),
        (
            lambda: tp.sample(tp.MLP(2), tp.Problem(X, Y), tp.Training(1, 0.1, multipliers=(1, 1))),
            "2 multipliers but 3 weights \\(W0, W1, w\\)",
        ),
        (
            lambda: tp.sample(tp.MLP(1), tp.Problem(X, Y), tp.Training(1, 0.1), n_samples=100),
            "n_samples=100 is not a power of two",
        ),
        (
            lambda: tp.sample(tp.MLP(1), tp.Problem(X, Y), tp.Training(1, 0.1), n_replicates=0),
            "n_replicates=0",
        ),
        (lambda: tp.sample(tp.MLP(1), tp.Problem(X, Y), tp.Training(1, 0.1), samples=-1), "samples=-1"),
        (lambda: tp.sample(tp.MLP(1), tp.Problem(X, Y), tp.Training(1, 0.1), seed=-1), "seed=-1"),
        (lambda: tp.sample(tp.MLP(1), tp.Problem(X, Y), tp.Training(1, 0.1), tolerance=0.0), "tolerance=0.0"),
        (
            lambda: tp.train_finite(tp.MLP(1), tp.Problem(X, Y), tp.Training(1, 0.1), matrix="untied"),
            "choose 'dense' or",
        ),
        (
            lambda: tp.train_finite(tp.MLP(1), tp.Problem(X, Y), tp.Training(1, 0.1), width=0),
            "width=0 must be a whole number, 1 or more",
        ),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(tp.InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_numpy_numbers_and_whole_floats_are_welcome(tmp_path):
    network = tp.MLP(np.int64(2), tp.Activation("tanh", gain=np.float32(0.5)), np.float32(0.5))
    training = tp.Training(2.0, np.float32(0.25), np.float64(0.5), np.float32(0.125))
    numbers = dict(
        n_samples=np.int64(64), n_replicates=2.0, seed=np.int32(3), samples=4.0, record=np.array([0, 2])
    )
    ds = tp.sample(network, tp.Problem(X, Y), training, **numbers)
    plain = tp.sample(
        tp.MLP(2, tp.Activation("tanh", gain=0.5), 0.5),
        tp.Problem(X, Y),
        tp.Training(2, 0.25, 0.5, 0.125),
        n_samples=64,
        n_replicates=2,
        seed=3,
        samples=4,
        record=[0, 2],
    )
    assert ds.output.identical(plain.output) and ds.attrs["settings_json"] == plain.attrs["settings_json"]
    tp.save(ds, tmp_path / "run.nc")


def test_data_arrays_are_read_by_name():
    import xarray as xr

    square = np.arange(9.0).reshape(3, 3)
    turned = xr.DataArray(square.T, dims=("feature", "example"))
    np.testing.assert_array_equal(tp.Problem(turned, Y).inputs, square)


def test_an_own_linear_is_not_taken_for_the_built_in():
    def linear(h):
        return np.tanh(h)

    network = tp.MLP(2, (linear, lambda h: 1 - np.tanh(h) ** 2))
    with pytest.raises(tp.UnsupportedError, match="use tp.sample"):
        tp.solve_linear(network, tp.Problem(X, Y), tp.Training(2, 0.1))
    assert network.describe()["activation"]["name"] == "custom (linear)"


def test_data_arrays_and_own_activations_are_welcome():
    import xarray as xr

    problem = tp.Problem(xr.DataArray(X, dims=("example", "feature")), xr.DataArray(Y, dims="example"))
    own = tp.MLP(2, (np.tanh, lambda h: 1 - np.tanh(h) ** 2))
    settings = dict(n_samples=64, n_replicates=1)
    a, b = (
        tp.sample(network, problem, tp.Training(2, 0.2), **settings) for network in (own, tp.MLP(2, "tanh"))
    )
    np.testing.assert_allclose(a.output, b.output, atol=1e-12)


def test_logistic_loss_is_stable_and_consistent():
    problem = tp.Problem(X, Y, loss="logistic")
    f = np.array([800.0, 800.0, 0.3])
    assert problem.mean_loss(f) == pytest.approx((0 + 800 + np.log1p(np.exp(-0.3))) / 3)
    for g in (f[2:], np.array([-0.7])):
        step = 1e-6
        one = tp.Problem([[1.0]], [1.0], loss="logistic")
        numeric = -(one.mean_loss(g + step) - one.mean_loss(g - step)) / (2 * step)
        assert one.error_signal(g)[0] == pytest.approx(numeric, rel=1e-8)
    assert np.isfinite(problem.error_signal(f)).all()


@pytest.mark.parametrize(
    "network, shape, message",
    [
        (tp.MLP(1), (2, 1, 4), "inputs of MLP are \\(example, feature\\); these have 3 dimensions"),
        (tp.RNN(), (2, 4), "inputs of RNN are \\(example, position, feature\\)"),
        (tp.Transformer(1), (2, 4), "inputs of Transformer are \\(example, token, feature\\)"),
        (tp.CNN(1), (2, 4), "inputs of CNN are \\(example, channel, row\\)"),
        (tp.CNN(1, kernel=(3, 3)), (2, 1, 4), "kernel=\\(3, 3\\) has 2 axes, inputs have 1"),
        (tp.CNN(2, pooling=3), (2, 1, 4), "pooling by 3 does not divide the grid \\(4,\\)"),
        (tp.Transformer(1, head_dimension=3), (2, 2, 4), "head_dimension=3 does not divide the 64 units"),
    ],
)
def test_inputs_of_a_wrong_shape(network, shape, message):
    with pytest.raises(tp.InputError, match=message):
        tp.sample(
            network, tp.Problem(np.ones(shape), np.ones(2)), tp.Training(1, 0.1), n_samples=64, n_replicates=1
        )

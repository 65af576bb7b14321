"""Networks other than the MLP: their layers against finite differences, whole runs against plain numpy."""

import warnings

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.matrices.realization import Realization
from tensorprog_mf.matrices.sampling import Sampling
from tensorprog_mf.matrices.stored import StoredMatrix
from tests.helpers.architectures import NETWORKS, examples
from tests.helpers.passes import gradients as back_propagated
from tests.helpers.passes import tangent_kernel, taught_gradients
from tests.helpers.plain_architectures import Plain
from tests.helpers.stored import stored

WIDTH = 6


def model(network, inputs, outputs=1):
    realization = Realization(
        Sampling(n_samples=WIDTH, matrix="dense", draws="pseudo-random", seed=0, centred=False), 0, outputs
    )
    composition = network.compose(realization, inputs)
    return composition, composition.layers.initial()


def differences(function, array, step=1e-5):
    """Central differences of a function by every entry of an array that it reads."""
    found = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        kept, ends = array[index], []
        for sign in (1, -1):
            array[index] = kept + sign * step
            ends.append(function())
        array[index] = kept
        found[index] = (ends[0] - ends[1]) / (2 * step)
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_agree_with_finite_differences(name):
    """d(width * sum_v weights_v y_v) / d(every entry of every parameter): central differences, relative
    1e-6."""
    network, shape = NETWORKS[name]
    inputs, weights = examples(shape), np.array([0.7, -1.1, 0.4])
    composition, parameters = model(network, inputs)
    layers = composition.layers
    # Away from the start, where learned parts are zero.
    for seed, parameter in enumerate(parameters.values()):
        parameter.learned += 0.3 * np.random.default_rng(seed).normal(size=parameter.learned.shape)
    gradients = back_propagated(layers, parameters, np.ones((1, 3, 1)), weights)
    assert gradients.keys() == parameters.keys()
    for key, parameter in parameters.items():
        numeric = differences(
            lambda: WIDTH * weights @ layers.forward(parameters, slice(None))[0][:, 0], parameter.learned
        )
        assert np.abs(numeric).max() > 1e-6, key
        # The input matrix is kept in coordinates of the inputs' span, an orthonormal change of its entries.
        np.testing.assert_allclose(
            gradients[key].learned, numeric, atol=1e-6 * np.abs(numeric).max(), err_msg=key
        )


@pytest.mark.parametrize("name", [*NETWORKS, "query_key_rate"])
def test_tangent_kernel_is_the_sum_of_squared_gradients(name):
    """K of the probes against explicit per-example gradients; those of queries and keys have a rate."""
    rate = 2.5 if name == "query_key_rate" else 1.0
    network, shape = NETWORKS.get(name, (tp.Transformer(2, head_dimension=2, query_key_rate=rate), (3, 4)))
    composition, parameters = model(network, examples(shape))
    kernel, seed = np.zeros((3, 3)), np.ones((1, 3, 1))
    each = [back_propagated(composition.layers, parameters, seed, weights) for weights in np.eye(3)]
    for key in parameters:
        flat = np.array([gradients[key].learned.ravel() for gradients in each])
        kernel += (
            flat @ flat.T / (rate if key[:2] in ("WQ", "WK") else 1.0) / WIDTH
        )  # a gradient carries the rate once, K once
    found = tangent_kernel(composition, parameters, 3)
    np.testing.assert_allclose(found, kernel, atol=1e-12 * np.abs(kernel).max())


def test_learning_rates_of_queries_and_keys_are_multiplied():
    gradients = []
    for rate in (1.0, 2.5):
        network = tp.Transformer(1, head_dimension=2, query_key_rate=rate)
        composition, parameters = model(network, examples((3, 4)))
        found = back_propagated(composition.layers, parameters, np.ones((1, 3, 1)), np.ones(3))
        gradients.append({key: g.learned for key, g in found.items()})
    for key, plain in gradients[0].items():
        np.testing.assert_allclose(
            gradients[1][key], (2.5 if key in ("WQ1", "WK1") else 1.0) * plain, rtol=1e-12, err_msg=key
        )


@pytest.mark.parametrize(
    "name", ["residual", "cnn planes pooling", "cnn circular average", "rnn average", "attention"]
)
def test_gradients_of_several_outputs_agree_with_finite_differences(name):
    """d(width * sum_vc weights_v seed_vc y_vc), sent back by `feedback`, for all but the last example."""
    network, shape = NETWORKS[name]
    composition, parameters = model(network, examples(shape), 2)
    layers = composition.layers
    seed, weights = np.array([[0.7, -1.1], [0.4, 0.2]]), np.array([0.5, 1.5])
    gradients = taught_gradients(layers, parameters, seed, weights)

    def found():
        return WIDTH * (weights @ (seed * layers.forward(parameters, slice(None))[0][:2])).sum()

    for key, parameter in parameters.items():
        numeric = differences(found, parameter.learned)
        np.testing.assert_allclose(
            gradients[key].learned, numeric, atol=1e-6 * np.abs(numeric).max(), err_msg=key
        )


TWINS = {
    **{
        name: NETWORKS[name]
        for name in (
            "residual",
            "cnn circular average",
            "cnn planes stride",
            "cnn planes pooling",
            "cnn pooling strides kernel 2",
        )
    },
    "cnn zero flat": (tp.CNN(2, padding="zero", readout="flat", richness=1.3), (2, 3)),
    "rnn last": NETWORKS["rnn last"],
    "rnn average": NETWORKS["rnn average"],
    "attention": (tp.Transformer(1, head_dimension=2, richness=1.3), (3, 4)),
    "attention infinite causal": NETWORKS["attention infinite causal"],
    "attention mlp normalise rate": (
        tp.Transformer(
            2, head_dimension=3, causal=True, mlp=True, normalise=True, logit_exponent=1.0, query_key_rate=2.5
        ),
        (2, 3),
    ),
}


@pytest.fixture
def made(monkeypatch):
    """The realizations that runs make."""
    found = []
    for kind in (tp.ResidualMLP, tp.CNN, tp.RNN, tp.Transformer):

        def keep(self, realization, inputs, compose=kind.compose):
            found.append(realization)
            return compose(self, realization, inputs)

        monkeypatch.setattr(kind, "compose", keep)
    return found


def weights(realization):
    """Initial weights by name; of revealed matrices what is known, and any Gaussian rest."""
    first, *hidden, readout = realization.matrices
    stored_ones = {m.name: m.initial_weights if isinstance(m, StoredMatrix) else stored(m) for m in hidden}
    return {first.name: first.columns.T @ first.basis, **stored_ones, "w": readout.rows}


def agrees(found, expected, name, layer, tolerance):
    """Values of a variable at one layer against those of the plain network, which may have fewer
    positions."""
    found = found if layer is None else found.sel(layer=layer)
    values = found.values[tuple(slice(size) for size in expected.shape)]
    assert np.isnan(found.values).sum() == found.size - expected.size, name
    np.testing.assert_allclose(
        values, expected, atol=tolerance * np.abs(expected).max(), err_msg=f"{name} {layer}"
    )


@pytest.mark.parametrize("matrix", ["dense", "conditioned"])
@pytest.mark.parametrize("name", TWINS)
def test_every_variable_is_that_of_a_plain_network(made, name, matrix):
    """Train with the library; train the same weights by the plain code; compare everything at every step."""
    network, shape = TWINS[name]
    x, y = examples(shape), np.array([1.0, -0.7])
    momentum = 0.5 if matrix == "conditioned" else 0.0
    width = 6 if "mlp" in name else 4  # every weight costs the plain code a forward pass
    problem, training = tp.Problem(x[:2], y, x[2:]), tp.Training(3, 0.8, momentum)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tp.RankWarning)
        ds = tp.train_finite(
            network, problem, training, width, matrix, 1, samples=width, tolerance=1e-12, progress=False
        )
    plain = Plain(network, weights(made[-1])).train(x, y, 3, 0.8, momentum)
    assert np.abs(plain[-1]["output"][None] - plain[0]["output"][None]).max() > 0.02
    for step, seen in enumerate(plain):
        for variable, by_layer in seen.items():
            single = variable in ("preactivation", "backward_field")  # precision
            for layer, expected in by_layer.items():
                agrees(ds[variable].isel(time=step), expected, variable, layer, 1e-6 if single else 1e-8)
    missing = {
        v
        for v in (
            "feature_kernel",
            "gradient_kernel",
            "tangent_kernel",
            "preactivation",
            "backward_field",
            "attention_mean",
        )
        if v in ds
    }
    assert missing <= plain[0].keys()

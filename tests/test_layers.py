"""Every layer's backward pass and gradient, against finite differences on a dense network."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.activations import FUNCTIONS
from tensorprog_mf.layers.layer import View
from tensorprog_mf.realization import Ensemble, Realization

WIDTH = 6


def model(depth, activation, inputs, seed=0, **scales):
    realization = Realization(Ensemble(WIDTH, "dense", "pseudo-random", seed, centred=False), 0)
    layers = tp.MLP(depth, activation, **scales).compose(realization, inputs)
    return layers, layers.initial()


def outputs(layers, parameters):
    return layers.forward(parameters, slice(None))[0][:, 0]  # width-averages: gamma0 f


BIASED = dict(weight_std=1.3, bias_std=0.6, output_bias=0.7)


@pytest.mark.parametrize("scales", [{}, BIASED], ids=["plain", "biased"])
@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("activation", [*FUNCTIONS, tp.Activation("tanh", gain=1.7)], ids=str)
def test_gradients_agree_with_finite_differences(depth, activation, scales):
    """d(width * sum_v weights_v y_v) / d(every entry of every parameter): central differences, relative 1e-6."""
    rng = np.random.default_rng(depth)
    inputs, weights = rng.normal(size=(3, 4)), rng.normal(size=3)
    layers, parameters = model(depth, activation, inputs, **scales)
    _, trace = layers.forward(parameters, slice(None))
    layers.backward(parameters, trace, np.ones((1, 3, 1)))
    gradients = layers.gradients(trace, weights)
    assert gradients.keys() == parameters.keys() and len(parameters) == (2 * depth + 2 if scales else depth + 1)
    for name, parameter in parameters.items():
        numeric, step = np.zeros_like(parameter.learned), 1e-5
        for index in np.ndindex(parameter.learned.shape):
            kept = parameter.learned[index]
            ends = []
            for sign in (1, -1):
                parameter.learned[index] = kept + sign * step
                ends.append(WIDTH * weights @ outputs(layers, parameters))
            parameter.learned[index] = kept
            numeric[index] = (ends[0] - ends[1]) / (2 * step)
        # The input matrix is kept in coordinates of the inputs' span, an orthonormal change of its entries.
        if name == "b_out":
            numeric *= scales["output_bias"] ** 2 / WIDTH  # one number per output, at a rate of its own
        # Powers of four layers make outputs of 1e3, beside which the output bias is small.
        scale = np.abs(numeric).max() * (100 if name == "b_out" else 1)
        np.testing.assert_allclose(gradients[name].learned, numeric, atol=1e-6 * scale, err_msg=name)


@pytest.mark.parametrize("scales", [{}, {"weight_std": [1.3, 0.9, 1.1, 0.8], "bias_std": [0.5, 0.0, 0.3]}], ids=["plain", "biased"])
def test_tangent_kernel_is_the_sum_of_squared_gradients(problem, scales):
    """K of the observation against explicit per-example gradients."""
    layers, parameters = model(3, "tanh", problem.all_inputs, **scales)
    _, trace = layers.forward(parameters, slice(None))
    layers.backward(parameters, trace, np.ones((1, 5, 1)))
    per_example = [layers.gradients(trace, weights) for weights in np.eye(5)]
    flat = np.array([np.concatenate([g.learned.ravel() for g in grads.values()]) for grads in per_example])
    seen = [s.values for s in layers.observe(parameters, trace, View(slice(0, 2), slice(0, 5), slice(0, 5))) if s.name == "tangent_kernel"]
    np.testing.assert_allclose(sum(seen), flat @ flat.T / WIDTH, atol=1e-12)

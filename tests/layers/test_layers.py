"""Every layer's backward pass and gradient, against finite differences on a dense network."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.matrices.realization import Realization
from tensorprog_mf.matrices.sampling import Sampling
from tensorprog_mf.sites.activations.named import NAMED
from tests.helpers.passes import gradients as back_propagated
from tests.helpers.passes import tangent_kernel, taught_gradients

WIDTH = 6


def model(depth, activation, inputs, outputs=1, **scales):
    realization = Realization(
        Sampling(n_samples=WIDTH, matrix="dense", draws="pseudo-random", seed=0, centred=False), 0, outputs
    )
    composition = tp.MLP(depth, activation, **scales).compose(realization, inputs)
    return composition, composition.layers.initial()


def differences(layers, parameters, seed):
    """d(width * sum_vc seed_vc y_vc) / d(every entry of every parameter), central; y are width-averages,
    gamma0 f.

    The input matrix is kept in coordinates of the inputs' span, an orthonormal change of its entries.
    """
    found, step = {}, 1e-5
    for name, parameter in parameters.items():
        found[name] = np.zeros_like(parameter.learned)
        for index in np.ndindex(parameter.learned.shape):
            kept, ends = parameter.learned[index], []
            for sign in (1, -1):
                parameter.learned[index] = kept + sign * step
                ends.append(layers.forward(parameters, slice(None))[0])
            parameter.learned[index] = kept
            found[name][index] = WIDTH * (seed * (ends[0] - ends[1])).sum() / (2 * step)
        if name == "b_out":
            found[name] *= BIASED["output_bias"] ** 2 / WIDTH  # one number per output, at a rate of its own
    return found


BIASED = dict(weight_std=1.3, bias_std=0.6, output_bias=0.7)


@pytest.mark.parametrize("scales", [{}, BIASED], ids=["plain", "biased"])
@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("activation", [*NAMED, tp.Activation("tanh", gain=1.7)], ids=str)
def test_gradients_agree_with_finite_differences(depth, activation, scales):
    """d(width * sum_v weights_v y_v) / d(every entry of every parameter): central differences, relative
    1e-6."""
    rng = np.random.default_rng(depth)
    inputs, weights = rng.normal(size=(3, 4)), rng.normal(size=3)
    composition, parameters = model(depth, activation, inputs, **scales)
    layers = composition.layers
    gradients = back_propagated(layers, parameters, np.ones((1, 3, 1)), weights)
    assert gradients.keys() == parameters.keys() and len(parameters) == (
        2 * depth + 2 if scales else depth + 1
    )
    for name, numeric in differences(layers, parameters, weights[:, None]).items():
        # Powers of four layers make outputs of 1e3, beside which the output bias is small.
        scale = np.abs(numeric).max() * (100 if name == "b_out" else 1)
        np.testing.assert_allclose(gradients[name].learned, numeric, atol=1e-6 * scale, err_msg=name)


@pytest.mark.parametrize("scales", [{}, BIASED], ids=["plain", "biased"])
@pytest.mark.parametrize("depth, activation", [(1, "tanh"), (2, "erf"), (3, "softplus")])
def test_gradients_of_several_outputs_agree_with_finite_differences(depth, activation, scales):
    """Three outputs: weighted by errors and sent back as one field, of training examples only; and one output
    alone."""
    rng = np.random.default_rng(depth)
    weights, errors = rng.normal(size=2), rng.normal(size=(2, 3))
    composition, parameters = model(depth, activation, rng.normal(size=(4, 5)), 3, **scales)
    layers = composition.layers
    taught, seed = taught_gradients(layers, parameters, errors, weights), np.zeros((4, 3))
    seed[:2] = weights[:, None] * errors
    cases = {"weighted": (taught, seed)}
    for c in range(3):
        every = rng.normal(size=4)
        own = back_propagated(layers, parameters, np.tile(np.eye(3)[c], (1, 4, 1)), every)
        cases[f"output {c}"] = own, np.outer(every, np.eye(3)[c])
    for what, (gradients, seed) in cases.items():
        for name, numeric in differences(layers, parameters, seed).items():
            np.testing.assert_allclose(
                gradients[name].learned, numeric, atol=1e-6 * np.abs(numeric).max(), err_msg=f"{what}, {name}"
            )


@pytest.mark.parametrize(
    "scales", [{}, {"weight_std": [1.3, 0.9, 1.1, 0.8], "bias_std": [0.5, 0.0, 0.3]}], ids=["plain", "biased"]
)
def test_tangent_kernel_is_the_sum_of_squared_gradients(problem, scales):
    """K of the probes against explicit per-example gradients."""
    composition, parameters = model(3, "tanh", problem.all_inputs, **scales)
    per_example = [
        back_propagated(composition.layers, parameters, np.ones((1, 5, 1)), weights) for weights in np.eye(5)
    ]
    flat = np.array([np.concatenate([g.learned.ravel() for g in grads.values()]) for grads in per_example])
    np.testing.assert_allclose(tangent_kernel(composition, parameters, 5), flat @ flat.T / WIDTH, atol=1e-12)


@pytest.mark.parametrize("scales", [{}, BIASED], ids=["plain", "biased"])
def test_tangent_kernel_of_several_outputs(problem, scales):
    """K between outputs against explicit gradients of every output and example."""
    composition, parameters = model(3, "tanh", problem.all_inputs, 3, **scales)
    found, flat = tangent_kernel(composition, parameters, 5, 3), []
    for c in range(3):
        for weights in np.eye(5):
            seed = np.tile(np.eye(3)[c], (1, 5, 1))
            gradients = back_propagated(composition.layers, parameters, seed, weights)
            if scales:  # a number that learns at the rate s eta, not N numbers at gamma0^2 N eta
                gradients["b_out"].scaled(WIDTH**0.5 / scales["output_bias"])
            flat.append(np.concatenate([g.learned.ravel() for g in gradients.values()]))
    flat = np.array(flat).reshape(3, 5, -1)
    expected = np.einsum("cmp,dnp->mcnd", flat, flat) / WIDTH
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert np.abs(expected[:, 0, :, 1]).max() > 1e-2  # outputs share hidden weights

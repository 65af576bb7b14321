"""Bad input of the autoencoder gets one clear sentence."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tests.helpers.autoencoders import TWO_BLOCKS, pairs

mf, T = tp.mean_field, [0.0, 1.0]
ENDLESS = mf.Spectrum([2.0, 1.0], fractions=[0.5, 0.5])


def limit(data=TWO_BLOCKS, activation="relu", scale=0.4, decay=0.1, times=T, **options):
    return mf.autoencoder(data, activation, scale, decay, times, **options)


def train(data=TWO_BLOCKS, activation="relu", scale=0.4, decay=0.1, times=T, step=0.5, width=4, **options):
    return mf.train_autoencoder(data, activation, scale, decay, times, step, width, progress=False, **options)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: mf.Spectrum([]), "shape \\(0,\\)"),
        (lambda: mf.Spectrum(["a"]), "variances must be an array of numbers"),
        (lambda: mf.Spectrum([1.0, np.nan]), "variances has entries that are not finite"),
        (lambda: mf.Spectrum([1.0, -1.0]), "must be 0 or more; these are Sigma\\^2"),
        (lambda: mf.Spectrum([0.0, 0.0]), "all 0: there is nothing to learn"),
        (lambda: mf.Spectrum([1.0, 2.0], [1]), "1 multiplicities for 2 variances"),
        (lambda: mf.Spectrum([1.0, 2.0], [1, 0]), "whole numbers of 1 or more"),
        (lambda: mf.Spectrum([1.0, 2.0], [1, 1.5]), "whole numbers of 1 or more"),
        (lambda: mf.Spectrum([1.0, 2.0], fractions=[0.5, 0.6]), "add up to 1, not to 1.1"),
        (lambda: mf.Spectrum([1.0, 2.0], fractions=[1.5, -0.5]), "must be positive"),
        (lambda: mf.Spectrum([1.0, 2.0], fractions=[1.0]), "1 fractions for 2 variances"),
        (lambda: mf.Spectrum([1.0], [1], [1.0]), "not both"),
        (lambda: mf.Spectrum([1.0, 2.0], [1, 2], vectors=np.eye(2)), "all of multiplicity 1"),
        (lambda: mf.Spectrum.from_covariance([[1.0, 0.5], [0.0, 1.0]]), "not symmetric"),
        (lambda: mf.Spectrum.from_covariance(np.ones((2, 3))), "not symmetric"),
        (lambda: mf.Spectrum.from_covariance([[0.0, 1.0], [1.0, 0.0]]), "negative eigenvalue"),
        (lambda: mf.Spectrum.from_examples(np.ones((1, 3))), "one example"),
        (lambda: mf.Spectrum.from_examples(np.ones(3)), "must be \\(example, feature\\)"),
        (lambda: limit(np.ones((2, 2, 2))), "data has shape"),
        (lambda: limit([1.0, np.inf]), "data has entries that are not finite"),
        (lambda: limit(activation="sigmoid"), "activation='sigmoid' is unknown"),
        (lambda: limit(decay=-0.1), "weight_decay=-0.1 must be 0 or more"),
        (lambda: limit(decay="0.1"), "weight_decay='0.1'"),
        (lambda: limit(times=[]), "times has shape"),
        (lambda: limit(times=[0.0, 1.0, 1.0]), "strictly increasing"),
        (lambda: limit(times=[-1.0, 1.0]), "0 or more and strictly increasing"),
        (lambda: limit(times=[0.0, np.nan]), "times has entries that are not finite"),
        (lambda: limit(step=-0.1), "step=-0.1 must be positive"),
        (lambda: limit(times=[0.0, 0.25], step=0.1), "time 0.25 is not a multiple of step=0.1"),
        (lambda: limit(scale=-1.0), "initial_scale=-1.0 must be 0 or more"),
        (lambda: limit(scale=[0.1, 0.2, 0.3]), "3 initial scales for 2 directions"),
        (lambda: limit(scale=[0.1, -0.2]), "entries below 0"),
        (lambda: limit(scale=None), "give one of initial_scale, initial_covariance, initial_theta.*not none"),
        (lambda: limit(initial_covariance=np.eye(20)), "not initial_scale and initial_covariance"),
        (
            lambda: limit(scale=tp.Gaussian(0.5, 0.4)),
            "mean 0.5 is not symmetric about 0.*take one of mean 0.*train_autoencoder",
        ),
        (lambda: limit(scale=tp.Uniform(0.0, 1.0)), "not symmetric about 0"),
        (
            lambda: limit(scale=None, initial_theta=np.ones((4, 20))),
            "not symmetric about 0, so that the reduction of relu does not hold; pair every theta",
        ),
        (lambda: limit(scale=None, initial_theta=pairs(4, 5)), "5 features, but the data have 20"),
        (
            lambda: limit(scale=None, initial_theta=pairs(4, 20) * np.nan),
            "initial_theta has entries that are not finite",
        ),
        (lambda: limit(scale=None, initial_covariance=-np.eye(20)), "negative eigenvalue"),
        (
            lambda: limit(scale=None, initial_covariance=np.eye(20) + np.eye(20, k=1)),
            "initial_covariance is not symmetric",
        ),
        (lambda: limit(samples=-1), "samples=-1"),
        (lambda: limit(seed="a"), "seed='a'"),
        (lambda: limit(tolerance=0.0), "tolerance=0.0 must lie between 0 and 1"),
        (lambda: limit(activation="tanh", nodes=2), "nodes=2"),
        (lambda: train(width=0), "width=0"),
        (lambda: train(width=3, paired=True), "width=3 is odd"),
        (lambda: train(paired="yes"), "paired='yes'"),
        (lambda: train(n_replicates=0), "n_replicates=0"),
        (lambda: train(method="adam"), "method='adam' is unknown; choose one of sgd, population"),
        (lambda: train(step=0.0), "step=0.0 must be positive"),
        (lambda: train(times=[0.0, 0.3]), "time 0.3 is not a multiple of step=0.5"),
        (lambda: train(threads=0), "threads=0"),
        (lambda: train(examples=np.ones((3, 4))), "examples have 4 features, but the data have 20"),
        (lambda: train(examples=np.ones((3, 20)), method="population"), "examples go with method='sgd'"),
        (lambda: train(initial_theta=np.ones((3, 20))), "not initial_scale and initial_theta"),
        (lambda: mf.reconstruct(limit(), np.ones((2, 20))), "stand for several features each"),
        (
            lambda: mf.reconstruct(limit([1.0, 2.0]), np.ones((2, 3))),
            "inputs have 3 features, but the data had 2",
        ),
        (lambda: mf.reconstruct(3, np.ones((2, 3))), "not a result of an autoencoder"),
        (lambda: mf.learned_features(limit([1.0, 2.0], samples=0)), "kept no neurons"),
        (lambda: mf.preactivation_density(limit(scale=0.0), [0.0]), "all weights are 0"),
        (lambda: mf.preactivation_density(limit(), [np.nan]), "points has entries that are not finite"),
    ],
)
def test_one_sentence(make, message):
    with pytest.raises(tp.InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: limit(activation="tanh", scale=None, initial_covariance=np.eye(20)),
            "need activation linear, relu, scaled_relu or leaky_relu, not 'tanh'; give initial_scale",
        ),
        (lambda: limit(activation="erf", scale=None, initial_theta=pairs(4, 20)), "train_autoencoder"),
        (lambda: limit(ENDLESS, scale=None, initial_covariance=np.eye(2)), "finite dimension"),
        (lambda: train(ENDLESS), "finite dimension: give the data's variances with multiplicities"),
        (lambda: train(activation="tanh", method="population"), "not closed for 'tanh'; use method='sgd'"),
        (lambda: train(activation=(np.sin, np.cos)), "no kernel for activation 'custom \\(sin\\)'"),
    ],
)
def test_what_cannot_be_done_names_what_can(make, message):
    with pytest.raises(tp.UnsupportedError, match=message):
        make()


def test_a_steep_activation_warns_of_its_quadrature():
    with pytest.warns(tp.QuadratureWarning, match="take more nodes"):
        limit(activation=tp.Activation("tanh", gain=30.0), scale=1.0)
    ds = limit(activation=tp.Activation("tanh", gain=30.0), scale=1.0, nodes=6000)
    assert ds.attrs["quadrature_error"] < 1e-8


def test_linear_networks_need_no_pairs():
    theta = np.random.default_rng(0).normal(size=(7, 3))
    ds = limit([2.0, 1.0, 0.5], "linear", None, 0.1, [0.0, 1.0], step=0.1, initial_theta=theta)
    real = train(
        [2.0, 1.0, 0.5],
        "linear",
        None,
        0.1,
        [0.0, 1.0],
        0.1,
        method="population",
        n_replicates=1,
        initial_theta=theta,
    )
    np.testing.assert_allclose(ds.neuron_weight, real.neuron_weight, atol=1e-13)
    np.testing.assert_allclose(ds.loss, real.loss, atol=1e-14)


def test_given_neurons_are_not_replaced_by_mirror_images():
    with pytest.raises(tp.InputError, match="give initial_theta in pairs"):
        tp.mean_field.train_autoencoder(
            [2.0, 1.0], "relu", None, 0.1, [0, 1], 0.1, initial_theta=[[1.0, 2.0], [3.0, 4.0]], paired=True
        )

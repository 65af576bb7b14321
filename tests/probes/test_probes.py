"""Probes: what a network of one's own records, and how probes find what a pass left at their layers."""

import pickle

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.layers.chain import Chain
from tensorprog_mf.layers.elementwise import Elementwise
from tensorprog_mf.layers.residual import Residual
from tensorprog_mf.matrices.realization import Realization
from tensorprog_mf.matrices.sampling import Sampling
from tensorprog_mf.probes.activation import FeatureProbe
from tensorprog_mf.probes.probe import Composition, Probe
from tensorprog_mf.probes.readings import OfLayer
from tensorprog_mf.probes.wanted import Wanted
from tensorprog_mf.results import schema
from tensorprog_mf.sites.activations import Activation
from tests.helpers.architectures import NETWORKS, examples
from tests.helpers.passes import differentiated, gradients

# What someone writes to record a variable of their own: its meaning, a probe, a network that has it.

SILENT = schema.Variable(("time", "layer"), "share of silent sites", "", "Sites whose slope is below 0.1.")


class SilentProbe(Probe):
    """The share of sites of an activation that let nothing back, over all the examples that are kept."""

    def __init__(self, layer: Elementwise, number: int):
        self.layer, self.number = layer, number

    def read(self, seen):
        slope = seen.at(self.layer).forward.trace.slope[seen.wanted.kept]
        yield OfLayer("silent_share", self.number, (slope < 0.1).mean())


class WatchedMLP(tp.MLP):
    """An MLP that records how many of its sites are silent."""

    def compose(self, realization, inputs):
        made = super().compose(realization, inputs)
        activations = [layer for layer in made.layers.layers if isinstance(layer, Elementwise)]
        silent = [SilentProbe(layer, number) for number, layer in enumerate(activations, 1)]
        return Composition(made.layers, (*made.probes, *silent))


@pytest.fixture
def declared():
    schema.declare("silent_share", SILENT)
    yield
    del schema.VARIABLES["silent_share"]


def test_a_probe_of_ones_own_records_a_variable(declared, problem):
    """In the limit and at finite width, with standard errors, and all else as in the network it comes
    from."""
    setting = problem, tp.Training(4, 0.5)
    settings = dict(n_samples=256, n_replicates=2, samples=256, progress=False)
    ds = tp.sample(WatchedMLP(2, richness=3.0), *setting, **settings)
    plain = tp.sample(tp.MLP(2, richness=3.0), *setting, **settings)
    assert all(plain[name].identical(ds[name]) for name in plain) and set(ds) - set(plain) == {
        "silent_share",
        "silent_share_stderr",
    }
    assert (
        ds.silent_share.dims == ("time", "layer") and ds.silent_share.attrs["long_name"] == SILENT.long_name
    )
    own = tp.sample(WatchedMLP(2, richness=3.0), *setting, **settings, keep_replicates=True)
    slope = 1 - np.tanh(ds.preactivation.values.astype(float)) ** 2  # of replicate 0
    expected = (slope < 0.1).mean(axis=(2, 3))
    np.testing.assert_allclose(own.silent_share[0], expected, atol=1 / 1280)  # fields are stored as float32
    assert np.ptp(expected) > 0.01
    finite = tp.train_finite(WatchedMLP(2), *setting, width=16, n_replicates=2, progress=False)
    assert finite.silent_share.shape == (5, 2)


def test_what_is_read_must_be_declared(problem):
    with pytest.raises(RuntimeError, match="'silent_share', which no variable is called; declare it in"):
        tp.sample(WatchedMLP(2), problem, tp.Training(1, 0.5), 64, 1, progress=False)


def test_responses_of_what_no_probe_reads_are_refused_at_the_first_step(problem):
    class Forgetful(tp.MLP):
        """An MLP whose first preactivation nobody reads."""

        def compose(self, realization, inputs):
            made = super().compose(realization, inputs)
            return Composition(made.layers, made.probes[1:])

    record = tp.Record(responses=True)
    with pytest.raises(RuntimeError, match="need the preactivation gaussian part of layer 1, which no"):
        tp.sample(Forgetful(2), problem, tp.Training(5, 0.5), 64, 1, record=record, progress=False)


def test_a_weight_whose_share_no_probe_reads_is_refused(problem):
    class Partial(tp.MLP):
        """An MLP whose readout has no probe."""

        def compose(self, realization, inputs):
            made = super().compose(realization, inputs)
            return Composition(made.layers, made.probes[:-1])

    with pytest.raises(RuntimeError, match="no probe of the network reads the share of w in the tang"):
        tp.sample(Partial(2), problem, tp.Training(5, 0.5), 64, 1, progress=False)


class Mixed(tp.MLP):
    """An MLP that says that it has a relu somewhere."""

    activations = (tp.Activation("tanh"), tp.Activation("relu"))


def test_routes_ask_all_activations_about_kinks(problem):
    assert Mixed(2).kinked and not tp.MLP(2).kinked
    training = tp.Training(flow=True, times=[0.1])
    with pytest.warns(tp.ToleranceWarning, match="activation 'relu' has a kink"):
        ds = tp.sample(Mixed(2), problem, training, n_samples=64, n_replicates=1, progress=False)
    assert '"tolerance": 0.001' in ds.attrs["training_json"]


def test_a_name_stands_for_one_variable(declared):
    schema.declare("silent_share", SILENT)
    with pytest.raises(tp.InputError, match="'output' is the name of a variable already"):
        schema.declare("output", SILENT)


def composed(network, inputs):
    realization = Realization(
        Sampling(n_samples=6, matrix="dense", draws="pseudo-random", seed=0, centred=False), 0
    )
    return network.compose(realization, inputs)


def read(composition, count):
    """All readings of the first pass."""
    parameters = composition.layers.initial()
    passage = differentiated(composition.layers, parameters, np.ones((1, count, 1)))
    every = slice(0, count)
    fields = frozenset(["preactivation", "backward_field", "feature", "gradient"])
    return composition.read(parameters, passage, Wanted(slice(0, 2), every, every, None, fields))


@pytest.mark.parametrize("name", NETWORKS)
def test_probes_find_their_layers_after_pickling(name):
    """As a checkpoint writes them: layers are known by identity, which one pickle keeps."""
    network, shape = NETWORKS[name]
    composition = composed(network, examples(shape))
    found, again = (read(each, 3) for each in (composition, pickle.loads(pickle.dumps(composition))))
    assert len(found) == len(again) > 5
    for one, other in zip(found, again):
        assert type(one) is type(other) and one.name == other.name
        np.testing.assert_array_equal(one.values, other.values)


@pytest.mark.parametrize("name", NETWORKS)
def test_reading_leaves_nothing_behind(name):
    """Gradients are those of the way back that they are given, whatever else has been asked of the pass."""
    network, shape = NETWORKS[name]
    layers = composed(network, examples(shape)).layers
    parameters, weights, seed = layers.initial(), np.array([0.7, -1.1, 0.4]), np.ones((1, 3, 1))
    expected = gradients(layers, parameters, seed, weights)
    passage = differentiated(layers, parameters, seed)
    trace = passage.forward.trace
    layers.backward(parameters, trace, 3.0 * seed)
    found = layers.gradients(trace, passage.back.own, weights)
    for key, gradient in expected.items():
        np.testing.assert_array_equal(found[key].learned, gradient.learned)


def test_a_layer_in_no_place_or_in_two_is_refused():
    activation = Elementwise(Activation("tanh"))
    inside = Residual(Chain([activation]), 0.5)
    for layers, times in (([inside, inside], 2), ([Residual(Chain([]), 1.0)], 0)):
        chain = Chain(layers)
        passage = differentiated(chain, {}, np.ones((1, 3, 4)), np.ones((3, 4)))
        wanted = Wanted(slice(0, 2), slice(0, 3), slice(0, 3))
        with pytest.raises(RuntimeError, match=f"Elementwise.*passes {times} times"):
            Composition(chain, (FeatureProbe(activation, 1),)).read({}, passage, wanted)

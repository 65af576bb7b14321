"""One pass through composed layers, forward and back, and what probes read of it."""

import numpy as np

from tensorprog_mf.layers.layer import Signal
from tensorprog_mf.layers.passage import Backward, Forward, Passage
from tensorprog_mf.probes.readings import TangentShare
from tensorprog_mf.probes.wanted import Wanted


def differentiated(layers, parameters, seed, x=slice(None)):
    """The passage of all known examples, or of x, with the way back of a seed (column, example, output)."""
    y, trace = layers.forward(parameters, x)
    return Passage(Forward(x, y, trace), Backward(seed, *layers.backward(parameters, trace, seed)))


def gradients(layers, parameters, seed, weights):
    """The gradient step of every parameter, of one column."""
    passage = differentiated(layers, parameters, seed)
    return layers.gradients(passage.forward.trace, passage.back.own, weights)


def taught_gradients(layers, parameters, seed, weights):
    """That of a seed (example, output) sent back by `feedback`."""
    _, trace = layers.forward(parameters, slice(None))
    _, back = layers.feedback(parameters, trace, seed[None], Signal(seed, seed))
    return layers.gradients(trace, back, weights)


def tangent_kernel(composition, parameters, examples, outputs=None):
    """K as probes read it."""
    seed = np.repeat(np.eye(outputs or 1)[:, None], examples, axis=1)
    passage, every = differentiated(composition.layers, parameters, seed), slice(0, examples)
    read = composition.read(parameters, passage, Wanted(slice(0, 2), every, every, outputs))
    return sum(reading.values for reading in read if isinstance(reading, TangentShare))

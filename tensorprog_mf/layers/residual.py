"""A residual branch, and the stream that branches add to."""

from dataclasses import dataclass

import numpy as np

from ..sites.sites import Sites
from .layer import Layer, Observation


class Residual(Layer):
    """x + scale branch(x): the branch is asked for scale z on the way back, so that its updates carry the
    factor."""

    def __init__(self, branch: Layer, scale: float):
        self.branch, self.scale = branch, scale

    def initial(self):
        return self.branch.initial()

    def forward(self, parameters, x):
        y, trace = self.branch.forward(parameters, x)
        return x + self.scale * y, trace

    def backward(self, parameters, trace, z):
        return z + self.branch.backward(parameters, trace, self.scale * z)

    def feedback(self, parameters, trace, z, signal):
        return z + self.branch.feedback(parameters, trace, self.scale * z, signal)

    def gradients(self, trace, weights):
        return self.branch.gradients(trace, weights)

    def refresh(self, parameters, trace, variance):
        self.branch.refresh(parameters, trace, variance)

    def sizes(self, parameters):
        return self.branch.sizes(parameters)

    def left_out(self, parameters, trace):
        return self.branch.left_out(parameters, trace)

    def observe(self, parameters, trace, view):
        return self.branch.observe(parameters, trace, view)


@dataclass
class _Trace:
    h: np.ndarray
    g: np.ndarray | None = None
    taught: np.ndarray | None = None


class Stream(Layer):
    """The stream h^l itself, observed: E[h h'], E[g g'] with g = df/dh^l, both fields."""

    def __init__(self, sites: Sites, layer: int, positions: int | None = None):
        self.sites, self.layer, self.positions = sites, layer, positions

    def forward(self, parameters, x):
        return x, _Trace(x)

    def backward(self, parameters, trace, z):
        trace.g = z
        return z

    def feedback(self, parameters, trace, z, signal):
        trace.taught = z
        return z

    def observe(self, parameters, trace, view):
        mean, a = self.sites.mean, self.positions
        seen = [
            *view.field("preactivation", self.layer, view.forward_field(trace.h, a), None),
            Observation("preactivation_kernel", self.layer, view.features(mean(trace.h, trace.h), a)),
        ]
        if not view.backward:
            return seen
        g = trace.g.reshape(-1, trace.g.shape[2])
        kernels, _ = view.gradient_kernels(self.layer, mean, g, trace.taught, len(trace.g), a)
        field = view.backward_field(trace.g, a)
        return [
            *seen,
            *kernels,
            *view.field("backward_field", self.layer, field, None),
            *view.entire("gradient", self.layer, field),
        ]

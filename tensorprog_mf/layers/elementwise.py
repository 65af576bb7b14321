"""An activation function on every site."""

from dataclasses import dataclass

import numpy as np

from ..sites.activations import Activation
from .layer import Layer


@dataclass
class _Trace:
    phi: np.ndarray
    slope: np.ndarray
    g: np.ndarray | None = None


class Elementwise(Layer):
    """x = phi(h) forward, g = phi'(h) z backward; Hebb's rule has e phi(h) in place of g."""

    def __init__(
        self, activation: Activation, layer: int, in_branch: bool = False, positions: int | None = None
    ):
        self.activation, self.layer, self.in_branch, self.positions = activation, layer, in_branch, positions

    def forward(self, parameters, x):
        trace = _Trace(*self.activation(x))
        return trace.phi, trace

    def backward(self, parameters, trace, z):
        trace.g = trace.slope[: z.shape[1]] * z
        return trace.g

    def feedback(self, parameters, trace, z, signal):
        return signal.errors * trace.phi[: len(z)] if signal.hebbian else trace.slope[: len(z)] * z

    def observe(self, parameters, trace, view):
        seen = view.entire("feature", self.layer, view.forward_field(trace.phi, self.positions))
        seen.append(view.tails(self.layer, trace.phi, trace.g))
        if self.in_branch or not view.backward:  # of a stream, the gradient is that of all branches
            return seen
        return seen + view.entire("gradient", self.layer, view.backward_field(trace.g, self.positions))

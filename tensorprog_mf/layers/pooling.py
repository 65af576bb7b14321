"""Averages over positions."""

from dataclasses import dataclass

import numpy as np

from ..sites.sites import Sites
from .layer import Layer, Observation


@dataclass
class _Trace:
    x: np.ndarray
    z: np.ndarray | None = None


class Pooling(Layer):
    """x_a = mean over the positions groups[a] of the input, (output position, member)."""

    def __init__(self, groups: np.ndarray, positions: int):
        self.groups, self.positions = groups, positions

    def forward(self, parameters, x):
        examples = len(x) // self.positions
        pooled = x.reshape(examples, self.positions, x.shape[1])[:, self.groups].mean(axis=2)
        return pooled.reshape(examples * len(self.groups), x.shape[1]), _Trace(x)

    def backward(self, parameters, trace, z):
        columns, vectors, sites = z.shape
        spread = np.zeros((columns, vectors // len(self.groups), self.positions, sites))
        each = z.reshape(columns, -1, len(self.groups), 1, sites) / self.groups.shape[1]
        spread[:, :, self.groups] += each  # groups do not overlap
        trace.z = spread.reshape(columns, -1, sites)
        return trace.z

    def feedback(self, parameters, trace, z, signal):
        return self.backward(parameters, trace, z[None])[0]


class LastPooling(Pooling):
    """Pooling before the readout: also observes the features of the last layer, which no hidden matrix is
    asked about."""

    def __init__(self, groups: np.ndarray, positions: int, sites: Sites, layer: int, of_stream: bool = False):
        super().__init__(groups, positions)
        self.sites, self.layer, self.of_stream = sites, layer, of_stream

    def observe(self, parameters, trace, view):
        seen = [
            Observation(
                "feature_kernel", self.layer, view.features(self.sites.mean(trace.x, trace.x), self.positions)
            )
        ]
        if view.backward and not self.of_stream:  # whose backward field is observed there
            seen += view.field(
                "backward_field", self.layer, view.backward_field(trace.z, self.positions), None
            )
        return seen

"""Averages over positions."""

import numpy as np

from .layer import Layer, Parameters


class Pooling(Layer[None, None]):
    """x_a = mean over the positions groups[a] of the input, (output position, member)."""

    def __init__(self, groups: np.ndarray, positions: int):
        self.groups, self.positions = groups, positions

    def forward(self, parameters: Parameters, x: np.ndarray) -> tuple[np.ndarray, None]:
        examples = len(x) // self.positions
        pooled = x.reshape(examples, self.positions, x.shape[1])[:, self.groups].mean(axis=2)
        return pooled.reshape(examples * len(self.groups), x.shape[1]), None

    def backward(self, parameters: Parameters, trace: None, z: np.ndarray) -> tuple[np.ndarray, None]:
        columns, vectors, sites = z.shape
        spread = np.zeros((columns, vectors // len(self.groups), self.positions, sites))
        each = z.reshape(columns, -1, len(self.groups), 1, sites) / self.groups.shape[1]
        spread[:, :, self.groups] += each  # groups do not overlap
        return spread.reshape(columns, -1, sites), None

"""Branches side by side."""

import numpy as np

from .composite import Backwards, Composite, Forwards, Send
from .layer import Parameters
from .passage import Forward


class Sum(Composite):
    """The sum of what several layers make of one input."""

    def forward(self, parameters: Parameters, x: np.ndarray) -> tuple[np.ndarray, Forwards]:
        ways = tuple(Forward(x, *layer.forward(parameters, x)) for layer in self.layers)
        return np.sum([way.y for way in ways], axis=0), ways

    def sent_back(self, trace: Forwards, z: np.ndarray, send: Send) -> tuple[np.ndarray, Backwards]:
        ways = tuple(send(layer, own, z) for layer, own in zip(self.layers, trace))
        return np.sum([way.below for way in ways], axis=0), ways

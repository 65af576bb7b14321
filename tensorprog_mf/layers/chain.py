"""Layers one after the other, themselves a layer."""

from typing import Any

import numpy as np

from .composite import Backwards, Composite, Forwards, Send
from .layer import Parameters
from .passage import Backward, Forward


class Chain(Composite):
    """The composition of `layers`, first one first."""

    def forward(self, parameters: Parameters, x: Any) -> tuple[np.ndarray, Forwards]:
        ways: list[Forward[Any]] = []
        for layer in self.layers:
            ways.append(Forward(x, *layer.forward(parameters, x)))
            x = ways[-1].y
        return x, tuple(ways)

    def sent_back(self, trace: Forwards, z: np.ndarray, send: Send) -> tuple[np.ndarray, Backwards]:
        ways: list[Backward[Any]] = []
        for layer, forward in zip(reversed(self.layers), reversed(trace)):
            ways.append(send(layer, forward, z))
            z = ways[-1].below
        return z, tuple(reversed(ways))

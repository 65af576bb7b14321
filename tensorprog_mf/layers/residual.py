"""A residual branch."""

from typing import Any

import numpy as np

from .composite import Backwards, Composite, Forwards, Send
from .layer import Layer, Parameters
from .passage import Forward


class Residual(Composite):
    """x + scale branch(x): the branch is asked for scale z on the way back, so that its updates carry the
    factor."""

    def __init__(self, branch: Layer[Any, Any], scale: float):
        super().__init__([branch])
        self.scale = scale

    def forward(self, parameters: Parameters, x: np.ndarray) -> tuple[np.ndarray, Forwards]:
        way = Forward(x, *self.layers[0].forward(parameters, x))
        return x + self.scale * way.y, (way,)

    def sent_back(self, trace: Forwards, z: np.ndarray, send: Send) -> tuple[np.ndarray, Backwards]:
        way = send(self.layers[0], trace[0], self.scale * z)
        return z + way.below, (way,)

"""An activation function on every site."""

from dataclasses import dataclass

import numpy as np

from ..sites.activations import Activation
from .layer import Layer, Parameters, Signal


@dataclass(frozen=True)
class _Trace:
    phi: np.ndarray
    slope: np.ndarray


class Elementwise(Layer[_Trace, None]):
    """x = phi(h) forward, g = phi'(h) z backward; Hebb's rule has e phi(h) in place of g."""

    def __init__(self, activation: Activation):
        self.activation = activation

    def forward(self, parameters: Parameters, x: np.ndarray) -> tuple[np.ndarray, _Trace]:
        phi, slope = self.activation(x)
        return phi, _Trace(phi, slope)

    def backward(self, parameters: Parameters, trace: _Trace, z: np.ndarray) -> tuple[np.ndarray, None]:
        return trace.slope[: z.shape[1]] * z, None

    def feedback(
        self, parameters: Parameters, trace: _Trace, z: np.ndarray, signal: Signal
    ) -> tuple[np.ndarray, None]:
        if not signal.hebbian:
            return self.backward(parameters, trace, z)
        return signal.errors * trace.phi[None, : z.shape[1]], None

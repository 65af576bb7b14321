"""Layer normalisation without parameters."""

from dataclasses import dataclass

import numpy as np

from .layer import Layer, Parameters

_EPSILON = 1e-6


@dataclass(frozen=True)
class _Trace:
    normal: np.ndarray
    scale: np.ndarray


class Normalisation(Layer[_Trace, None]):
    """(h - <h>) / sqrt(<h^2> - <h>^2 + 1e-6), averages over sites: in the limit a constant shift and scale of
    every vector."""

    def forward(self, parameters: Parameters, x: np.ndarray) -> tuple[np.ndarray, _Trace]:
        centred = x - x.mean(axis=1, keepdims=True)
        scale = np.sqrt((centred**2).mean(axis=1, keepdims=True) + _EPSILON)
        trace = _Trace(centred / scale, scale)
        return trace.normal, trace

    def backward(self, parameters: Parameters, trace: _Trace, z: np.ndarray) -> tuple[np.ndarray, None]:
        normal, scale = trace.normal[: z.shape[1]], trace.scale[: z.shape[1]]
        along = (z * normal).mean(axis=2, keepdims=True)
        return (z - z.mean(axis=2, keepdims=True) - normal * along) / scale, None

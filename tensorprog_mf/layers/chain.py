"""Layers one after the other, themselves a layer."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .layer import Layer, Parameters, Signal
from .passage import Backward, Forward, Passage

_Trace = tuple[Forward[Any], ...]  # one for each layer, as _Back
_Back = tuple[Backward[Any], ...]


class Chain(Layer[_Trace, _Back]):
    """The composition of `layers`, first one first. A parameter used by several layers gathers all their
    gradients."""

    def __init__(self, layers: Sequence[Layer[Any, Any]]):
        self.layers = list(layers)

    def initial(self) -> Parameters:
        return {name: value for layer in self.layers for name, value in layer.initial().items()}

    def forward(self, parameters: Parameters, x: Any) -> tuple[np.ndarray, _Trace]:
        ways: list[Forward[Any]] = []
        for layer in self.layers:
            y, trace = layer.forward(parameters, x)
            ways.append(Forward(x, y, trace))
            x = y
        return x, tuple(ways)

    def backward(self, parameters: Parameters, trace: _Trace, z: np.ndarray) -> tuple[np.ndarray, _Back]:
        ways: list[Backward[Any]] = []
        for layer, own in zip(reversed(self.layers), reversed(trace)):
            below, back = layer.backward(parameters, own.trace, z)
            ways.append(Backward(z, below, back))
            z = below
        return z, tuple(reversed(ways))

    def feedback(
        self, parameters: Parameters, trace: _Trace, z: np.ndarray, signal: Signal
    ) -> tuple[np.ndarray, _Back]:
        ways: list[Backward[Any]] = []
        for layer, own in zip(reversed(self.layers), reversed(trace)):
            below, back = layer.feedback(parameters, own.trace, z, signal)
            ways.append(Backward(z, below, back))
            z = below
        return z, tuple(reversed(ways))

    def gradients(self, trace: _Trace, back: _Back, weights: np.ndarray) -> Parameters:
        total: Parameters = {}
        for layer, ahead, behind in zip(self.layers, trace, back):
            for name, gradient in layer.gradients(ahead.trace, behind.back, weights).items():
                total[name] = total[name].add(1.0, gradient) if name in total else gradient
        return total

    def refresh(self, parameters: Parameters, trace: _Trace, variance: float) -> None:
        for layer, own in zip(self.layers, trace):
            layer.refresh(parameters, own.trace, variance)

    def sizes(self, parameters: Parameters) -> dict[str, float]:
        return {name: size for layer in self.layers for name, size in layer.sizes(parameters).items()}

    def left_out(self, parameters: Parameters, trace: _Trace, back: _Back) -> list[np.ndarray]:
        found: list[np.ndarray] = []
        for layer, ahead, behind in zip(self.layers, trace, back):
            found += layer.left_out(parameters, ahead.trace, behind.back)
        return found

    def walk(self, passage: Passage[_Trace, _Back]) -> Iterator[tuple[Layer[Any, Any], Passage[Any, Any]]]:
        yield self, passage
        missing = (None,) * len(self.layers)
        backs = passage.back.back if passage.back else missing
        taught = passage.taught.back if passage.taught else missing
        for layer, ahead, back, other in zip(self.layers, passage.forward.trace, backs, taught):
            yield from layer.walk(Passage(ahead, back, other))

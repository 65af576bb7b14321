"""Layers that hold layers: all that does not depend on how these are connected."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .layer import Layer, Parameters, Signal
from .passage import Backward, Forward, Passage

Forwards = tuple[Forward[Any], ...]  # one for each layer, as Backwards
Backwards = tuple[Backward[Any], ...]
Send = Callable[[Layer[Any, Any], Forward[Any], np.ndarray], Backward[Any]]


class Composite(Layer[Forwards, Backwards]):
    """Holds `layers`; a subclass connects them, forward and back. A parameter used by several of them gathers
    all their gradients."""

    def __init__(self, layers: Sequence[Layer[Any, Any]]):
        self.layers = list(layers)

    @abstractmethod
    def sent_back(self, trace: Forwards, z: np.ndarray, send: Send) -> tuple[np.ndarray, Backwards]:
        """The backward field of the input, given that of the output, and every layer's own way back.

        `send(layer, forward, z)` goes back through one of them, by `backward` or by `feedback`.
        """

    def backward(
        self, parameters: Parameters, trace: Forwards, z: np.ndarray
    ) -> tuple[np.ndarray, Backwards]:
        def send(layer: Layer[Any, Any], own: Forward[Any], above: np.ndarray) -> Backward[Any]:
            return Backward(above, *layer.backward(parameters, own.trace, above))

        return self.sent_back(trace, z, send)

    def feedback(
        self, parameters: Parameters, trace: Forwards, z: np.ndarray, signal: Signal
    ) -> tuple[np.ndarray, Backwards]:
        def send(layer: Layer[Any, Any], own: Forward[Any], above: np.ndarray) -> Backward[Any]:
            return Backward(above, *layer.feedback(parameters, own.trace, above, signal))

        return self.sent_back(trace, z, send)

    def initial(self) -> Parameters:
        return {name: value for layer in self.layers for name, value in layer.initial().items()}

    def gradients(self, trace: Forwards, back: Backwards, weights: np.ndarray) -> Parameters:
        total: Parameters = {}
        for layer, forward, backward in zip(self.layers, trace, back):
            for name, gradient in layer.gradients(forward.trace, backward.own, weights).items():
                total[name] = total[name].add(1.0, gradient) if name in total else gradient
        return total

    def refresh(self, parameters: Parameters, trace: Forwards, variance: float) -> None:
        for layer, forward in zip(self.layers, trace):
            layer.refresh(parameters, forward.trace, variance)

    def sizes(self, parameters: Parameters) -> dict[str, float]:
        return {name: size for layer in self.layers for name, size in layer.sizes(parameters).items()}

    def left_out(self, parameters: Parameters, trace: Forwards, back: Backwards) -> list[np.ndarray]:
        return [
            left
            for layer, forward, backward in zip(self.layers, trace, back)
            for left in layer.left_out(parameters, forward.trace, backward.own)
        ]

    def walk(
        self, passage: Passage[Forwards, Backwards]
    ) -> Iterator[tuple[Layer[Any, Any], Passage[Any, Any]]]:
        yield self, passage
        missing = (None,) * len(self.layers)
        backs = passage.back.own if passage.back else missing
        taught = passage.taught.own if passage.taught else missing
        for layer, forward, back, other in zip(self.layers, passage.forward.trace, backs, taught):
            yield from layer.walk(Passage(forward, back, other))

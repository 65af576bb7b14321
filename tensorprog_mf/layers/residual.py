"""A residual branch."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from .layer import Layer, Parameters, Signal
from .passage import Backward, Forward, Passage


class Residual(Layer[Forward[Any], Backward[Any]]):
    """x + scale branch(x): the branch is asked for scale z on the way back, so that its updates carry the
    factor."""

    def __init__(self, branch: Layer[Any, Any], scale: float):
        self.branch, self.scale = branch, scale

    def initial(self) -> Parameters:
        return self.branch.initial()

    def forward(self, parameters: Parameters, x: np.ndarray) -> tuple[np.ndarray, Forward[Any]]:
        y, trace = self.branch.forward(parameters, x)
        return x + self.scale * y, Forward(x, y, trace)

    def backward(
        self, parameters: Parameters, trace: Forward[Any], z: np.ndarray
    ) -> tuple[np.ndarray, Backward[Any]]:
        above = self.scale * z
        below, back = self.branch.backward(parameters, trace.trace, above)
        return z + below, Backward(above, below, back)

    def feedback(
        self, parameters: Parameters, trace: Forward[Any], z: np.ndarray, signal: Signal
    ) -> tuple[np.ndarray, Backward[Any]]:
        above = self.scale * z
        below, back = self.branch.feedback(parameters, trace.trace, above, signal)
        return z + below, Backward(above, below, back)

    def gradients(self, trace: Forward[Any], back: Backward[Any], weights: np.ndarray) -> Parameters:
        return self.branch.gradients(trace.trace, back.back, weights)

    def refresh(self, parameters: Parameters, trace: Forward[Any], variance: float) -> None:
        self.branch.refresh(parameters, trace.trace, variance)

    def sizes(self, parameters: Parameters) -> dict[str, float]:
        return self.branch.sizes(parameters)

    def left_out(self, parameters: Parameters, trace: Forward[Any], back: Backward[Any]) -> list[np.ndarray]:
        return self.branch.left_out(parameters, trace.trace, back.back)

    def walk(
        self, passage: Passage[Forward[Any], Backward[Any]]
    ) -> Iterator[tuple[Layer[Any, Any], Passage[Any, Any]]]:
        yield self, passage
        back, taught = (way and way.back for way in (passage.back, passage.taught))
        yield from self.branch.walk(Passage(passage.forward.trace, back, taught))

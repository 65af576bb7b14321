"""The interface of a layer: a pass forward, a pass back, and the gradient of what both leave behind."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Generic, NamedTuple

import numpy as np

from ..matrices.parameter import Parameter
from .passage import Back, Passage, Trace

Parameters = dict[str, Parameter]


class Signal(NamedTuple):
    """What a learning rule is told at the outputs: its seed and the errors e, (example, output) both, and
    whether it is Hebb's."""

    seed: np.ndarray
    errors: np.ndarray
    hebbian: bool = False


class Layer(ABC, Generic[Trace, Back]):
    """A layer holds matrices but no history and no parameters; what a pass leaves behind is returned.

    Parameters of all layers are one dict from name to `Parameter`. Forward fields are (vector, site); vectors
    are examples, or what the layer makes of them (positions, tokens). Backward fields are (column, vector,
    site): one column for each seed at the outputs; they may stop short of the last vectors.
    """

    def initial(self) -> Parameters:
        """Parameters before training."""
        return {}

    @abstractmethod
    def forward(self, parameters: Parameters, x: Any) -> tuple[np.ndarray, Trace]:
        """The layer's output and the trace of the pass."""

    @abstractmethod
    def backward(self, parameters: Parameters, trace: Trace, z: np.ndarray) -> tuple[np.ndarray, Back]:
        """The backward field of the layer's input, given that of its output, and what the gradient needs."""

    def feedback(
        self, parameters: Parameters, trace: Trace, z: np.ndarray, signal: Signal
    ) -> tuple[np.ndarray, Back]:
        """What the learning rule has in place of `backward`, for fields of one column.

        It is `backward` itself, except in layers that hold others, and where a rule has something else.
        """
        return self.backward(parameters, trace, z)

    def gradients(self, trace: Trace, back: Back, weights: np.ndarray) -> Parameters:
        """The gradient step sum_v weights_v d(output_v)/d(parameter) times the number of sites, per
        parameter, of a pass forward and one back, by `backward` or `feedback`, with one column."""
        return {}

    def refresh(self, parameters: Parameters, trace: Trace, variance: float) -> None:
        """Add Gaussian noise of a variance to every weight."""

    def sizes(self, parameters: Parameters) -> dict[str, float]:
        """Root mean square of the fields that the learned part of each parameter makes of features of mean
        square one."""
        return {}

    def left_out(self, parameters: Parameters, trace: Trace, back: Back) -> list[np.ndarray]:
        """What every matrix leaves out of the outputs, times the richness, (column, example)."""
        return []

    def walk(self, passage: Passage[Trace, Back]) -> Iterator[tuple["Layer[Any, Any]", Passage[Any, Any]]]:
        """This layer and all that it holds, each with its own part of a pass."""
        yield self, passage


def root_mean_square(values: np.ndarray) -> float:
    """Over all entries; the largest row of several."""
    return float(np.sqrt((values**2).mean(axis=-1)).max(initial=0.0))

"""The interface of a layer: one forward and one backward pass, the gradient, and what can be observed."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np

from ..matrices.matrix import Parts
from ..matrices.parameter import Parameter


class Observation(NamedTuple):
    """One observed array: the variable's name, the layer it belongs to, the values.

    Without a layer it is the contribution of one `weight`, summed over weights times their learning-rate multipliers.
    """

    name: str
    layer: int | None
    values: np.ndarray
    weight: str = ""


class Layer(ABC):
    """A layer holds matrices but no history and no parameters; what a pass leaves behind is its trace.

    Parameters of all layers are one dict from name to `Parameter`. Shapes are (vector, site); vectors are examples,
    or what the layer makes of them (positions, tokens).
    """

    def initial(self) -> dict[str, Parameter]:
        """Parameters before training."""
        return {}

    @abstractmethod
    def forward(self, parameters: dict[str, Parameter], x: Any) -> tuple[Any, Any]:
        """The layer's output and the trace of the pass."""

    @abstractmethod
    def backward(self, parameters: dict[str, Parameter], trace: Any, z: np.ndarray) -> np.ndarray | None:
        """The backward field of the layer's input, given that of its output; completes the trace."""

    def gradients(self, trace: Any, weights: np.ndarray) -> dict[str, Parameter]:
        """The gradient step sum_v weights_v d(output_v)/d(parameter) times the number of sites, per parameter."""
        return {}

    def sizes(self, parameters: dict[str, Parameter]) -> dict[str, float]:
        """Root mean square of the fields that the learned part of each parameter makes of features of mean square one."""
        return {}

    def observe(self, parameters: dict[str, Parameter], trace: Any, chosen: slice) -> list[Observation]:
        """Kernels, ranks, and fields at the `chosen` sites with their parts, of the pass of which `trace` tells."""
        return []


def observed_field(name: str, layer: int, field: np.ndarray, parts: Parts | None, chosen: slice) -> list[Observation]:
    """A field at the chosen sites and, where they are known, its parts."""
    seen = [Observation(name, layer, field[:, chosen].copy())]
    if parts is not None:
        seen += [Observation(f"{name}_{part}_part", layer, value) for part, value in parts._asdict().items()]
    return seen


def root_mean_square(values: np.ndarray) -> float:
    """Over all entries; the largest row of several."""
    return float(np.sqrt((values**2).mean(axis=-1)).max(initial=0.0))

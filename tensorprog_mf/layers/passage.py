"""What one pass leaves at a layer: what went in and came out, forward and on the way back."""

from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

Trace = TypeVar("Trace")
Back = TypeVar("Back")


class Forward(NamedTuple, Generic[Trace]):
    """One way forward through a layer.

    `x` went in, (vector, site), or the examples to show in the first layer; `y` came out; `trace` is what the
    layer itself keeps of the pass.
    """

    x: Any
    y: np.ndarray
    trace: Trace


class Backward(NamedTuple, Generic[Back]):
    """One way back through a layer.

    `above` is the field at its output, (column, vector, site), `below` the one at its input; `own` is what
    the layer itself keeps of the pass.
    """

    above: np.ndarray
    below: np.ndarray
    own: Back


@dataclass(frozen=True)
class Passage(Generic[Trace, Back]):
    """All ways of one pass through a layer: forward, and those of the two ways back that were gone.

    `back` is that of gradients of the outputs, one column for each; `taught` that of a learning rule.
    """

    forward: Forward[Trace]
    back: Backward[Back] | None = None
    taught: Backward[Back] | None = None

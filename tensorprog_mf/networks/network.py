"""What every network says of itself."""

from abc import ABC, abstractmethod
from dataclasses import fields
from typing import NamedTuple

import numpy as np

from ..ground.errors import real, require
from ..matrices.realization import Realization
from ..probes.probe import Composition
from ..sites.activations import Activation


class Asked(NamedTuple):
    """A hidden matrix, or several that share bases, for estimates of memory.

    Vectors per example in a query `forward` and `backward`; site arrays `kept` for every direction of the
    two, a direction and its images; `learned` parts, one for each matrix.
    """

    forward: int = 1
    backward: int = 1
    kept: tuple[int, int] = (2, 2)
    learned: int = 1


class Footprint(NamedTuple):
    """What decides the memory of a run.

    Observed `layers`; `features` of an input vector; the `hidden` matrices; `vectors` per example, of the
    layer that has most, and of all layers together, those whose `fields` a pass leaves behind; `directions`
    per vector, those of an MLP being 1.
    """

    layers: int
    features: int
    hidden: tuple[Asked, ...]
    vectors: int = 1
    fields: int = 1
    directions: float = 1.0


class Network(ABC):
    """A frozen description of an architecture in mean-field (muP) parameterisation, outputs divided by
    `richness`."""

    richness: float
    activation: Activation  # routes ask it about kinks: kinked=True if any activation of the network has one

    input_dims: tuple[str, ...] = ("feature",)  # of one example
    vector_dim: str | None = None  # where an example is several vectors: what they are
    frozen = False  # whether training moves nothing in the limit
    dense_chain = False  # whether it is an input, hidden matrices and a readout one after another, as an MLP
    residual = False  # whether branches are added, so that fields are not told apart into parts
    averages = False  # whether hidden layers are averages: no initial Gaussian field, and no lazy limit
    has_input_weight = False  # whether the input weights of a site are known, all of them
    output_bias: float = 0.0  # scale of the bias of the outputs

    @abstractmethod
    def footprint(self, shape: tuple[int, ...]) -> Footprint:
        """For estimates of memory, given the shape of an input."""

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuse inputs of a wrong shape."""
        wanted = f"(example, {', '.join(self.input_dims)})"
        require(
            len(shape) == len(self.input_dims),
            f"inputs of {type(self).__name__} are {wanted}; these have {len(shape) + 1} dimensions.",
        )

    def warn_of(self, problem, limit: bool) -> None:  # noqa: B027
        """Warn of what may surprise in a run on a problem, at finite width or in the limit."""

    def coordinates(self, layers: list[int]) -> dict[str, np.ndarray]:
        """Coordinates along the observed layers, beside their numbers."""
        return {}

    @property
    def plain(self) -> bool:
        """Whether all entries of weights start as N(0,1) and there are no biases."""
        return True

    @property
    def random_hidden(self) -> bool:
        """Whether hidden weights are random at the start, beside their means."""
        return True

    @property
    def readout_std(self) -> float | None:
        """Standard deviation of the entries of a readout that reads the last layer; None for one behind a
        pool or a stream."""
        return None

    @property
    def refinements(self) -> tuple["Network", ...] | None:
        """Networks of growing size whose results are extrapolated; None for one that is run as it is."""
        return None

    @abstractmethod
    def compose(self, realization: Realization, inputs: np.ndarray) -> Composition:
        """The layers over the populations and matrices of a realization, the first of which knows the
        `inputs`, and the probes that record them."""

    def describe(self) -> dict:
        """The description as plain values."""
        return {
            "architecture": type(self).__name__,
            **{field.name: _plain(getattr(self, field.name)) for field in fields(self)},
        }


def _plain(value):
    """What has a description of its own, alone or in a list, as that."""
    if isinstance(value, (tuple, list)):
        return [_plain(entry) for entry in value]
    return value.describe() if hasattr(value, "describe") else value


def checked_richness(given) -> float:
    """The argument `richness`."""
    return real(
        "richness",
        given,
        "be positive; for the limit richness -> 0 take a small value such as 0.01",
        lambda v: v > 0,
    )

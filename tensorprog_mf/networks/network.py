"""What every network tells about itself."""

from abc import ABC, abstractmethod
from dataclasses import fields
from typing import Any, NamedTuple, cast

import numpy as np

from ..ground.errors import real, require
from ..matrices.realization import Realization
from ..probes.probe import Composition
from ..problems.source import DataSource
from ..sites.activations import Activation


class Asked(NamedTuple):
    """What a hidden matrix, or several that share their bases, need in an estimate of memory.

    `forward` and `backward` are the numbers of vectors per example in a query; `kept` says of both kinds of
    queries how many site arrays a direction takes, itself and its images; `learned` is the number of learned
    parts, one for each matrix.
    """

    forward: int = 1
    backward: int = 1
    kept: tuple[int, int] = (2, 2)
    learned: int = 1


class Footprint(NamedTuple):
    """What decides the memory of a run.

    `layers` are the observed ones; `features` those of an input vector; `hidden` the hidden matrices;
    `vectors` counts those per example in the layer that has most, and `fields` those of all layers whose
    fields a pass keeps; `directions` is their number per vector, relative to an MLP.
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
    activation: Activation

    input_dims: tuple[str, ...] = ("feature",)  # of one example
    vector_dim: str | None = None  # where an example is several vectors: what they are
    dense_chain = False  # whether it is an input, hidden matrices and a readout one after another, as an MLP
    residual = False  # whether branches are added, so that fields are not told apart into parts
    averages = False  # whether hidden layers are averages: no initial Gaussian field, and no lazy limit
    has_input_weight = False  # whether the input weights of a site are known, all of them
    output_bias: float = 0.0  # scale of the bias of the outputs

    @property
    def activations(self) -> tuple[Activation, ...]:
        """All activations; a network that has several says so here."""
        return (self.activation,)

    @property
    def kinked(self) -> bool:
        """Whether the slope of an activation jumps."""
        return any(bool(activation.kinked) for activation in self.activations)

    @abstractmethod
    def footprint(self, shape: tuple[int, ...]) -> Footprint:
        """What the memory of a run depends on, given the shape of an input."""

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuse inputs of a wrong shape."""
        wanted = f"(example, {', '.join(self.input_dims)})"
        require(
            len(shape) == len(self.input_dims),
            f"inputs of {type(self).__name__} are {wanted}; these have {len(shape) + 1} dimensions.",
        )

    def warn_of(self, problem: DataSource, limit: bool) -> None:  # noqa: B027
        """Warn of what may surprise in a run on a problem, at finite width or in the limit."""

    def coordinates(self, layers: list[int]) -> dict[str, np.ndarray]:
        """Coordinates along the observed layers, beside their numbers."""
        return {}

    @property
    def frozen(self) -> bool:
        """Whether training moves nothing in the limit."""
        return False

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
        """Standard deviation of the entries of a readout that reads the last layer; None for one that reads a
        pool or a stream."""
        return None

    @property
    def refinements(self) -> tuple["Network", ...] | None:
        """Networks of growing size whose results are extrapolated; None for one that is run as it is."""
        return None

    @abstractmethod
    def compose(self, realization: Realization, inputs: np.ndarray) -> Composition:
        """The layers over the populations and matrices of a realization, and the probes that record them; the
        first layer is made for these `inputs`."""

    def describe(self) -> dict[str, Any]:
        """The description as plain values."""
        return {
            "architecture": type(self).__name__,
            **{field.name: _plain(getattr(self, field.name)) for field in fields(cast(Any, self))},
        }


def _plain(value: Any) -> Any:
    """A value as plain ones: what can describe itself, alone or in a list, is replaced by its description."""
    if isinstance(value, (tuple, list)):
        return [_plain(entry) for entry in value]
    return value.describe() if hasattr(value, "describe") else value


def checked_richness(given: float) -> float:
    """The argument `richness`."""
    return real(
        "richness",
        given,
        "be positive; for the limit richness -> 0 take a small value such as 0.01",
        lambda v: v > 0,
    )


def repeated(name: str, given: Any, count: int) -> list[Any]:
    """`count` values of an argument, from one for all of them or from a list of them."""
    values = [given] * count if np.ndim(given) == 0 else list(given)
    require(len(values) == count, f"{name} has {len(values)} numbers; give one, or {count}.")
    return values

"""What the autoencoder's limit and its finite networks share: their times and the Dataset they end as."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ...ground.errors import real, require
from ...ground.status import Status
from ...results import memory
from ...results.dataset import labelled
from ...results.provenance import made
from ...results.references import cite
from ...sites.activations import Activation
from ..arguments import checked_times
from ..outcomes import Arrays
from .spectrum import CovarianceSpectrum

_PAPERS = cite("autoencoders")


@dataclass(frozen=True)
class FlowTimes:
    """Recorded times of gradient flow."""

    times: np.ndarray


@dataclass(frozen=True)
class StepTimes(FlowTimes):
    """Recorded times of gradient descent, and after how many steps each is reached."""

    step: float
    counts: np.ndarray


def step_times(given: ArrayLike, step: float) -> StepTimes:
    """Times that increase from 0 or later, each a multiple of `step`.

    Raises
    ------
    InputError
        Other times, or a step that is not positive.
    """
    times = checked_times(given)
    step = real("step", step, "be positive", lambda v: v > 0)
    counts = np.rint(times / step).astype(int)
    off = times[np.abs(counts * step - times) > 1e-9 * np.maximum(times, step)]
    first = off[0] if len(off) else 0.0
    require(
        len(off) == 0,
        f"time {first:g} is not a multiple of step={step:g}: no step ends there; choose times that are.",
    )
    return StepTimes(times, step, counts)


def check_size(numbers: int) -> None:
    """Refuse a run of more numbers than memory holds."""
    memory.check(8 * numbers, "record fewer times, keep fewer samples or take a smaller width")


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A run that has ended: its route, what it was asked for, and how it ended."""

    route: str
    spectrum: CovarianceSpectrum
    activation: Activation
    times: FlowTimes
    settings: dict
    status: Status
    message: str

    def dataset(self, arrays: Arrays, more: dict) -> xr.Dataset:
        """The labelled result from its variables, which are cut to the times that were reached, with `more`
        attributes."""
        reached, own = len(arrays["loss"][1]), self.spectrum
        arrays = {name: found for name, found in arrays.items() if name != "neuron_weight" or found[1].size}
        if own.vectors is not None:
            arrays["direction_vector"] = (("direction", "feature"), own.vectors)
        if own.mean is not None:
            arrays["input_mean"] = (("feature",), own.mean)
        coordinates = {
            "time": self.times.times[:reached],
            "direction": np.arange(len(own.variances)),
            "variance": own.variances,
            "fraction": own.fractions,
        }
        if isinstance(self.times, StepTimes):
            coordinates["step"] = self.times.counts[:reached]
        described = {"activation": self.activation.describe(), "data": own.describe()}
        ended = self.status.label, self.message
        attributes = made(self.route, "weight-tied autoencoder", self.settings, *ended, _PAPERS, described)
        return labelled(arrays, coordinates, attributes | more)

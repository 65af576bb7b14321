"""What the autoencoder's limit and its finite networks share: their times and the Dataset they end as."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import xarray as xr

from ...ground.errors import DivergenceWarning, real, require, warn
from ...ground.status import Status
from ...results import memory
from ...results.dataset import labelled
from ...results.provenance import made
from ...results.schema import VARIABLES
from ...sites.activations import Activation
from .spectrum import Spectrum, finite_array

_REFERENCES = "Nguyen 2021, arXiv:2102.08373"


@dataclass(frozen=True)
class Grid:
    """Recorded times; with a `step`, after how many of them."""

    times: np.ndarray
    step: float | None = None
    counts: np.ndarray | None = None

    @classmethod
    def of(cls, times, step: float | None) -> Self:
        """Times that increase from 0 or later, each a multiple of `step` unless that is None."""
        times = finite_array("times", times, 1, "(time,)")
        require(
            times[0] >= 0 and (np.diff(times) > 0).all(), "times must be 0 or more and increase strictly."
        )
        if step is None:
            return cls(times)
        step = real("step", step, "be positive", lambda v: v > 0)
        counts = np.rint(times / step).astype(int)
        off = times[np.abs(counts * step - times) > 1e-9 * np.maximum(times, step)]
        first = off[0] if len(off) else 0.0
        require(
            len(off) == 0,
            f"time {first:g} is not a multiple of step={step:g}: no step ends there; choose times that are.",
        )
        return cls(times, step, counts)


def check_size(numbers: int) -> None:
    """Refuse a run of more numbers than memory holds."""
    memory.check(8 * numbers, "record fewer times, keep fewer samples or take a smaller width")


def ending(stopped: float | None, step: float | None, interrupted: float | None = None) -> tuple[str, str]:
    """Status and its message; a run that diverged warns."""
    if interrupted is not None:
        return (
            Status.INTERRUPTED.label,
            f"The run was interrupted at time {interrupted:g}; the times before are kept.",
        )
    if stopped is None:
        return Status.COMPLETED.label, Status.COMPLETED.message
    remedy = "take a smaller tolerance" if step is None else f"step={step:g} is too large, take a smaller one"
    message = f"At time {stopped:g} weights were not finite; the times before are kept: {remedy}."
    warn(message, DivergenceWarning)
    return Status.DIVERGED.label, message


def finished(
    route: str,
    arrays: dict,
    spectrum: Spectrum,
    grid: Grid,
    activation: Activation,
    settings: dict,
    end: tuple[str, str],
    more: dict,
) -> xr.Dataset:
    """The Dataset of a run from its variables, cut to the times that were reached."""
    reached = len(arrays["loss"])
    require(
        reached > 0,
        "the run diverged before its first recorded time, so there is nothing to return; take a smaller"
        " step.",
    )
    if not arrays["theta"].size:
        del arrays["theta"]
    if spectrum.vectors is not None:
        arrays["direction_vector"] = spectrum.vectors
    if spectrum.mean is not None:
        arrays["input_mean"] = spectrum.mean
    variables = {
        name: (VARIABLES[name.removesuffix("_stderr")].dims, values) for name, values in arrays.items()
    }
    coordinates = {
        "time": grid.times[:reached],
        "direction": np.arange(len(spectrum.variances)),
        "variance": spectrum.variances,
        "fraction": spectrum.fractions,
    }
    if grid.counts is not None:
        coordinates["step"] = grid.counts[:reached]
    described = {"activation": activation.describe(), "data": spectrum.describe()}
    attributes = made(route, "weight-tied autoencoder", settings, *end, _REFERENCES, described)
    return labelled(variables, coordinates, attributes | more)

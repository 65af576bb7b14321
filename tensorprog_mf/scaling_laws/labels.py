"""What all solvers of scaling laws share: labels of results, ensembles, how a run ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..engine.record import Record
from ..ground.divergence import RunAway, sentence
from ..ground.errors import DivergenceWarning, require, warn, whole
from ..ground.interruption import nothing_kept
from ..ground.status import Status
from ..results.dataset import labelled
from ..results.provenance import made
from ..results.references import cite
from .model import Descent, Flow, Model

TIME, TWO_TIME = ("time",), ("time", "time_prime")
NAMES = {  # of variables, by their symbols in the theory
    "H": "transfer_function",
    "C0": "error_correlation",
    "C1": "residual_correlation",
    "C2": "mode_gradient_correlation",
    "C3": "feature_gradient_correlation",
    "R1": "data_response",
    "R3": "feature_response",
    "R02": "mode_response_to_data",
    "R24": "mode_response_to_features",
    "W": "weight_propagator",
    "Cw": "weight_correlation",
}
Arrays = dict[str, tuple[tuple[str, ...], np.ndarray]]  # (dims, values) of variables, by their names
Recorded = Record | Sequence[int] | np.ndarray | None  # the steps that users ask for; None: all


def over(dims: tuple[str, ...], values: Mapping[str, np.ndarray]) -> Arrays:
    """Variables that have the same dimensions."""
    return {name: (dims, value) for name, value in values.items()}


def architecture(model: Model) -> str:
    """What the attributes of a result call the model."""
    if model.richness == 0:
        return "random features"
    return "projected linear network" if model.projected else "unprojected linear network"


def references(richness: float) -> str:
    """The papers on models of a richness."""
    learned = () if richness == 0 else ("scaling laws of learned features",)
    return cite("scaling laws", *learned)


@dataclass(frozen=True)
class Ending:
    """How a run ended, the first step that it did not complete, and what ran away there."""

    status: Status = Status.COMPLETED
    step: int = 0
    cause: RunAway | None = None

    def message(self, kept: bool = True) -> str:
        """As a sentence; `kept` tells whether there are times before."""
        if self.status is not Status.DIVERGED:
            return self.status.message.format(step=self.step, count="")
        remedy = "Take a smaller learning rate, or a smaller spectrum or target."
        return sentence(f"At step {self.step}", self.cause, remedy, kept)

    def tell(self, route: str, kept: int) -> None:
        """Warn of a run that diverged.

        Raises
        ------
        InputError
            It diverged, and none of the times is `kept`.
        Interrupted
            The same of an interruption.
        """
        if kept == 0 and self.status is Status.INTERRUPTED:
            raise nothing_kept(route, f"before step {self.step} and before its first record")
        require(kept > 0, self.message(False))
        if self.status is Status.DIVERGED:
            warn(self.message(), DivergenceWarning)


COMPLETED = Ending()


def result(
    route: str,
    arrays: Arrays,
    coordinates: Mapping[str, np.ndarray],
    model: Model,
    training: Descent | Flow,
    settings: Mapping[str, object],
    ending: Ending = COMPLETED,
    replicates: int | None = None,
) -> xr.Dataset:
    """A labelled Dataset; the spectrum and the coordinates that belong to others are added.

    `replicates` are those that standard errors stand for.
    """
    modes = model.modes
    spectrum = {"eigenvalue": modes.eigenvalues, "power": modes.power, "multiplicity": modes.multiplicity}
    primed = {f"{name}_prime": coordinates[name] for name in ("time", "step") if name in coordinates}
    attributes = made(
        f"scaling_laws.{route}",
        architecture(model),
        dict(settings),
        ending.status.label,
        ending.message(),
        references(model.richness),
        {"model": model.describe(), "training": training.describe()},
    )
    return labelled(
        arrays | over(("mode",), spectrum),
        {**coordinates, **primed, "mode": np.arange(1, 1 + len(modes.power))},
        attributes | ({} if replicates is None else {"replicates": replicates}),
    )


def add_doubt(ds: xr.Dataset, message: str) -> None:
    """Add what is doubtful about a result to its status message."""
    if message:
        ds.attrs["status_message"] += f" {message}"


def ensemble_sizes(given: Sequence[int] | np.ndarray) -> tuple[int, ...]:
    """Sizes of ensembles: positive whole numbers."""
    require(np.ndim(given) == 1, f"ensemble_sizes={given!r} must be a list of whole numbers.")
    return tuple(whole("ensemble_sizes", size, 1) for size in given)


@dataclass(frozen=True, kw_only=True)
class ErrorCorrelations:
    """Correlations between the errors of two students, (time,), less the label noise.

    `total` is that of a student with itself, `same_features` and `same_data` with another one that shares
    only these, `bias` with one that shares neither.
    """

    total: np.ndarray
    same_features: np.ndarray
    same_data: np.ndarray
    bias: np.ndarray

    def split(self, noise: float, sizes: tuple[int, ...]) -> Arrays:
        """Bias, variances, and the losses of ensembles of the given sizes."""
        total, same_features, same_data = self.total, self.same_features, self.same_data
        found = over(
            TIME,
            {
                "bias_loss": self.bias,
                "loss_same_features": same_features,
                "loss_same_data": same_data,
                "variance_data": same_data - self.bias,
                "variance_features": same_features - self.bias,
                "variance_both": total - same_features - same_data + self.bias,
            },
        )
        if not sizes:
            return found
        # E students on the same data: pairs of different ones have the correlation `same_data`, and the rest
        # of a student's own error is averaged away as 1 / E. Bagging: the same with `same_features`.
        each = np.array(sizes, float)[:, None]
        ensembles = {
            name: shared + (total - shared) / each + noise
            for name, shared in (("ensemble_loss", same_data), ("bagging_loss", same_features))
        }
        return found | over(("ensemble_size", "time"), ensembles)

"""What all solvers of scaling laws share: labels of results, ensembles, how a run ends."""

import numpy as np
import xarray as xr

from ..ground.divergence import RunAway, sentence
from ..ground.errors import DivergenceWarning, require, warn, whole
from ..ground.interruption import nothing_kept
from ..ground.status import Status
from ..results.dataset import labelled
from ..results.provenance import made
from .model import Descent, Flow, Model

REFERENCES = (
    "Bordelon, Atanasov & Pehlevan 2024, 'A dynamical model of neural scaling laws', arXiv:2402.01092; "
    "the same 2024, 'How feature learning can improve neural scaling laws', arXiv:2409.17858"
)
TWO_TIME = ("time", "time_prime")


def architecture(model: Model) -> str:
    """Of the attributes."""
    return (
        "random features"
        if model.richness == 0
        else "projected linear network"
        if model.projected
        else "unprojected linear network"
    )


def result(
    route: str,
    arrays: dict,
    times: np.ndarray,
    model: Model,
    training: Descent | Flow,
    settings: dict,
    steps: np.ndarray | None = None,
    status: Status = Status.COMPLETED,
    step: int = 0,
    more: dict | None = None,
    replicates: int | None = None,
    what: RunAway | None = None,
) -> xr.Dataset:
    """A labelled Dataset; spectrum and coordinates are added. `replicates` are those that standard errors
    stand for."""
    modes = model.modes
    arrays = arrays | {
        name: (("mode",), values)
        for name, values in (
            ("eigenvalue", modes.eigenvalues),
            ("power", modes.power),
            ("multiplicity", modes.multiplicity),
        )
    }
    coordinates = {
        "time": times,
        "time_prime": times,
        "mode": np.arange(1, 1 + len(modes.power)),
        **(more or {}),
    }
    if steps is not None:
        coordinates["step"] = coordinates["step_prime"] = steps
    described = {"model": model.describe(), "training": training.describe()}
    message = _message(status, step, what)
    attributes = made(
        f"scaling_laws.{route}", architecture(model), settings, status.label, message, REFERENCES, described
    )
    return labelled(
        arrays, coordinates, attributes | ({} if replicates is None else {"replicates": replicates})
    )


def _message(status: Status, step: int, what: RunAway | None, kept: bool = True) -> str:
    """How a run ended, and what ran away."""
    if status is not Status.DIVERGED:
        return status.message.format(step=step, count="")
    return sentence(
        f"At step {step}", what, "Take a smaller learning rate, or a smaller spectrum or target.", kept
    )


def ending(route: str, status: Status, step: int, kept: int, what: RunAway | None = None) -> None:
    """Warn of a run that diverged at `step`, by `what`; refuse one of which nothing is kept."""
    if kept == 0 and status is Status.INTERRUPTED:
        raise nothing_kept(route, f"before step {step} and before its first record")
    require(kept > 0, _message(status, step, what, False))
    if status is Status.DIVERGED:
        warn(_message(status, step, what), DivergenceWarning)


def add_doubt(ds: xr.Dataset, message: str) -> None:
    """What is doubted of a result, in its status message."""
    if message:
        ds.attrs["status_message"] += f" {message}"


def ensemble_sizes(given) -> tuple[int, ...]:
    """Sizes of ensembles: positive whole numbers."""
    require(np.ndim(given) == 1, f"ensemble_sizes={given!r} must be a list of whole numbers.")
    return tuple(whole("ensemble_sizes", size, 1) for size in given)


def bias_variance(
    total: np.ndarray,
    same_a: np.ndarray,
    same_data: np.ndarray,
    bias: np.ndarray,
    noise: float,
    sizes: tuple[int, ...],
) -> dict:
    """Bias, variances and losses of ensembles from the correlations of students' errors, (..., time)."""
    arrays = {
        "bias_loss": bias,
        "loss_same_A": same_a,
        "loss_same_data": same_data,
        "variance_data": same_data - bias,
        "variance_features": same_a - bias,
        "variance_both": total - same_a - same_data + bias,
    }
    found = {name: (("time",), values) for name, values in arrays.items()}
    if sizes:
        each = np.array(sizes, float)[:, None]
        for name, shared in (("ensemble_loss", same_data), ("bagging_loss", same_a)):
            found[name] = (("ensemble_size", "time"), shared + (total - shared) / each + noise)
    return found

"""What is kept of a run: at the chosen steps, outputs, kernels, and fields at a few sites."""

import numpy as np

from .errors import require
from .layers.layer import Observation, Selection


def log_steps(steps: int, count: int = 50) -> np.ndarray:
    """About `count` whole steps from 0 to `steps`, both included, evenly spaced in log(1 + step)."""
    return np.unique(np.rint(np.expm1(np.linspace(0, np.log1p(steps), count))).astype(int))


def recorded_steps(record, steps: int) -> np.ndarray:
    """The steps to record: all for None, else the given ones, sorted.

    Raises
    ------
    InputError
        Steps that are not whole numbers in 0 ... steps.
    """
    if record is None:
        return np.arange(steps + 1)
    chosen = np.unique(np.asarray(record))
    require(
        chosen.size > 0 and chosen.dtype.kind in "iu" and chosen[0] >= 0 and chosen[-1] <= steps,
        f"record={record!r} must hold whole steps between 0 and {steps}.",
    )
    return chosen


class Recorder:
    """Gathers one replicate's record: per recorded step the observations, stacked over layers.

    Parameters
    ----------
    steps
        Steps to record.
    samples
        Number of sites per layer whose fields are kept; 0 for none.
    """

    def __init__(self, steps: np.ndarray, samples: int):
        self.steps, self._wanted = steps, set(steps.tolist())
        self.selection = Selection(kernels=True, sites=slice(0, samples))
        self._rows: list[dict[str, np.ndarray]] = []

    def wants(self, step: int) -> bool:
        """Whether this step is recorded."""
        return step in self._wanted

    def add(self, scalars: dict[str, np.ndarray], observations: list[Observation]) -> None:
        """The next recorded step."""
        self._rows.append({**{k: np.asarray(v) for k, v in scalars.items()}, **_stacked(observations)})

    def record(self) -> dict[str, np.ndarray]:
        """Per variable an array (time, ...) over the recorded steps that were reached."""
        return {name: np.stack([row[name] for row in self._rows]) for name in self._rows[0]} if self._rows else {}


def _stacked(observations: list[Observation]) -> dict[str, np.ndarray]:
    """Observations by name, (layer, ...); those without a layer summed. A layer that has none is NaN, its rank 0."""
    labels = sorted({seen.layer for seen in observations if seen.layer is not None})
    total: dict[str, np.ndarray] = {}
    for name, layer, values in observations:
        values = np.asarray(values)
        if layer is None:
            total[name] = total.get(name, 0) + values
        else:
            missing = np.nan if values.dtype.kind == "f" else 0
            target = total.setdefault(name, np.full((len(labels), *values.shape), missing, values.dtype))
            target[labels.index(layer)] = values
    if "rank_forward" in total:
        total["rank"] = np.stack([total.pop("rank_forward"), total.pop("rank_backward")], axis=-1)
    return total

"""What is kept of a run: at the chosen steps, outputs, kernels, and fields at a few sites."""

import numpy as np

from .errors import require, whole
from .layers.layer import Observation
from .schema import VARIABLES

_LARGEST = 1e30  # beyond it a run has diverged: what is stored in single precision would overflow soon


def log_steps(steps: int, count: int = 50) -> np.ndarray:
    """About `count` whole steps from 0 to `steps`, both included, evenly spaced in log(1 + step)."""
    steps, count = whole("steps", steps), whole("count", count, 2)
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
        np.ndim(record) == 1 and chosen.size > 0 and chosen.dtype.kind in "iu" and chosen[0] >= 0 and chosen[-1] <= steps,
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
        self.chosen = slice(0, samples)
        self.labels: list[int] = []
        self._rows: list[dict[str, np.ndarray]] = []

    def wants(self, step: int) -> bool:
        """Whether this step is recorded."""
        return step in self._wanted

    def add(self, scalars: dict, observations: list[Observation], multipliers: dict[str, float]) -> bool:
        """The next recorded step; refused, with False, if something in it is not finite."""
        arrays = [*scalars.values(), *(seen.values for seen in observations)]
        if not all(np.abs(values).max(initial=0.0) < _LARGEST for values in arrays):  # NaN is not smaller either
            return False
        self.labels = sorted({seen.layer for seen in observations if seen.layer is not None})
        row = {**{name: np.asarray(values) for name, values in scalars.items()}, **_stacked(observations, self.labels, multipliers)}
        self._rows.append({name: values.astype(VARIABLES[name].dtype) for name, values in row.items()})
        return True

    def record(self) -> dict[str, np.ndarray]:
        """Per variable an array (time, ...) over the recorded steps that were reached; fields only if sites were chosen."""
        if not self._rows:
            return {}
        names = [name for name in self._rows[0] if self.chosen.stop or "sample" not in VARIABLES[name].dims]
        return {name: np.stack([row[name] for row in self._rows]) for name in names}


def _stacked(observations: list[Observation], labels: list[int], multipliers: dict[str, float]) -> dict[str, np.ndarray]:
    """Observations by name, (layer, ...); those without a layer summed. A layer that has none is NaN, its rank 0."""
    total: dict[str, np.ndarray] = {}
    seen = set()
    for name, layer, values, weight in observations:
        values = np.asarray(values)
        if layer is None:
            total[name] = total.get(name, 0) + multipliers[weight] * values
            continue
        if (name, layer) in seen:
            raise RuntimeError(f"{name} of layer {layer} was observed twice; give the two names or labels of their own.")
        seen.add((name, layer))
        missing = np.nan if values.dtype.kind == "f" else 0
        target = total.setdefault(name, np.full((len(labels), *values.shape), missing, values.dtype))
        target[labels.index(layer)] = values
    if "rank_forward" in total:
        total["rank"] = np.stack([total.pop("rank_forward"), total.pop("rank_backward")], axis=-1)
    return total

"""What is kept of a run: at the chosen steps, outputs, kernels, fields at a few sites, and averages over all
of them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from ..ground.divergence import check_size
from ..probes.readings import (
    AtSites,
    FieldAtAllSites,
    OfLayer,
    OfNetwork,
    Reading,
    ReadingOfLayer,
    TangentShare,
    WeightAtAllSites,
)
from ..probes.wanted import Wanted
from ..results.schema import VARIABLES, Variable
from .record import Record
from .reductions import Reductions
from .stacking import stacked


class Recorder:
    """Gathers one replicate's record: per recorded step what probes read, stacked over layers.

    Parameters
    ----------
    record
        What is wanted.
    steps
        Its steps.
    samples
        Number of sites per layer whose fields are kept; 0 for none.
    outputs
        Number of outputs, None where they have no dimension.
    reductions
        What gathers averages over all sites; None for the usual one.
    """

    def __init__(
        self,
        record: Record,
        steps: np.ndarray,
        samples: int,
        outputs: int | None = None,
        reductions: Reductions | None = None,
    ):
        self.kept, self.steps, self._wanted = record, steps, set(steps.tolist())
        self.samples, self.outputs = samples, outputs
        self.labels: list[int] = []
        self._rows: list[dict[str, np.ndarray]] = []
        self._reductions = reductions or Reductions(record)

    def wants(self, step: int) -> bool:
        """Whether this step is recorded."""
        return step in self._wanted

    @property
    def backward(self) -> bool:
        """Whether backward fields of the outputs themselves are recorded."""
        return self.outputs is None or self.kept.per_output

    def wanted(self, kept: slice) -> Wanted:
        """What to read of a pass whose examples `kept` a result holds."""
        chosen = self.kept.kernel_examples
        paired = kept if chosen is None else kept.start + np.array(chosen, int)
        # Responses are regressions on Gaussian parts at all sites.
        sites = slice(None) if self.kept.responses else slice(0, self.samples)
        return Wanted(sites, kept, paired, self.outputs, self.kept.whole_fields)

    def add(
        self, scalars: dict[str, np.ndarray | float], readings: list[Reading], multipliers: dict[str, float]
    ) -> None:
        """The next recorded step; `RunAway` if something in it is not finite or too large to store."""
        for name, values in scalars.items():
            check_size(_named(name), np.asarray(values))
        arrays = [
            each
            for reading in readings
            for each in (reading.arrays() if isinstance(reading, AtSites) else [reading])
        ]
        for each in arrays:
            check_size(
                _named(each.name, each.layer if isinstance(each, ReadingOfLayer) else None), each.values
            )
        self.labels = sorted({each.layer for each in arrays if isinstance(each, ReadingOfLayer)})
        if self.kept.responses:
            self._keep_gaussian_parts(readings)
        row = {name: np.asarray(values) for name, values in scalars.items()}
        row |= stacked([kept for each in arrays for kept in self._reduced(each)], self.labels, multipliers)
        if not self._rows:
            self._check_complete(arrays, multipliers)
        self._rows.append({name: values.astype(_spec(name).dtype) for name, values in row.items()})

    def _check_complete(self, arrays: Sequence[Reading], weights: Iterable[str]) -> None:
        """Refuse probes of a network of one's own that leave out what the record is made of."""
        if self.kept.responses:
            self._reductions.check_responses(self.labels)
        if self.backward:
            read = {each.weight for each in arrays if isinstance(each, TangentShare)}
            missing = [name for name in weights if name not in read]
            if missing:
                raise RuntimeError(
                    f"no probe of the network reads the share of {', '.join(missing)} in the tangent kernel,"
                    " which would be wrong without it; give every weight a probe that reads its share."
                )

    def _keep_gaussian_parts(self, readings: list[Reading]) -> None:
        for reading in readings:
            if isinstance(reading, AtSites) and reading.parts is not None:
                self._reductions.keep(f"{reading.name}_gaussian_part", reading.layer, reading.parts.gaussian)

    def _reduced(self, reading: Reading) -> list[Reading]:
        """Fields at all sites become averages over them, others are cut to the sites to keep."""
        match reading:
            case FieldAtAllSites(name, layer, values):
                found = self._reductions.add(name, layer, values)
                return [OfLayer(own, layer, average) for own, average in found.items()]
            case WeightAtAllSites(name, values):
                found = self._reductions.averages(name, values)
                return [OfNetwork(own, average) for own, average in found.items()]
            case OfLayer() | OfNetwork() if "sample" in _spec(reading.name).dims:
                return [replace(reading, values=reading.values[..., : self.samples])]
        return [reading]

    def record(self) -> dict[str, np.ndarray]:
        """Per variable an array (time, ...) over the recorded steps that were reached; fields only if sites
        were chosen."""
        if not self._rows:
            return {}
        names = [
            name for name in self._rows[0] if self.samples or not {"sample", "head"} & set(_spec(name).dims)
        ]
        found = {name: np.stack([row[name] for row in self._rows]) for name in names}
        return found | self._reductions.between_times(self.labels)


def _spec(name: str) -> Variable:
    if name not in VARIABLES:
        raise RuntimeError(
            f"a probe read {name!r}, which no variable is called; declare it in results/schema."
        )
    return VARIABLES[name]


def _named(name: str, layer: int | None = None) -> str:
    """A variable in a sentence."""
    words = "the " + name.replace("_", " ")
    return words if layer is None else f"{words} of layer {layer}"

"""Estimates of the memory that a run will take, made before it is taken."""

import os
from collections.abc import Sized
from typing import Protocol

import numpy as np

from ..ground.errors import MemoryInputError
from ..networks.network import Footprint
from ..sites.activations import Activation
from ..training.training import Training
from .schema import TRAINING_VARIABLES, VARIABLES

_NUMBER = 8  # bytes
_RARE = ("pseudogradient_kernel", "_moment", "_density", "preactivation_kernel")  # not recorded by default
_FIRST, _MORE = 2.0, 30.0  # directions of a vector after a step, and how many more at the end of training


class Recorded(Protocol):
    """What of `Record` takes memory."""

    @property
    def moments(self) -> Sized:
        """Fields of which moments are kept."""

    @property
    def densities(self) -> Sized:
        """Fields of which densities are kept."""

    @property
    def edges(self) -> Sized:
        """Edges of the bins of densities."""

    @property
    def two_time(self) -> bool:
        """Whether kernels between two times are kept."""

    @property
    def responses(self) -> bool:
        """Whether responses are kept."""


def available() -> int | None:
    """Bytes of memory that are free without swapping, or None where the system does not say."""
    found = [limit for limit in (_of_machine(), _of_container()) if limit is not None]
    return min(found, default=None)


def _of_machine() -> int | None:
    """What the kernel calls available, or else free pages."""
    try:
        with open("/proc/meminfo") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _of_container() -> int | None:
    """What a control group leaves: batch systems and containers kill a process that takes more."""
    try:
        folder = "/sys/fs/cgroup"
        with open(f"{folder}/memory.max") as limit, open(f"{folder}/memory.current") as used:
            return int(limit.read()) - int(used.read())
    except (OSError, ValueError):  # no such file, or "max": no limit
        return None


def of_results(
    times: int,
    layers: int,
    examples: int,
    samples: int,
    replicates: int,
    kernel_examples: int | None = None,
    columns: int = 1,
    vectors: int = 1,
) -> int:
    """Bytes of the recorded arrays of all replicates, twice while they are stacked, and of their summary.

    Layers see up to `vectors` per example; kernels may be between fewer examples, and have `columns` fields
    for each of them.
    """
    between = columns * (examples if kernel_examples is None else kernel_examples)
    total = 0
    for name in TRAINING_VARIABLES:
        if name.startswith("attention") or name.endswith(_RARE):
            continue
        spec = VARIABLES[name]
        seen = vectors if "layer" in spec.dims else 1
        sizes = {"time": times, "layer": layers, "example": examples * seen, "sample": samples, "pass": 2}
        if "example_prime" in spec.dims:
            sizes |= {"example": between * seen, "example_prime": between * seen}
        if spec.dims[0] == "time" and sizes.keys() >= set(spec.dims):
            count = int(np.prod([sizes[dim] for dim in spec.dims], dtype=float))
            total += count * np.dtype(spec.dtype).itemsize * (2 * replicates + 2 if spec.estimate else 3)
    return total


def of_record(
    record: Recorded, times: int, layers: int, rows: int, sites: int, replicates: int
) -> tuple[int, int]:
    """Bytes of what a `Record` asks for on top of that, with `rows` fields per layer.

    First the averages over sites and between times, of all replicates; then the fields that a replicate keeps
    until its end, of which those of one layer are copied into arrays of their own.
    """
    numbers = 4 * len(record.moments) + (len(record.edges) - 1) * len(record.densities)
    averages = times * layers * rows * numbers
    pairs = (times * rows) ** 2 * layers * (2 * record.two_time + 2 * record.responses)
    fields = (4 * layers + 6) * times * rows * sites * record.responses
    return _NUMBER * (2 * replicates + 2) * (averages + pairs), _NUMBER * fields


def directions(
    training: Training, n_train: int, tolerance: float, richness: float, activation: Activation
) -> float:
    """Directions per vector that training reveals on one side of a matrix, given enough queries: a fit.

        2 + 30 s (1 - exp(-(time / 1.2 n_train)^0.6)),    s = (log10(1 / tolerance) - 0.7) / 3.3 richness^0.4

    is within a factor of 1.5 of the ranks of tanh and erf networks, measured at richness 0.01 ... 3,
    tolerance 1e-3 ... 1e-8, 4 ... 400 examples and 1 ... 300 steps. With kinks every query brings new
    directions (inf); linear networks have next to none.
    """
    if activation.kinked:
        return np.inf
    if activation.name == "linear":
        return _FIRST
    time = training.clock()[-1] / (1 - training.momentum)
    size = max(np.log10(1 / tolerance) - 0.7, 0.3) / 3.3 * richness**0.4
    return _FIRST + _MORE * size * (1 - np.exp(-((time / (1.2 * max(n_train, 1))) ** 0.6)))


def of_dense(foot: Footprint, width: int, momentum: bool) -> float:
    """Bytes of stored matrices, their gradients and velocities, and of one that is being computed."""
    return _NUMBER * width**2 * (sum(asked.learned for asked in foot.hidden) * (3.0 + momentum) + 1.2)


def of_directions(
    foot: Footprint, examples: int, sites: int, per_vector: float, queries: int, fresh: int, copies: int
) -> float:
    """Bytes of bases, images and learned parts, of which there are `copies` on top of the parameter itself.

    Vectors of `examples` have `per_vector` directions, but no more than there are `queries` of examples.
    Vectors of `fresh` inputs, which are seen once, have one each.
    """

    def rank(vectors: int) -> float:
        return min(sites, vectors * (fresh + min(examples * foot.directions * per_vector, queries)))

    total, largest = 0.0, 0.0
    for asked in foot.hidden:
        forward, backward = rank(asked.forward), rank(asked.backward)
        total += (asked.kept[0] * forward + asked.kept[1] * backward) * sites
        total += asked.learned * forward * backward * (5 + copies)  # responses and overlaps too
        largest = max(largest, forward, backward)
    return _NUMBER * (total + largest * sites)  # a full array is copied to a larger one, one at a time


def of_fields(foot: Footprint, examples: int, sites: int, inputs: int, copies: int, columns: int) -> float:
    """Bytes of the fields of a pass over `examples`, of answers of taps, of `inputs` and readout weights."""
    taps = 2 * max((asked.learned * asked.forward for asked in foot.hidden if asked.learned > 1), default=0)
    rows = examples * (foot.fields * (5 + columns) + taps)
    return _NUMBER * sites * (rows + (3 + copies) * inputs)


def check(needed: int, remedy: str, most: str = "") -> None:
    """Refuse a run that needs more memory than there is.

    Raises
    ------
    MemoryInputError
        It needs more: with the estimate, what takes `most` of it, what is available, and the `remedy`.
    """
    free = available()
    if free is not None and needed > free:
        most = f", most of it for {most}," if most else ""
        raise MemoryInputError(
            f"this run needs about {needed / 1e9:.1f} GB of memory{most or ','} but {free / 1e9:.1f} GB are"
            f" available; {remedy}."
        )

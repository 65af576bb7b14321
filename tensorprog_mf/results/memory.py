"""How much memory a run will take, told before it is taken."""

import os

import numpy as np

from ..ground.errors import MemoryInputError
from .schema import TRAINING_VARIABLES, VARIABLES

_NUMBER = 8  # bytes
_FIRST, _MORE = 2.0, 30.0  # directions of a vector after a step, and more of them at the end of training


def available() -> int | None:
    """Bytes of memory that can be had without swapping, or None where the system does not tell."""
    found = [limit for limit in (_of_machine(), _of_container()) if limit is not None]
    return min(found, default=None)


def _of_machine() -> int | None:
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
    """What a control group leaves: batch systems and containers end a process that takes more."""
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

    Layers see `vectors` per example; kernels may be between fewer examples, and have `columns` fields for
    each of them.
    """
    between = columns * (examples if kernel_examples is None else kernel_examples)
    total = 0
    for name, spec in ((name, VARIABLES[name]) for name in TRAINING_VARIABLES):
        if name.endswith(
            ("pseudogradient_kernel", "_moment", "_density", "preactivation_kernel")
        ) or name.startswith("attention"):
            continue
        seen = vectors if "layer" in spec.dims else 1
        sizes = {"time": times, "layer": layers, "example": examples * seen, "sample": samples, "pass": 2}
        sizes |= (
            {"example": between * seen, "example_prime": between * seen}
            if "example_prime" in spec.dims
            else {}
        )
        if spec.dims[0] == "time" and sizes.keys() >= set(spec.dims):
            count = int(np.prod([sizes[dim] for dim in spec.dims], dtype=float))
            total += count * np.dtype(spec.dtype).itemsize * (2 * replicates + 2 if spec.estimate else 3)
    return total


def of_record(record, times: int, layers: int, rows: int, sites: int, replicates: int) -> tuple[int, int]:
    """Bytes of what a `Record` asks for beside that, of `rows` fields per layer.

    Averages over sites and between times, of all replicates; and the fields that a replicate keeps until its
    end, those of one layer once more in arrays of their own.
    """
    averages = (
        times * layers * rows * (4 * len(record.moments) + (len(record.edges) - 1) * len(record.densities))
    )
    pairs = (times * rows) ** 2 * layers * (2 * record.two_time + 2 * record.responses)
    fields = (4 * layers + 6) * times * rows * sites * record.responses
    return _NUMBER * (2 * replicates + 2) * (averages + pairs), _NUMBER * fields


def directions(training, n_train: int, tolerance: float, richness: float, activation) -> float:
    """Directions of every vector that training reveals on one side of a matrix, if there are queries enough:
    a fit.

    2 + 30 s (1 - exp(-(time / 1.2 n_train)^0.6)), s = (log10(1 / tolerance) - 0.7) / 3.3 richness^0.4, is
    within a factor of 1.5 of ranks of tanh and erf networks measured over richness 0.01 ... 3, tolerance 1e-3
    ... 1e-8, 4 ... 400 examples, 1 ... 300 steps. Behind kinks every query brings new directions; linear
    networks have next to none.
    """
    if activation.kinked:
        return np.inf
    if activation.name == "linear":
        return _FIRST
    time = training.clock()[-1] / (1 - training.momentum)
    size = max(np.log10(1 / tolerance) - 0.7, 0.3) / 3.3 * richness**0.4
    return _FIRST + _MORE * size * (1 - np.exp(-((time / (1.2 * max(n_train, 1))) ** 0.6)))


def of_dense(foot, width: int, momentum: bool) -> float:
    """Bytes of stored matrices, their gradients and velocities, and of one in the making."""
    return _NUMBER * width**2 * (sum(asked.learned for asked in foot.hidden) * (3.0 + momentum) + 1.2)


def of_directions(
    foot, examples: int, sites: int, per_vector: float, queries: int, fresh: int, copies: int
) -> float:
    """Bytes of bases, images and learned parts, each `copies` times beside the parameter itself.

    Vectors of `examples` have `per_vector` directions, but no more than there are `queries` of examples;
    those of `fresh` inputs, seen once, have one each.
    """

    def rank(vectors: int) -> float:
        return min(sites, vectors * (fresh + min(examples * foot.directions * per_vector, queries)))

    total, largest = 0.0, 0.0
    for asked in foot.hidden:
        forward, backward = rank(asked.forward), rank(asked.backward)
        total += (asked.kept[0] * forward + asked.kept[1] * backward) * sites
        total += asked.learned * forward * backward * (5 + copies)  # responses and overlaps too
        largest = max(largest, forward, backward)
    return _NUMBER * (total + largest * sites)  # what is full is copied to a larger array, one at a time


def of_fields(foot, examples: int, sites: int, inputs: int, copies: int, columns: int) -> float:
    """Bytes of what a pass over `examples` leaves behind, of the answers of taps, and of `inputs` and readout
    weights."""
    rows = examples * (
        foot.fields * (5 + columns)
        + 2 * max((a.learned * a.forward for a in foot.hidden if a.learned > 1), default=0)
    )
    return _NUMBER * sites * (rows + (3 + copies) * inputs)


def check(needed: int, remedy: str, most: str = "") -> None:
    """Refuse a run that needs more than there is.

    Raises
    ------
    MemoryInputError
        With the estimate, what takes `most` of it, what is available, and the `remedy`.
    """
    free = available()
    if free is not None and needed > free:
        most = f", most of it for {most}," if most else ""
        raise MemoryInputError(
            f"this run needs about {needed / 1e9:.1f} GB of memory{most or ','} but {free / 1e9:.1f} GB are"
            f" available; {remedy}."
        )

"""How much memory a run will take, told before it is taken."""

import os

import numpy as np

from .errors import MemoryInputError
from .schema import TRAINING_VARIABLES, VARIABLES

_NUMBER = 8  # bytes
_RANK = 4.0  # measured ranks at tolerance 1e-4 are 2 to 4 times examples x sqrt(steps); slack for bases that grow


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
    times: int, layers: int, examples: int, samples: int, replicates: int, kernel_examples: int | None = None, columns: int = 1, vectors: int = 1
) -> int:
    """Bytes of the recorded arrays of all replicates, twice while they are stacked, and of their summary.

    Layers see `vectors` per example; kernels may be between fewer examples, and have `columns` fields for each of them.
    """
    between = columns * (examples if kernel_examples is None else kernel_examples)
    total = 0
    for name, spec in ((name, VARIABLES[name]) for name in TRAINING_VARIABLES):
        if name.endswith(("pseudogradient_kernel", "_moment", "_density", "preactivation_kernel")) or name.startswith("attention"):
            continue
        seen = vectors if "layer" in spec.dims else 1
        sizes = {"time": times, "layer": layers, "example": examples * seen, "sample": samples, "pass": 2}
        sizes |= {"example": between * seen, "example_prime": between * seen} if "example_prime" in spec.dims else {}
        if spec.dims[0] == "time" and sizes.keys() >= set(spec.dims):
            count = int(np.prod([sizes[dim] for dim in spec.dims], dtype=float))
            total += count * np.dtype(spec.dtype).itemsize * (2 * replicates + 2 if spec.estimate else 3)
    return total


def of_record(record, times: int, layers: int, rows: int, sites: int, replicates: int, at_once: int) -> int:
    """Bytes of what a `Record` asks for beside that: averages over sites, and between times, of `rows` fields per layer."""
    averages = times * layers * rows * (4 * len(record.moments) + (len(record.edges) - 1) * len(record.densities))
    pairs = (times * rows) ** 2 * layers * (2 * record.two_time + 2 * record.responses)
    fields = 4 * times * layers * rows * sites * record.responses * at_once  # kept until the end
    return int(_NUMBER * ((2 * replicates + 2) * (averages + pairs) + fields))


def of_weights(
    matrix: str, sites: int, layers: int, hidden: int, examples: int, features: int, steps: int, momentum: bool, at_once: int, fresh: int = 0
) -> int:
    """Bytes of the weights of the replicates that run at the same time: an estimate, as ranks show during the run.

    Of `fresh` inputs, seen once, each adds a direction.
    """
    if matrix == "dense":
        each = hidden * (5.0 if momentum else 3.0) * sites * sites
    else:
        rank = min(sites, fresh + min(examples * (steps + 1), _RANK * examples * np.sqrt(steps + 1)))
        # Bases reserve up to half of what they hold, and are copied when that is full, one at a time; learned parts are rank x rank.
        each = hidden * (6.0 * rank * sites + 3.0 * rank * rank) + rank * sites
    fields = (6.0 * layers * examples + (6.0 if momentum else 4.0) * min(examples + fresh, features)) * sites
    return int((each + fields) * _NUMBER * at_once)


def check(needed: int, remedy: str) -> None:
    """Refuse a run that needs more than there is.

    Raises
    ------
    MemoryInputError
        With the estimate, what is available, and the `remedy`.
    """
    free = available()
    if free is not None and needed > free:
        raise MemoryInputError(
            f"this run needs about {needed / 1e9:.1f} GB of memory, but {free / 1e9:.1f} GB are available; {remedy}."
        )

"""Independent replicates of one run, gathered into a Dataset: what the Monte Carlo routes share."""

import hashlib
import json
import pathlib
from dataclasses import replace

import numpy as np
import xarray as xr

from ...engine.flow import with_kinks
from ...engine.loop import Outcome, run
from ...engine.recorder import Record, Recorder, as_record, recorded_steps
from ...engine.reductions import MOMENTS
from ...engine.truncation import combined
from ...ground.accelerate import thread_count
from ...ground.checkpoints import Checkpoint, in_words
from ...ground.errors import DivergenceWarning, InputError, real, require, warn
from ...ground.interruption import goes_on, nothing_kept, unless_interrupted
from ...ground.progress import Progress
from ...ground.replicates import run_replicates
from ...ground.status import Status
from ...matrices.realization import Ensemble
from ...results.dataset import dataset, slot_table, summarise
from ...results.provenance import attributes
from .estimate import check_memory
from .stability import sharpness
from .trust import doubts

_THREADED = 512
_WORST_FIRST = (Status.DIVERGED, Status.STIFF, Status.INTERRUPTED, Status.FINITE_WIDTH, Status.COMPLETED)


def gather(
    route: str,
    network,
    problem,
    training,
    ensemble: Ensemble,
    settings: dict,
    *,
    record,
    threads: int | None,
    limit: bool,
    progress: bool,
    checkpoint=None,
    meant: tuple | None = None,
    part: bool = False,
) -> xr.Dataset:
    """Run the replicates on threads and return their means, standard errors, fields and provenance.

    `settings` are the route's arguments, checked and as plain values. A `limit` minds how near its ranks come
    to the number of sites, and can record its draws; a finite network does not. `meant` is the mean-field
    network and training to run where those of the user are written in another parameterisation. `checkpoint`
    is a folder, or None; it stays if the run is `part` of a larger one.
    """
    record, steps = as_record(record), recorded_steps(record, training.last)
    network.check(problem.all_inputs.shape[1:])
    network.warn_of(problem, limit)
    _check_examples(record, len(problem.all_inputs))
    training = with_kinks(training, network.activation, problem.loss)
    if training.flow:  # directions left out make rates rough, and steps small
        ensemble = replace(ensemble, tolerance=min(ensemble.tolerance, training.tolerance / 10))
        settings = settings | {"tolerance": ensemble.tolerance}
    run_network, run_training = meant or (network, training)
    if run_training.tolerance != training.tolerance:  # which kinks have changed
        run_training = replace(run_training, tolerance=training.tolerance)
    # What cannot be described must fail before the run; checkpoints are known by it.
    files = _checkpoints(
        checkpoint, attributes(route, network, problem, training, settings, "", ""), settings["n_replicates"]
    )

    def one(replicate: int, shown: Progress) -> Outcome:
        recorder = Recorder(
            record, steps, min(settings["samples"], ensemble.count) if replicate == 0 else 0, problem.outputs
        )
        return run(
            run_network, problem, run_training, ensemble, recorder, replicate, limit, shown, files[replicate]
        )

    allowed = thread_count(threads)
    # Small populations live in the interpreter, where threads only wait for each other: 13 against 19 ms at
    # width 16.
    threads = allowed if ensemble.count >= _THREADED else 1
    needed = check_memory(network, problem, training, ensemble, settings, record, len(steps), threads)
    done = run_replicates(
        route,
        one,
        settings["n_replicates"],
        training.last + 1,
        progress=progress,
        threads=threads,
        aside=lambda: _written(files),
    )
    outcomes = _kept(done.runs, route, checkpoint)
    worst = min(outcomes, key=lambda outcome: (_WORST_FIRST.index(outcome.status), outcome.step))
    require(worst.status not in (Status.DIVERGED, Status.STIFF) or len(worst.record) > 0, worst.message)
    # df / d time = K Delta, in the units of time that the user gave.
    units = 1.0 if training.flow else run_training.learning_rate / training.learning_rate
    arrays = _estimates(
        outcomes, settings["keep_replicates"], network, problem, training, record, ensemble.count, units
    )
    if worst.status in (Status.DIVERGED, Status.STIFF):
        warn(worst.message, DivergenceWarning)
    message = worst.message
    if worst.status is Status.INTERRUPTED:
        message += _what_is_kept(len(outcomes), settings["n_replicates"], checkpoint)
    if limit and worst.status in (Status.COMPLETED, Status.FINITE_WIDTH):
        outputs = [outcome.record["output"] for outcome in outcomes]
        for doubt, category in doubts(arrays, outputs, steps, worst.labels, training):
            warn(doubt, category)
            message += f" {doubt}"
    described = attributes(route, network, problem, training, settings, worst.status.label, message)
    described |= {"memory_estimate_bytes": needed, "replicates": len(outcomes)}
    if record.draws:
        table, names = slot_table([outcome.slots for outcome in outcomes])
        arrays["draw_slot"] = (("slot", "slot_field"), table)
        described["slots_json"] = json.dumps(names)
    arrays, more = _shaped(_aligned(arrays, network.vector_dim), record)
    more |= run_network.coordinates(worst.labels)
    result = dataset(arrays, problem, training, steps, worst.labels, described, more, run_network.input_dims)
    if worst.status is not Status.INTERRUPTED and not part:
        for file in filter(None, files):
            file.remove()
    return unless_interrupted(result, done.stopped)


def _estimates(
    outcomes: list[Outcome], keep: bool, network, problem, training, record, sites: int, units: float
) -> dict[str, tuple]:
    """Means and standard errors over replicates, or every one of them to `keep`, and what follows from them.

    Tangent kernels are multiplied by `units`.
    """
    arrays = summarise([outcome.record for outcome in outcomes], keep, network.vector_dim)
    arrays = combined(arrays, problem.splits)
    for name in {"tangent_kernel", "tangent_kernel_stderr"} & arrays.keys():
        arrays[name] = (arrays[name][0], arrays[name][1] * units)
    if not problem.streamed and not (problem.outputs or training.ruled) and record.kernel_examples is None:
        kernel, outputs = (_mean(arrays[name]) for name in ("tangent_kernel", "output"))
        arrays["sharpness"] = (("time",), sharpness(kernel, outputs, problem))
    if "basis_rank" in arrays:
        arrays["rank_fraction"] = (arrays["basis_rank"][0], arrays["basis_rank"][1] / sites)
    return arrays


def _mean(array: tuple) -> np.ndarray:
    """Values of (dims, values) without replicates."""
    return array[1].mean(axis=0) if array[0][0] == "replicate" else array[1]


def _check_examples(record: Record, count: int) -> None:
    """Refuse kernels between examples that are not there."""
    chosen = record.kernel_examples
    require(
        not chosen or max(chosen) < count,
        f"kernel_examples names example {max(chosen or [0])}, but examples are 0 ... {count - 1}.",
    )


def _aligned(arrays: dict, vector_dim: str | None) -> dict:
    """Arrays as long along `vector_dim` as the longest: matrices may see fewer positions than there are, the
    rest is NaN."""
    inner = {vector_dim, f"{vector_dim}_prime"}
    sizes = [
        np.shape(values)[dims.index(dim)] for dims, values in arrays.values() for dim in inner & set(dims)
    ]
    found = {}
    for name, (dims, values) in arrays.items():
        if inner & set(dims):
            missing = [
                (0, max(sizes) - size if dim in inner else 0) for dim, size in zip(dims, np.shape(values))
            ]
            values = np.pad(values, missing, constant_values=np.nan)
        found[name] = (dims, values)
    return found


def _shaped(arrays: dict, record) -> tuple[dict, dict]:
    """Arrays with kernels between chosen examples named as such, those without entries left out, and
    coordinates they need."""
    found = {}
    for name, (dims, values) in arrays.items():
        if (
            record.kernel_examples is not None
            and "example_prime" in dims
            and "two_time" not in name
            and "response" not in name
        ):
            dims = tuple(dim.replace("example", "kernel_example") for dim in dims)
        if np.size(values):
            found[name] = (dims, values)
    edges = np.array(record.edges)
    more = {
        "kernel_example": np.array(record.kernel_examples or (), int),
        "moment": np.arange(1, MOMENTS + 1),
        "bin": (edges[1:] + edges[:-1]) / 2,
        "bin_width": np.diff(edges),
    }
    return found, more


def _checkpoints(folder, described: dict, replicates: int) -> list[Checkpoint | None]:
    """A file per replicate in `folder`, which is made; known by all that decides the numbers."""
    if folder is None:
        return [None] * replicates
    require(
        isinstance(folder, (str, pathlib.Path)) and str(folder) != "",
        f"checkpoint={folder!r} must name a folder.",
    )
    folder = pathlib.Path(folder)
    deciding = [
        described[name]
        for name in ("source", "route", "network_json", "training_json", "settings_json", "problem_json")
    ]
    fingerprint = hashlib.sha256("\n".join(deciding).encode()).hexdigest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"checkpoint={str(folder)!r} cannot be made a folder: {error.strerror}.") from None
    return [
        Checkpoint(folder / f"replicate-{replicate}.checkpoint", fingerprint)
        for replicate in range(replicates)
    ]


def _written(files: list) -> str:
    """What the checkpoints take, for the line of progress."""
    size = sum(file.size for file in files if file is not None)
    return f", checkpoint {in_words(size)}" if size else ""


def _kept(outcomes: list[Outcome], route: str, checkpoint) -> list[Outcome]:
    """Of an interrupted run the replicates worth keeping: finished ones, or else those that came far
    enough."""
    if outcomes and all(outcome.status is not Status.INTERRUPTED for outcome in outcomes):
        return outcomes
    finished = [outcome for outcome in outcomes if outcome.status is not Status.INTERRUPTED]
    reached = max((len(outcome.record.get("loss", ())) for outcome in outcomes), default=0)
    if reached == 0:
        raise nothing_kept(route, checkpoint=checkpoint)
    far = [outcome for outcome in outcomes if 2 * len(outcome.record.get("loss", ())) >= reached]
    interrupted = next(outcome for outcome in outcomes if outcome.status is Status.INTERRUPTED)
    if any(outcome.status in (Status.DIVERGED, Status.STIFF) for outcome in finished):
        return finished
    return [replace(o, status=Status.INTERRUPTED, message=interrupted.message) for o in finished] or far


def _what_is_kept(kept: int, wanted: int, checkpoint) -> str:
    return f" {kept} of {wanted} replicates are in the result.{goes_on(checkpoint)}"


def small(tolerance) -> float:
    """The argument `tolerance`, checked."""
    return real("tolerance", tolerance, "lie between 0 and 1; 1e-4 is usual", lambda v: 0 < v < 1)


def listed(record) -> list[int] | dict | None:
    """The argument `record` as a plain value for the settings."""
    return as_record(record).describe()

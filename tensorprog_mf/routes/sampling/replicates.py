"""Independent replicates of one run, gathered into a Dataset: what the Monte Carlo routes share."""

import json
from dataclasses import replace

import numpy as np
import xarray as xr

from ...engine.flow import with_kinks
from ...engine.loop import Outcome, run
from ...engine.record import Record, recorded_steps
from ...engine.recorder import Recorder
from ...engine.truncation import combined
from ...ground.accelerate import thread_count
from ...ground.checkpoints import Checkpoint, in_words
from ...ground.errors import DivergenceWarning, require, warn
from ...ground.interruption import UNFINISHED, goes_on, in_the_result, unless_interrupted
from ...ground.progress import Progress
from ...ground.replicates import Replicates, run_replicates
from ...ground.status import Status
from ...networks import Network
from ...results.dataset import Arrays, dataset, slot_table, summarise
from ...training.training import Training
from .checkpoints import checkpoints
from .estimate import check_memory
from .job import Job
from .shapes import aligned, shaped
from .stability import sharpness
from .trust import doubts

_THREADED = 512


def gather(job: Job) -> xr.Dataset:
    """Run the replicates of a job on threads; their means, standard errors, fields and provenance.

    Raises
    ------
    InputError
        A job that cannot be run, or does not fit into memory.
    UnsupportedError
        A combination that is not supported.
    Interrupted
        Ctrl-C, with the result so far.
    """
    job, steps = _checked(job)
    meant = job.meant()
    # What cannot be described must fail before the run; checkpoints are known by it.
    files = checkpoints(job)
    allowed = thread_count(job.execution.threads)
    # Small populations live in the interpreter, where threads only wait for each other: 13 against 19 ms at
    # width 16.
    threads = allowed if job.sampling.n_samples >= _THREADED else 1
    needed = check_memory(job, len(steps), threads)
    done = _run(job, meant, steps, files, threads)
    arrays = _estimates(job, done.runs, _unit_of_rates(job.training, meant[1]))
    status, message = _ending(job, done, arrays, steps)
    described = job.attributes(status, message)
    described |= {"memory_estimate_bytes": needed, "replicates": len(done.runs)}
    result = _labelled(job, done.runs, arrays, steps, described)
    if status is not Status.INTERRUPTED and not job.execution.part:
        for file in filter(None, files):
            file.remove()
    return unless_interrupted(result, done.stopped)


def _checked(job: Job) -> tuple[Job, np.ndarray]:
    """The job as it will be run, and the steps that it records."""
    network, problem, training, sampling = job.network, job.problem, job.training, job.sampling
    record = job.keeping.record
    steps = recorded_steps(record, training.last)
    sampling.check_draws()
    network.check(problem.all_inputs.shape[1:])
    network.warn_of(problem, job.limit)
    _check_examples(record, len(problem.all_inputs))
    training = with_kinks(training, network.activations, problem.loss)
    if training.flow:  # directions left out make rates rough, and steps small
        sampling = replace(sampling, tolerance=min(sampling.tolerance, training.tolerance / 10))
    return replace(job, training=training, sampling=sampling), steps


def _run(
    job: Job,
    meant: tuple[Network, Training],
    steps: np.ndarray,
    files: list[Checkpoint | None],
    threads: int,
) -> Replicates[Outcome]:
    """Run the replicates, of the network and training that are `meant`; after Ctrl-C those worth keeping."""
    network, training = meant
    problem, sampling, execution = job.problem, job.sampling, job.execution
    samples = min(job.keeping.samples, sampling.n_samples)

    def one(replicate: int, shown: Progress) -> Outcome:
        recorder = Recorder(job.keeping.record, steps, 0 if replicate else samples, problem.outputs)
        return run(
            network, problem, training, sampling, recorder, replicate, job.limit, shown, files[replicate]
        )

    return run_replicates(
        job.route,
        one,
        sampling.n_replicates,
        training.last + 1,
        progress=execution.progress,
        threads=threads,
        aside=lambda: _written(files),
    ).worth_keeping(
        lambda outcome: len(outcome.record.get("loss", ())),
        len(steps),
        ended=lambda outcome: outcome.status is not Status.INTERRUPTED,
        checkpoint=execution.checkpoint,
    )


def _estimates(job: Job, outcomes: list[Outcome], unit: float) -> Arrays:
    """Means and standard errors over replicates, or every one of them where they are kept, and what follows
    from them.

    Tangent kernels are multiplied by `unit`.
    """
    problem, training, record = job.problem, job.training, job.keeping.record
    worst = _worst(outcomes)
    require(not worst.status.failed or len(worst.record) > 0, worst.message)
    records = [outcome.record for outcome in outcomes]
    arrays = summarise(records, job.keeping.keep_replicates, job.network.vector_dim)
    arrays = combined(arrays, problem.splits)
    for name in {"tangent_kernel", "tangent_kernel_stderr"} & arrays.keys():
        arrays[name] = (arrays[name][0], arrays[name][1] * unit)
    if not problem.streamed and not (problem.outputs or training.ruled) and record.kernel_examples is None:
        kernel, outputs = (_mean(arrays[name]) for name in ("tangent_kernel", "output"))
        arrays["sharpness"] = (("time",), sharpness(kernel, outputs, problem))
    if "basis_rank" in arrays:
        dims, ranks = arrays["basis_rank"]
        arrays["rank_fraction"] = (dims, ranks / job.sampling.n_samples)
    return arrays


def _worst(outcomes: list[Outcome]) -> Outcome:
    """The outcome that speaks for the run: of the worst ones the first in time."""
    return max(outcomes, key=lambda outcome: (outcome.status.severity, -outcome.step))


def _unit_of_rates(given: Training, meant: Training) -> float:
    """Factor on tangent kernels of the network that is run, so that df / d time = K Delta in the units of
    time that the user gave."""
    return 1.0 if given.flow else meant.descent.learning_rate / given.descent.learning_rate


def _mean(array: tuple[tuple[str, ...], np.ndarray]) -> np.ndarray:
    """Values of (dims, values) without replicates."""
    return array[1].mean(axis=0) if array[0][0] == "replicate" else array[1]


def _ending(job: Job, done: Replicates[Outcome], arrays: Arrays, steps: np.ndarray) -> tuple[Status, str]:
    """Status of the run and its message; warns of what may be wrong with its numbers."""
    worst = _worst(done.runs)
    status, message = worst.status, worst.message
    if status.failed:
        warn(message, DivergenceWarning)
        return status, message
    missing = len(done.runs) < done.wanted
    if missing or status is Status.INTERRUPTED:
        why = message if status is Status.INTERRUPTED else UNFINISHED
        told = in_the_result(len(done.runs), done.wanted)
        return Status.INTERRUPTED, f"{why} {told}{goes_on(job.execution.checkpoint)}"
    if job.limit:
        outputs = [outcome.record["output"] for outcome in done.runs]
        for doubt, category in doubts(arrays, outputs, steps, worst.labels, job.training):
            warn(doubt, category)
            message += f" {doubt}"
    return status, message


def _labelled(
    job: Job, outcomes: list[Outcome], arrays: Arrays, steps: np.ndarray, described: dict
) -> xr.Dataset:
    """The Dataset of the estimates."""
    network, record, labels = job.network, job.keeping.record, _worst(outcomes).labels
    if record.draws:
        table, names = slot_table([outcome.slots for outcome in outcomes])
        arrays["draw_slot"] = (("slot", "slot_field"), table)
        described["slots_json"] = json.dumps(names)
    arrays, more = shaped(aligned(arrays, network.vector_dim), record)
    more |= network.coordinates(labels)
    return dataset(arrays, job.problem, job.training, steps, labels, described, more, network.input_dims)


def _written(files: list[Checkpoint | None]) -> str:
    """What the checkpoints take, for the line of progress."""
    size = sum(file.size for file in files if file is not None)
    return f", checkpoint {in_words(size)}" if size else ""


def _check_examples(record: Record, count: int) -> None:
    """Refuse kernels between examples that are not there."""
    chosen = record.kernel_examples
    require(
        not chosen or max(chosen) < count,
        f"kernel_examples names example {max(chosen or [0])}, but examples are 0 ... {count - 1}.",
    )

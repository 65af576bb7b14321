"""All replicates of `alternate`, iterated."""

import xarray as xr

from ...engine.record import recorded_steps
from ...ground.accelerate import thread_count
from ...ground.interruption import nothing_kept
from ...ground.progress import Progress
from ...ground.replicates import run_replicates
from ...networks import MLP
from ...results import memory
from ...sites.draws import Draws
from ...sites.sites import Sites
from ..sampling.job import Job
from ..static_ntk.kernels import initial_kernels
from .alternation import Alternation
from .result import result
from .rounds import Iterated, Rounds, iterate


def iterated(job: Job[MLP], rounds: Rounds) -> xr.Dataset:
    """Iterate all replicates and return the Dataset of them."""
    network, problem, sampling = job.network, job.problem, job.sampling
    steps = recorded_steps(job.keeping.record, job.training.last)
    _check_memory(job, len(steps))
    start = initial_kernels(network, problem.all_inputs)

    def one(replicate: int, shown: Progress) -> Iterated:
        shown.begin()
        populations = [_population(job, replicate, layer) for layer in range(network.depth)]
        round_ = Alternation(
            network, problem, job.training, populations, sampling.tolerance, sampling.centred
        )
        guess = round_.first(start.feature, start.gradient)
        samples = min(job.keeping.samples, sampling.n_samples) if replicate == 0 else 0
        return iterate(round_, guess, rounds, samples, shown.advance)

    done = run_replicates(
        job.route,
        one,
        sampling.n_replicates,
        rounds.iterations,
        progress=job.execution.progress,
        threads=job.execution.threads,
    )
    if not done.runs:
        raise nothing_kept(job.route, "before its first iteration")
    return done.handed_over(result(job, rounds, done.runs, steps))


def _population(job: Job[MLP], replicate: int, layer: int) -> tuple[Sites, Draws]:
    """Sites of a layer and their draws: innovations of u and r and the readout, columns of one sequence."""
    sampling = job.sampling
    draws = sampling.population((replicate, 2, sampling.n_samples, layer), None, 1)
    return Sites(f"layer {layer + 1}", sampling.n_samples, draws), draws


def _check_memory(job: Job[MLP], times: int) -> None:
    sampling, depth, examples = job.sampling, job.network.depth, len(job.problem.all_inputs)
    workers = min(thread_count(job.execution.threads), sampling.n_replicates)
    slots = (job.training.last + 1) * examples
    kernels, fields = (12 * depth + 6) * slots**2, 8 * slots * sampling.n_samples
    results = memory.of_results(times, depth, examples, job.keeping.samples, sampling.n_replicates)
    solved = 8 * sampling.n_replicates * (4 * depth + 2) * slots**2
    memory.check(
        8 * workers * (kernels + fields) + results + solved,
        "take fewer steps, smaller n_samples or threads=1, or tp.sample, which does not store kernels between"
        " all times",
    )

"""Memory that a run of sampled sites will take, told before it is taken."""

from ...results import memory
from .job import Job

_EVALUATIONS = (
    100  # of a flow whose activation has a kink, each of which reveals directions: measured 40 to 120
)


def check_memory(job: Job, times: int, threads: int) -> int:
    """Refuse a run of `times` records that does not fit, before anything is allocated; the estimate in
    bytes."""
    at_once = min(threads, job.sampling.n_replicates)
    kept, fields = _of_results(job, times)
    running = at_once * (_of_weights(job, times) + fields)
    # While replicates run, half of what their records will take is there.
    needed = int(max(running + kept / 2, kept + at_once * fields))
    free = memory.available()
    if free is not None and needed > free:
        most, remedy = (
            _remedy_of_records(times, free / (kept + running))
            if kept > running
            else _remedy_of_weights(job, max(free - kept / 2, 0) / running, at_once)
        )
        memory.check(needed, remedy, most)
    return needed


def _of_results(job: Job, times: int) -> tuple[int, int]:
    """Bytes of records with their summary, and of the fields that a running replicate keeps for them."""
    problem, record, sampling = job.problem, job.keeping.record, job.sampling
    examples, replicates = len(problem.all_inputs), sampling.n_replicates
    foot = job.network.footprint(problem.all_inputs.shape[1:])
    between = None if record.kernel_examples is None else len(record.kernel_examples)
    columns, samples = _columns(job), min(job.keeping.samples, sampling.n_samples)
    results = memory.of_results(
        times, foot.layers, examples, samples, replicates, between, columns, foot.vectors
    )
    rows = examples * columns * foot.vectors
    more, fields = memory.of_record(record, times, foot.layers, rows, sampling.n_samples, replicates)
    return results + more, fields


def _of_weights(job: Job, times: int) -> float:
    """Bytes of weights, and of the fields of a pass, of one replicate."""
    problem, training, sites = job.problem, job.training, job.sampling.n_samples
    examples, foot = len(problem.all_inputs), job.network.footprint(problem.all_inputs.shape[1:])
    copies = 8 if training.flow else 1 + (training.momentum > 0)
    if job.sampling.matrix == "dense":
        weights = memory.of_dense(foot, sites, training.momentum > 0)
    else:
        if training.ruled:
            # Feedback alignment sends back by matrices of its own, which are asked about the same vectors.
            hidden = tuple(a._replace(kept=(a.kept[0], a.kept[1] + 1)) for a in foot.hidden)
            foot = foot._replace(hidden=hidden)
        queries, fresh = _queries(job, times), problem.fresh(training.last)
        weights = memory.of_directions(foot, examples, sites, _per_vector(job), queries, fresh, copies)
    inputs = min(examples * foot.vectors + problem.fresh(training.last), foot.features)
    inputs += problem.outputs or 1
    return weights + memory.of_fields(foot, examples, sites, inputs, copies, _columns(job))


def _columns(job: Job) -> int:
    """Backward fields of an example."""
    return (job.problem.outputs or 1) if job.keeping.record.per_output else 1


def _per_vector(job: Job) -> float:
    """Directions that every vector reveals, if there are queries enough."""
    network, tolerance = job.network, job.sampling.tolerance
    return max(
        memory.directions(job.training, job.problem.n_recurring, tolerance, network.richness, activation)
        for activation in network.activations
    )


def _queries(job: Job, times: int) -> int:
    """Examples that a matrix is asked about in the whole run."""
    examples, last = len(job.problem.all_inputs), job.training.last
    if job.training.flow:
        return _EVALUATIONS * examples
    return examples * times + job.training.largest_batch(job.problem.n_recurring) * (last + 1 - times)


def _remedy_of_records(times: int, share: float) -> tuple[str, str]:
    """What takes most of the memory, and what to do about it, where that is the records: a `share` fits."""
    fewer = int(times * share)
    steps = (
        f"record at most {fewer} of {times} times (record=tp.log_steps(steps, {fewer}))"
        if fewer > 1
        else "record fewer times"
    )
    more = "kernels between fewer examples (tp.Record(kernel_examples=...)) or fewer samples"
    return f"records of {times} times", f"{steps}, {more}"


def _remedy_of_weights(job: Job, share: float, at_once: int) -> tuple[str, str]:
    """The same where weights take most of the memory: a `share` of them fits."""
    sampling, size = job.sampling, "n_samples" if job.limit else "width"
    dense = sampling.matrix == "dense"
    fit = int(sampling.n_samples * (share**0.5 if dense else share))
    fit = 1 << fit.bit_length() - 1 if fit and sampling.draws == "sobol" else fit
    ways = [f"{size}={fit} or less" if fit > 1 else f"a smaller {size}"]
    ways += ["threads=1"] * (at_once > 1) + ["a larger tolerance"] * (not dense)
    most = f"the weights of {at_once} replicate{'s' * (at_once > 1)} of {sampling.n_samples} sites"
    return most, "take " + " or ".join([", ".join(ways[:-1]), ways[-1]] if len(ways) > 1 else ways)

"""Memory that a run of sampled sites will take, told before it is taken."""

from ...matrices.realization import Ensemble
from ...results import memory

_EVALUATIONS = (
    100  # of a flow whose activation has a kink, where they all reveal directions: measured 40 to 120
)


def check_memory(
    network, problem, training, ensemble: Ensemble, settings: dict, record, times: int, threads: int
) -> int:
    """Refuse a run of `times` records that does not fit, before anything is allocated; the estimate in
    bytes."""
    at_once = min(threads, settings["n_replicates"])
    kept, fields = _of_results(network, problem, ensemble, settings, record, times)
    running = at_once * (_of_weights(network, problem, training, ensemble, record, times) + fields)
    # While replicates run half of what there will be of their records is there.
    needed = int(max(running + kept / 2, kept + at_once * fields))
    free = memory.available()
    if free is not None and needed > free:
        most, remedy = _remedy(ensemble, settings, record, times, running, kept, free, at_once)
        memory.check(needed, remedy, most)
    return needed


def _of_results(network, problem, ensemble: Ensemble, settings: dict, record, times: int) -> tuple[int, int]:
    """Bytes of records with their summary, and of the fields that a running replicate keeps for them."""
    examples, replicates, foot = (
        len(problem.all_inputs),
        settings["n_replicates"],
        network.footprint(problem.all_inputs.shape[1:]),
    )
    between = None if record.kernel_examples is None else len(record.kernel_examples)
    columns, samples = problem.outputs if record.per_output else 1, min(settings["samples"], ensemble.count)
    results = memory.of_results(
        times, foot.layers, examples, samples, replicates, between, columns, foot.vectors
    )
    more, fields = memory.of_record(
        record, times, foot.layers, examples * columns * foot.vectors, ensemble.count, replicates
    )
    return results + more, fields


def _of_weights(network, problem, training, ensemble: Ensemble, record, times: int) -> float:
    """Bytes of weights, and of the fields of a pass, of one replicate."""
    examples, sites, foot = (
        len(problem.all_inputs),
        ensemble.count,
        network.footprint(problem.all_inputs.shape[1:]),
    )
    if ensemble.matrix == "dense":
        weights = memory.of_dense(foot, sites, training.momentum > 0)
    else:
        if (
            training.ruled
        ):  # feedback alignment sends back by matrices of its own, asked with the same vectors
            foot = foot._replace(
                hidden=tuple(a._replace(kept=(a.kept[0], a.kept[1] + 1)) for a in foot.hidden)
            )
        per_vector = memory.directions(
            training, problem.n_recurring, ensemble.tolerance, network.richness, network.activation
        )
        unrecorded = training.largest_batch(problem.n_recurring) * (training.last + 1 - times)
        queries = examples * times + unrecorded
        queries = _EVALUATIONS * examples if training.flow else queries
        copies = 8 if training.flow else 1 + (training.momentum > 0)
        weights = memory.of_directions(
            foot, examples, sites, per_vector, queries, problem.fresh(training.last), copies
        )
    inputs = min(examples * foot.vectors + problem.fresh(training.last), foot.features) + (
        problem.outputs or 1
    )
    columns = problem.outputs if record.per_output else 1
    return weights + memory.of_fields(
        foot, examples, sites, inputs, 8 if training.flow else 1 + (training.momentum > 0), columns
    )


def _remedy(
    ensemble, settings, record, times: int, running: float, kept: float, free: int, at_once: int
) -> tuple[str, str]:
    """What takes most of the memory, and what to do about it, by how much where that can be told."""
    size = "width" if "width" in settings else "n_samples"
    if kept > running:
        fewer = int(times * free / (kept + running))
        steps = (
            f"record at most {fewer} of {times} times (record=tp.log_steps(steps, {fewer}))"
            if fewer > 1
            else "record fewer times"
        )
        return (
            f"records of {times} times",
            f"{steps}, kernels between fewer examples (tp.Record(kernel_examples=...)) or fewer samples",
        )
    dense = ensemble.matrix == "dense"
    share = max(free - kept / 2, 0) / running
    fit = int(ensemble.count * (share**0.5 if dense else share))
    fit = 1 << fit.bit_length() - 1 if fit and ensemble.draws == "sobol" else fit
    ways = [f"{size}={fit} or less" if fit > 1 else f"a smaller {size}"]
    ways += ["threads=1"] * (at_once > 1) + ["a larger tolerance"] * (not dense)
    most = f"the weights of {at_once} replicate{'s' * (at_once > 1)} of {ensemble.count} sites"
    return most, "take " + " or ".join([", ".join(ways[:-1]), ways[-1]] if len(ways) > 1 else ways)

"""Leading orders in richness around the lazy limit, from small runs on common draws."""

import warnings
from dataclasses import replace

import numpy as np
import xarray as xr

from ..engine.record import RecordLike, as_record, recorded_steps
from ..ground.divergence import advice, grown, sentence
from ..ground.errors import (
    DivergenceWarning,
    Interrupted,
    ToleranceWarning,
    real,
    require,
    warn,
    whole,
)
from ..ground.interruption import nothing_kept
from ..ground.status import Status
from ..matrices.sampling import Sampling
from ..networks import Network
from ..problems.problem import Problem
from ..results import memory
from ..results.dataset import Arrays, dataset, summarise
from ..results.schema import ORDERS
from ..sites.draws import fresh_seed
from ..training.training import Training
from .sampling.arguments import route
from .sampling.job import Execution, Job, Keeping
from .sampling.monte_carlo import sampled, sampled_start, suitable_tolerance
from .static_ntk.training import train_lazily
from .support import check

_EXPANDED = ("output", "feature_kernel", "gradient_kernel", "tangent_kernel")
_SMOOTH, _KINKED = (0.02, 0.04, 0.06, 0.08), (0.1, 0.2, 0.3, 0.4)
_NOISY = 0.3  # standard errors over outputs that are warned of


@route
def perturbation(  # noqa: PLR0913
    network: Network,
    problem: Problem,
    training: Training,
    n_samples: int = 4096,
    n_replicates: int = 4,
    seed: int | None = 0,
    tolerance: float = 1e-8,
    draws: str = "sobol",
    record: RecordLike = None,
    progress: bool = True,
    *,
    order: int | None = None,
    probes: tuple[float, ...] | None = None,
    centred: bool = True,
    common_draws: xr.Dataset | None = None,
    keep_replicates: bool = False,
    threads: int | None = None,
) -> xr.Dataset:
    """Expand outputs and kernels of the limit in the richness,

        f = f_0 + gamma0 f_1 + gamma0^2 f_2 + gamma0^3 f_3 + ...
        K = K_0 + gamma0 K_1 + gamma0^2 K_2 + gamma0^3 K_3 + ...

    (perturbation theory of Bordelon & Pehlevan 2022, appendix on small feature learning). Order 0 is the
    static kernel and training on it. For smooth activations odd orders vanish in the limit, since the signs
    of richness and readout are flipped together; in a sample they are noise, and keep the result near
    `sample` on the same draws. For activations with kinks they do not: a neuron that training switches off
    gets no gradient to return, and the leading correction is of order 1.

    Parameters
    ----------
    network, problem, training, n_samples, n_replicates, seed, draws, record, progress
        As for `sample`, of tp.Record steps and draws; the expansion is evaluated at the network's richness.
    tolerance
        As for `sample`; small, as differences of runs are taken.

    Other parameters
    ----------------
    order
        Largest order in the variables of the result, at most 3. None: 3, but 2 for activations with a kink,
        where order 3 is mostly noise.
    probes
        Values of richness that are run. As many orders are solved for, of which the highest absorb the orders
        beyond them. None: 0.02 ... 0.08, or 0.1 ... 0.4 for activations with a kink, which few neurons cross
        at smaller values; see `kinked` of `Activation`.
    centred, common_draws, keep_replicates, threads
        As for `sample`. A result that keeps its draws may itself be the common_draws of `sample`.

    Returns
    -------
    xarray.Dataset
        As of `sample`, without fields at sites and ranks; <name>_coefficient (time, order, ...) with standard
        errors.

    Raises
    ------
    InputError
        An argument that cannot be used.
    UnsupportedError
        What does not go together; see "What goes with what" in the README.

    Notes
    -----
    A `ToleranceWarning` says so if standard errors are of the size of outputs: activations that are steep,
    though not kinked, need larger probes.

    Error of f at order 3 for smooth activations: gamma0^4 f_4; it diverges at richness of order one, where
    `sample` is needed. Cost: one run of `sample` per probe.

    References
    ----------
    Bordelon & Pehlevan 2022, arXiv:2205.09653.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> problem = tp.Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0])
    >>> network, few = tp.MLP(2, richness=0.1), dict(n_samples=256, n_replicates=2)
    >>> ds = tp.perturbation(network, problem, tp.Training(2, 0.5), **few)
    >>> ds.output_coefficient.dims
    ('time', 'order', 'example')
    """
    order, orders_from = _checked(network, order, probes)
    sampling = Sampling(
        n_samples=n_samples,
        n_replicates=n_replicates,
        seed=fresh_seed(seed),
        tolerance=suitable_tolerance(tolerance, network, common_draws),
        draws=draws,
        centred=centred,
    )
    keeping = Keeping(record=as_record(record), keep_replicates=keep_replicates)
    execution = Execution(progress=progress, threads=threads)
    job = Job("perturbation", network, problem, training, sampling, keeping, execution)
    check("perturbation", job.request(common_draws=common_draws))
    return _expanded(replace(job, common_draws=common_draws), order, orders_from)


def _expanded(job: Job, order: int, probes: list[float]) -> xr.Dataset:
    """The Dataset of the expansion, from the first kernels and from runs at the probes."""
    network, problem, training = job.network, job.problem, job.training
    steps = recorded_steps(replace(job.keeping.record, draws=False), training.last)
    _check_sizes(job, len(steps), len(probes))
    initial = sampled_start(job)
    lazy = [train_lazily(kernel[0], problem, training) for kernel in initial.tangent_kernel.values]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)  # said once, below
        runs = _probe(job, probes)
    steps, status, message = _ending(runs, lazy, steps, problem)
    records = _records(job, initial, lazy, runs, steps, order, probes)
    arrays = summarise(records, job.keeping.keep_replicates, network.vector_dim)
    _say_if_noisy(arrays)
    described = job.attributes(status, message, _settings(job, order, probes)) | {"replicates": len(records)}
    if job.keeping.record.draws:
        arrays["draw_slot"] = (runs[0].draw_slot.dims, runs[0].draw_slot.values)
        described["slots_json"] = runs[0].attrs["slots_json"]
    labels = initial.layer.values.tolist()
    return dataset(
        arrays, problem, training, steps, labels, described, network.coordinates(labels), network.input_dims
    )


def _check_sizes(job: Job, times: int, probes: int) -> None:
    """Refuse inputs of a wrong shape, and a result that does not fit into memory."""
    shape = job.problem.all_inputs.shape[1:]
    job.network.check(shape)
    foot, examples, replicates = (
        job.network.footprint(shape),
        len(job.problem.all_inputs),
        job.sampling.n_replicates,
    )
    results = memory.of_results(times, foot.layers, examples, 0, replicates, vectors=foot.vectors)
    memory.check((2 + probes + ORDERS) * results, "record fewer times (record=tp.log_steps(...))")


def _settings(job: Job, order: int, probes: list[float]) -> dict[str, object]:
    """The arguments as plain values, for the attributes of the result."""
    given = job.settings()
    del given["samples"]  # no fields are kept
    return given | {"order": order, "probes": probes}


def _checked(
    network: Network, order: int | None, probes: tuple[float, ...] | None
) -> tuple[int, list[float]]:
    """The arguments order and probes, or what suits the activation."""
    kinked = network.kinked
    given = (_KINKED if kinked else _SMOOTH) if probes is None else probes
    require(np.ndim(given) == 1, f"probes={given!r} must list values of the richness.")
    chosen = sorted(real("probes", value, "be positive", lambda v: v > 0) for value in given)
    order = whole("order", (2 if kinked else ORDERS - 1) if order is None else order)
    require(
        order < ORDERS,
        f"order={order} is more than is kept; orders go up to {ORDERS - 1}, beyond that use tp.sample.",
    )
    require(
        len(set(chosen)) == len(chosen) >= ORDERS,
        f"probes={chosen} must hold {ORDERS} or more different values.",
    )
    return order, chosen


def _say_if_noisy(arrays: Arrays) -> None:
    """Warn where the errors of the outputs are of their size, as where the fields of few neurons bend between
    probes."""
    if "output_stderr" not in arrays:
        return
    size, error = (float(np.sqrt((arrays[name][1] ** 2).mean())) for name in ("output", "output_stderr"))
    if error > _NOISY * size:
        warn(
            f"perturbation: standard errors of outputs ({error:.2g} in root mean square) are of the size of"
            f" outputs ({size:.2g}); take larger probes and a lower order, or more n_samples.",
            ToleranceWarning,
        )


def _probe(job: Job, probes: list[float]) -> list[xr.Dataset]:
    """Runs at every probe, the largest first: it reveals most directions, and the others use its draws."""
    keeping = replace(job.keeping, record=replace(job.keeping.record, draws=True), keep_replicates=True)
    runs: list[xr.Dataset] = []
    for richness in reversed(probes):
        at = replace(job, network=replace(job.network, richness=richness), keeping=keeping)
        earlier = job.common_draws if job.common_draws is not None or not runs else runs[0]
        try:
            runs.append(sampled(at, common_draws=earlier))
        except Interrupted as stop:
            why = f"at probe {len(runs) + 1} of {len(probes)}, before all of them were run"
            raise nothing_kept(job.route, why) from stop
    return runs


def _ending(
    runs: list[xr.Dataset], lazy: list[np.ndarray], steps: np.ndarray, problem: Problem
) -> tuple[np.ndarray, Status, str]:
    """The steps that order 0 and all probes reached, and the status of what stopped first."""
    shortest, reached = min(runs, key=lambda ds: ds.sizes["time"]), min(map(len, lazy))
    kept = steps[: shortest.sizes["time"]]
    speaks = shortest if len(kept) < len(steps) else runs[0]
    status, message = Status.of(speaks), speaks.attrs["status_message"]
    if (kept >= reached).any():
        kept = kept[kept < reached]
        message = sentence(f"At step {reached}", grown(), advice(problem.all_inputs), len(kept) > 0)
        require(len(kept) > 0, message)
        status = Status.DIVERGED
    if status is Status.DIVERGED:
        warn(message, DivergenceWarning)
    return kept, status, message


def _records(
    job: Job,
    initial: xr.Dataset,
    lazy: list[np.ndarray],
    runs: list[xr.Dataset],
    steps: np.ndarray,
    order: int,
    probes: list[float],
) -> list[dict[str, np.ndarray]]:
    """The record of every replicate, from what it has at step 0 and at the probes."""
    problem, records = job.problem, []
    shares = [job.training.example_weights(t, problem.n_train) for t in steps]
    for r, outputs in enumerate(lazy):
        zeroth = {"output": outputs[steps], **{name: initial[name].values[r] for name in _EXPANDED[1:]}}
        values = {name: [ds[name].values[r, : len(steps)] for ds in runs] for name in _EXPANDED}
        found = {name: _coefficients(zeroth[name], values[name], probes) for name in _EXPANDED}
        records.append(_record(found, problem, job.network.richness, order, shares))
    return records


def _coefficients(zeroth: np.ndarray, values: list[np.ndarray], probes: list[float]) -> np.ndarray:
    """Coefficients (time, order, ...) of the polynomial without remainder through order 0 and the values at
    the probes."""
    powers = np.array(probes[::-1])[:, None] ** np.arange(1, len(probes) + 1)
    solved = np.tensordot(np.linalg.inv(powers)[: ORDERS - 1], np.array(values) - zeroth, axes=1)
    return np.moveaxis(np.concatenate([np.broadcast_to(zeroth, solved[:1].shape), solved]), 0, 1)


def _record(
    found: dict[str, np.ndarray], problem: Problem, richness: float, order: int, shares: list[np.ndarray]
) -> dict[str, np.ndarray]:
    """The record of one replicate: the expansions summed at the richness, and their coefficients."""
    powers = richness ** np.arange(order + 1)
    summed = {name: np.tensordot(powers, c[:, : order + 1], axes=(0, 1)) for name, c in found.items()}
    return {
        **summed,
        **problem.series(summed["output"], shares),
        **{f"{name}_coefficient": c for name, c in found.items()},
    }

"""Leading orders in richness around the lazy limit, from small runs on common draws."""

import warnings
from dataclasses import replace

import numpy as np
import xarray as xr

from ..engine.recorder import as_record, recorded_steps
from ..ground.divergence import advice, grown, sentence
from ..ground.errors import (
    DivergenceWarning,
    Interrupted,
    ToleranceWarning,
    boolean,
    real,
    require,
    warn,
    whole,
)
from ..ground.interruption import nothing_kept
from ..ground.status import Status
from ..networks import Network
from ..problems.problem import Problem
from ..results import memory
from ..results.dataset import dataset, summarise
from ..results.provenance import attributes
from ..results.schema import ORDERS
from ..training.training import Training
from .sampling.arguments import route
from .sampling.monte_carlo import MonteCarlo
from .static_ntk.training import train_lazily
from .support import Request, check

_EXPANDED = ("output", "feature_kernel", "gradient_kernel", "tangent_kernel")
_SMOOTH, _KINKED = (0.02, 0.04, 0.06, 0.08), (0.1, 0.2, 0.3, 0.4)
_NOISY = 0.3  # standard errors over outputs that are warned of


@route
def perturbation(
    network: Network,
    problem: Problem,
    training: Training,
    n_samples: int = 4096,
    n_replicates: int = 4,
    seed: int | None = 0,
    tolerance: float = 1e-8,
    draws: str = "sobol",
    record=None,
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

        f = f_0 + gamma0 f_1 + gamma0^2 f_2 + gamma0^3 f_3 + ...,     K = K_0 + gamma0 K_1 + gamma0^2 K_2 + ...

    (perturbation theory of Bordelon & Pehlevan 2022, appendix on small feature learning). Order 0 is the
    static kernel and training on it. For smooth activations odd orders vanish in the limit, since the signs
    of richness and readout are flipped together; in a sample they are noise, and keep the result near
    `sample` on the same draws. For activations with kinks they do not: a neuron that training switches off
    gets no gradient to come back, and the leading correction is of order 1.

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
        Values of richness that are run; as many orders are solved for, the highest of which take up what is
        left out. None: 0.02 ... 0.08, and 0.1 ... 0.4 for activations with a kink, as few neurons cross one
        at smaller ones; see `kinked` of `Activation`.
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
    A `ToleranceWarning` tells where standard errors are of the size of outputs: activations that are steep,
    if not kinked, want larger probes.

    Error of f at order 3 for smooth activations: gamma0^4 f_4; it diverges at richness of order one, where
    `sample` is needed. Cost: one run of `sample` per probe.

    References
    ----------
    Bordelon & Pehlevan 2022, arXiv:2205.09653.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> problem = tp.Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0])
    >>> ds = tp.perturbation(tp.MLP(2, richness=0.1), problem, tp.Training(2, 0.5), n_samples=256, n_replicates=2)
    >>> ds.output_coefficient.dims
    ('time', 'order', 'example')
    """
    request = Request(network, problem, training, as_record(record), common_draws=common_draws is not None)
    check("perturbation", request)
    order, probes = _checked(network, order, probes)
    keeps_draws = as_record(record).draws
    record = replace(as_record(record), draws=False)
    steps = recorded_steps(record, training.steps)
    run = MonteCarlo(
        n_samples,
        n_replicates,
        seed,
        tolerance,
        draws,
        0,
        replace(record, draws=True),
        None,
        progress,
        centred,
        common_draws,
        True,
        None,
        threads,
    )
    settings = run.settings(network) | {
        "keep_replicates": boolean("keep_replicates", keep_replicates),
        "order": order,
        "probes": probes,
        "record": replace(record, draws=keeps_draws).describe(),
    }
    del settings["samples"]  # no fields are kept
    network.check(problem.all_inputs.shape[1:])
    foot = network.footprint(problem.all_inputs.shape[1:])
    memory.check(
        (2 + len(probes) + ORDERS)
        * memory.of_results(
            len(steps),
            foot.layers,
            len(problem.all_inputs),
            0,
            settings["n_replicates"],
            vectors=foot.vectors,
        ),
        "record fewer times (record=tp.log_steps(...))",
    )
    run = replace(run, seed=settings["seed"])
    initial = run.initial("perturbation", network, problem, training)
    lazy = [train_lazily(kernel[0], problem, training) for kernel in initial.tangent_kernel.values]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)  # said once, below
        runs = _probe(run, network, problem, training, probes)
    steps, status = _ending(runs, lazy, steps, problem)
    records = []
    for r, outputs in enumerate(lazy):
        zeroth = {"output": outputs[steps], **{name: initial[name].values[r] for name in _EXPANDED[1:]}}
        values = {name: [ds[name].values[r, : len(steps)] for ds in runs] for name in _EXPANDED}
        found = {name: _coefficients(zeroth[name], values[name], probes) for name in _EXPANDED}
        records.append(
            _record(
                found,
                problem,
                network.richness,
                order,
                [training.example_weights(t, problem.n_train) for t in steps],
            )
        )
    arrays = summarise(records, settings["keep_replicates"], network.vector_dim)
    _say_if_noisy(arrays)
    described = attributes("perturbation", network, problem, training, settings, *status) | {
        "replicates": len(records)
    }
    if keeps_draws:
        arrays["draw_slot"] = (runs[0].draw_slot.dims, runs[0].draw_slot.values)
        described["slots_json"] = runs[0].attrs["slots_json"]
    labels = initial.layer.values.tolist()
    return dataset(
        arrays, problem, training, steps, labels, described, network.coordinates(labels), network.input_dims
    )


def _checked(network: Network, order, probes) -> tuple[int, list[float]]:
    """The arguments order and probes, or what suits the activation."""
    kinked = network.activation.kinked
    probes = (_KINKED if kinked else _SMOOTH) if probes is None else probes
    require(np.ndim(probes) == 1, f"probes={probes!r} must list values of the richness.")
    probes = sorted(real("probes", value, "be positive", lambda v: v > 0) for value in probes)
    order = whole("order", (2 if kinked else ORDERS - 1) if order is None else order)
    require(
        order < ORDERS,
        f"order={order} is more than is kept; orders go up to {ORDERS - 1}, beyond it take tp.sample.",
    )
    require(
        len(set(probes)) == len(probes) >= ORDERS,
        f"probes={probes} must hold {ORDERS} or more different values.",
    )
    return order, probes


def _say_if_noisy(arrays: dict) -> None:
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


def _probe(
    run: MonteCarlo, network: Network, problem: Problem, training: Training, probes: list[float]
) -> list[xr.Dataset]:
    """Runs at every probe, the largest first: it reveals the most directions, and the others use its
    draws."""
    runs = []
    for richness in reversed(probes):
        try:
            at = replace(network, richness=richness)
            runs.append(run.result("perturbation", "conditioned", at, problem, training))
        except Interrupted as stop:
            why = f"at probe {len(runs) + 1} of {len(probes)}, before all of them were run"
            raise nothing_kept("perturbation", why) from stop
        run = run if run.common_draws is not None else replace(run, common_draws=runs[0])
    return runs


def _ending(
    runs: list[xr.Dataset], lazy: list[np.ndarray], steps: np.ndarray, problem: Problem
) -> tuple[np.ndarray, tuple[str, str]]:
    """The steps that order 0 and all probes reached, and the status of what stopped first."""
    shortest, reached = min(runs, key=lambda ds: ds.sizes["time"]), min(map(len, lazy))
    kept = steps[: shortest.sizes["time"]]
    status = (shortest if len(kept) < len(steps) else runs[0]).attrs
    status = status["status"], status["status_message"]
    if (kept >= reached).any():
        kept = kept[kept < reached]
        message = sentence(f"At step {reached}", grown(), advice(problem.all_inputs), len(kept) > 0)
        require(len(kept) > 0, message)
        status = Status.DIVERGED.label, message
    if status[0] == Status.DIVERGED.label:
        warn(status[1], DivergenceWarning)
    return kept, status


def _coefficients(zeroth: np.ndarray, values: list[np.ndarray], probes: list[float]) -> np.ndarray:
    """Coefficients (time, order, ...) of the polynomial without remainder through order 0 and the values at
    the probes."""
    powers = np.array(probes[::-1])[:, None] ** np.arange(1, len(probes) + 1)
    solved = np.tensordot(np.linalg.inv(powers)[: ORDERS - 1], np.array(values) - zeroth, axes=1)
    return np.moveaxis(np.concatenate([np.broadcast_to(zeroth, solved[:1].shape), solved]), 0, 1)


def _record(
    found: dict[str, np.ndarray], problem: Problem, richness: float, order: int, shares: list
) -> dict[str, np.ndarray]:
    """The record of one replicate: the expansions summed at the richness, and their coefficients."""
    powers = richness ** np.arange(order + 1)
    summed = {name: np.tensordot(powers, c[:, : order + 1], axes=(0, 1)) for name, c in found.items()}
    return {
        **summed,
        **problem.series(summed["output"], shares),
        **{f"{name}_coefficient": c for name, c in found.items()},
    }

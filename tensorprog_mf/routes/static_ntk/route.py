"""The lazy limit: kernels stay where they are at step 0."""

from dataclasses import replace

import numpy as np
import xarray as xr

from ...engine.recorder import as_record, recorded_steps
from ...ground.divergence import advice, grown, sentence
from ...ground.errors import DivergenceWarning, QuadratureWarning, boolean, require, warn
from ...ground.status import Status
from ...networks import Network
from ...problems.problem import Problem
from ...results import memory
from ...results.dataset import dataset, summarise
from ...results.provenance import attributes
from ...training.training import Training
from ..sampling.arguments import route
from ..sampling.monte_carlo import MonteCarlo
from ..sampling.replicates import listed
from ..support import Request, check
from .ensembles import lazy_series, random_starts, readout_kernels
from .kernels import initial_kernels

_NOTICED = 1e-3  # relative error of kernels by quadrature that is warned of
_KERNELS = ("feature_kernel", "gradient_kernel", "tangent_kernel")


@route
def static_ntk(
    network: Network,
    problem: Problem,
    training: Training,
    kernel: str = "closed_form",
    record=None,
    n_samples: int = 4096,
    n_replicates: int = 4,
    seed: int | None = 0,
    tolerance: float | None = None,
    draws: str = "sobol",
    samples: int = 64,
    progress: bool = True,
    *,
    ensemble: str | None = None,
    width: int | None = None,
    starts: int = 64,
    centred: bool = True,
    keep_replicates: bool = False,
    threads: int | None = None,
) -> xr.Dataset:
    """Train on the tangent kernel of step 0: the limit richness -> 0, in which features do not move.

        f(t+1) = f(t) + eta K(0) Delta(t), with momentum as in `Training`;     flow: df/dt = K(0) Delta,
        squared loss: f(t) = K [1 - exp(-K t / P)] K^-1 y on training examples

    (Jacot, Gabriel & Hongler 2018; gamma0 -> 0 in Bordelon & Pehlevan 2022). Outputs start at zero; with
    `ensemble` at random, as those of uncentred networks do, and the result has their mean and covariance over
    initialisations besides.

    Parameters
    ----------
    network, problem, training
        As for `sample`; `training` may also be a gradient flow, solved exactly for the squared loss and as an
        ordinary differential equation to its tolerance for others.
    kernel
        "closed_form": arc-cosine, arcsine or polynomial kernels where they are known, Gauss-Hermite
        quadrature for any other activation, its error in attribute kernel_error. "sampled": the kernels that
        `sample` has at step 0, from the same draws.
    record
        As for `sample`; of a flow, indices of its times.
    n_samples, n_replicates, seed, tolerance, draws, samples, progress
        As for `sample`; for kernel="sampled", and for `ensemble` with other losses than the squared one.

    Other parameters
    ----------------
    ensemble
        Networks that start at outputs f(0) ~ N(0, C) and differ in that: "ntk", those of
        train_finite(parameterization="ntk"), where C = weight_std^2 Phi^L / richness^2 at any width;
        "mean_field" (or "mup"), where f(0) is smaller by sqrt(`width`). None: one network, f(0) = 0.
    width
        Neurons per layer, for ensemble="mean_field".
    starts
        Draws of f(0) per replicate where there is no closed form, i.e. for other losses than the squared one.
    centred, keep_replicates, threads
        As for `sample`; for kernel="sampled" only.

    Returns
    -------
    xarray.Dataset
        As of `sample`: kernels (and fields, if sampled) repeat along time. Standard errors if sampled.
        Attribute kernel_error is the change of kernels from half as many quadrature nodes, relative to their
        largest entries, or how far their means violate Stein's lemma; a warning tells if it is large. Of an
        ensemble also output_covariance (time, example, example_prime) and output_std (time, example[,
        output]) over networks; outputs, losses and error signals are means over them.

    Raises
    ------
    InputError
        An argument that cannot be used.
    UnsupportedError
        What does not go together; see "What goes with what" in the README.

    Notes
    -----
    Ensembles: with the squared loss outputs are linear in f(0), so that the law stays Gaussian and is exact
    (Lee et al. 2019, equations 14-16): with A = K [1 - exp(-K t / P)] K^-1 the mean is A y and the covariance
    (1 - A) C (1 - A)^T. The last time may be math.inf, where A = K_* K^-1: of all weights, the NTK posterior;
    of the readout alone, multipliers=(0, ..., 0, 1), the posterior of the Bayesian network of infinite width
    (NNGP) without noise, of covariance C_** - C_* C^-1 C_*^T. Its last output_std is how far trained networks
    disagree.

    Exact in closed form; the richness of the network does not enter. A network of small richness is off by
    order richness^2, with relu by order richness (see `perturbation`): on hard tasks 0.1 can still be far.
    Cost: O(examples^3) for a flow, O(steps examples^2) for steps.

    References
    ----------
    Jacot, Gabriel & Hongler 2018, arXiv:1806.07572. Lee et al. 2019, arXiv:1902.06720. Cho & Saul 2009.
    Williams 1997.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> problem = tp.Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0])
    >>> ds = tp.static_ntk(tp.MLP(2, "relu"), problem, tp.Training(flow=True, times=[0.0, 1.0, 1e6]))
    >>> ds.output[-1].values.round(6).tolist()
    [1.0, -1.0]

    What trained networks make of a new input, and how far they disagree (NTK posterior):

    >>> import math
    >>> problem = tp.Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0], [[0.5, 0.5]])
    >>> end = tp.Training(flow=True, times=[math.inf])
    >>> ds = tp.static_ntk(tp.MLP(2, "relu"), problem, end, ensemble="ntk")
    >>> ds.output[-1].values.round(6).tolist(), ds.output_std[-1].values.round(3).tolist()
    ([1.0, -1.0, 0.0], [0.0, 0.0, 0.102])
    """
    require(
        kernel in ("closed_form", "sampled"),
        f"kernel={kernel!r} is unknown; choose 'closed_form' or 'sampled'.",
    )
    check("static_ntk", Request(network, problem, training, as_record(record), ensemble=ensemble), kernel)
    steps = recorded_steps(record, training.last)
    run = MonteCarlo(
        n_samples,
        n_replicates,
        seed,
        tolerance,
        draws,
        samples,
        None,
        None,
        progress,
        centred,
        None,
        True,
        None,
        threads,
    )
    sampled, settings, found, initial = (
        run.settings(network),
        {"kernel": kernel, "record": listed(record)},
        {"kernel_error": 0.0},
        None,
    )
    network.check(problem.all_inputs.shape[1:])
    random = random_starts(ensemble, width, starts, network, problem)
    drawn = random is not None and random.drawn
    foot = network.footprint(problem.all_inputs.shape[1:])
    replicates = sampled["n_replicates"] if kernel == "sampled" or drawn else 1
    memory.check(
        memory.of_results(
            len(steps),
            foot.layers,
            len(problem.all_inputs),
            sampled["samples"],
            replicates,
            vectors=foot.vectors,
        ),
        "record fewer times (record=tp.log_steps(...))",
    )
    keep = boolean("keep_replicates", keep_replicates) and (kernel == "sampled" or drawn)
    if kernel == "sampled" or drawn:
        settings = sampled | settings | {"keep_replicates": keep}
    run = replace(run, seed=sampled["seed"])
    # With several outputs, every one has the kernels of a single one.
    single = problem if problem.outputs is None else problem.with_zero_targets()
    if kernel == "closed_form":
        begin, found["kernel_error"] = _closed(network, problem, training)
        begin *= replicates
    else:
        initial = run.initial("static_ntk", network, single, training)
        begin = [{name: initial[name].values[r, 0] for name in _KERNELS} for r in range(replicates)]
    covariances = [None] * replicates
    if random is not None:
        random.check_memory(len(steps), problem, replicates)
        settings |= random.settings()
        last_layers = np.stack([start["feature_kernel"][-1] for start in begin])
        covariances = random.scale(network) * readout_kernels(run, network, single, training, last_layers)
    shares = [training.example_weights(t, problem.n_train) for t in steps]
    tangent = [start["tangent_kernel"] for start in begin]
    both = [
        lazy_series(k, c, problem, training, steps, shares, random, (sampled["seed"], r))
        for r, (k, c) in enumerate(zip(tangent, covariances))
    ]
    status, message, steps = _ending(min(reached for _, reached in both), steps, training.last, problem)
    arrays = summarise(
        [series | _repeated(start, len(steps)) for (series, _), start in zip(both, begin)],
        keep,
        network.vector_dim,
    )
    if kernel == "closed_form":  # known without sampling error
        for name in _KERNELS:
            arrays.pop(f"{name}_stderr", None)
    for name in () if initial is None else [name for name in initial if "sample" in initial[name].dims]:
        arrays[name] = (initial[name].dims, np.repeat(initial[name].values, len(steps), axis=0))
    described = attributes("static_ntk", network, problem, training, settings, status.label, message) | found
    described["replicates"] = replicates
    labels = list(range(1, foot.layers + 1)) if initial is None else initial.layer.values.tolist()
    return dataset(
        arrays, problem, training, steps, labels, described, network.coordinates(labels), network.input_dims
    )


def _closed(network, problem: Problem, training: Training) -> tuple[list[dict], float]:
    """Kernels in closed form, as of one replicate, and their error."""
    found = initial_kernels(network, problem.all_inputs)
    rates = training.rates(network.roles)
    tangent = sum(rates[name] * kernel for name, kernel in found.tangent.items())
    if found.error > _NOTICED:
        warn(
            f"static_ntk: kernels by quadrature are known to {found.error:.0e} of their largest entry only,"
            " as the activation is steep or kinked at these inputs; kernel='sampled' does not depend on"
            " that.",
            QuadratureWarning,
        )
    return [
        {"feature_kernel": found.feature, "gradient_kernel": found.gradient, "tangent_kernel": tangent}
    ], found.error


def _ending(reached: int, steps: np.ndarray, last: int, problem: Problem) -> tuple[Status, str, np.ndarray]:
    """Status, its message and the steps to keep: those that all replicates `reached`."""
    if reached > last:
        return Status.COMPLETED, Status.COMPLETED.message, steps
    kept = bool((steps < reached).any())
    message = sentence(f"At step {reached}", grown(), advice(problem.all_inputs), kept)
    require(kept, message)
    warn(message, DivergenceWarning)
    return Status.DIVERGED, message, steps[steps < reached]


def _repeated(start: dict, times: int) -> dict[str, np.ndarray]:
    """Kernels repeat along time."""
    return {name: np.broadcast_to(start[name], (times, *start[name].shape)) for name in _KERNELS}

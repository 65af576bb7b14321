"""The lazy limit: kernels stay where they are at step 0."""

from dataclasses import replace

import numpy as np
import xarray as xr

from .. import memory
from ..engine import Status
from ..errors import DivergenceWarning, QuadratureWarning, boolean, require, warn
from ..initial_kernels import initial_kernels
from ..networks import Network
from ..optimizers import Training
from ..problems import Problem
from ..provenance import attributes
from ..recorder import recorded_steps
from ..results import dataset, summarise
from .lazy import train_lazily
from .monte_carlo import MonteCarlo
from .replicates import listed

_NOTICED = 1e-3  # relative error of kernels by quadrature that is warned of
_KERNELS = ("feature_kernel", "gradient_kernel", "tangent_kernel")


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
    centred: bool = True,
    keep_replicates: bool = False,
    threads: int | None = None,
) -> xr.Dataset:
    """Train on the tangent kernel of step 0: the limit richness -> 0, in which features do not move.

        f(t+1) = f(t) + eta K(0) Delta(t), with momentum as in `Training`;     flow: df/dt = K(0) Delta,
        squared loss: f(t) = K [1 - exp(-K t / P)] K^-1 y on training examples

    (Jacot, Gabriel & Hongler 2018; gamma0 -> 0 in Bordelon & Pehlevan 2022).

    Parameters
    ----------
    network, problem, training
        As for `sample`; `training` may also be a gradient flow, solved exactly for the squared loss and as an ordinary
        differential equation to its tolerance for others.
    kernel
        "closed_form": arc-cosine, arcsine or polynomial kernels where they are known, Gauss-Hermite quadrature for any
        other activation, its error in attribute kernel_error. "sampled": the kernels that `sample` has at step 0, from
        the same draws.
    record
        As for `sample`; of a flow, indices of its times.
    n_samples, n_replicates, seed, tolerance, draws, samples, progress
        As for `sample`; for kernel="sampled" only.

    Other parameters
    ----------------
    centred, keep_replicates, threads
        As for `sample`; for kernel="sampled" only.

    Returns
    -------
    xarray.Dataset
        As of `sample`: kernels (and fields, if sampled) repeat along time. Standard errors if sampled. Attribute
        kernel_error is the change of kernels from half as many quadrature nodes, relative to their largest entries, or
        how far their means violate Stein's lemma; a warning tells if it is large.

    Raises
    ------
    InputError
        An argument that cannot be used.
    UnsupportedError
        Weight decay; a closed form of another network than an MLP.

    Notes
    -----
    Exact in closed form; the richness of the network does not enter. A network of small richness is off by order
    richness^2, with relu by order richness (see `perturbation`): on hard tasks 0.1 can still be far. Cost: O(examples^3)
    for a flow, O(steps examples^2) for steps.

    References
    ----------
    Jacot, Gabriel & Hongler 2018, arXiv:1806.07572. Cho & Saul 2009. Williams 1997.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> problem = tp.Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0])
    >>> ds = tp.static_ntk(tp.MLP(2, "relu"), problem, tp.Training(flow=True, times=[0.0, 1.0, 1e6]))
    >>> ds.output[-1].values.round(6).tolist()
    [1.0, -1.0]
    """
    require(kernel in ("closed_form", "sampled"), f"kernel={kernel!r} is unknown; choose 'closed_form' or 'sampled'.")
    training.refuse_noise_and_rules("static_ntk")
    problem.refuse_online("static_ntk")
    steps = recorded_steps(record, training.last, "static_ntk")
    run = MonteCarlo(
        n_samples, n_replicates, seed, tolerance, draws, samples, None, None, progress, centred, None, True, None, threads
    )
    sampled, settings, found, initial = run.settings(network), {"kernel": kernel, "record": listed(record)}, {"kernel_error": 0.0}, None
    network.check(problem.all_inputs.shape[1:])
    foot = network.footprint(problem.all_inputs.shape[1:])
    replicates = sampled["n_replicates"] if kernel == "sampled" else 1
    memory.check(
        memory.of_results(len(steps), foot.layers, len(problem.all_inputs), sampled["samples"], replicates, vectors=foot.vectors),
        "record fewer times (record=tp.log_steps(...))",
    )  # fmt: skip
    if kernel == "closed_form":
        starts, found["kernel_error"] = _closed(network, problem, training)
    else:
        settings = sampled | settings | {"keep_replicates": boolean("keep_replicates", keep_replicates)}
        # With several outputs, every one has the kernels of a single one.
        single = problem if problem.outputs is None else Problem(problem.inputs, np.zeros(problem.n_train), problem.test_inputs)
        initial = replace(run, seed=sampled["seed"]).initial("static_ntk", network, single, training)
        starts = [{name: initial[name].values[r, 0] for name in _KERNELS} for r in range(replicates)]
    outputs = [train_lazily(start["tangent_kernel"], problem, training, "static_ntk") for start in starts]
    status, message, steps = _ending(outputs, steps, training.last)
    shares = [training.example_weights(t, problem.n_train) for t in steps]
    records = [_record(f[steps], start, problem, shares) for f, start in zip(outputs, starts)]
    arrays = summarise(records, keep_replicates and kernel == "sampled", network.vector_dim)
    for name in () if initial is None else [name for name in initial if "sample" in initial[name].dims]:
        arrays[name] = (initial[name].dims, np.repeat(initial[name].values, len(steps), axis=0))
    described = attributes("static_ntk", network, problem, training, settings, status.label, message) | found
    labels = list(range(1, foot.layers + 1)) if initial is None else initial.layer.values.tolist()
    return dataset(arrays, problem, training, steps, labels, described, network.coordinates(labels), network.input_dims)


def _closed(network, problem: Problem, training: Training) -> tuple[list[dict], float]:
    """Kernels in closed form, as of one replicate, and their error."""
    found = initial_kernels(network, problem.all_inputs)
    rates = training.rates(list(found.tangent))
    tangent = sum(rates[name] * kernel for name, kernel in found.tangent.items())
    if found.error > _NOTICED:
        warn(
            f"static_ntk: kernels by quadrature are known to {found.error:.0e} of their largest entry only, as the activation is steep or "
            "kinked at these inputs; kernel='sampled' does not depend on that.", QuadratureWarning,
        )  # fmt: skip
    return [{"feature_kernel": found.feature, "gradient_kernel": found.gradient, "tangent_kernel": tangent}], found.error


def _ending(outputs: list[np.ndarray], steps: np.ndarray, last: int) -> tuple[Status, str, np.ndarray]:
    """Status, its message and the steps to keep: those that all replicates reached."""
    reached = min(map(len, outputs))
    if reached > last:
        return Status.COMPLETED, Status.COMPLETED.message, steps
    message = Status.DIVERGED.message.format(step=reached)
    warn(message, DivergenceWarning)
    require((steps < reached).any(), "the run diverged before its first record, so there is nothing to return; take a smaller learning rate.")
    return Status.DIVERGED, message, steps[steps < reached]


def _record(outputs: np.ndarray, start: dict, problem: Problem, shares: list) -> dict[str, np.ndarray]:
    """The record of one replicate: kernels repeat."""
    return {
        **problem.series(outputs, shares),
        **{name: np.broadcast_to(start[name], (len(outputs), *start[name].shape)) for name in _KERNELS},
    }

"""Training on kernels of step 0: where they come from, the series of every replicate, the Dataset."""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from ...engine.record import recorded_steps
from ...ground.divergence import advice, grown, sentence
from ...ground.errors import DivergenceWarning, QuadratureWarning, require, warn
from ...ground.status import Status
from ...problems.problem import Problem
from ...results import memory
from ...results.dataset import dataset, summarise
from ..sampling.job import Job
from ..sampling.monte_carlo import sampled_start
from .ensembles import RandomStarts, lazy_series, readout_kernels
from .kernels import initial_kernels

Kernels = dict[str, np.ndarray]

KERNELS = ("closed_form", "sampled")
_NOTICED = 1e-3  # relative error of kernels by quadrature that is warned of
_KERNELS = ("feature_kernel", "gradient_kernel", "tangent_kernel")


@dataclass(frozen=True, kw_only=True)
class Lazy:
    """A call of `static_ntk`: the job, where its kernel comes from, and how outputs start."""

    job: Job
    kernel: str
    random: RandomStarts | None

    @property
    def sampled(self) -> bool:
        """Whether kernels are sampled."""
        return self.kernel == "sampled"

    @property
    def estimated(self) -> bool:
        """Whether results are estimates, from replicates."""
        return self.sampled or (self.random is not None and self.random.drawn)

    @property
    def replicates(self) -> int:
        """Number of replicates."""
        return self.job.sampling.n_replicates if self.estimated else 1

    @property
    def single(self) -> Job:
        """The job for one output: with several outputs every one has the kernels of a single one."""
        problem = self.job.problem
        return self.job if problem.outputs is None else replace(self.job, problem=problem.with_zero_targets())

    def settings(self) -> dict[str, object]:
        """The arguments as plain values, for the attributes of the result."""
        own: dict[str, object] = {"kernel": self.kernel}
        if self.estimated:
            given = self.job.settings() | own
        else:
            given = own | {"record": self.job.keeping.record.describe()}
        return given if self.random is None else given | self.random.settings()


@dataclass(frozen=True)
class _Start:
    """Kernels at step 0 of every replicate, their error, and the run in which they were sampled, if any."""

    kernels: list[Kernels]
    error: float = 0.0
    sampled: xr.Dataset | None = None


def trained_lazily(lazy: Lazy) -> xr.Dataset:
    """The Dataset of a call."""
    job = lazy.job
    steps = recorded_steps(job.keeping.record, job.training.last)
    job.network.check(job.problem.all_inputs.shape[1:])
    _check_memory(lazy, len(steps))
    start = _sampled_kernels(lazy) if lazy.sampled else _closed_kernels(lazy)
    series, reached = _series(lazy, start, steps)
    steps, status, message = _ending(reached, steps, job.training.last, job.problem)
    records = [own | _repeated(begin, len(steps)) for own, begin in zip(series, start.kernels)]
    return _labelled(lazy, start, records, steps, job.attributes(status, message, lazy.settings()))


def _check_memory(lazy: Lazy, times: int) -> None:
    job, problem = lazy.job, lazy.job.problem
    foot = job.network.footprint(problem.all_inputs.shape[1:])
    examples, samples = len(problem.all_inputs), job.keeping.samples
    memory.check(
        memory.of_results(times, foot.layers, examples, samples, lazy.replicates, vectors=foot.vectors),
        "record fewer times (record=tp.log_steps(...))",
    )
    if lazy.random is not None:
        lazy.random.check_memory(times, problem, lazy.replicates)


def _sampled_kernels(lazy: Lazy) -> _Start:
    """Those that `sample` has at step 0."""
    found = sampled_start(lazy.single)
    each = [{name: found[name].values[r, 0] for name in _KERNELS} for r in range(lazy.replicates)]
    return _Start(each, sampled=found)


def _closed_kernels(lazy: Lazy) -> _Start:
    """Those of the recursion over layers, the same in every replicate."""
    found = initial_kernels(lazy.job.network, lazy.job.problem.all_inputs)
    rates = lazy.job.training.rates(lazy.job.network.roles)
    tangent = np.asarray(sum(rates[name] * kernel for name, kernel in found.tangent.items()))
    if found.error > _NOTICED:
        warn(
            f"static_ntk: kernels by quadrature are known to {found.error:.0e} of their largest entry only,"
            " as the activation is steep or kinked at these inputs; kernel='sampled' does not depend on"
            " that.",
            QuadratureWarning,
        )
    kernels = {"feature_kernel": found.feature, "gradient_kernel": found.gradient, "tangent_kernel": tangent}
    return _Start([kernels] * lazy.replicates, found.error)


def _series(lazy: Lazy, start: _Start, steps: np.ndarray) -> tuple[list[dict[str, np.ndarray]], int]:
    """Outputs and what follows from them at `steps`, of every replicate, and the first step that one of them
    did not reach."""
    job, random = lazy.job, lazy.random
    covariances: list[np.ndarray | None] = [None] * lazy.replicates
    if random is not None:
        last_layers = np.stack([kernels["feature_kernel"][-1] for kernels in start.kernels])
        covariances = list(random.scale(job.network) * readout_kernels(lazy.single, last_layers))
    shares = [job.training.example_weights(t, job.problem.n_train) for t in steps]
    found, reached = [], []
    for replicate, (kernels, covariance) in enumerate(zip(start.kernels, covariances)):
        seed = job.sampling.seed, replicate
        kernel = kernels["tangent_kernel"]
        own = lazy_series(kernel, covariance, job.problem, job.training, steps, shares, random, seed)
        found.append(own[0])
        reached.append(own[1])
    return found, min(reached)


def _ending(reached: int, steps: np.ndarray, last: int, problem: Problem) -> tuple[np.ndarray, Status, str]:
    """The steps to keep, those that all replicates `reached`; the status and its message."""
    if reached > last:
        return steps, Status.COMPLETED, Status.COMPLETED.message
    kept = bool((steps < reached).any())
    message = sentence(f"At step {reached}", grown(), advice(problem.all_inputs), kept)
    require(kept, message)
    warn(message, DivergenceWarning)
    return steps[steps < reached], Status.DIVERGED, message


def _repeated(kernels: Kernels, times: int) -> Kernels:
    """Kernels repeat along time."""
    return {name: np.broadcast_to(kernels[name], (times, *kernels[name].shape)) for name in _KERNELS}


def _labelled(
    lazy: Lazy, start: _Start, records: list[dict[str, np.ndarray]], steps: np.ndarray, described: dict
) -> xr.Dataset:
    """The Dataset of the records, with the fields of a sampled start."""
    job, network = lazy.job, lazy.job.network
    arrays = summarise(records, job.keeping.keep_replicates and lazy.estimated, network.vector_dim)
    labels = list(range(1, network.footprint(job.problem.all_inputs.shape[1:]).layers + 1))
    if start.sampled is None:  # kernels known without sampling error
        for name in _KERNELS:
            arrays.pop(f"{name}_stderr", None)
    else:
        labels = start.sampled.layer.values.tolist()
        for variable, field in start.sampled.data_vars.items():
            if "sample" in field.dims:
                repeated = np.repeat(field.values, len(steps), axis=0)
                arrays[str(variable)] = (tuple(map(str, field.dims)), repeated)
    described |= {"kernel_error": start.error, "replicates": lazy.replicates}
    return dataset(
        arrays,
        job.problem,
        job.training,
        steps,
        labels,
        described,
        network.coordinates(labels),
        network.input_dims,
    )

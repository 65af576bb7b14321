"""Real two-layer networks, trained by one-pass stochastic gradient descent."""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ...ground.calls import checked_call
from ...ground.errors import boolean, whole
from ...ground.progress import Progress
from ...ground.replicates import run_replicates
from ...ground.status import Status
from ...results.dataset import labelled
from ...results.provenance import made
from ...results.references import cite
from ...sites.draws import fresh_seed
from ..arguments import stream
from ..outcomes import RunEnd, RunRecord, averaged, concluded, reached_by_all
from .data import Data, FiniteData
from .one_pass_network import advance, begin, observe
from .one_pass_plan import OnePassPlan, check_limit, checked_laws
from .stepping import Schedule, step_plan
from .units import Neuron

_PAPERS = cite("two layers", "many particles")


@checked_call
def train_particles(  # noqa: PLR0913
    unit: Neuron,
    data: Data,
    initial: Mapping[str, Any],
    times: ArrayLike,
    width: int = 800,
    step: float = 1e-4,
    n_replicates: int = 4,
    seed: int | None = 0,
    temperature: float = 0.0,
    weight_decay: float = 0.0,
    schedule: Schedule = 1.0,
    samples: int = 64,
    test_examples: int = 10000,
    limit: xr.Dataset | None = None,
    progress: bool = True,
    *,
    threads: int | None = None,
) -> xr.Dataset:
    """Train real networks f(x) = (1 / N) sum_i sigma_*(x; theta_i), one fresh example per step.

        theta_i <- (1 - 2 lambda s) theta_i - 2 s loss'(f(x), y) grad sigma_*(x; theta_i) + sqrt(4 s tau) g_i,
        s = step xi(t),   g_i ~ N(0, 1)

    (Mei, Montanari & Nguyen 2018, equations 4 and 12), whose limit is `distributional_dynamics`.

    Parameters
    ----------
    unit
        A `Neuron` with an activation that is compiled.
    data
        `FiniteData`, whose examples are drawn with replacement; `IsotropicGaussians` or
        `AnisotropicGaussians` of finite dimension.
    initial
        As of `distributional_dynamics`, but w is a vector on all data: "w" has the law of its entries.
    times
        (time,) to record, increasing; time is the sum of steps s / xi. Each is met exactly.
    width
        N.
    step
        Largest step. The noise of single examples adds an error of order `step` times the squared gradient,
        which grows with the dimension: step times dimension should be far below 1.
    n_replicates, seed
        Networks with independent weights and examples.
    temperature, weight_decay, schedule
        As of `distributional_dynamics`.
    samples
        Neurons whose parameters are kept.
    test_examples
        Fresh inputs per network that outputs are averaged over, for Gaussians.
    limit
        A result of `distributional_dynamics` at the same times, for Gaussians: then risk_excess is the risk
        beyond that of its outputs on the same inputs, whose fluctuations cancel.

    Other parameters
    ----------------
    threads
        As of `tp.sample`: the numbers do not depend on it.

    Returns
    -------
    xarray.Dataset
        risk (time,), and without temperature free_energy, which has no entropy (time,); parameter_mean,
        parameter_square (time, parameter); site_parameter (time, sample, parameter). On finite data output
        (time, example); on Gaussians, where parameters are the norms r or r1, r2 as in the limit,
        class_output (time, class) and with a limit risk_excess (time,). <name>_stderr over networks.

    Raises
    ------
    InputError
        An argument that cannot be used.
    UnsupportedError
        A unit that is not compiled; a loss that is not: squared, logistic and hinge are; several outputs;
        Gaussians of infinite dimension.

    Warns
    -----
    DivergenceWarning
        Weights that are not finite; the times before are kept.

    Notes
    -----
    The error is of order N^-1/2 + step^1/2 per network; the risk is larger than the limit's by order 1 / N.
    Cost: O(width dimension) per step.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> mf = tp.mean_field
    >>> data, laws = mf.FiniteData([-1.0, 1.0], [-0.5, 0.5]), {"a": tp.Gaussian(), "w": tp.Gaussian()}
    >>> ds = mf.train_particles(mf.Neuron("tanh"), data, laws, [0, 5], 400, 0.01)
    >>> bool(ds.risk[0] > 0.2 and ds.risk[1] < 0.01)
    True
    """
    plan = OnePassPlan(
        unit=unit,
        data=data,
        laws=checked_laws(unit, data, initial),
        steps=step_plan(times, "step", step, schedule, temperature, weight_decay),
        width=whole("width", width, 1),
        n_replicates=whole("n_replicates", n_replicates, 1),
        seed=fresh_seed(seed),
        samples=whole("samples", samples),
        test_examples=whole("test_examples", test_examples, 2),
        limit=limit,
    )
    check_limit(plan)
    return _solved(plan, boolean("progress", progress), threads)


def _solved(plan: OnePassPlan, progress: bool, threads: int | None) -> xr.Dataset:
    """Train all networks."""
    done = run_replicates(
        "train_particles",
        functools.partial(_run, plan),
        plan.n_replicates,
        len(plan.steps.times),
        progress=progress,
        threads=threads,
    ).worth_keeping(lambda run: run.reached, len(plan.steps.times))
    return done.handed_over(_gathered(plan, done.runs))


def _run(plan: OnePassPlan, replicate: int, shown: Progress) -> RunRecord:
    """One network from its number."""
    network, rng = begin(plan, replicate), stream(plan.seed, replicate, 2)
    test = plan.data.draw(plan.test_examples, stream(plan.seed, replicate, 3))
    values: dict[str, list[np.ndarray]] = {}
    now = 0.0
    shown.begin()
    for index, until in enumerate(plan.steps.times):
        end = advance(plan, network, rng, now, until, shown)
        if end is not None:
            return RunRecord(values, end)
        now = until
        for name, value in observe(plan, network, test, index).items():
            values.setdefault(name, []).append(value)
        if not shown.advance():
            return RunRecord(values, RunEnd(Status.INTERRUPTED, now))
    return RunRecord(values, RunEnd(Status.COMPLETED, now))


def _gathered(plan: OnePassPlan, runs: list[RunRecord]) -> xr.Dataset:
    """The labelled result of all networks, up to the times that all of them reached."""
    reached = reached_by_all(runs)
    remedy = f"step={plan.steps.step:g} is too large: take a smaller one"
    status, message = concluded([run.end for run in runs], reached, "weights", remedy)
    arrays = averaged(runs, reached)
    if isinstance(plan.data, FiniteData):
        arrays |= {
            "target": (("example",), plan.data.targets),
            "example_weight": (("example",), plan.data.weights),
            "input": (("example", "feature"), plan.data.inputs),
        }
    settings = plan.settings() | {"replicates_kept": len(runs)}
    described = {"unit": plan.unit.describe(), "data": plan.data.describe()}
    attributes = made("train_particles", "Neuron", settings, status.label, message, _PAPERS, described)
    attributes["replicates"] = len(runs)
    coordinates = {
        "time": plan.steps.times[:reached],
        "parameter": np.array(plan.names),
        "class": np.array([1, -1]),
    }
    return labelled(arrays, coordinates, attributes)

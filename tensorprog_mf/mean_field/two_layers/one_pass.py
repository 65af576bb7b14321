"""Real two-layer networks, trained by one-pass stochastic gradient descent."""

import functools
import math

import numpy as np
import xarray as xr

from ...ground.calls import checked_call
from ...ground.errors import (
    DivergenceWarning,
    InputError,
    UnsupportedError,
    boolean,
    real,
    require,
    warn,
    whole,
)
from ...ground.interruption import nothing_kept
from ...ground.progress import Progress
from ...ground.replicates import run_replicates
from ...results.dataset import labelled
from ...results.provenance import made
from ...sites.activations import Activation
from ...sites.draws import fresh_seed
from .data import AnisotropicGaussians, FiniteData, IsotropicGaussians
from .dynamics import REFERENCES
from .initial import initial_laws
from .network import Plan, advance, begin, feature_count, fresh_examples, observe
from .observables import averaged
from .one_pass_numba import LOSS_CODES
from .stepping import checked_schedule, checked_step, checked_times
from .units import Neuron
from .units_numba import CODES


@checked_call
def train_particles(
    unit,
    data,
    initial,
    times,
    width: int = 800,
    step: float = 1e-4,
    n_replicates: int = 4,
    seed: int | None = 0,
    temperature: float = 0.0,
    weight_decay: float = 0.0,
    schedule=1.0,
    samples: int = 64,
    test_examples: int = 10000,
    limit: xr.Dataset | None = None,
    progress: bool = True,
    *,
    threads: int | None = None,
) -> xr.Dataset:
    """Train real networks f(x) = (1 / N) sum_i sigma_*(x; theta_i), one fresh example per step.

        theta_i <- (1 - 2 lambda s) theta_i - 2 s loss'(f(x), y) grad sigma_*(x; theta_i) + sqrt(4 s tau) g_i,   s = step xi(t)

    (Mei, Montanari & Nguyen 2018, equations 4 and 12): what `distributional_dynamics` is the limit of.

    Parameters
    ----------
    unit
        A `Neuron` with an activation that is compiled.
    data
        `FiniteData`, examples drawn with replacement; `IsotropicGaussians` or `AnisotropicGaussians` of
        finite dimension.
    initial
        As of `distributional_dynamics`, but w is a vector everywhere: "w" has the law of its entries.
    times
        (time,) to record, increasing; time is the sum of steps s / xi. Each is met exactly.
    width
        N.
    step
        Largest step. Noise of single examples adds of order `step` times the squared gradient, which grows
        with the dimension: step times dimension should be far below 1.
    n_replicates, seed
        Networks.
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
        risk, free_energy without entropy (time,), parameter_mean, parameter_square (time, parameter),
        site_parameter (time, sample, parameter); output (time, example) on finite data, class_output and
        risk_excess (time) on Gaussians, where parameters are the norms r or r1, r2 as in the limit.
        <name>_stderr over networks.

    Raises
    ------
    InputError
        An argument that cannot be used.
    UnsupportedError
        A unit that is not compiled, or a loss that is not: squared, logistic and hinge are; Gaussians of
        infinite dimension.

    Notes
    -----
    The error is of order N^-1/2 + step^1/2 per network; the risk is larger than the limit's by order 1 / N.
    Cost: width dimension per step.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> mf = tp.mean_field
    >>> data = mf.FiniteData([-1.0, 1.0], [-0.5, 0.5])
    >>> ds = mf.train_particles(mf.Neuron("tanh"), data, {"a": tp.Gaussian(), "w": tp.Gaussian()}, [0, 5], 400, 0.01)
    >>> bool(ds.risk[0] > 0.2 and ds.risk[1] < 0.01)
    True
    """
    times = checked_times(times)
    plan = Plan(
        unit,
        data,
        _laws(unit, data, initial),
        times,
        whole("width", width, 1),
        checked_step("step", step, times),
        fresh_seed(seed),
        real("temperature", temperature, "be 0 or more", lambda v: v >= 0),
        real("weight_decay", weight_decay, "be 0 or more", lambda v: v >= 0),
        checked_schedule(schedule),
        whole("samples", samples),
        whole("test_examples", test_examples, 2),
        limit,
    )
    n_replicates = whole("n_replicates", n_replicates, 1)
    _check_limit(plan)
    done = run_replicates(
        "train_particles",
        functools.partial(_train, plan),
        n_replicates,
        len(plan.times),
        progress=boolean("progress", progress),
        threads=threads,
    ).worth_keeping(lambda run: len(run[0].get("risk", ())), len(plan.times))
    ds = _gathered(plan, done.runs, n_replicates, callable(schedule) or float(schedule))
    return done.handed_over(ds)


def _laws(unit, data, initial) -> list:
    """A law for a, every entry of w, and b, as far as there are."""
    if not isinstance(unit, Neuron):
        raise UnsupportedError(
            "train_particles trains a Neuron; distributional_dynamics on n_samples pseudo-random sites is the"
            " finite network of any unit."
        )
    if isinstance(unit.activation, Activation) and not unit.activation.named(*CODES):
        raise UnsupportedError(
            f"train_particles has no compiled kernel for activation {unit.activation.name!r}; take"
            f" {', '.join(CODES)} or a PiecewiseLinear, or distributional_dynamics on FiniteData, which takes"
            " any."
        )
    if not isinstance(data, (FiniteData, IsotropicGaussians, AnisotropicGaussians)):
        raise InputError(
            f"data={data!r} must be FiniteData, IsotropicGaussians or AnisotropicGaussians of"
            " tensorprog_mf.mean_field."
        )
    if data.loss.name not in LOSS_CODES:
        raise UnsupportedError(
            f"train_particles has the losses {', '.join(LOSS_CODES)}; with loss={data.loss.name!r} take"
            " distributional_dynamics with draws='pseudo-random' and method='euler', gradient descent of a"
            " network of n_samples neurons."
        )
    if isinstance(data, FiniteData) and data.targets.ndim > 1:
        raise UnsupportedError(
            "train_particles is for one output, targets (example,); with several take"
            " distributional_dynamics."
        )
    if feature_count(data) == math.inf:
        raise UnsupportedError("real networks have inputs of finite dimension; give the data a dimension.")
    names = tuple(f"w{j}" for j in range(feature_count(data)))
    return initial_laws(("a",) * unit.output_weight + names + ("b",) * unit.bias, initial)


def _check_limit(plan: Plan) -> None:
    if plan.limit is None:
        return
    require(
        isinstance(plan.limit, xr.Dataset) and "class_output" in plan.limit,
        "limit must be a result of distributional_dynamics on Gaussians.",
    )
    require(
        not isinstance(plan.data, FiniteData),
        "limit is for Gaussians; on finite data outputs can be subtracted.",
    )
    same = plan.limit.sizes["time"] == len(plan.times) and np.allclose(plan.limit.time, plan.times)
    require(
        same,
        f"limit has the times {plan.limit.time.values.tolist()}, not {plan.times.tolist()}; they must be the"
        " same.",
    )


def _train(plan: Plan, replicate: int, shown: Progress) -> tuple[dict, str, float]:
    """Records of one network, how it ended, and when."""
    network, code = begin(plan, replicate)
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(plan.seed, spawn_key=(replicate, 2))))
    test = fresh_examples(
        plan.data,
        plan.test_examples,
        np.random.Generator(np.random.PCG64(np.random.SeedSequence(plan.seed, spawn_key=(replicate, 3)))),
    )
    records: dict[str, list] = {}
    now = 0.0
    shown.begin()
    for index, until in enumerate(plan.times):
        ended = advance(plan, network, code, rng, now, until, shown)
        if ended is not None:
            return records, *ended
        now = until
        for name, value in observe(plan, network, test, index).items():
            records.setdefault(name, []).append(value)
        if not shown.advance():
            return records, "interrupted", now
    return records, "completed", now


def _gathered(plan: Plan, runs: list, n_replicates: int, schedule) -> xr.Dataset:
    worst = min(runs, key=lambda run: (("diverged", "interrupted", "completed").index(run[1]), run[2]))
    message = {
        "diverged": (
            f"Near time {worst[2]:g} weights were not finite with step={plan.step:g}; the times before are"
            " kept. Take a smaller step."
        ),
        "interrupted": f"The run was interrupted at time {worst[2]:g}; the times before are kept.",
        "completed": "All times were reached.",
    }[worst[1]]
    reached = min(len(run[0].get("risk", ())) for run in runs)
    if worst[1] == "interrupted" and not reached:
        raise nothing_kept("train_particles")
    require(reached > 0, f"weights were not finite before the first time; step={plan.step:g} is too large.")
    if worst[1] == "diverged":
        warn(message, DivergenceWarning)
    arrays = averaged([run[0] for run in runs], reached)
    if isinstance(plan.data, FiniteData):
        arrays |= {
            "target": (("example",), plan.data.targets),
            "example_weight": (("example",), plan.data.weights),
            "input": (("example", "feature"), plan.data.inputs),
        }
    settings = {
        "times": plan.times.tolist(),
        "width": plan.width,
        "step": plan.step,
        "n_replicates": n_replicates,
        "seed": plan.seed,
        "temperature": plan.temperature,
        "weight_decay": plan.weight_decay,
        "schedule": "function" if schedule is True else schedule,
        "samples": plan.samples,
        "test_examples": plan.test_examples,
        "initial": _described(plan),
        "replicates_kept": len(runs),
    }
    described = {"unit": plan.unit.describe(), "data": plan.data.describe()}
    attributes = made("train_particles", "Neuron", settings, worst[1], message, REFERENCES, described)
    attributes["replicates"] = len(runs)
    coordinates = {
        "time": plan.times[:reached],
        "parameter": np.array(plan.names()),
        "class": np.array([1, -1]),
    }
    return labelled(arrays, coordinates, attributes)


def _described(plan: Plan) -> dict:
    """The initial laws; of w one where all entries have the same."""
    a, b = int(plan.unit.output_weight), int(plan.unit.bias)
    vectors = [law.describe() for law in plan.laws[a : len(plan.laws) - b]]
    found = {"w": vectors[0] if all(law == vectors[0] for law in vectors) else vectors}
    return (
        found | ({"a": plan.laws[0].describe()} if a else {}) | ({"b": plan.laws[-1].describe()} if b else {})
    )

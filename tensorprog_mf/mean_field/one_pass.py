"""Real two-layer networks, trained by one-pass stochastic gradient descent."""

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..accelerate import map_runs
from ..activations import Activation
from ..errors import DivergenceWarning, InputError, UnsupportedError, real, require, warn, whole
from ..progress import Progress
from ..provenance import made
from ..results import labelled
from ..routes.replicates import fresh_seed
from . import units_numba
from .data import AnisotropicGaussians, FiniteData, IsotropicGaussians
from .dynamics import REFERENCES
from .initial import drawn, initial_laws
from .observables import averaged
from .one_pass_numba import descend
from .populations import hinges
from .stepping import checked_schedule, checked_times
from .units import Neuron, PiecewiseLinear

_CHUNK = 1 << 20  # normals drawn at a time


def train_particles(
    unit, data, initial, times, width: int = 800, step: float = 1e-4, n_replicates: int = 4, seed: int | None = 0,
    temperature: float = 0.0, weight_decay: float = 0.0, schedule=1.0, samples: int = 64, test_examples: int = 10000,
    limit: xr.Dataset | None = None, progress: bool = True, *, threads: int | None = None,
) -> xr.Dataset:  # fmt: skip
    """Train real networks f(x) = (1 / N) sum_i sigma_*(x; theta_i), one fresh example per step.

        theta_i <- (1 - 2 lambda s) theta_i + 2 s (y - f(x)) grad sigma_*(x; theta_i) + sqrt(4 s tau) g_i,   s = step xi(t)

    (Mei, Montanari & Nguyen 2018, equations 4 and 12): what `distributional_dynamics` is the limit of.

    Parameters
    ----------
    unit
        A `Neuron` with an activation that is compiled.
    data
        `FiniteData`, examples drawn with replacement; `IsotropicGaussians` or `AnisotropicGaussians` of finite dimension.
    initial
        As of `distributional_dynamics`, but w is a vector everywhere: "w" has the law of its entries.
    times
        (time,) to record, increasing; time is the sum of steps s / xi. Each is met exactly.
    width
        N.
    step
        Largest step. Noise of single examples adds of order `step` times the squared gradient, which grows with the dimension: step
        times dimension should be far below 1.
    n_replicates, seed
        Networks.
    temperature, weight_decay, schedule
        As of `distributional_dynamics`.
    samples
        Neurons whose parameters are kept.
    test_examples
        Fresh inputs per network that outputs are averaged over, for Gaussians.
    limit
        A result of `distributional_dynamics` at the same times, for Gaussians: then risk_excess is the risk beyond that of its
        outputs on the same inputs, whose fluctuations cancel.

    Other parameters
    ----------------
    threads
        As of `tp.sample`: the numbers do not depend on it.

    Returns
    -------
    xarray.Dataset
        risk, free_energy without entropy (time,), parameter_mean, parameter_square (time, parameter), theta (time, sample, parameter);
        output (time, example) on finite data, class_output and risk_excess (time) on Gaussians, where parameters are the norms r or r1,
        r2 as in the limit. <name>_stderr over networks.

    Raises
    ------
    InputError
        An argument that cannot be used.
    UnsupportedError
        A unit that is not compiled; Gaussians of infinite dimension.

    Notes
    -----
    The error is of order N^-1/2 + step^1/2 per network; the risk is larger than the limit's by order 1 / N. Cost: width dimension
    per step.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> mf = tp.mean_field
    >>> data = mf.FiniteData([-1.0, 1.0], [-0.5, 0.5])
    >>> ds = mf.train_particles(mf.Neuron("tanh"), data, {"a": tp.Gaussian(), "w": tp.Gaussian()}, [0, 5], 400, 0.01)
    >>> bool(ds.risk[0] > 0.2 and ds.risk[1] < 0.01)
    True
    """
    plan = _Plan(
        unit, data, _laws(unit, data, initial), checked_times(times), whole("width", width, 1), real("step", step, "be positive", lambda v: v > 0),
        fresh_seed(seed), real("temperature", temperature, "be 0 or more", lambda v: v >= 0), real("weight_decay", weight_decay, "be 0 or more", lambda v: v >= 0),
        checked_schedule(schedule), whole("samples", samples), whole("test_examples", test_examples, 2), limit,
    )  # fmt: skip
    n_replicates = whole("n_replicates", n_replicates, 1)
    _check_limit(plan)
    shown = Progress("train_particles", n_replicates * len(plan.times), progress)
    try:
        runs = map_runs(lambda replicate: _train(plan, replicate, shown), range(n_replicates), threads, shown.stop)
    finally:
        shown.close()
    return _gathered(plan, runs, n_replicates, callable(schedule) or float(schedule))


@dataclass(frozen=True)
class _Plan:
    """Arguments, checked."""

    unit: Neuron
    data: object
    laws: list
    times: np.ndarray
    width: int
    step: float
    seed: int
    temperature: float
    weight_decay: float
    schedule: object
    samples: int
    test_examples: int
    limit: xr.Dataset | None

    def names(self) -> tuple[str, ...]:
        """Parameters as they are recorded."""
        vectors = {IsotropicGaussians: ("r",), AnisotropicGaussians: ("r1", "r2")}.get(type(self.data))
        vectors = vectors or tuple(f"w{j}" for j in range(_features(self.data)))
        return ("a",) * self.unit.output_weight + vectors + ("b",) * self.unit.bias


def _features(data) -> int:
    return data.inputs.shape[1] if isinstance(data, FiniteData) else data.dimension


def _laws(unit, data, initial) -> list:
    """A law for a, every entry of w, and b, as far as there are."""
    if not isinstance(unit, Neuron):
        raise UnsupportedError("train_particles trains a Neuron; distributional_dynamics on n_samples pseudo-random sites is the finite network of any unit.")
    if isinstance(unit.activation, Activation) and unit.activation.function is not None:
        raise UnsupportedError("train_particles needs an activation that is compiled, a name or a PiecewiseLinear, not a function of your own.")
    if not isinstance(data, (FiniteData, IsotropicGaussians, AnisotropicGaussians)):
        raise InputError(f"data={data!r} must be FiniteData, IsotropicGaussians or AnisotropicGaussians of tensorprog_mf.mean_field.")
    if _features(data) == math.inf:
        raise UnsupportedError("real networks have inputs of finite dimension; give the data a dimension.")
    names = tuple(f"w{j}" for j in range(_features(data)))
    return initial_laws(("a",) * unit.output_weight + names + ("b",) * unit.bias, initial)


def _check_limit(plan: _Plan) -> None:
    if plan.limit is None:
        return
    require(isinstance(plan.limit, xr.Dataset) and "class_output" in plan.limit, "limit must be a result of distributional_dynamics on Gaussians.")
    require(not isinstance(plan.data, FiniteData), "limit is for Gaussians; on finite data outputs can be subtracted.")
    same = plan.limit.sizes["time"] == len(plan.times) and np.allclose(plan.limit.time, plan.times)
    require(same, f"limit has the times {plan.limit.time.values.tolist()}, not {plan.times.tolist()}; they must be the same.")


@dataclass
class _Network:
    """Weights of one network: a, b (site,), w (site, feature)."""

    a: np.ndarray
    w: np.ndarray
    b: np.ndarray
    phi: Activation | PiecewiseLinear

    def output(self, inputs: np.ndarray) -> np.ndarray:
        """f at inputs (example, feature)."""
        return self.a @ self.phi(self.w @ inputs.T + self.b[:, None])[0] / len(self.a)


def _train(plan: _Plan, replicate: int, shown: Progress) -> tuple[dict, str, float]:
    """Records of one network, how it ended, and when."""
    network, code = _begin(plan, replicate)
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(plan.seed, spawn_key=(replicate, 2))))
    test = _examples(plan.data, plan.test_examples, np.random.Generator(np.random.PCG64(np.random.SeedSequence(plan.seed, spawn_key=(replicate, 3)))))
    records: dict[str, list] = {}
    now = 0.0
    for index, until in enumerate(plan.times):
        ended = _advance(plan, network, code, rng, now, until, shown)
        if ended is not None:
            return records, *ended
        now = until
        for name, value in _observe(plan, network, test, index).items():
            records.setdefault(name, []).append(value)
        if not shown.advance():
            return records, "interrupted", now
    return records, "completed", now


def _begin(plan: _Plan, replicate: int) -> tuple[_Network, tuple]:
    unit, phi = plan.unit, plan.unit.activation
    theta = drawn(plan.laws, "pseudo-random", plan.width, (plan.seed, replicate, 0))
    a = theta[0].copy() if unit.output_weight else np.ones(plan.width)
    b = theta[-1].copy() if unit.bias else np.zeros(plan.width)
    rows = theta[int(unit.output_weight) : len(theta) - int(unit.bias)]
    if isinstance(phi, PiecewiseLinear):
        code = (units_numba.HINGES, 1.0, *hinges(phi))
    else:
        code = (units_numba.CODES[phi.name], phi.gain, 0.0, np.zeros(1), np.zeros(1), False)
    return _Network(a, np.ascontiguousarray(rows.T), b, phi), code


def _advance(plan: _Plan, network: _Network, code: tuple, rng, now: float, until: float, shown: Progress) -> tuple[str, float] | None:
    """Steps from `now` to `until`, some examples at a time; None, or how it ended and when."""
    count = math.ceil((until - now) / plan.step - 1e-9) if until > now else 0
    h, features = (until - now) / max(count, 1), network.w.shape[1]
    trains = np.array([name in plan.unit.trained for name in ("a", "w", "b")])
    per_step = features + (plan.width * (features + 2) if plan.temperature else 0)
    chunk = max(1, _CHUNK // per_step)
    for first in range(0, count, chunk):
        steps = min(chunk, count - first)
        sizes = np.array([plan.schedule(now + k * h) for k in range(first, first + steps)]) * h
        inputs, targets = _examples(plan.data, steps, rng)
        noise = np.empty((0, 0, 0))
        if plan.temperature:
            noise = rng.standard_normal((steps, plan.width, features + 2)) * np.sqrt(4 * sizes * plan.temperature)[:, None, None]
        descend(network.w, network.a, network.b, inputs, targets, sizes, trains, plan.weight_decay, noise, *code)
        t = now + (first + steps) * h
        if not (np.isfinite(network.a).all() and np.isfinite(network.w).all() and np.isfinite(network.b).all()):
            return "diverged", t
        if shown.stopped:
            return "interrupted", t
    return None


def _examples(data, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Fresh inputs (example, feature) and targets."""
    if isinstance(data, FiniteData):
        index = rng.choice(len(data.targets), count, p=data.weights)
        return data.inputs[index], data.targets[index]
    side = rng.integers(2, size=count)
    inputs, scale = rng.standard_normal((count, data.dimension)), data.scales()[side][:, None]
    inputs[:, : _scaled(data)] *= scale
    return inputs, np.array([1.0, -1.0])[side]


def _scaled(data) -> int:
    """Number of features of which the scale depends on the class."""
    return round(data.fraction * data.dimension) if isinstance(data, AnisotropicGaussians) else data.dimension


def _observe(plan: _Plan, network: _Network, test: tuple, index: int) -> dict:
    found, data = {}, plan.data
    if isinstance(data, FiniteData):
        found["output"] = network.output(data.inputs)
        found["mean_field_residual"] = found["output"] - data.targets
        found["risk"] = data.weights @ found["mean_field_residual"] ** 2
    else:
        inputs, targets = test
        output = network.output(inputs)
        found["risk"] = np.mean((targets - output) ** 2)
        found["class_output"] = np.array([output[targets == y].mean() for y in (1.0, -1.0)])
        if plan.limit is not None:
            found["risk_excess"] = found["risk"] - np.mean((targets - _of_limit(plan.limit.isel(time=index), inputs, targets)) ** 2)
    theta = _recorded(plan, network)
    found |= {"parameter_mean": theta.mean(axis=1), "parameter_square": (theta**2).mean(axis=1), "theta": theta[:, : plan.samples].T.copy()}
    trained = np.array([{"r": "w"}.get(name[0], name[0]) in plan.unit.trained for name in plan.names()])
    energy = found["risk"] / 2 + plan.weight_decay / 2 * found["parameter_square"][trained].sum()
    return found if plan.temperature else found | {"free_energy": energy}


def _recorded(plan: _Plan, network: _Network) -> np.ndarray:
    """Parameters (parameter, site) as they are recorded: norms of w on Gaussians."""
    if isinstance(plan.data, FiniteData):
        vectors = network.w.T
    else:
        cut = [_scaled(plan.data)] if isinstance(plan.data, AnisotropicGaussians) else []
        vectors = np.stack([np.linalg.norm(part, axis=1) for part in np.split(network.w, cut, axis=1)])
    return np.concatenate([network.a[None][: int(plan.unit.output_weight)], vectors, network.b[None][: int(plan.unit.bias)]])


def _of_limit(limit: xr.Dataset, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Outputs of the limit at inputs: a function of |x|, or of the class in infinite dimension."""
    if "radius" not in limit:
        return np.where(targets > 0, float(limit.class_output[0]), float(limit.class_output[1]))
    order = np.argsort(limit.radius.values)
    return np.interp(np.linalg.norm(inputs, axis=1), limit.radius.values[order], limit.output.values[order])


def _gathered(plan: _Plan, runs: list, n_replicates: int, schedule) -> xr.Dataset:
    worst = min(runs, key=lambda run: (("diverged", "interrupted", "completed").index(run[1]), run[2]))
    message = {
        "diverged": f"Near time {worst[2]:g} weights were not finite with step={plan.step:g}; the times before are kept. Take a smaller step.",
        "interrupted": f"The run was interrupted at time {worst[2]:g}; the times before are kept.",
        "completed": "All times were reached.",
    }[worst[1]]
    reached = min(len(run[0].get("risk", ())) for run in runs)
    if worst[1] == "interrupted" and not reached:
        raise KeyboardInterrupt
    require(reached > 0, f"weights were not finite before the first time; step={plan.step:g} is too large.")
    if worst[1] == "diverged":
        warn(message, DivergenceWarning)
    arrays = averaged([run[0] for run in runs], reached)
    if isinstance(plan.data, FiniteData):
        arrays |= {"target": (("example",), plan.data.targets), "example_weight": (("example",), plan.data.weights), "input": (("example", "feature"), plan.data.inputs)}
    settings = {
        "times": plan.times.tolist(), "width": plan.width, "step": plan.step, "n_replicates": n_replicates, "seed": plan.seed, "temperature": plan.temperature,
        "weight_decay": plan.weight_decay, "schedule": "function" if schedule is True else schedule, "samples": plan.samples,
        "test_examples": plan.test_examples, "initial": _described(plan), "replicates_kept": len(runs),
    }  # fmt: skip
    described = {"unit": plan.unit.describe(), "data": plan.data.describe()}
    attributes = made("train_particles", "Neuron", settings, worst[1], message, REFERENCES, described)
    coordinates = {"time": plan.times[:reached], "parameter": np.array(plan.names()), "class": np.array([1, -1])}
    return labelled(arrays, coordinates, attributes)


def _described(plan: _Plan) -> dict:
    """The initial laws; of w one where all entries have the same."""
    a, b = int(plan.unit.output_weight), int(plan.unit.bias)
    vectors = [law.describe() for law in plan.laws[a : len(plan.laws) - b]]
    found = {"w": vectors[0] if all(law == vectors[0] for law in vectors) else vectors}
    return found | ({"a": plan.laws[0].describe()} if a else {}) | ({"b": plan.laws[-1].describe()} if b else {})

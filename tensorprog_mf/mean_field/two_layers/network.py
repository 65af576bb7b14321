"""One real two-layer network: its weights, its steps, and what is seen of it."""

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ...ground.progress import Progress
from ...sites.activations import Activation
from . import units_numba
from .data import AnisotropicGaussians, FiniteData, IsotropicGaussians
from .initial import drawn
from .one_pass_numba import LOSS_CODES, descend
from .populations import hinges
from .units import Neuron, PiecewiseLinear

_CHUNK = 1 << 20  # normals drawn at a time


@dataclass(frozen=True)
class Plan:
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
        vectors = vectors or tuple(f"w{j}" for j in range(feature_count(self.data)))
        return ("a",) * self.unit.output_weight + vectors + ("b",) * self.unit.bias


def feature_count(data) -> int:
    """d."""
    return data.inputs.shape[1] if isinstance(data, FiniteData) else data.dimension


@dataclass
class Network:
    """Weights of one network: a, b (site,), w (site, feature)."""

    a: np.ndarray
    w: np.ndarray
    b: np.ndarray
    phi: Activation | PiecewiseLinear

    def output(self, inputs: np.ndarray) -> np.ndarray:
        """f at inputs (example, feature)."""
        return self.a @ self.phi(self.w @ inputs.T + self.b[:, None])[0] / len(self.a)


def begin(plan: Plan, replicate: int) -> tuple[Network, tuple]:
    """A network at time 0, and its activation as the kernel takes it."""
    unit, phi = plan.unit, plan.unit.activation
    theta = drawn(plan.laws, "pseudo-random", plan.width, (plan.seed, replicate, 0))
    a = theta[0].copy() if unit.output_weight else np.ones(plan.width)
    b = theta[-1].copy() if unit.bias else np.zeros(plan.width)
    rows = theta[int(unit.output_weight) : len(theta) - int(unit.bias)]
    if isinstance(phi, PiecewiseLinear):
        code = (units_numba.HINGES, 1.0, *hinges(phi))
    else:
        code = (units_numba.CODES[phi.name], phi.gain, 0.0, np.zeros(1), np.zeros(1), False)
    return Network(a, np.ascontiguousarray(rows.T), b, phi), code


def advance(
    plan: Plan, network: Network, code: tuple, rng, now: float, until: float, shown: Progress
) -> tuple[str, float] | None:
    """Steps from `now` to `until`, some examples at a time; None, or how it ended and when."""
    count = math.ceil((until - now) / plan.step - 1e-9) if until > now else 0
    h, features = (until - now) / max(count, 1), network.w.shape[1]
    trains = np.array([name in plan.unit.trained for name in ("a", "w", "b")])
    per_step = features + (plan.width * (features + 2) if plan.temperature else 0)
    chunk = max(1, _CHUNK // per_step)
    for first in range(0, count, chunk):
        steps = min(chunk, count - first)
        sizes = np.array([plan.schedule(now + k * h) for k in range(first, first + steps)]) * h
        inputs, targets = fresh_examples(plan.data, steps, rng)
        noise = np.empty((0, 0, 0))
        if plan.temperature:
            noise = (
                rng.standard_normal((steps, plan.width, features + 2))
                * np.sqrt(4 * sizes * plan.temperature)[:, None, None]
            )
        how = trains, plan.weight_decay, noise, LOSS_CODES[plan.data.loss.name]
        descend(network.w, network.a, network.b, inputs, targets, sizes, *how, *code)
        t = now + (first + steps) * h
        if not (
            np.isfinite(network.a).all() and np.isfinite(network.w).all() and np.isfinite(network.b).all()
        ):
            return "diverged", t
        if not shown.partial((t - now) / (until - now)):
            return "interrupted", t
    return None


def fresh_examples(data, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
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


def observe(plan: Plan, network: Network, test: tuple, index: int) -> dict:
    """What is recorded at the time of that index."""
    found, data = {}, plan.data
    if isinstance(data, FiniteData):
        found["output"] = network.output(data.inputs)
        found["mean_field_residual"] = -data.loss.error(found["output"], data.targets)
        loss = data.weights @ data.loss.each(found["output"], data.targets)
    else:
        inputs, targets = test
        output = network.output(inputs)
        loss = np.mean(data.loss.each(output, targets))
        found["class_output"] = np.array([output[targets == y].mean() for y in (1.0, -1.0)])
    factor = 2 if data.loss.name == "squared" else 1
    found["risk"] = factor * loss
    if plan.limit is not None:
        of_limit = _of_limit(plan.limit.isel(time=index), inputs, targets)
        found["risk_excess"] = found["risk"] - factor * np.mean(data.loss.each(of_limit, targets))
    theta = _recorded(plan, network)
    found |= {
        "parameter_mean": theta.mean(axis=1),
        "parameter_square": (theta**2).mean(axis=1),
        "site_parameter": theta[:, : plan.samples].T.copy(),
    }
    trained = np.array([{"r": "w"}.get(name[0], name[0]) in plan.unit.trained for name in plan.names()])
    energy = loss + plan.weight_decay / 2 * found["parameter_square"][trained].sum()
    return found if plan.temperature else found | {"free_energy": energy}


def _recorded(plan: Plan, network: Network) -> np.ndarray:
    """Parameters (parameter, site) as they are recorded: norms of w on Gaussians."""
    if isinstance(plan.data, FiniteData):
        vectors = network.w.T
    else:
        cut = [_scaled(plan.data)] if isinstance(plan.data, AnisotropicGaussians) else []
        vectors = np.stack([np.linalg.norm(part, axis=1) for part in np.split(network.w, cut, axis=1)])
    return np.concatenate(
        [network.a[None][: int(plan.unit.output_weight)], vectors, network.b[None][: int(plan.unit.bias)]]
    )


def _of_limit(limit: xr.Dataset, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Outputs of the limit at inputs: a function of |x|, or of the class in infinite dimension."""
    if "radius" not in limit:
        return np.where(targets > 0, float(limit.class_output[0]), float(limit.class_output[1]))
    from scipy.interpolate import CubicSpline

    norm, found = np.linalg.norm(inputs, axis=1), np.empty(len(targets))
    for y in (1.0, -1.0):
        own, here = limit.target.values == y, targets == y
        found[here] = CubicSpline(limit.radius.values[own], limit.output.values[own])(norm[here])
    return found

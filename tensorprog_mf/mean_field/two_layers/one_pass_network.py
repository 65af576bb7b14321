"""One real two-layer network: its weights, its steps, and what is seen of it."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xarray as xr

from ...ground.progress import Progress
from ...ground.status import Status
from ...sites.activations import Activation
from ..outcomes import RunEnd
from . import units_numba
from .data import FiniteData, TwoGaussians
from .initial import drawn
from .one_pass_numba import LOSS_CODES, descend
from .one_pass_plan import OnePassPlan
from .stepping import step_count
from .units import PiecewiseLinear

_CHUNK = 1 << 20  # normals drawn at a time
Test = tuple[np.ndarray, np.ndarray]  # inputs (example, feature) and targets


class CompiledActivation(NamedTuple):
    """An activation as the kernel takes it; hinges are used by one of the codes only."""

    code: int
    gain: float
    offset: float = 0.0
    slopes: np.ndarray = np.zeros(1)
    kinks: np.ndarray = np.zeros(1)
    even: bool = False


def compiled(phi: Activation | PiecewiseLinear) -> CompiledActivation:
    """A piecewise linear activation, or one of those that have a code."""
    if isinstance(phi, PiecewiseLinear):
        return CompiledActivation(units_numba.HINGES, 1.0, *phi.hinges())
    return CompiledActivation(units_numba.CODES[phi.name], phi.gain)


@dataclass
class TwoLayerNetwork:
    """Weights of one network: a, b (site,), w (site, feature)."""

    a: np.ndarray
    w: np.ndarray
    b: np.ndarray
    phi: Activation | PiecewiseLinear

    def output(self, inputs: np.ndarray) -> np.ndarray:
        """f at inputs (example, feature)."""
        return self.a @ self.phi(self.w @ inputs.T + self.b[:, None])[0] / len(self.a)

    @property
    def weights(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """w, a and b, which the kernel changes in place."""
        return self.w, self.a, self.b

    @property
    def finite(self) -> bool:
        """Whether all weights are."""
        return all(bool(np.isfinite(each).all()) for each in self.weights)


def begin(plan: OnePassPlan, replicate: int) -> TwoLayerNetwork:
    """A network at time 0."""
    unit, theta = plan.unit, drawn(plan.laws, "pseudo-random", plan.width, (plan.seed, replicate, 0))
    a = theta[0].copy() if unit.output_weight else np.ones(plan.width)
    b = theta[-1].copy() if unit.bias else np.zeros(plan.width)
    rows = theta[int(unit.output_weight) : len(theta) - int(unit.bias)]
    return TwoLayerNetwork(a, np.ascontiguousarray(rows.T), b, unit.activation)


def advance(
    plan: OnePassPlan,
    network: TwoLayerNetwork,
    rng: np.random.Generator,
    now: float,
    until: float,
    shown: Progress,
) -> RunEnd | None:
    """Steps from `now` to `until`, some examples at a time; None, or how and when they ended before."""
    count = step_count(now, until, plan.steps.step)
    h, features = (until - now) / max(count, 1), network.w.shape[1]
    temperature, weights = plan.steps.temperature, (plan.width, features + 2)
    trains = np.array([name in plan.unit.trained for name in ("a", "w", "b")])
    how = trains, plan.steps.weight_decay, LOSS_CODES[plan.data.loss.name]
    activation = compiled(network.phi)
    chunk = max(1, _CHUNK // (features + (weights[0] * weights[1] if temperature else 0)))
    for first in range(0, count, chunk):
        steps = min(chunk, count - first)
        sizes = np.array([plan.steps.factor(now + k * h) for k in range(first, first + steps)]) * h
        examples = plan.data.draw(steps, rng)  # before the noise
        noise = np.empty((0, 0, 0))
        if temperature:
            scale = np.sqrt(4 * sizes * temperature)[:, None, None]
            noise = rng.standard_normal((steps, *weights)) * scale
        descend(network.weights, examples, sizes, noise, how, activation)
        t = now + (first + steps) * h
        if not network.finite:
            return RunEnd(Status.DIVERGED, t)
        if not shown.partial((t - now) / (until - now)):
            return RunEnd(Status.INTERRUPTED, t)
    return None


def observe(plan: OnePassPlan, network: TwoLayerNetwork, test: Test, index: int) -> dict[str, np.ndarray]:
    """What is recorded at the time of that index."""
    found: dict[str, np.ndarray] = {}
    data = plan.data
    if isinstance(data, FiniteData):
        output = network.output(data.inputs)
        found["output"] = output
        found["mean_field_residual"] = -data.loss.error(output, data.targets)
        loss = data.weights @ data.loss.each(output, data.targets)
    else:
        inputs, targets = test
        output = network.output(inputs)
        loss = np.mean(data.loss.each(output, targets))
        found["class_output"] = np.array([output[targets == y].mean() for y in (1.0, -1.0)])
    factor = 2 if data.loss.name == "squared" else 1  # the risk of the squared loss is without its 1/2
    found["risk"] = factor * loss
    if plan.limit is not None:
        expected = output_of_limit(plan.limit.isel(time=index), *test)
        found["risk_excess"] = found["risk"] - factor * np.mean(data.loss.each(expected, test[1]))
    theta = _recorded(plan, network)
    found["parameter_mean"], found["parameter_square"] = theta.mean(axis=1), (theta**2).mean(axis=1)
    found["site_parameter"] = theta[:, : plan.samples].T.copy()
    if not plan.steps.temperature:
        decay = plan.steps.weight_decay / 2 * found["parameter_square"][plan.trained].sum()
        found["free_energy"] = loss + decay
    return found


def _recorded(plan: OnePassPlan, network: TwoLayerNetwork) -> np.ndarray:
    """Parameters (parameter, site) as they are recorded: norms of w on Gaussians."""
    vectors, data = network.w.T, plan.data
    if isinstance(data, TwoGaussians):
        blocks = np.split(network.w, [data.scaled], axis=1)[: len(data.norms)]
        vectors = np.stack([np.linalg.norm(block, axis=1) for block in blocks])
    a, b = network.a[None][: int(plan.unit.output_weight)], network.b[None][: int(plan.unit.bias)]
    return np.concatenate([a, vectors, b])


def output_of_limit(limit: xr.Dataset, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Outputs of the limit at inputs: a function of |x|, or of the class in infinite dimension."""
    if "radius" not in limit:
        return np.where(targets > 0, float(limit.class_output[0]), float(limit.class_output[1]))
    from scipy.interpolate import CubicSpline

    norm, found = np.linalg.norm(inputs, axis=1), np.empty(len(targets))
    for y in (1.0, -1.0):
        own, here = limit.target.values == y, targets == y
        found[here] = CubicSpline(limit.radius.values[own], limit.output.values[own])(norm[here])
    return found

"""One finite autoencoder from its initial weights to its record."""

from collections.abc import Callable

import numpy as np

from ...ground.progress import Progress
from ...ground.status import Status
from ..arguments import stream
from ..outcomes import RunEnd, RunRecord
from . import descent
from .descent_plan import DescentPlan
from .slopes import Slopes


def run(plan: DescentPlan, replicate: int, shown: Progress) -> RunRecord:
    """One replicate from its number."""
    shown.begin()
    network = _Autoencoder(plan, stream(plan.seed, replicate, 0), stream(plan.seed, replicate, 1))
    done = 0
    for count in plan.times.counts:
        steps, going = network.descend(count - done, shown.advance)
        done += steps
        now = done * plan.times.step
        if descent.exploded(network.theta):
            return RunRecord(network.record, RunEnd(Status.DIVERGED, now))
        if not going:
            return RunRecord(network.record, RunEnd(Status.INTERRUPTED, now))
        network.observe(replicate == 0)
    return RunRecord(network.record, RunEnd(Status.COMPLETED, float(plan.times.times[-1])))


class _Autoencoder:
    """Weights theta (sample, direction) that descend, and what is recorded of them."""

    def __init__(self, plan: DescentPlan, weights: np.random.Generator, data: np.random.Generator) -> None:
        self.plan, self.theta = plan, _initial(plan, weights)
        self.record: dict[str, list[np.ndarray]] = {}
        variances = plan.spectrum.per_coordinate
        self._source: descent.GaussianInputs | descent.GivenInputs = (
            descent.GaussianInputs(variances, data)
            if plan.inputs is None
            else descent.GivenInputs(plan.inputs, data)
        )
        closed = descent.has_population(plan.activation)
        self._population = (
            descent.PopulationLoss(plan.activation, variances, plan.weight_decay) if closed else None
        )

    def descend(self, count: int, advance: Callable[[], bool]) -> tuple[int, bool]:
        """That many steps; how many were done, and whether these were all."""
        plan, step = self.plan, self.plan.times.step
        if plan.method == "population" and self._population is not None:
            found = descent.population_descent(self.theta, self._population, step, count, advance)
        else:
            found = descent.stochastic_descent(
                self.theta, self._source, plan.activation, step, plan.weight_decay, count, advance
            )
        self.theta, done, going = found
        return done, going

    def observe(self, with_weights: bool) -> None:
        """Record the present state; weights of single neurons only `with_weights`."""
        plan, theta, counts = self.plan, self.theta, self.plan.spectrum.counts
        square = (theta**2).mean(axis=0)
        norm = theta**2 @ plan.spectrum.per_coordinate / plan.spectrum.size
        share = Slopes(plan.activation)(norm)[0] @ theta**2 / len(theta)
        found = {
            "loss": self._loss(),
            "gain": np.sqrt(_grouped(square, counts)),
            "reconstruction": _grouped(share, counts),
            "regularisation": plan.weight_decay / 2 * square.mean(),
            "preactivation_variance": norm.mean(),
        }
        if with_weights:
            found["neuron_weight"] = theta[: plan.samples, np.cumsum(counts) - counts]
        for name, value in found.items():
            self.record.setdefault(name, []).append(np.asarray(value))

    def _loss(self) -> float:
        """The loss, exact where averages are closed and inputs Gaussian."""
        if self._population is not None and self.plan.inputs is None:
            return self._population.loss(self.theta)
        return descent.estimated_loss(self.theta, self._source.tests, self.plan.activation)


def _initial(plan: DescentPlan, rng: np.random.Generator) -> np.ndarray:
    """kappa theta(0) (sample, direction), a direction for each coordinate."""
    initial, spectrum = plan.initial, plan.spectrum
    if initial.law is not None:
        scale = np.full(spectrum.size, initial.scale[0])
    else:
        scale = initial.scale if initial.one_by_one else np.repeat(initial.scale, spectrum.counts)
    count = plan.width // 2 if plan.paired else plan.width
    theta = initial.draw(count, spectrum, rng, scale)
    return np.concatenate([theta, -theta]) if plan.paired else theta.copy()


def _grouped(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Means over equal directions, `counts` of each."""
    return np.add.reduceat(values, np.cumsum(counts) - counts) / counts

"""The loop over time. In discrete time nothing at a step depends on the future: one pass solves the limit.

Each step: forward through the layers, outputs and error signal, backward, record, update (theory: section 2,
"Causality").
"""

import enum
import warnings
from dataclasses import dataclass

import numpy as np

from .errors import RankWarning
from .layers.layer import Layer
from .matrices.parameter import Parameter
from .networks import Network
from .optimizers import Descent, Training
from .problems import Problem
from .realization import Ensemble, Realization
from .recorder import Recorder

RANK_WARNING = 0.25


class Status(enum.Enum):
    """How a run ended; `message` may be filled with `step` and `count`."""

    COMPLETED = ("completed", "All steps were done.")
    FINITE_WIDTH = (
        "finite_width",
        "At step {step} the queries spanned all {count} sites: from there on the run is the exact finite network of that "
        "width, not the limit; take more samples, a larger tolerance or fewer steps.",
    )
    DIVERGED = (
        "diverged",
        "At step {step} an output was not finite; the times before are kept. Take a smaller learning rate.",
    )

    def __init__(self, label: str, message: str):
        self.label, self.message = label, message


@dataclass(frozen=True)
class Outcome:
    """One replicate: its record (arrays with time first), how it ended, and the slots of its draws."""

    record: dict[str, np.ndarray]
    status: Status
    message: str
    slots: dict[str, dict]


def run(
    network: Network, problem: Problem, training: Training, ensemble: Ensemble, recorder: Recorder,
    replicate: int = 0, watch_rank: bool = True,
) -> Outcome:  # fmt: skip
    """Train one realization of the network and return what the recorder kept.

    Cost: O(sites x rank x examples) per matrix and step; memory 4 x sites x rank numbers per matrix.
    """
    realization = Realization(ensemble, replicate)
    layers = network.compose(realization, problem.all_inputs)
    parameters, optimiser = layers.initial(), Descent(training)
    watch = _RankWatch(realization, watch_rank)
    for step in range(training.steps + 1):
        recording = recorder.wants(step)
        examples = slice(0, len(problem.all_inputs) if recording or step == 0 else problem.n_train)
        outputs, trace = _forward(network, layers, parameters, examples)
        if not np.isfinite(outputs).all():
            return _outcome(realization, recorder, Status.DIVERGED, step)
        delta = problem.error_signal(outputs)
        if recording or step < training.steps:
            # One output: the backward field of f itself, weighted by Delta afterwards, serves kernels and gradient.
            layers.backward(parameters, trace, np.ones((len(outputs), 1)))
        if recording:
            scalars = {"output": outputs, "loss": problem.mean_loss(outputs), "error_signal": delta}
            recorder.add(scalars, layers.observe(parameters, trace, recorder.selection))
        if step < training.steps:
            optimiser.step(parameters, layers.gradients(trace, network.richness * delta))
        watch.look(step)
    if watch.full_at is not None:
        return _outcome(realization, recorder, Status.FINITE_WIDTH, watch.full_at)
    return _outcome(realization, recorder, Status.COMPLETED, training.steps)


def _forward(network: Network, layers: Layer, parameters: dict[str, Parameter], examples: slice):
    with np.errstate(over="ignore", invalid="ignore"):  # a run that diverges is stopped by its outputs
        outputs, trace = layers.forward(parameters, examples)
    return outputs[:, 0] / network.richness, trace


def _outcome(realization: Realization, recorder: Recorder, status: Status, step: int) -> Outcome:
    message = status.message.format(step=step, count=realization.ensemble.count)
    return Outcome(recorder.record(), status, message, realization.slots())


class _RankWatch:
    """Warns once when the revealed directions come near the number of sites, and notes when they reach it."""

    def __init__(self, realization: Realization, warn: bool):
        self._realization, self._warn, self.full_at = realization, warn, None

    def look(self, step: int) -> None:
        """Compare ranks and sites after a step."""
        fraction = self._realization.rank_fraction
        if self._warn and fraction >= RANK_WARNING:
            self._warn = False
            warnings.warn(
                f"At step {step} the queries span {fraction:.0%} of n_samples = {self._realization.ensemble.count}: "
                "errors of the order of that fraction are possible. Take more samples or a larger tolerance.",
                RankWarning, stacklevel=2,
            )  # fmt: skip
        if fraction >= 1 and self.full_at is None:
            self.full_at = step

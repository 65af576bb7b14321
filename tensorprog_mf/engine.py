"""The loop over time. In discrete time nothing at a step depends on the future: one pass solves the limit.

Each step: forward through the layers, outputs and error signal, backward, record, update (theory: section 2,
"Causality").
"""

import enum
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .errors import DrawsWarning, RankWarning
from .networks import Network
from .optimizers import Descent, Training
from .problems import Problem
from .realization import Ensemble, Realization
from .recorder import Recorder

RANK_WARNING = 0.25
_REFUSED = 10  # times the tolerance: what common draws may leave out without a warning


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
        "At step {step} outputs or kernels were not finite; the times before are kept. Take a smaller learning rate.",
    )

    def __init__(self, label: str, message: str):
        self.label, self.message = label, message


@dataclass(frozen=True)
class Outcome:
    """One replicate: its record (arrays with time first), its layers, how and when it ended, the slots of its draws."""

    record: dict[str, np.ndarray]
    labels: list[int]
    status: Status
    step: int
    message: str
    slots: dict[str, dict]


def run(
    network: Network, problem: Problem, training: Training, ensemble: Ensemble, recorder: Recorder,
    replicate: int = 0, limit: bool = True, advance: Callable[[], None] = lambda: None,
) -> Outcome:  # fmt: skip
    """Train one realization of the network and return what the recorder kept.

    If it stands for the `limit`, ranks near the number of sites are warned of and reported in the status. `advance` is
    called after every step.

    Cost: O(sites x rank x examples) per matrix and step; memory 4 x sites x rank numbers per matrix.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # a run that diverges is stopped below, without noise
        return _loop(network, problem, training, Realization(ensemble, replicate), recorder, limit, advance)


def _loop(network, problem, training, realization: Realization, recorder: Recorder, limit: bool, advance) -> Outcome:
    layers = network.compose(realization, problem.all_inputs)
    parameters, watch = layers.initial(), _RankWatch(realization)
    optimiser = Descent(training, list(parameters))
    for step in range(training.steps + 1):
        recording = recorder.wants(step)
        # The first pass shows all examples: the readout is centred on them.
        examples = slice(0, len(problem.all_inputs) if recording or step == 0 else problem.n_train)
        outputs, trace = layers.forward(parameters, examples)
        outputs = outputs[:, 0] / network.richness
        loss, delta = problem.mean_loss(outputs), problem.error_signal(outputs)
        if not (np.isfinite(outputs).all() and np.isfinite(loss)):
            return _outcome(realization, recorder, Status.DIVERGED, step)
        if recording or step < training.steps:
            # One output: the backward field of f itself, weighted by Delta afterwards, serves kernels and gradient.
            layers.backward(parameters, trace, np.ones((len(outputs), 1)))
        if recording:
            scalars = {"output": outputs, **problem.losses(outputs), "error_signal": delta}
            if not recorder.add(scalars, layers.observe(parameters, trace, recorder.chosen), optimiser.multipliers):
                return _outcome(realization, recorder, Status.DIVERGED, step)
        if step < training.steps:
            optimiser.step(parameters, layers.gradients(trace, network.richness * delta))
        if limit:
            watch.look(step)
        advance()
    _check_common_draws(realization)
    if watch.full_at is not None:
        return _outcome(realization, recorder, Status.FINITE_WIDTH, watch.full_at)
    return _outcome(realization, recorder, Status.COMPLETED, training.steps)


def _outcome(realization: Realization, recorder: Recorder, status: Status, step: int) -> Outcome:
    message = status.message.format(step=step, count=realization.ensemble.count)
    return Outcome(recorder.record(), recorder.labels, status, step, message, realization.slots())


def _check_common_draws(realization: Realization) -> None:
    refused, tolerance = realization.refused, realization.ensemble.tolerance
    if refused > _REFUSED * tolerance:
        warnings.warn(
            f"common_draws: {refused:.1e} of a query had no direction in the earlier run (tolerance {tolerance:.0e}), so "
            "this run is cut short of it. Let the richer of the two runs go first, or bring them nearer.",
            DrawsWarning, stacklevel=2,
        )  # fmt: skip


class _RankWatch:
    """Warns once when the revealed directions come near the number of sites, and notes when they reach it."""

    def __init__(self, realization: Realization):
        self._realization, self._warned, self.full_at = realization, realization.replicate > 0, None

    def look(self, step: int) -> None:
        """Compare ranks and sites after a step."""
        fraction = self._realization.rank_fraction
        if fraction >= RANK_WARNING and not self._warned:
            self._warned = True
            warnings.warn(
                f"At step {step} the queries span {fraction:.0%} of n_samples = {self._realization.ensemble.count}: "
                "the run comes near a finite network of that width. Take more samples or a larger tolerance.",
                RankWarning, stacklevel=2,
            )  # fmt: skip
        if fraction >= 1 and self.full_at is None:
            self.full_at = step

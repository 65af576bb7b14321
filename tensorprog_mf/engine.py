"""The loop over time. In discrete time nothing at a step depends on the future: one pass solves the limit.

Each step: forward through the layers, outputs and error signal, backward, record, update. The published procedure guesses
whole trajectories and iterates instead (Bordelon & Pehlevan 2022, algorithm 1).
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .checkpoints import Checkpoint
from .errors import DrawsWarning, RankWarning, warn
from .flow import Flow
from .layers.layer import Layer
from .matrices.parameter import Parameter
from .networks import Network
from .optimizers import Descent, Training
from .problems import Problem
from .realization import Ensemble, Realization
from .recorder import Recorder

RANK_WARNING = 0.25
_ROUNDING = 1e-7  # of a relative remainder
_REFUSED = 10  # times the tolerance: what common draws may leave out without a warning


class Status(enum.Enum):
    """How a run ended; `message` may be filled with `step` and `count`."""

    COMPLETED = ("completed", "All steps were done.")
    FINITE_WIDTH = (
        "finite_width",
        "At step {step} the queries spanned all {count} sites: from there on the run is the exact finite network of that "
        "width, not the limit; take more samples, a larger tolerance or fewer steps.",
    )
    INTERRUPTED = (
        "interrupted",
        "The run was interrupted before step {step}; the times before are kept.",
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


@dataclass
class _State:
    """All that a run is between two steps; a checkpoint holds one."""

    realization: Realization
    layers: Layer
    parameters: dict[str, Parameter]
    optimiser: Descent | Flow
    recorder: Recorder
    watch: "_RankWatch"
    step: int = 0


def run(
    network: Network, problem: Problem, training: Training, ensemble: Ensemble, recorder: Recorder, replicate: int = 0,
    limit: bool = True, advance: Callable[[], bool] = lambda: True, checkpoint: Checkpoint | None = None,
) -> Outcome:  # fmt: skip
    """Train one realization of the network and return what the recorder kept.

    If it stands for the `limit`, ranks near the number of sites are warned of and reported in the status. `advance` is
    called after every step and ends the run by returning False; a `checkpoint` holds the state to go on from.

    Cost: O(sites x rank x examples) per matrix and step; memory 4 x sites x rank numbers per matrix.
    """
    state = checkpoint.load() if checkpoint else None
    if isinstance(state, Outcome):
        return state
    if state is None:
        state = _start(network, problem, training, ensemble, recorder, replicate)
    with np.errstate(over="ignore", invalid="ignore"):  # a run that diverges is stopped, without noise
        status = _loop(state, network, problem, training, limit, advance, checkpoint)
    if status is Status.COMPLETED and state.watch.full_at is not None:
        status, state.step = Status.FINITE_WIDTH, state.watch.full_at
    message = status.message.format(step=state.step, count=ensemble.count)
    outcome = Outcome(state.recorder.record(), state.recorder.labels, status, state.step, message, state.realization.slots())
    if checkpoint and status is not Status.INTERRUPTED:
        checkpoint.save(outcome)
    return outcome


def _start(network, problem, training, ensemble, recorder, replicate) -> _State:
    realization = Realization(ensemble, replicate)
    layers = network.compose(realization, problem.all_inputs)
    parameters = layers.initial()
    optimiser = Flow(training, list(parameters), layers.sizes) if training.flow else Descent(training, list(parameters))
    return _State(realization, layers, parameters, optimiser, recorder, _RankWatch(realization))


def _loop(state: _State, network, problem, training, limit: bool, advance, checkpoint) -> Status:
    forward = _flow if training.flow else _step
    while state.step <= training.last:
        if not forward(state, network, problem, training):
            return Status.DIVERGED
        if limit:
            state.watch.look(state.step)
        state.step += 1
        if not advance() and state.step <= training.last:
            if checkpoint:
                checkpoint.save(state)
            return Status.INTERRUPTED
        if checkpoint:
            checkpoint.save_if_due(state)
    _check_common_draws(state.realization)
    return Status.COMPLETED


def _step(state: _State, network: Network, problem: Problem, training: Training) -> bool:
    """One step: forward, error signal, backward, record, update; False if something was not finite."""
    layers, parameters, recording = state.layers, state.parameters, state.recorder.wants(state.step)
    last = state.step == training.steps
    weights = training.example_weights(state.step, problem.n_train)
    batch = np.flatnonzero(weights)
    ahead = parameters if last else state.optimiser.ahead(parameters)
    if recording or ahead is parameters:
        # The first pass shows all examples: the readout is centred on them.
        shown = slice(0, len(problem.all_inputs)) if recording or state.step == 0 else batch
        outputs, delta, trace = _pass(layers, parameters, shown, weights, network, problem, recording or not last)
        if outputs is None:
            return False
        if recording and not _record(state, problem, outputs, delta, trace):
            return False
    if last:
        return True
    if ahead is not parameters:
        outputs, delta, trace = _pass(layers, ahead, batch, weights, network, problem, True)
        if outputs is None:
            return False
    state.optimiser.step(parameters, layers.gradients(trace, network.richness * delta))
    return True


def _flow(state: _State, network: Network, problem: Problem, training: Training) -> bool:
    """From one requested time of a gradient flow to the next, and record there; False if something was not finite."""
    layers, parameters = state.layers, state.parameters
    weights, everything = training.example_weights(state.step, problem.n_train), slice(0, len(problem.all_inputs))
    train = np.arange(problem.n_train)

    def gradients(at):
        outputs, delta, trace = _pass(layers, at, train, weights, network, problem, True)
        return None if outputs is None else layers.gradients(trace, network.richness * delta)

    if state.step == 0:
        layers.forward(parameters, everything)  # the readout is centred on all examples
    begin, end = (0.0 if state.step == 0 else training.times[state.step - 1]), training.times[state.step]
    if not state.optimiser.travel(parameters, gradients, begin, end):
        return False
    if not state.recorder.wants(state.step):
        return True
    outputs, delta, trace = _pass(layers, parameters, everything, weights, network, problem, True)
    return outputs is not None and _record(state, problem, outputs, delta, trace)


def _record(state: _State, problem: Problem, outputs: np.ndarray, delta: np.ndarray, trace) -> bool:
    """Hand a pass over all examples to the recorder; False if something observed is not finite."""
    scalars = {"output": outputs, **problem.losses(outputs), "error_signal": delta}
    seen = state.layers.observe(state.parameters, trace, state.recorder.chosen)
    return state.recorder.add(scalars, seen, state.optimiser.multipliers)


def _pass(layers: Layer, parameters, shown, weights: np.ndarray, network: Network, problem: Problem, backward: bool):
    """Outputs, error signal and trace of the examples shown, all or chosen ones; None for values that are not finite."""
    outputs, trace = layers.forward(parameters, shown)
    outputs = outputs[:, 0] / network.richness
    everything = isinstance(shown, slice)
    delta = problem.error_signal(outputs, weights, None if everything else shown)
    finite = np.isfinite(outputs).all() and np.isfinite(delta).all()
    if not finite or (everything and not np.isfinite(problem.mean_loss(outputs))):
        return None, None, None
    if backward:
        # One output: the backward field of f itself, weighted by Delta afterwards, serves kernels and gradient.
        layers.backward(parameters, trace, np.ones((len(outputs), 1)))
    return outputs, delta, trace


def _check_common_draws(realization: Realization) -> None:
    refused, tolerance = realization.refused, realization.ensemble.tolerance
    if refused > max(_REFUSED * tolerance, _ROUNDING):
        warn(
            f"common_draws: {refused:.1e} of a query had no direction in the earlier run (tolerance {tolerance:.0e}), so "
            "this run is cut short of it. Let the richer of the two runs go first, or bring them nearer.",
            DrawsWarning,
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
            warn(
                f"At step {step} the queries span {fraction:.0%} of n_samples = {self._realization.ensemble.count}: "
                "the run comes near a finite network of that width. Take more samples or a larger tolerance.",
                RankWarning,
            )  # fmt: skip
        if fraction >= 1 and self.full_at is None:
            self.full_at = step

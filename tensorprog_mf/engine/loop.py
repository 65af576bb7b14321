"""The loop over time. In discrete time nothing at a step depends on the future: one pass solves the limit.

Each step: forward through the layers, outputs and error signal, backward, record, update. The published
procedure guesses whole trajectories and iterates instead (Bordelon & Pehlevan 2022, algorithm 1).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ground import divergence
from ..ground.checkpoints import Checkpoint
from ..ground.divergence import LossWatch, RunAway
from ..ground.errors import DrawsWarning, RankWarning, warn
from ..ground.progress import Progress
from ..ground.status import Status
from ..layers.layer import Layer, Signal
from ..matrices.parameter import Parameter
from ..matrices.realization import Realization
from ..matrices.sampling import Sampling
from ..networks import Network
from ..problems.source import DataSource, Shown, error_signal
from ..training.gradient_flow import GradientFlow
from ..training.training import Training
from .descent import DescentOptimizer
from .flow import FlowIntegrator
from .recorder import Recorder
from .truncation import NAME, LeftOut

RANK_WARNING = 0.25
_ROUNDING = 1e-7  # of a relative remainder
_REFUSED = 10  # times the tolerance: what common draws may leave out without a warning


@dataclass(frozen=True)
class Outcome:
    """One replicate: its record (arrays with time first), its layers, how and when it ended, the slots of its
    draws."""

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
    optimiser: DescentOptimizer | FlowIntegrator
    recorder: Recorder
    watch: "_RankWatch"
    left_out: LeftOut | None  # of the outputs by the tolerance, where that can be told
    growth: LossWatch
    step: int = 0
    away: RunAway | None = None  # what happened, of a run that diverged


def run(
    network: Network,
    problem: DataSource,
    training: Training,
    sampling: Sampling,
    recorder: Recorder,
    replicate: int = 0,
    limit: bool = True,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> Outcome:
    """Train one realization of the network and return what the recorder kept.

    If it stands for the `limit`, ranks near the number of sites are warned of and reported in the status.
    `progress` hears of every step and may end the run; a `checkpoint` holds the state to go on from.

    Cost: O(sites x rank x examples) per matrix and step; memory 4 x sites x rank numbers per matrix.
    """
    state = checkpoint.load() if checkpoint else None
    progress = progress or Progress("run", training.last + 1, wanted=False)
    if isinstance(state, Outcome):
        progress.begin(training.last + 1)
        return state
    if state is None:
        state = _start(network, problem, training, sampling, recorder, replicate)
    progress.begin(state.step)
    with np.errstate(over="ignore", invalid="ignore"):  # a run that diverges is stopped, without noise
        status = _loop(state, network, problem, training, limit, progress, checkpoint)
    if status is Status.COMPLETED and state.watch.full_at is not None:
        status, state.step = Status.FINITE_WIDTH, state.watch.full_at
    record, moved = state.recorder.record(), {}
    if isinstance(state.optimiser, FlowIntegrator):
        kept = "the times before are kept" if record else "there is no time before that could be kept"
        moved = {"time": state.optimiser.time, "pace": state.optimiser.pace, "kept": kept}
    message = status.message.format(step=state.step, count=sampling.n_samples, **moved)
    if status is Status.DIVERGED:
        message = _what_happened(state, problem, bool(record))
    outcome = Outcome(record, state.recorder.labels, status, state.step, message, state.realization.slots())
    if checkpoint and status is not Status.INTERRUPTED:
        checkpoint.save(outcome)
    return outcome


def _start(network, problem, training, sampling, recorder, replicate) -> _State:
    outputs = problem.outputs or 1
    weighted = problem.outputs is not None or training.learning_rule.hebbian
    realization = Realization(sampling, replicate, outputs, training.learning_rule, weighted)
    layers = network.compose(realization, problem.all_inputs)
    parameters = layers.initial()
    optimiser = _optimiser(training, parameters, layers, network)
    # With several outputs and a rule nothing comes back that would tell.
    left_out = (
        LeftOut(network.richness)
        if realization.leaves_out and not (training.ruled and problem.outputs)
        else None
    )
    growth = LossWatch(divergence.allowed(network.richness))
    return _State(
        realization, layers, parameters, optimiser, recorder, _RankWatch(realization), left_out, growth
    )


def _optimiser(
    training: Training, parameters: dict[str, Parameter], layers: Layer, network: Network
) -> DescentOptimizer | FlowIntegrator:
    """What moves the parameters."""
    multipliers = training.rates({name: parameter.role for name, parameter in parameters.items()})
    if isinstance(training.dynamics, GradientFlow):
        return FlowIntegrator(training.dynamics, multipliers, layers.sizes, bool(network.activation.kinked))
    return DescentOptimizer(training.dynamics, multipliers)


def _what_happened(state: _State, problem: DataSource, kept: bool) -> str:
    """The sentence about a run that diverged."""
    when, remedy = f"At step {state.step}", "take a smaller learning rate"
    if isinstance(state.optimiser, FlowIntegrator):
        when, remedy = (
            f"On the way to time {state.optimiser.flow.times[state.step]:g}",
            "take shorter times or a smaller tolerance",
        )
    return divergence.sentence(when, state.away, divergence.advice(problem.all_inputs, remedy), kept)


def _loop(state: _State, network, problem, training, limit: bool, progress: Progress, checkpoint) -> Status:
    optimiser = state.optimiser
    while state.step <= training.last:
        try:
            if isinstance(optimiser, FlowIntegrator):
                status = _flow(state, optimiser, network, problem, training, progress.partial)
            else:
                status = _step(state, optimiser, network, problem, training)
        except RunAway as what:
            state.away = what
            return Status.DIVERGED
        if status is not Status.COMPLETED:
            if checkpoint and status is Status.INTERRUPTED:
                checkpoint.save(state)
            return status
        if limit:
            state.watch.look(state.step)
        state.step += 1
        if not progress.advance() and state.step <= training.last:
            if checkpoint:
                checkpoint.save(state)
            return Status.INTERRUPTED
        if checkpoint:
            checkpoint.save_if_due(state)
    _check_common_draws(state.realization)
    return Status.COMPLETED


def _step(
    state: _State, optimiser: DescentOptimizer, network: Network, problem: DataSource, training: Training
) -> Status:
    """One step: forward, error signal, backward, record, update. It is always completed, or raises
    `RunAway`."""
    layers, parameters, recording = state.layers, state.parameters, state.recorder.wants(state.step)
    last = state.step == optimiser.descent.last
    ahead = parameters if last else optimiser.ahead(parameters)
    gradients = None
    if recording or ahead is parameters:
        # The first pass shows all examples: the readout is centred on them.
        shown = problem.shown(training, state.step, recording or state.step == 0)
        passed = _forward(state, parameters, shown, network, problem)
        if (
            not last and ahead is parameters and not training.ruled
        ):  # before the record: what training asks for comes first
            gradients = _gradients(layers, parameters, passed, network, training)
            _measure(state, parameters, passed, training, recording)
        if recording:
            _record(state, parameters, passed, problem, training)
    if last:
        return Status.COMPLETED
    if ahead is not parameters:
        passed = _forward(state, ahead, problem.shown(training, state.step, False), network, problem)
    if gradients is None:
        gradients = _gradients(layers, ahead, passed, network, training)
        _measure(state, ahead, passed, training)
    optimiser.step(parameters, gradients)
    if optimiser.descent.temperature:
        layers.refresh(parameters, passed.trace, optimiser.noise)
    return Status.COMPLETED


def _flow(
    state: _State,
    optimiser: FlowIntegrator,
    network: Network,
    problem: DataSource,
    training: Training,
    heard: Callable[[float], bool],
) -> Status:
    """From one requested time of a gradient flow to the next, and record there; why it did not arrive, if it
    did not."""
    layers, parameters, refused = state.layers, state.parameters, []
    if state.step == 0 and not optimiser.paused:
        layers.forward(
            parameters, problem.shown(training, 0, True).examples
        )  # the readout is centred on all examples
    trained, latest = problem.shown(training, state.step, False), []

    def gradients(at):
        try:
            passed = _forward(state, at, trained, network, problem)
        except RunAway as what:  # of a step that was too long
            refused.append(what)
            return None
        latest[:] = [at, passed]
        return _gradients(layers, at, passed, network, training)

    begin, end = (0.0, *optimiser.flow.times)[state.step : state.step + 2]
    status = optimiser.travel(parameters, gradients, begin, end, heard)
    if status is Status.DIVERGED:
        raise refused[-1] if refused else RunAway("the flow needed steps too small to go on")
    if status is not Status.COMPLETED:
        return status
    recording = state.recorder.wants(state.step)
    if latest:
        _measure(state, *latest, training, recording)
    if recording:
        passed = _forward(state, parameters, problem.shown(training, state.step, True), network, problem)
        _record(state, parameters, passed, problem, training)
    return Status.COMPLETED


@dataclass
class _Pass:
    """A forward pass: outputs and errors e = -d loss / d f of the examples shown, (example[, output]), and
    what it left behind."""

    shown: Shown
    outputs: np.ndarray
    errors: np.ndarray
    trace: Any
    differentiated: bool = False
    taught: bool = False

    @property
    def delta(self) -> np.ndarray:
        """The error signal, (example[, output])."""
        return error_signal(self.errors, self.shown.weights, len(self.outputs))


def _forward(state: _State, parameters, shown: Shown, network: Network, problem: DataSource) -> _Pass:
    """A forward pass; `RunAway` where values are not finite or the loss has grown too much."""
    outputs, trace = state.layers.forward(parameters, shown.examples)
    outputs = outputs / network.richness if problem.outputs else outputs[:, 0] / network.richness
    state.growth.look(outputs, lambda f: shown.mean_loss(problem.loss, f))
    errors = shown.errors(problem.loss, outputs)
    if not np.isfinite(errors).all():
        raise RunAway("the derivative of the loss was not finite")
    return _Pass(shown, outputs, errors, trace)


def _differentiate(layers: Layer, parameters, passed: _Pass) -> None:
    """The backward pass of every output, one column of fields each."""
    examples, outputs = len(passed.outputs), 1 if passed.outputs.ndim == 1 else passed.outputs.shape[1]
    layers.backward(parameters, passed.trace, np.repeat(np.eye(outputs)[:, None], examples, axis=1))
    passed.differentiated = True


def _teach(layers: Layer, parameters, passed: _Pass, training: Training) -> None:
    """The backward pass of the learning rule, for the training examples weighted by their errors if there are
    several outputs."""
    rule, single = training.learning_rule, passed.outputs.ndim == 1
    errors = error_signal(passed.errors, np.ones(len(passed.errors)), len(passed.outputs)).reshape(
        len(passed.outputs), -1
    )
    seed = np.ones((len(passed.outputs), 1)) if single else passed.errors
    layers.feedback(parameters, passed.trace, seed, Signal(seed, errors, rule.hebbian))
    passed.taught = True


def _gradients(
    layers: Layer, parameters, passed: _Pass, network: Network, training: Training
) -> dict[str, Parameter]:
    """The gradient step of every parameter.

    With one output the backward field of f itself, weighted by Delta afterwards, serves kernels and gradient;
    with several only the sum weighted by their errors is asked for, whatever their number.
    """
    single = passed.outputs.ndim == 1
    if not single or training.ruled:
        if not passed.taught:
            _teach(layers, parameters, passed, training)
    elif not passed.differentiated:
        _differentiate(layers, parameters, passed)
    return layers.gradients(
        passed.trace, network.richness * (passed.delta if single else passed.shown.weights)
    )


def _record(state: _State, parameters, passed: _Pass, problem: DataSource, training: Training) -> None:
    """Hand a pass over all examples to the recorder, which raises `RunAway` if something observed is not
    finite."""
    taught = training.ruled and problem.outputs is None
    if state.recorder.backward and not passed.differentiated:
        _differentiate(state.layers, parameters, passed)
    if taught and not passed.taught:
        _teach(state.layers, parameters, passed, training)
    _measure(state, parameters, passed, training)
    kept = passed.shown.kept
    scalars = {
        "output": passed.outputs[kept],
        **problem.losses(passed.outputs, passed.shown),
        "error_signal": passed.delta[kept],
    }
    seen = state.layers.observe(parameters, passed.trace, state.recorder.view(kept, taught))
    if state.left_out is not None:
        scalars[NAME] = state.left_out.value
    state.recorder.add(scalars, seen, state.optimiser.multipliers)


def _measure(state: _State, parameters, passed: _Pass, training: Training, recording: bool = False) -> None:
    """Note what the tolerance leaves out of outputs, of a pass that went back for each of them or weighted by
    their errors.

    If the record, of all examples, comes with gradients of the outputs, that is the better occasion.
    """
    told = passed.differentiated or (
        passed.taught and not training.ruled
    )  # what a rule sends back does not tell
    told = told and len(passed.outputs) > 0  # nor does an empty batch
    if (
        told
        and state.left_out is not None
        and state.left_out.due(state.step)
        and not (recording and state.recorder.backward)
    ):
        errors = None if passed.differentiated else passed.errors
        state.left_out.add(state.step, state.layers.left_out(parameters, passed.trace), errors)


def _check_common_draws(realization: Realization) -> None:
    refused, tolerance = realization.refused, realization.sampling.tolerance
    if refused > max(_REFUSED * tolerance, _ROUNDING):
        warn(
            f"common_draws: {refused:.1e} of a query had no direction in the earlier run (tolerance"
            f" {tolerance:.0e}), so this run is cut short of it. Let the richer of the two runs go first, or"
            " bring them nearer.",
            DrawsWarning,
        )


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
                f"At step {step} the queries span {fraction:.0%} of n_samples ="
                f" {self._realization.sampling.n_samples}: the run comes near a finite network of that width."
                " Take more samples or a larger tolerance.",
                RankWarning,
            )
        if fraction >= 1 and self.full_at is None:
            self.full_at = step

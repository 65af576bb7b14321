"""The loop over time. In discrete time nothing at a step depends on the future: one pass solves the limit.

Each step: forward through the layers, outputs and error signal, backward, record, update. The published
procedure guesses whole trajectories and iterates instead (Bordelon & Pehlevan 2022, algorithm 1).
"""

from dataclasses import dataclass

import numpy as np

from ..ground import divergence
from ..ground.checkpoints import Checkpoint
from ..ground.divergence import LossWatch, RunAway
from ..ground.progress import Progress
from ..ground.status import Status
from ..layers.layer import Parameters
from ..matrices.realization import Realization
from ..matrices.sampling import Sampling
from ..networks import Network
from ..probes.probe import Composition
from ..problems.source import DataSource
from ..training.gradient_flow import GradientFlow
from ..training.training import Training
from .descent import DescentOptimizer
from .flow import FlowIntegrator
from .passes import Task
from .recorder import Recorder
from .steps import State, step, travel
from .truncation import LeftOut
from .watch import RankWatch, check_common_draws


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
    task = Task(network, problem, training)
    progress = progress or Progress("run", training.last + 1, wanted=False)
    state = checkpoint.load() if checkpoint else None
    if isinstance(state, Outcome):
        progress.begin(training.last + 1)
        return state
    if state is None:
        state = _start(task, sampling, recorder, replicate)
    progress.begin(state.step)
    with np.errstate(over="ignore", invalid="ignore"):  # a run that diverges is stopped, without noise
        status = _loop(state, task, limit, progress, checkpoint)
    outcome = _ended(state, task, status)
    if checkpoint and status is not Status.INTERRUPTED:
        checkpoint.save(outcome)
    return outcome


def _start(task: Task, sampling: Sampling, recorder: Recorder, replicate: int) -> State:
    network, problem, training = task.network, task.problem, task.training
    outputs = problem.outputs or 1
    rule = training.dynamics.learning_rule
    weighted = problem.outputs is not None or rule.hebbian
    realization = Realization(sampling, replicate, outputs, rule, weighted)
    composition = network.compose(realization, problem.all_inputs)
    parameters = composition.layers.initial()
    # With several outputs and a rule nothing comes back that would tell.
    told = realization.leaves_out and not (training.ruled and problem.outputs)
    return State(
        realization,
        composition,
        parameters,
        _optimiser(task, composition, parameters),
        recorder,
        RankWatch(realization),
        LeftOut(network.richness) if told else None,
        LossWatch(divergence.allowed(network.richness)),
    )


def _optimiser(
    task: Task, composition: Composition, parameters: Parameters
) -> DescentOptimizer | FlowIntegrator:
    """What moves the parameters."""
    dynamics, kinked = task.training.dynamics, task.network.kinked
    multipliers = dynamics.rates({name: parameter.role for name, parameter in parameters.items()})
    if isinstance(dynamics, GradientFlow):
        return FlowIntegrator(dynamics, multipliers, composition.layers.sizes, kinked)
    return DescentOptimizer(dynamics, multipliers)


def _loop(state: State, task: Task, limit: bool, progress: Progress, checkpoint: Checkpoint | None) -> Status:
    last = task.training.last
    while state.step <= last:
        try:
            status = _advance(state, task, progress)
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
        if not progress.advance() and state.step <= last:
            if checkpoint:
                checkpoint.save(state)
            return Status.INTERRUPTED
        if checkpoint:
            checkpoint.save_if_due(state)
    check_common_draws(state.realization)
    return Status.COMPLETED


def _advance(state: State, task: Task, progress: Progress) -> Status:
    """One step, or the way to the next requested time of a flow; whether it was completed."""
    if isinstance(state.optimiser, FlowIntegrator):
        return travel(state, state.optimiser, task, progress.partial)
    step(state, state.optimiser, task)
    return Status.COMPLETED


def _ended(state: State, task: Task, status: Status) -> Outcome:
    """What a run has come to."""
    if status is Status.COMPLETED and state.watch.full_at is not None:
        status, state.step = Status.FINITE_WIDTH, state.watch.full_at
    record, moved = state.recorder.record(), {}
    if isinstance(state.optimiser, FlowIntegrator):
        kept = "the times before are kept" if record else "no earlier time could be kept"
        moved = {"time": state.optimiser.time, "pace": state.optimiser.pace, "kept": kept}
    message = status.message.format(step=state.step, count=state.realization.sampling.n_samples, **moved)
    if status is Status.DIVERGED:
        message = _what_happened(state, task, bool(record))
    return Outcome(record, state.recorder.labels, status, state.step, message, state.realization.slots())


def _what_happened(state: State, task: Task, kept: bool) -> str:
    """The sentence about a run that diverged."""
    when, remedy = f"At step {state.step}", "take a smaller learning rate"
    if isinstance(state.optimiser, FlowIntegrator):
        when = f"On the way to time {state.optimiser.flow.times[state.step]:g}"
        remedy = "take shorter times or a smaller tolerance"
    advice = divergence.advice(task.problem.all_inputs, remedy)
    return divergence.sentence(when, state.away, advice, kept)

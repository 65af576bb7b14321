"""One step of training: forward, error signal, backward, record, update; or the way to the next requested
time of a gradient flow."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..ground.divergence import LossWatch, RunAway
from ..ground.status import Status
from ..layers.layer import Parameters
from ..matrices.realization import Realization
from ..probes.probe import Composition
from ..problems.source import Shown
from ..training.training import Training
from .descent import DescentOptimizer
from .flow import FlowIntegrator
from .passes import Pass, Task, forward_pass
from .recorder import Recorder
from .truncation import NAME, LeftOut
from .watch import RankWatch


@dataclass
class State:
    """All that a run is between two steps; a checkpoint holds one."""

    realization: Realization
    composition: Composition
    parameters: Parameters
    optimiser: DescentOptimizer | FlowIntegrator
    recorder: Recorder
    watch: RankWatch
    left_out: LeftOut | None  # of the outputs by the tolerance, where that can be told
    growth: LossWatch
    step: int = 0
    away: RunAway | None = None  # what happened, of a run that diverged


def step(state: State, optimiser: DescentOptimizer, task: Task) -> None:
    """One step: all parameters move, unless it is the last one, which is only recorded."""
    problem, training, parameters = task.problem, task.training, state.parameters
    recording, last = state.recorder.wants(state.step), state.step == optimiser.descent.last
    ahead = parameters if last else optimiser.ahead(parameters)
    gradients = None
    if recording or ahead is parameters:
        # The first pass shows all examples: the readout is centred on them.
        passed = _forward(
            state, parameters, problem.shown(training, state.step, recording or state.step == 0), task
        )
        # Before the record: what training asks for comes first.
        if not last and ahead is parameters and not training.ruled:
            gradients = passed.gradients()
            _measure(state, passed, training, recording)
        if recording:
            _record(state, passed, task)
    if last:
        return
    if ahead is not parameters:
        passed = _forward(state, ahead, problem.shown(training, state.step, False), task)
    if gradients is None:
        gradients = passed.gradients()
        _measure(state, passed, training)
    optimiser.step(parameters, gradients)
    if optimiser.descent.temperature:
        state.composition.layers.refresh(parameters, passed.forward.trace, optimiser.noise)


def travel(state: State, flow: FlowIntegrator, task: Task, heard: Callable[[float], bool]) -> Status:
    """From one requested time of a gradient flow to the next, and record there; why it did not arrive, if it
    did not."""
    problem, training, parameters = task.problem, task.training, state.parameters
    if state.step == 0 and not flow.paused:
        # The readout is centred on all examples.
        state.composition.layers.forward(parameters, problem.shown(training, 0, True).examples)
    trained = problem.shown(training, state.step, False)
    latest: list[Pass] = []
    refused: list[RunAway] = []

    def gradients(at: Parameters) -> Parameters | None:
        try:
            passed = _forward(state, at, trained, task)
        except RunAway as what:  # of a step that was too long
            refused.append(what)
            return None
        latest[:] = [passed]
        return passed.gradients()

    begin, end = (0.0, *flow.flow.times)[state.step : state.step + 2]
    status = flow.travel(parameters, gradients, begin, end, heard)
    if status is Status.DIVERGED:
        raise refused[-1] if refused else RunAway("the flow needed steps too small to go on")
    if status is not Status.COMPLETED:
        return status
    recording = state.recorder.wants(state.step)
    if latest:
        _measure(state, latest[0], training, recording)
    if recording:
        passed = _forward(state, parameters, problem.shown(training, state.step, True), task)
        _record(state, passed, task)
    return Status.COMPLETED


def _forward(state: State, parameters: Parameters, shown: Shown, task: Task) -> Pass:
    return forward_pass(task, state.composition.layers, parameters, shown, state.growth)


def _record(state: State, passed: Pass, task: Task) -> None:
    """Hand a pass over all examples to the recorder, which raises `RunAway` if something in it is not
    finite."""
    problem, training = task.problem, task.training
    # With several outputs, what goes back is not that of a single one, which kernels are made of.
    passage = passed.passage(state.recorder.backward, training.ruled and problem.outputs is None)
    _measure(state, passed, training)
    kept = passed.shown.kept
    scalars: dict[str, np.ndarray | float] = {
        "output": passed.outputs[kept],
        **problem.losses(passed.outputs, passed.shown),
        "error_signal": passed.delta[kept],
    }
    readings = state.composition.read(passed.parameters, passage, state.recorder.wanted(kept))
    if state.left_out is not None:
        scalars[NAME] = state.left_out.value
    state.recorder.add(scalars, readings, state.optimiser.multipliers)


def _measure(state: State, passed: Pass, training: Training, recording: bool = False) -> None:
    """Note what the tolerance leaves out of outputs, of a pass that went back for each of them or weighted by
    their errors.

    If the record, of all examples, comes with gradients of the outputs, that is the better occasion.
    """
    left_out = state.left_out
    # What a rule sends back does not tell, nor does an empty batch.
    way = passed.back or (None if training.ruled else passed.taught)
    if left_out is None or way is None or len(passed.outputs) == 0:
        return
    if left_out.due(state.step) and not (recording and state.recorder.backward):
        errors = None if passed.back else passed.errors
        left_out.add(state.step, passed.left_out(way), errors)

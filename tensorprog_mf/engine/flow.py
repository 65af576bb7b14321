"""Gradient flow: an embedded Runge-Kutta method over parameters, whose learned parts live in bases that grow
as it goes."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ..ground.errors import ToleranceWarning, warn
from ..ground.status import Status
from ..matrices.parameter import Parameter
from ..problems.losses import Loss
from ..sites.activations import Activation
from ..training.gradient_flow import GradientFlow
from ..training.training import Training

Parameters = dict[str, Parameter]
Gradients = Callable[[Parameters], Parameters | None]  # None where something is not finite
_SMALLEST = 1e-10  # step, relative to the way between two times, below which the flow has run away
_WINDOW = 500  # steps over which the pace of a flow is measured
_MOST = 50_000  # steps that a flow may need to its last time
_KINKED = 1e-3  # tolerance where an activation has a kink; one tenth of it takes ten times as many steps


def with_kinks(training: Training, activations: Sequence[Activation], loss: Loss) -> Training:
    """The training, with the tolerance that kinks allow in place of the usual one.

    A `ToleranceWarning` says so; where another tolerance was asked for it says what that costs.
    """
    kinks = [f"activation {activation.name!r}" for activation in activations if activation.kinked]
    kinks += [f"loss {loss.name!r}"] if loss.kinked else []
    if not (training.flow and kinks and training.tolerance < _KINKED):
        return training
    usual = training.tolerance == GradientFlow.tolerance
    if usual:
        told = f"this run takes tolerance={_KINKED:g} in place of {training.tolerance:g}; "
        told += "pass another one to Training, or train in steps."
    else:
        times = f"{_KINKED / training.tolerance:,.0f} times"
        told = f"tolerance={training.tolerance:g} may take {times} as long as {_KINKED:g}, usual here."
    begin = f"gradient flow: {kinks[0]} has a kink, so that error control needs"
    warn(f"{begin} ten times as many steps for every digit: {told}", ToleranceWarning)
    return replace(training, tolerance=_KINKED) if usual else training


class FlowIntegrator:
    """An embedded Runge-Kutta method for d theta / d time = multiplier gradient - weight_decay theta.

    Dormand & Prince 5(4); Bogacki & Shampine 3(2) where the activation is `kinked`: sites that cross a kink
    in a step have an error of first order in the step, whatever the method; it is smallest with few stages of
    positive weights (three to five times less than by Dormand & Prince with as many evaluations). The error
    of a step, in root mean square over sites, is kept below tolerance times one plus the size of what has
    been learned; so is that of what weight decay leaves of the initial weights. Directions that rejected
    steps have revealed stay: they belong to the same matrices.

    Parameters
    ----------
    flow
        Its times and tolerance.
    multipliers
        Factor on the learning rate of every parameter, by name.
    sizes
        Root mean square change of fields by a change of each parameter.
    kinked
        Whether the derivative of an activation jumps.
    """

    def __init__(
        self,
        flow: GradientFlow,
        multipliers: dict[str, float],
        sizes: Callable[[Parameters], dict[str, float]],
        kinked: bool = False,
    ):
        from scipy.integrate import RK23, RK45

        self.flow, self.multipliers, self._sizes = flow, multipliers, sizes
        self._kinked, self._method = kinked, RK23 if kinked else RK45
        self._step = np.inf
        self._paused: tuple[float, Parameters | None] | None = None  # where it was interrupted, rates there
        self._window = (0, 0.0)  # when the last window began: steps done, time
        self.time, self.pace, self.steps, self.evaluations = 0.0, 0.0, 0, 0

    @property
    def paused(self) -> bool:
        """Whether it was interrupted between two requested times; the next journey goes on from there."""
        return self._paused is not None

    def travel(
        self,
        parameters: Parameters,
        gradients: Gradients,
        start: float,
        stop: float,
        heard: Callable[[float], bool] = lambda share: True,
    ) -> Status:
        """Move `parameters`, in place, from time `start` to `stop`.

        COMPLETED if they arrive there; INTERRUPTED by `heard`; DIVERGED where numbers are not finite or steps
        have no length; STIFF where steps are so small that the flow would not end.

        `gradients` gives those at any parameters, or None where something is not finite. `heard` is told
        after every step, accepted or not, what share of the way is done, and interrupts it by returning
        False: parameters are then where the last accepted step left them, and the next journey goes on from
        there.
        """
        self.time, first = self._paused or (start, self._rates(parameters, gradients))
        self._paused = None
        while self.time < stop:
            status, first = self._advance(parameters, gradients, first, start, stop)
            if status is not Status.COMPLETED:
                return status
            if not heard((self.time - start) / (stop - start)) and self.time < stop:
                self._paused = self.time, first
                return Status.INTERRUPTED
        return Status.COMPLETED

    def _advance(
        self,
        parameters: Parameters,
        gradients: Gradients,
        first: Parameters | None,
        start: float,
        stop: float,
    ) -> tuple[Status, Parameters | None]:
        """One step, accepted or not: how the journey stands, and the rates where the step ends."""
        step = min(self._step, stop - self.time)
        tried = None if first is None else self._try(parameters, gradients, first, step)
        self.steps += 1
        if tried is None:
            self._step = step / 5
            away = first is None or self._step < _SMALLEST * (stop - start)
            return Status.DIVERGED if away else Status.COMPLETED, first
        new, last, error = tried
        power = -1 / (self._method.error_estimator_order + 1)
        wanted = step * min(5.0, max(0.2, 0.9 * max(error, 1e-10) ** power))
        if error > 1:
            self._step = wanted
            return Status.DIVERGED if wanted < _SMALLEST * (stop - start) else Status.COMPLETED, first
        # A step cut short by an output time does not make the next one shorter.
        self._step = max(self._step, wanted) if step < self._step < np.inf else wanted
        self.time = stop if step == stop - self.time else self.time + step
        parameters.update(new)
        return Status.STIFF if self._creeps() else Status.COMPLETED, last

    def _creeps(self) -> bool:
        """Whether steps are too small to reach the last time at all; looked at from time to time."""
        steps, time = self._window
        if self.steps - steps < _WINDOW:
            return False
        self.pace = (self.time - time) / (self.steps - steps)
        self._window = (self.steps, self.time)
        # Where a kink makes steps small, the user has been told what a small tolerance costs.
        most = _MOST * max(1.0, _KINKED / self.flow.tolerance) if self._kinked else _MOST
        return self.flow.times[-1] - self.time > self.pace * most

    def _rates(self, parameters: Parameters, gradients: Gradients) -> Parameters | None:
        """d theta / d time."""
        self.evaluations += 1
        found = gradients(parameters)
        if found is None:
            return None
        for name, rate in found.items():
            rate.scaled(self.multipliers[name])
            if self.flow.weight_decay:
                rate.add(-self.flow.weight_decay, parameters[name])
        return found

    def _try(
        self, parameters: Parameters, gradients: Gradients, first: Parameters, step: float
    ) -> tuple[Parameters, Parameters, float] | None:
        """Parameters after a step, their rates, and the error relative to what is allowed; None where
        something is not finite."""
        method, stages = self._method, [first]
        for row in method.A[1:]:
            rates = self._rates(_moved(parameters, step * row[: len(stages)], stages), gradients)
            if rates is None:
                return None
            stages.append(rates)
        new = _moved(parameters, step * method.B, stages)
        last = self._rates(new, gradients)
        if last is None:
            return None
        nothing = {name: Parameter(0.0, np.zeros_like(p.learned)) for name, p in new.items()}
        wrong = _moved(nothing, step * method.E, [*stages, last])
        # What decay leaves of the initial weights counts too: where little is learned it is all there is.
        errors = {name: max(size, abs(wrong[name].scale)) for name, size in self._sizes(wrong).items()}
        allowed = {name: self.flow.tolerance * (1 + size) for name, size in self._sizes(new).items()}
        return new, last, max(errors[name] / allowed[name] for name in errors)


def _moved(
    parameters: Parameters, factors: Sequence[float] | np.ndarray, stages: list[Parameters]
) -> Parameters:
    """parameters + sum_i factors_i stages_i, as copies."""
    found = {name: parameter.copy() for name, parameter in parameters.items()}
    for factor, stage in zip(factors, stages):
        for name, rate in stage.items():
            if factor:
                found[name].add(factor, rate)
    return found

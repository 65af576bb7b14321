"""Gradient flow: an embedded Runge-Kutta method over parameters, whose learned parts live in bases that grow as it goes."""

from collections.abc import Callable

import numpy as np

from .matrices.parameter import Parameter
from .optimizers import Training

Parameters = dict[str, Parameter]
_SMALLEST = 1e-10  # step relative to the time to go below which the flow has run away


class Flow:
    """Dormand & Prince 5(4) for d theta / d time = multiplier gradient - weight_decay theta, with step-size control.

    The error of a step, in root mean square over sites, is kept below tolerance times one plus the size of what has been
    learned; so is that of what weight decay leaves of the initial weights. Directions that rejected steps have revealed
    stay: they belong to the same matrices.

    Parameters
    ----------
    training
        A flow.
    names
        Names of the parameters.
    sizes
        Root mean square change of fields by a change of each parameter.
    """

    def __init__(self, training: Training, names: list[str], sizes: Callable[[Parameters], dict[str, float]]):
        self.training, self.multipliers, self._sizes = training, training.rates(names), sizes
        self._step = np.inf
        self.evaluations = 0

    def travel(self, parameters: Parameters, gradients: Callable[[Parameters], Parameters | None], start: float, stop: float) -> bool:
        """Move `parameters`, in place, from time `start` to `stop`; False if they run away.

        `gradients` gives those at any parameters, or None where something is not finite.
        """
        time, first = start, self._rates(parameters, gradients)
        while time < stop:
            step = min(self._step, stop - time)
            tried = None if first is None else self._try(parameters, gradients, first, step)
            if tried is None:
                self._step = step / 5
                if first is None or self._step < _SMALLEST * (stop - start):
                    return False
                continue
            new, last, error = tried
            wanted = step * min(5.0, max(0.2, 0.9 * max(error, 1e-10) ** -0.2))
            if error > 1:
                self._step = wanted
                if wanted < _SMALLEST * (stop - start):
                    return False
                continue
            # A step cut short by an output time does not make the next one shorter.
            self._step = max(self._step, wanted) if step < self._step < np.inf else wanted
            time = stop if step == stop - time else time + step
            first = last
            parameters.update(new)
        return True

    def _rates(self, parameters: Parameters, gradients) -> Parameters | None:
        """d theta / d time."""
        self.evaluations += 1
        found = gradients(parameters)
        if found is None:
            return None
        for name, rate in found.items():
            rate.scaled(self.multipliers[name])
            if self.training.weight_decay:
                rate.add(-self.training.weight_decay, parameters[name])
        return found

    def _try(self, parameters: Parameters, gradients, first: Parameters, step: float):
        """Parameters after a step, their rates, and the error relative to what is allowed; None if it left finite numbers."""
        from scipy.integrate import RK45

        stages = [first]
        for row in RK45.A[1:]:
            stages.append(self._rates(_moved(parameters, step * row[: len(stages)], stages), gradients))
            if stages[-1] is None:
                return None
        new = _moved(parameters, step * RK45.B, stages)
        last = self._rates(new, gradients)
        if last is None:
            return None
        nothing = {name: Parameter(0.0, np.zeros_like(p.learned)) for name, p in new.items()}
        wrong = _moved(nothing, step * RK45.E, [*stages, last])
        # What decay leaves of the initial weights counts too: where little is learned it is all there is.
        errors = {name: max(size, abs(wrong[name].scale)) for name, size in self._sizes(wrong).items()}
        allowed = {name: self.training.tolerance * (1 + size) for name, size in self._sizes(new).items()}
        return new, last, max(errors[name] / allowed[name] for name in errors)


def _moved(parameters: Parameters, factors, stages: list[Parameters]) -> Parameters:
    """parameters + sum_i factors_i stages_i, as copies."""
    found = {name: parameter.copy() for name, parameter in parameters.items()}
    for factor, stage in zip(factors, stages):
        for name, rate in stage.items():
            if factor:
                found[name].add(factor, rate)
    return found

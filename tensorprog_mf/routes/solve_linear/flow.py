"""Gradient flow of linear networks in the limit, to a tolerance: a Runge-Kutta method on the fields'
coordinates.

All fields of a linear network are linear in independent Gaussian innovations. Where each innovation is an
axis, instead of a random vector over sites, the sampler's pass solves the closed equations: its averages over
sites are expectations.
"""

from dataclasses import replace

import numpy as np

from ...engine.loop import Outcome, run
from ...engine.record import Record
from ...engine.recorder import Recorder
from ...engine.reductions import Reductions
from ...ground.accelerate import one_blas_thread
from ...ground.status import Status
from ...matrices.sampling import Coordinates
from ...networks import MLP
from ...problems.problem import Problem
from ...sites.draws import AxesSpent
from ...training.training import Training

_FINER = 10.0  # times the tolerance: the flow that tells the error of the one before
_FINEST = 1e-12  # below it rounding decides
_AXES = 64  # per layer to begin with, in each; doubled whenever they are spent
_VARIABLES = (
    "loss",
    "test_loss",
    "output",
    "error_signal",
    "feature_kernel",
    "gradient_kernel",
    "tangent_kernel",
)
_TWO_TIME = ("feature_kernel_two_time", "gradient_kernel_two_time")


def follow(
    network: MLP, problem: Problem, training: Training, steps: np.ndarray, two_time: bool
) -> tuple[Outcome, float]:
    """The flow at the recorded `steps`, and its error as far as it is known, relative to one plus the size of
    each variable.

    Errors of steps add up and are amplified on the way to outputs. So the flow is followed again, each time
    ten times as precisely, until nothing changes by more than the tolerance: the last change is the error of
    the less precise flow.
    """
    tolerance, axes = max(training.tolerance, _FINER * _FINEST), _AXES * network.depth
    found, axes = _followed(network, problem, training, steps, two_time, tolerance, axes)
    error = np.inf
    while found.status is Status.COMPLETED and error > training.tolerance and tolerance > _FINEST:
        before, tolerance = found, max(tolerance / _FINER, _FINEST)
        found, axes = _followed(network, problem, training, steps, two_time, tolerance, axes)
        error = _distance(before, found)
    return found, error


def _followed(
    network: MLP,
    problem: Problem,
    training: Training,
    steps: np.ndarray,
    two_time: bool,
    tolerance: float,
    axes: int,
) -> tuple[Outcome, int]:
    """The flow at one tolerance, and how many axes it took."""
    training = replace(training, tolerance=tolerance)
    record = Record(per_output=problem.outputs is not None, two_time=two_time)
    # Directions left out make rates rough, and steps small.
    sampling = Coordinates(n_samples=axes, tolerance=tolerance / 10)
    recorder = Recorder(record, steps, 0, problem.outputs, Reductions(record, sampling.tolerance))
    try:
        with one_blas_thread():
            outcome = run(network, problem, training, sampling, recorder, limit=False)
    except AxesSpent:
        return _followed(network, problem, training, steps, two_time, tolerance, 2 * axes)
    kept = {name: values for name, values in outcome.record.items() if name in _VARIABLES + _TWO_TIME}
    return replace(outcome, record=kept), axes


def _distance(a: Outcome, b: Outcome) -> float:
    """The largest difference, relative to one plus the size of the variable."""
    if b.status is not Status.COMPLETED:
        return np.inf
    return max(
        float(np.abs(a.record[n] - b.record[n]).max() / (1 + np.abs(b.record[n]).max())) for n in b.record
    )

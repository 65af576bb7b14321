"""Linear networks in the limit, exactly: the yardstick of the sampler."""

import numpy as np
import xarray as xr

from ...engine.record import RecordLike, as_record, recorded_steps
from ...ground.accelerate import one_blas_thread
from ...ground.divergence import RunAway, advice, sentence
from ...ground.errors import ConvergenceWarning, DivergenceWarning, boolean, require, warn
from ...ground.status import Status
from ...networks import MLP
from ...problems.problem import Problem
from ...results.dataset import Arrays, dataset, summarise
from ...results.provenance import attributes
from ...training.training import Training
from ..sampling.arguments import route
from ..support import Request, check
from .flow import follow
from .recursion import LinearRecursion


@route
def solve_linear(
    network: MLP,
    problem: Problem,
    training: Training,
    record: RecordLike = None,
    *,
    two_time: bool = False,
) -> xr.Dataset:
    """Train an infinitely wide linear network, without sampling.

    With phi(h) = h all fields of the limit (Bordelon & Pehlevan 2022) are Gaussian: h = alpha u + beta r, g =
    kappa r + lambda u, and the coefficients follow from each other row by row in time:

        alpha_t = a e_t + C lambda,  beta_t = C kappa,  kappa_t = a e_t + D beta,  lambda_t = D alpha
        C = a beta^{l-1} + gamma0 e Delta H^{l-1},   D = a lambda^{l+1} + gamma0 e Delta G^{l+1}

    where e(t, s) is the weight of the gradient of step s in the parameters at t, and a(t) what decay leaves
    of the initial ones.

    Parameters
    ----------
    network
        An MLP with the linear activation; in discrete steps, with weights that start as N(0,1) and no biases.
    problem, training, record
        As for `sample`. A gradient flow is followed again, each time ten times as precisely, until no output
        or kernel changes by more than its tolerance, relative to one plus the size of each; status_message
        says by how much they changed.
    two_time
        Also return feature_kernel_two_time and gradient_kernel_two_time.

    Returns
    -------
    xarray.Dataset
        As of `sample`, without fields at sites, ranks and standard errors; gradients have no example index,
        so the gradient kernel is the same for all pairs.

    Raises
    ------
    UnsupportedError
        What does not go together; see "What goes with what" in the README.

    Notes
    -----
    Exact to rounding, for any number of outputs. Memory depth (steps examples)^2 numbers, time depth steps
    (steps examples)^2.

    In a gradient flow every independent Gaussian innovation is an axis, fields are coordinates along these
    axes, and a Runge-Kutta method moves them. Depth 2 takes some tens of axes per layer, depth 4 some
    hundreds, smaller tolerances more; time is proportional to the length of the flow times its largest rate,
    seconds to a minute.
    """
    two_time = boolean("two_time", two_time)
    kept = as_record(record)
    check("solve_linear", Request(network, problem, training, kept, two_time=two_time))
    steps = recorded_steps(kept, training.last)
    solved = _flow if training.flow else _in_steps
    arrays, steps, status, message = solved(network, problem, training, steps, two_time)
    settings = {"record": kept.describe()}
    described = attributes("solve_linear", network, problem, training, settings, status.label, message)
    return dataset(arrays, problem, training, steps, list(range(1, network.depth + 1)), described)


def _in_steps(
    network: MLP, problem: Problem, training: Training, steps: np.ndarray, two_time: bool
) -> tuple[Arrays, np.ndarray, Status, str]:
    """Variables of training in discrete steps, the steps reached, status and message."""
    solution = LinearRecursion(network, problem, training)
    status, message = Status.COMPLETED, Status.COMPLETED.message
    with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
        for t in range(training.last + 1):
            try:
                solution.advance(t)
            except RunAway as what:
                status, steps = Status.DIVERGED, steps[steps < t]
                message = sentence(f"At step {t}", what, advice(problem.all_inputs), len(steps) > 0)
                break
    require(len(steps) > 0, message)
    if status is Status.DIVERGED:
        warn(message, DivergenceWarning)
    arrays = summarise([solution.record(steps)])
    return arrays | (solution.two_time(steps) if two_time else {}), steps, status, message


def _flow(
    network: MLP, problem: Problem, training: Training, steps: np.ndarray, two_time: bool
) -> tuple[Arrays, np.ndarray, Status, str]:
    """The same of a gradient flow."""
    outcome, error = follow(network, problem, training, steps, two_time)
    status, message = outcome.status, outcome.message
    if status is not Status.COMPLETED:
        require(len(outcome.record) > 0, message)
        warn(message, DivergenceWarning)
    else:
        message = (
            f"Followed ten times as precisely, the flow changed by {error:.0e}; the result is the more"
            " precise one."
        )
        if error > training.tolerance:
            status = Status.NOT_CONVERGED
            message += (
                f" The tolerance {training.tolerance:.0e} is below what rounding allows; take a larger one."
            )
            warn(message, ConvergenceWarning)
    return summarise([outcome.record]), steps, status, message

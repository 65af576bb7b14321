"""The Dataset of what the replicates of `alternate` ended with."""

import numpy as np
import xarray as xr

from ...ground.divergence import advice, allowed, before_divergence, sentence
from ...ground.errors import ConvergenceWarning, DivergenceWarning, require, warn
from ...ground.status import Status
from ...networks import MLP
from ...results.dataset import dataset, summarise
from ..sampling.job import Job
from .rounds import Iterated, Rounds

_MESSAGES = {
    Status.CONVERGED: "Residual {residual:.1e} after {iteration} iterations.",
    Status.NOT_CONVERGED: (
        "After {iteration} iterations the residual is {residual:.1e}, not yet {target:.0e}: take more"
        " iterations, or tp.sample, which needs none."
    ),
    Status.INTERRUPTED: "The run was interrupted after {iteration} iterations, residual {residual:.1e}.",
    Status.DIVERGED: (
        "At iteration {iteration} the kernels ran away; the iteration before, residual {residual:.1e}, is"
        " kept. Take more damping, fewer steps or a smaller learning rate, or tp.sample, which does not"
        " iterate."
    ),
}


def result(job: Job[MLP], rounds: Rounds, outcomes: list[Iterated], steps: np.ndarray) -> xr.Dataset:
    """The Dataset of all replicates, with the residuals of the slowest and the status of the worst."""
    steps, away = _before_divergence(job, outcomes, steps)
    arrays = summarise([_record(job, outcome, steps) for outcome in outcomes], job.keeping.keep_replicates)
    longest = max(len(outcome.residuals) for outcome in outcomes)
    padded = [outcome.residuals + [np.nan] * (longest - len(outcome.residuals)) for outcome in outcomes]
    arrays["residual"] = (("iteration",), np.fmax.reduce(padded))
    status, message = _ending(outcomes, rounds.target_residual, away)
    described = job.attributes(status, message, _settings(job, rounds)) | {"replicates": len(outcomes)}
    layers = list(range(1, job.network.depth + 1))
    return dataset(arrays, job.problem, job.training, steps, layers, described)


def _before_divergence(
    job: Job[MLP], outcomes: list[Iterated], steps: np.ndarray
) -> tuple[np.ndarray, str | None]:
    """The steps at which no replicate's outputs have run away, and the sentence about those that have."""
    problem, factor = job.problem, allowed(job.network.richness)
    with np.errstate(over="ignore", invalid="ignore"):
        ends = [before_divergence(o.solution.output, problem.mean_loss, factor) for o in outcomes]
    reached, what = min(ends, key=lambda end: end[0])
    steps = steps[steps < reached]
    if what is None:
        return steps, None
    away = sentence(
        f"At step {reached} of the last iteration", what, advice(problem.all_inputs), len(steps) > 0
    )
    require(len(steps) > 0, away)
    return steps, away


def _ending(outcomes: list[Iterated], target: float, away: str | None) -> tuple[Status, str]:
    """Status and message of the worst replicate, or of outputs that ran `away`; warns unless all is well."""
    worst = max(outcomes, key=lambda outcome: (outcome.status.severity, outcome.residuals[-1]))
    status, done = worst.status, len(worst.residuals) + (worst.status is Status.DIVERGED)
    message = _MESSAGES[status].format(iteration=done, residual=worst.residuals[-1], target=target)
    if away is not None:
        message = f"{away} {message}" if status is Status.DIVERGED else away
        status = Status.DIVERGED
    if status is Status.DIVERGED:
        warn(message, DivergenceWarning)
    elif status is Status.NOT_CONVERGED:
        warn(message, ConvergenceWarning)
    return status, message


def _settings(job: Job[MLP], rounds: Rounds) -> dict[str, object]:
    """The arguments as plain values, for the attributes of the result."""
    given = job.settings()
    del given["common_draws"]  # there are none
    last = {name: given.pop(name) for name in ("centred", "keep_replicates")}
    return given | vars(rounds) | last


def _record(job: Job[MLP], outcome: Iterated, steps: np.ndarray) -> dict[str, np.ndarray]:
    """One replicate at the recorded steps: equal-time blocks of kernels, fields at the chosen sites with
    their parts."""
    guess, problem, training = outcome.guess, job.problem, job.training
    rates, times = list(training.rates(job.network.roles).values()), training.last + 1
    shares = [training.example_weights(t, problem.n_train) for t in steps]

    def equal_time(kernels: list[np.ndarray]) -> np.ndarray:
        blocks = [k.reshape(times, -1, times, k.shape[1] // times)[steps, :, steps] for k in kernels]
        return np.stack(blocks, axis=1)

    feature, gradient = equal_time(guess.feature), equal_time(guess.gradient[1:])
    record = {
        **problem.series(outcome.solution.output[steps], shares),
        "feature_kernel": feature[:, 1:],
        "gradient_kernel": gradient[:, :-1],
        "tangent_kernel": np.einsum("l,tlmn->tmn", rates, gradient * feature),
    }
    for name in ("preactivation", "backward_field"):
        parts = np.array(getattr(outcome.solution, name))  # (layer, part, slot, site)
        if parts.shape[-1] == 0:
            continue
        parts = parts.reshape(*parts.shape[:2], times, -1, parts.shape[-1])[:, :, steps]
        whole_, gaussian, response, learned = (
            np.moveaxis(p, 0, 1) for p in (parts.sum(1), *np.moveaxis(parts, 1, 0))
        )
        record |= {
            name: whole_,
            f"{name}_gaussian_part": gaussian,
            f"{name}_response_part": response,
            f"{name}_learned_part": learned,
        }
    return record

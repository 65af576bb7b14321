"""The published procedure: guess whole trajectories of all kernels, sample fields, estimate kernels again,
repeat."""

import enum
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ...engine.recorder import as_record, recorded_steps
from ...ground.accelerate import thread_count
from ...ground.divergence import advice, allowed, before_divergence, sentence
from ...ground.errors import (
    ConvergenceWarning,
    DivergenceWarning,
    boolean,
    real,
    require,
    warn,
    whole,
)
from ...ground.interruption import nothing_kept
from ...ground.progress import Progress
from ...ground.replicates import run_replicates
from ...networks import MLP
from ...problems.problem import Problem
from ...results import memory
from ...results.dataset import dataset, summarise
from ...results.provenance import attributes
from ...sites.draws import Draws, fresh_seed
from ...sites.sites import Sites
from ...training.training import Training
from ..sampling.arguments import route
from ..sampling.replicates import listed, small
from ..static_ntk.kernels import initial_kernels
from ..support import Request, check
from .alternation import Alternation, Guess, Solution

_ZERO = 1e-10  # norm of outputs that are zero but for rounding


class Ending(enum.Enum):
    """How an iteration ended; `message` may be filled with `iteration`, `residual` and `target`."""

    CONVERGED = ("converged", "Residual {residual:.1e} after {iteration} iterations.")
    NOT_CONVERGED = (
        "not_converged",
        (
            "After {iteration} iterations the residual is {residual:.1e}, not yet {target:.0e}: take more"
            " iterations, or tp.sample, which needs none."
        ),
    )
    INTERRUPTED = (
        "interrupted",
        "The run was interrupted after {iteration} iterations, residual {residual:.1e}.",
    )
    DIVERGED = (
        "diverged",
        (
            "At iteration {iteration} the kernels ran away; the iteration before, residual {residual:.1e}, is"
            " kept. Take more damping, fewer steps or a smaller learning rate, or tp.sample, which does not"
            " iterate."
        ),
    )

    def __init__(self, label: str, message: str):
        self.label, self.message = label, message


@dataclass(frozen=True)
class _Outcome:
    """What one replicate ends with."""

    guess: Guess
    solution: Solution
    residuals: list[float]
    ending: Ending


@route
def alternate(
    network: MLP,
    problem: Problem,
    training: Training,
    n_samples: int = 4096,
    n_replicates: int = 4,
    seed: int | None = 0,
    tolerance: float = 1e-2,
    draws: str = "sobol",
    samples: int = 64,
    record=None,
    progress: bool = True,
    *,
    iterations: int = 20,
    damping: float = 0.5,
    target_residual: float = 1e-3,
    centred: bool = True,
    keep_replicates: bool = False,
    threads: int | None = None,
) -> xr.Dataset:
    """Solve the self-consistent equations by alternating Monte Carlo over whole trajectories.

    Guess Phi, G, A and B at all times; per layer draw n_samples Gaussian trajectories u ~ GP(0, Phi^{l-1}),
    r ~ GP(0, G^{l+1}), solve h and z of the equations of `sample` along them, estimate

        Phi = E[phi(h) phi(h)],  G = E[g g],  A = E[d phi(h) / d r],  B = E[d g / d u],  f = E[z phi(h)] /
        gamma0

    again, mix them with the guess, and repeat (Bordelon & Pehlevan 2022, algorithm 1). Offered for
    comparison: `sample` solves the same equations in one pass. Draws are frozen, so that the iteration can
    come to rest; responses come from a regression on the innovations of u and r that respects the order of
    time (Stein's lemma), not from Jacobians of every trajectory; the last layer is solved first and makes the
    output as it goes, E[z phi(h)], exact at any learning rate, where the published code marches it with the
    tangent kernel.

    Parameters
    ----------
    network
        An `MLP`.
    problem, training, n_samples, n_replicates, seed, draws, samples, record, progress
        As for `sample`.
    tolerance
        Relative size of a remainder below which a Gaussian field is a combination of those of earlier slots.
        Small values make responses of nearly collinear fields, large entries that cancel, and the iteration
        slow to come to rest.

    Other parameters
    ----------------
    iterations
        Rounds at most.
    damping
        Weight of the guess in the next guess, 0 <= damping < 1; the new estimates have the rest.
    target_residual
        Residual, before damping, at which the iteration is called converged. Kinks keep it near 1 /
        sqrt(n_samples) / 10.
    centred, keep_replicates, threads
        As for `sample`.

    Returns
    -------
    xarray.Dataset
        As of `sample`, without ranks, with `residual` (iteration); status "converged", "not_converged" or
        "diverged", the worst of the replicates, with a warning unless all converged.

    Raises
    ------
    InputError
        An argument that cannot be used, fields that span more than half of the samples.
    UnsupportedError
        What does not go together; see "What goes with what" in the README.

    Notes
    -----
    Error as of pseudo-random or Sobol sampling at n_samples, plus the residual; responses carry noise of the
    order of sqrt(directions / n_samples). Cost per round: O(depth n_samples (steps examples)^2); memory
    O(depth (steps examples)^2 + n_samples steps examples). Causality makes the undamped iteration exact after
    about (2 depth - 1) steps rounds, if it does not overflow before. Noise of the outputs grows as 1 /
    richness, that of `sample` does not.

    References
    ----------
    Bordelon & Pehlevan 2022, arXiv:2205.09653.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> problem = tp.Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0])
    >>> ds = tp.alternate(tp.MLP(2), problem, tp.Training(2, 0.5), n_samples=256, n_replicates=2)
    >>> ds.attrs["status"]
    'converged'
    """
    check("alternate", Request(network, problem, training, as_record(record)))
    steps = recorded_steps(record, training.steps)
    settings = {
        "n_samples": whole("n_samples", n_samples, 1),
        "n_replicates": whole("n_replicates", n_replicates, 1),
        "seed": fresh_seed(seed),
        "tolerance": small(tolerance),
        "draws": draws,
        "samples": whole("samples", samples),
        "record": listed(record),
        "iterations": whole("iterations", iterations, 1),
        "damping": real("damping", damping, "lie in [0, 1)", lambda v: 0 <= v < 1),
        "target_residual": real("target_residual", target_residual, "be positive", lambda v: v > 0),
        "centred": boolean("centred", centred),
        "keep_replicates": boolean("keep_replicates", keep_replicates),
    }
    workers = min(thread_count(threads), settings["n_replicates"])
    _check_memory(network, problem, training, settings, len(steps), workers)
    start = initial_kernels(network, problem.all_inputs)

    def one(replicate: int, shown: Progress) -> _Outcome:
        shown.begin()
        populations = [_population(settings, replicate, layer) for layer in range(network.depth)]
        map_ = Alternation(
            network, problem, training, populations, settings["tolerance"], settings["centred"]
        )
        return _iterate(map_, map_.first(start.feature, start.gradient), settings, replicate, shown.advance)

    done = run_replicates(
        "alternate",
        one,
        settings["n_replicates"],
        settings["iterations"],
        progress=progress,
        threads=threads,
    )
    if not done.runs:
        raise nothing_kept("alternate", "before its first iteration")
    return done.handed_over(_result(done.runs, network, problem, training, settings, steps))


def _population(settings: dict, replicate: int, layer: int) -> Sites:
    """Sites of a layer, with draws of their own: innovations of u, of r and the readout are columns of one
    sequence."""
    draws = Draws(
        settings["n_samples"],
        (settings["seed"], replicate, 2, settings["n_samples"], layer),
        settings["draws"],
    )
    return Sites(f"layer {layer + 1}", settings["n_samples"], draws)


def _iterate(map_: Alternation, guess: Guess, settings: dict, replicate: int, advance) -> _Outcome:
    """Rounds from a guess until they change nothing, run away, or are enough."""
    residuals, ending = [], Ending.NOT_CONVERGED
    chosen = slice(0, min(settings["samples"], settings["n_samples"]) if replicate == 0 else 0)
    best: tuple[Guess, Solution] | None = None
    moved = 1 - settings["damping"]
    for _ in range(settings["iterations"]):
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                found, solution = map_.round(guess, chosen)
        except FloatingPointError:
            ending = Ending.DIVERGED
            break
        before = np.zeros_like(solution.output) if best is None else best[1].output
        # Outputs move by what the damped guess lets them; at small richness they depend on responses, and
        # kernels hardly move.
        with np.errstate(over="ignore", invalid="ignore"):  # of outputs that run away, late in time
            of_outputs = (
                np.linalg.norm(solution.output - before) / max(np.linalg.norm(solution.output), _ZERO) / moved
            )
            residuals.append(max(found.distance(guess), float(of_outputs)))
        best, guess = (found, solution), guess.mixed(found, moved)
        if residuals[-1] <= settings["target_residual"]:
            ending = Ending.CONVERGED
            break
        if not advance():
            ending = Ending.INTERRUPTED
            break
    require(
        best is not None,
        "alternate ran away in its first iteration, so there is nothing to return; take a smaller learning"
        " rate or tp.sample.",
    )
    return _Outcome(*best, residuals, ending)


def _result(
    outcomes: list[_Outcome],
    network: MLP,
    problem: Problem,
    training: Training,
    settings: dict,
    steps: np.ndarray,
) -> xr.Dataset:
    """The Dataset of all replicates, with the residuals of the slowest and the status of the worst."""
    with np.errstate(over="ignore", invalid="ignore"):
        ends = [
            before_divergence(o.solution.output, problem.mean_loss, allowed(network.richness))
            for o in outcomes
        ]
    reached, what = min(ends, key=lambda end: end[0])
    steps = steps[steps < reached]
    if what is not None:
        away = sentence(
            f"At step {reached} of the last iteration", what, advice(problem.all_inputs), len(steps) > 0
        )
        require(len(steps) > 0, away)
    rates = list(training.rates(network.roles).values())
    shares = [training.example_weights(t, problem.n_train) for t in steps]
    records = [_record(outcome, problem, rates, steps, training.steps + 1, shares) for outcome in outcomes]
    arrays = summarise(records, settings["keep_replicates"])
    longest = max(len(outcome.residuals) for outcome in outcomes)
    padded = [outcome.residuals + [np.nan] * (longest - len(outcome.residuals)) for outcome in outcomes]
    arrays["residual"] = (("iteration",), np.fmax.reduce(padded))
    severity = [Ending.CONVERGED, Ending.NOT_CONVERGED, Ending.INTERRUPTED, Ending.DIVERGED]
    worst = max(outcomes, key=lambda outcome: (severity.index(outcome.ending), outcome.residuals[-1]))
    done = len(worst.residuals) + (worst.ending is Ending.DIVERGED)
    message = worst.ending.message.format(
        iteration=done, residual=worst.residuals[-1], target=settings["target_residual"]
    )
    label = worst.ending.label
    if what is not None:
        label, message = (
            Ending.DIVERGED.label,
            f"{away} {message}" if worst.ending is Ending.DIVERGED else away,
        )
    if label == Ending.DIVERGED.label:
        warn(message, DivergenceWarning)
    elif worst.ending is Ending.NOT_CONVERGED:
        warn(message, ConvergenceWarning)
    described = attributes("alternate", network, problem, training, settings, label, message)
    described["replicates"] = len(outcomes)
    return dataset(arrays, problem, training, steps, list(range(1, network.depth + 1)), described)


def _record(
    outcome: _Outcome, problem: Problem, rates: list[float], steps: np.ndarray, times: int, shares: list
) -> dict[str, np.ndarray]:
    """One replicate at the recorded steps: equal-time blocks of kernels, fields at the chosen sites with
    their parts."""
    guess = outcome.guess

    def equal_time(kernels):
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


def _check_memory(
    network: MLP, problem: Problem, training: Training, settings: dict, times: int, workers: int
) -> None:
    slots = (training.steps + 1) * len(problem.all_inputs)
    kernels, fields = (12 * network.depth + 6) * slots**2, 8 * slots * settings["n_samples"]
    results = memory.of_results(
        times, network.depth, len(problem.all_inputs), settings["samples"], settings["n_replicates"]
    )
    memory.check(
        8 * workers * (kernels + fields)
        + results
        + 8 * settings["n_replicates"] * (4 * network.depth + 2) * slots**2,
        "take fewer steps, smaller n_samples or threads=1, or tp.sample, which does not store kernels between"
        " all times",
    )

"""Finite students, many of them, measured as the theory is."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ..engine.record import recorded_steps
from ..ground.accelerate import thread_count
from ..ground.calls import checked_call
from ..ground.divergence import RunAway, allowed, grown
from ..ground.errors import UnsupportedError, boolean, require, whole
from ..ground.progress import Progress
from ..ground.replicates import Replicates, run_replicates
from ..ground.status import Status
from ..results import memory
from ..sites.draws import fresh_seed
from .labels import Ending, Recorded, result
from .labels import ensemble_sizes as checked_sizes
from .model import Descent, Flow, Model, check_kinds
from .student import StudentTask
from .students import Averages, Experiment, cut, replicate, summary

_MOST = 1_000_000  # modes


@checked_call
def simulate(
    model: Model,
    training: Descent | Flow,
    n_replicates: int = 8,
    record: Recorded = None,
    ensemble_sizes: Sequence[int] | np.ndarray = (),
    samples: int = 0,
    seed: int | None = 0,
    progress: bool = True,
    *,
    keep_replicates: bool = False,
    threads: int | None = None,
) -> xr.Dataset:
    """Train students of finite size, on Gaussian modes, as written in `Model`.

    Parameters
    ----------
    model
        With whole multiplicities. At width None features are infinitely many and their kernel is 1, which
        needs richness 0.
    training
        `Descent`, or `Flow` at richness 0, which is exact.
    n_replicates
        Number of students, each with features, data and batches of its own.
    record
        Steps to keep; None: all.
    ensemble_sizes
        As in `solve`. If there are any, every replicate is four students, two draws of features on two draws
        of data, so that errors of students with the same features, or on the same data, can be correlated.
        Every student draws batches of its own.
    samples
        Sites whose v1 (training examples), v3 and w (features) are kept: the first ones of replicate 0, at
        most as many as there are of either.
    seed
        Same seed, same bits, whatever the number of threads. None: a fresh one, which is recorded.
    progress, threads
        As in `tensorprog_mf.sample`.
    keep_replicates
        Keep every replicate, along `replicate`, instead of means and standard errors.

    Returns
    -------
    xarray.Dataset
        Variables of `solve`, as far as students have them, with `_stderr` over replicates: test_loss, loss,
        transfer_function, error_correlation, residual_correlation (of full batches),
        mode_gradient_correlation, feature_gradient_correlation, weight_correlation, and what was asked for.

    Raises
    ------
    InputError
        Multiplicities that are not whole, too many modes or too little memory; students that diverge before
        their first record.
    UnsupportedError
        Richness in a flow, or at infinite width.
    Interrupted
        After Ctrl-C, with the result as far as it goes.

    Notes
    -----
    The mean is off the theory by order 1/N, most for steep spectra and large richness. Near N = P losses have
    heavy tails. Cost: O((N + P) modes) per step, with batches O((N + B) modes).

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> sl = tp.scaling_laws
    >>> model = sl.Model(sl.PowerLaw(a=1.5, b=1.25, modes=100), width=50, examples=80)
    >>> ds = sl.simulate(model, sl.Descent(steps=10, learning_rate=0.1), n_replicates=4, progress=False)
    >>> ds.test_loss.dims, ds.error_correlation_stderr.dims
    (('time',), ('time', 'time_prime'))
    """
    check_kinds(model, training)
    training.check(model)
    sizes, n_replicates = checked_sizes(ensemble_sizes), whole("n_replicates", n_replicates, 1)
    _check(model, training)
    experiment = Experiment(
        task=StudentTask(model),
        training=training,
        steps=_steps(training, record),
        crossed=bool(sizes),
        samples=_sites(model, samples),
        seed=fresh_seed(seed),
    )
    keep = boolean("keep_replicates", keep_replicates)
    _check_memory(experiment, n_replicates, threads)
    done = _run(experiment, n_replicates, progress, threads)
    return done.handed_over(_labelled(experiment, done, sizes, keep))


def _labelled(
    experiment: Experiment, done: Replicates[Averages], sizes: tuple[int, ...], keep: bool
) -> xr.Dataset:
    """What all replicates have recorded."""
    model, training, steps = experiment.task.model, experiment.training, experiment.steps
    reached, ending = _ended(experiment, done)
    ending.tell("scaling_laws.simulate", reached)
    settings = {
        "n_replicates": done.wanted,
        "record": steps.tolist(),
        "ensemble_sizes": list(sizes),
        "samples": experiment.samples,
        "seed": experiment.seed,
        "keep_replicates": keep,
    }
    arrays = summary([cut(averages, reached) for averages in done.runs], model, sizes, keep)
    coordinates = _clock(training, steps[:reached]) | {"ensemble_size": np.array(sizes)}
    return result("simulate", arrays, coordinates, model, training, settings, ending, len(done.runs))


def _steps(training: Descent | Flow, record: Recorded) -> np.ndarray:
    """Steps to record; of a flow, the numbers of its times."""
    if isinstance(training, Descent):
        return recorded_steps(record, training.steps, "simulate")
    require(record is None, "record is for steps; a flow keeps the times that it is given.")
    return np.arange(len(training.times))


def _clock(training: Descent | Flow, steps: np.ndarray) -> dict[str, np.ndarray]:
    """Coordinates of recorded times."""
    found = {"time": training.clock()[steps]}
    return found | {"step": steps} if isinstance(training, Descent) else found


def _sites(model: Model, samples: int) -> int:
    """How many sites are kept: no more than there are."""
    wanted = whole("samples", samples)
    return min(count for count in (wanted, model.width, model.examples) if count is not None)


def _run(
    experiment: Experiment, n_replicates: int, progress: bool, threads: int | None
) -> Replicates[Averages]:
    """All replicates, or after Ctrl-C those that are worth keeping."""

    def one(number: int, shown: Progress) -> Averages:
        return replicate(experiment, number, shown)

    training = experiment.training
    done = run_replicates(
        "simulate",
        one,
        n_replicates,
        training.steps + 1 if isinstance(training, Descent) else 1,
        progress=progress,
        threads=threads,
        students=4 if experiment.crossed else 1,
    )
    return done.worth_keeping(lambda averages: len(averages["test_loss"]), len(experiment.steps))


def _ended(experiment: Experiment, done: Replicates[Averages]) -> tuple[int, Ending]:
    """The number of times that all replicates have recorded, and how they ended."""
    steps = experiment.steps
    reached = min((len(averages["test_loss"]) for averages in done.runs), default=0)
    if reached == len(steps):
        return reached, Ending(Status.COMPLETED, int(steps[-1]))
    if done.stopped:
        return reached, Ending(Status.INTERRUPTED, int(steps[reached]))
    cause = RunAway(grown(allowed(experiment.task.model.richness)))
    return reached, Ending(Status.DIVERGED, int(steps[reached]), cause)


def _check(model: Model, training: Descent | Flow) -> None:
    """Refuse what students cannot be made for."""
    modes = model.modes
    require(
        bool((modes.multiplicity == np.rint(modes.multiplicity)).all()),
        "multiplicities must be whole for students of finite size; leave out bin_ratio, or take other modes.",
    )
    require(
        modes.modes <= _MOST,
        f"{modes.modes:.3g} modes are too many to draw one by one; take {_MOST} at most.",
    )
    random = model.width is not None or model.examples is not None or training.online(model) > 0
    require(
        random,
        "nothing is random at infinite width on infinitely many examples, so there is nothing to simulate;"
        " take solve_stationary or solve_reduced.",
    )
    if model.richness > 0 and isinstance(training, Flow):
        raise UnsupportedError("students with richness go in steps; take Descent with a small learning rate.")
    if model.richness > 0 and model.width is None:
        raise UnsupportedError(
            "students with richness need a width; for the limit take solve or solve_reduced."
        )


def _check_memory(experiment: Experiment, replicates: int, threads: int | None) -> None:
    """Students that run at once, and what is kept of all of them."""
    model, times = experiment.task.model, len(experiment.steps)
    at_once, modes = min(thread_count(threads), replicates), model.modes.modes
    student = modes * (3 * (model.width or 0) + 2 * (model.examples or 0) + 3 * times)
    student *= 2 if experiment.crossed else 1
    memory.check(
        int(8 * (at_once * student + 6 * replicates * times**2)),
        "take fewer modes, features, examples or recorded steps",
    )

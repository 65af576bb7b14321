"""Finite students, many of them, measured as the theory is."""

import numpy as np
import xarray as xr

from ..engine.recorder import recorded_steps
from ..ground.accelerate import thread_count
from ..ground.calls import checked_call
from ..ground.divergence import RunAway, allowed, grown
from ..ground.errors import UnsupportedError, boolean, require, whole
from ..ground.progress import Progress
from ..ground.replicates import run_replicates
from ..ground.status import Status
from ..results import memory
from ..sites.draws import fresh_seed
from .labels import ending, result
from .labels import ensemble_sizes as checked_sizes
from .model import Descent, Flow, Model, check_kinds
from .student import Task
from .students import cut, replicate, summary

_MOST = 1_000_000  # modes


@checked_call
def simulate(
    model: Model,
    training: Descent | Flow,
    n_replicates: int = 8,
    record=None,
    ensemble_sizes=(),
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
        Multiplicities must be whole. width None takes the kernel of infinitely many features, 1, at richness
        0.
    training
        `Descent`, or `Flow` at richness 0, which is exact.
    n_replicates
        Students with own features, data and batches.
    record
        Steps to keep; None: all.
    ensemble_sizes
        As of `solve`. If any, every replicate is four students, two draws of features on two of data, from
        which errors of students with the same features, or the same data, are correlated; batches are a
        student's own.
    samples
        Sites whose v1 (training examples), v3 and w (features) are kept, the first ones of replicate 0; at
        most as many as there are of either.
    seed
        Same seed, same bits, whatever the number of threads. None: a fresh one, recorded.
    keep_replicates
        Keep every replicate, along `replicate`, instead of means and standard errors.

    Returns
    -------
    xarray.Dataset
        Variables of `solve`, as far as students have them: test_loss, loss, H, C0, C1 (of full batches), C2,
        C3, Cw, with `_stderr` over replicates.

    Raises
    ------
    InputError
        Multiplicities that are not whole, too many modes or too little memory.
    UnsupportedError
        Flow with richness; richness at infinite width.

    Notes
    -----
    The mean is off the theory by order 1/N, most for steep spectra and large richness. Near N = P losses have
    heavy tails. Cost: O((N + P) modes) per step, P -> B for batches.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> sl = tp.scaling_laws
    >>> model = sl.Model(sl.PowerLaw(a=1.5, b=1.25, modes=100), width=50, examples=80)
    >>> ds = sl.simulate(model, sl.Descent(steps=10, learning_rate=0.1), n_replicates=4, progress=False)
    >>> ds.test_loss.dims, ds.C0_stderr.dims
    (('time',), ('time', 'time_prime'))
    """
    check_kinds(model, training)
    training.check(model)
    sizes, n_replicates, samples = (
        checked_sizes(ensemble_sizes),
        whole("n_replicates", n_replicates, 1),
        whole("samples", samples),
    )
    samples = min(count for count in (samples, model.width, model.examples) if count is not None)
    _check(model, training)
    seed = fresh_seed(seed)
    flowing = isinstance(training, Flow)
    require(not flowing or record is None, "record is for steps; a flow keeps the times that it is given.")
    steps = np.arange(len(training.times)) if flowing else recorded_steps(record, training.steps, "simulate")
    _check_memory(model, len(steps), n_replicates, threads, bool(sizes))
    task, students = Task(model), 4 if sizes else 1

    def one(number: int, shown: Progress) -> dict[str, np.ndarray]:
        return replicate(task, training, steps, bool(sizes), 0 if number else samples, seed, number, shown)

    moves = 1 if flowing else training.steps + 1
    done = run_replicates(
        "simulate", one, n_replicates, moves, progress=progress, threads=threads, students=students
    ).worth_keeping(lambda record: len(record["test_loss"]), len(steps))
    found = done.runs
    reached = min((len(record["test_loss"]) for record in found), default=0)
    stopped = (
        Status.COMPLETED if reached == len(steps) else Status.INTERRUPTED if done.stopped else Status.DIVERGED
    )
    at = int(steps[reached]) if reached < len(steps) else int(steps[-1])
    what = RunAway(grown(allowed(model.richness)))
    ending("scaling_laws.simulate", stopped, at, reached, what)
    settings = {
        "n_replicates": n_replicates,
        "record": steps.tolist(),
        "ensemble_sizes": list(sizes),
        "samples": samples,
        "seed": seed,
        "keep_replicates": boolean("keep_replicates", keep_replicates),
    }
    arrays = summary([cut(record, reached) for record in found], model, sizes, keep_replicates)
    times = training.clock()[:reached] if flowing else training.clock()[steps[:reached]]
    more = {"ensemble_size": np.array(sizes)}
    kept = None if flowing else steps[:reached]
    ds = result(
        "simulate", arrays, times, model, training, settings, kept, stopped, at, more, len(found), what
    )
    return done.handed_over(ds)


def _check(model: Model, training: Descent | Flow) -> None:
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
        "nothing is random at infinite width on infinitely many examples; take solve_stationary or"
        " solve_reduced.",
    )
    if model.richness > 0 and isinstance(training, Flow):
        raise UnsupportedError("students with richness go in steps; take Descent with a small learning rate.")
    if model.richness > 0 and model.width is None:
        raise UnsupportedError(
            "students with richness need a width; for the limit take solve or solve_reduced."
        )


def _check_memory(model: Model, times: int, replicates: int, threads: int | None, crossed: bool) -> None:
    at_once, modes = min(thread_count(threads), replicates), model.modes.modes
    student = modes * (3 * (model.width or 0) + 2 * (model.examples or 0) + 3 * times) * (2 if crossed else 1)
    memory.check(
        int(8 * (at_once * student + 6 * replicates * times**2)),
        "take fewer modes, features, examples or recorded steps",
    )

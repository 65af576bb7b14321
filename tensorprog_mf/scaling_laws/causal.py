"""The general solver: any schedule, momentum, batches, richness, in one pass through time."""

from dataclasses import replace

import numpy as np
import xarray as xr

from ..engine.recorder import recorded_steps
from ..ground.accelerate import blocks_on_threads, one_blas_thread, thread_count
from ..ground.calls import checked_call
from ..ground.divergence import LossWatch, RunAway, allowed, check_size
from ..ground.errors import UnsupportedError, whole
from ..ground.interruption import unless_interrupted
from ..ground.progress import Progress
from ..ground.status import Status
from ..results import memory
from ..sites.draws import fresh_seed
from .labels import TWO_TIME, add_doubt, bias_variance, ending, result
from .labels import ensemble_sizes as checked_sizes
from .model import Descent, Flow, Model, check_kinds
from .recursion import Recursion, footprint
from .rounding import CHANGED, ROUNDED, doubt, twin
from .site_draws import draw_sites

_STORED = ("C0", "C1", "C2", "C3", "R1", "R3", "R02", "R24", "W", "Cw")


@checked_call
def solve(
    model: Model,
    training: Descent,
    record=None,
    ensemble_sizes=(),
    samples: int = 0,
    seed: int | None = 0,
    progress: bool = True,
    *,
    threads: int | None = None,
) -> xr.Dataset:
    """Correlation and response functions of a linear network with random or learned features, step by step.

    In the limit N, P, B, M -> infinity at fixed ratios modes, examples and features become independent
    Gaussian processes

        v1(t)   = u1(t)   + (1/P) sum_s R02(t, s) v1(s),       u1 ~ GP(0, C0 + sigma^2)
        v2_k(t) = u2_k(t) + lam_k sum_s R1(t, s) v0_k(s),      u2_k ~ GP(0, lam_k C1 / P)
        v3(t)   = u3(t)   + (1/N) sum_s R24(t, s) v3(s),       u3 ~ GP(0, C2)
        v4_k(t) = u4_k(t) + sum_s R3(t, s) v2_k(s),            u4_k ~ GP(0, C3 / N)
        v0_k(t) = w*_k - sum_s [Th4(t, s) v4_k(s) + Th2(t, s) v2_k(s)]

    whose correlations C and responses R are causal in each other (Bordelon, Atanasov & Pehlevan 2024,
    arXiv:2402.01092, arXiv:2409.17858). Momentum enters the propagators Th of weights and projection, so that
    it goes with any richness.

    Parameters
    ----------
    model, training
        `Model` of any width, examples and richness; `Descent` with any schedule, momentum and batches.
    record
        Steps to keep; None: all.
    ensemble_sizes
        Sizes E of ensembles (own features, same data) and of bagging (same features, own data). If any,
        errors are also correlated between students, and the result splits the test loss into bias and
        variances. Batches are always a student's own.
    samples
        Sites of each kind to draw from the Gaussian processes: v0 of every mode, v1, v3 and w.
    seed
        Of these draws; None: a fresh one, recorded.
    progress, threads
        As of `tensorprog_mf.sample`.

    Returns
    -------
    xarray.Dataset
        test_loss, loss (on training examples, if they are finitely many), bias_loss (time); H, var_v0 (mode,
        time); C0, C1 (if there are finitely many examples), C2, C3, R1, R3, R02 (if there are finitely many
        examples, or batches of new ones), R24 (of finite
        width), W, Cw (time, time_prime), the diagonal of Cw being |w|^2 / N; `time` is eta summed. Test loss and ensemble losses hold
        the label noise, biases and correlations do not.

    Raises
    ------
    InputError
        An argument that cannot be used, a batch larger than the data, not enough memory, a run that diverges
        before its first record.
    UnsupportedError
        Gradient flow.

    Notes
    -----
    Exact to rounding in the limit; finite networks are off by order 1/N, with a prefactor of 0.5 to 4. Of
    small batches, online the theory keeps lam_k U / B of the noise covariance (lam_k U + lam_k^2 v0_k^2) / B;
    see `solve_reduced` for all of it. Cost: O(modes steps^3), memory 32 modes steps^2 bytes; half of it
    without random features, or without noise from examples. Learned features sharpen the kernel, and rates
    past its bound let rounding errors grow: where the test loss rises, a second run with eigenvalues changed
    in their last digits tells, with a StabilityWarning, from which step on.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> sl = tp.scaling_laws
    >>> model = sl.Model(sl.PowerLaw(a=1.5, b=1.25, modes=100), width=50, examples=80, richness=1.0)
    >>> ds = sl.solve(model, sl.Descent(steps=10, learning_rate=0.1))
    >>> ds.test_loss[[0, -1]].values.round(4).tolist(), ds.C0.dims
    ([2.4129, 1.0538], ('time', 'time_prime'))
    """
    check_kinds(model, training)
    if isinstance(training, Flow):
        raise UnsupportedError(
            "solve goes in steps; for gradient flow take solve_stationary (richness 0) or solve_reduced"
            " (infinitely many examples)."
        )
    training.check(model)
    sizes, samples = checked_sizes(ensemble_sizes), whole("samples", samples)
    seed = fresh_seed(seed)
    steps = recorded_steps(record, training.steps, "solve")
    memory.check(
        footprint(len(model.modes.power), training.steps, model, training),
        "take fewer steps, or bins of modes (bin_ratio=1.1)",
    )
    run, status, reached, what = _run(
        model, training, bool(sizes), Progress("solve", training.steps + 1, progress), threads
    )
    kept = steps[steps < reached]
    ending("scaling_laws.solve", status, reached, len(kept), what)
    settings = {"record": kept.tolist(), "ensemble_sizes": list(sizes), "samples": samples, "seed": seed}
    arrays = _arrays(run, kept, sizes) | (draw_sites(run, kept, samples, seed) if samples else {})
    more = {"ensemble_size": np.array(sizes)}
    loss, stopped = np.diag(run.rows["C0"])[:reached] + model.noise, []
    ds = result(
        "solve",
        arrays,
        training.clock()[kept],
        model,
        training,
        settings,
        kept,
        status,
        reached,
        more,
        what=what,
    )
    if status is Status.COMPLETED and model.richness > 0:
        del run  # before there is a second one
        add_doubt(ds, doubt(loss, lambda: _twin_loss(model, training, stopped, threads), CHANGED))
    return unless_interrupted(ds, bool(stopped))


def _twin_loss(model: Model, training: Descent, stopped: list, threads: int | None) -> np.ndarray:
    """Test loss of the twin as far as it goes; Ctrl-C is noted in `stopped`, and nothing is said of the
    rest."""
    other = replace(model, spectrum=twin(model.modes, ROUNDED))
    run, status, reached, _ = _run(
        other, training, False, Progress("solve", training.steps + 1, False), threads
    )
    if status is Status.INTERRUPTED:
        stopped.append(True)
        return np.full(training.steps + 1, np.nan)
    return np.diag(run.rows["C0"])[:reached] + model.noise


def _run(
    model: Model, training: Descent, cross: bool, progress: Progress, threads: int | None
) -> tuple[Recursion, Status, int, RunAway | None]:
    """The recursion as far as it goes, how it ended, the number of times that are complete, and what ran
    away."""
    run, t, growth = Recursion(model, training, cross), 0, LossWatch(allowed(model.richness))
    try:
        with one_blas_thread(), blocks_on_threads(thread_count(threads)):
            for t in range(training.steps + 1):
                run.advance(t)
                growth.compare(run.rows["C0"][t, t] + model.noise)
                check_size("the covariance of gradients", run.rows["C3"][t, t])
                progress.advance()
        return run, Status.COMPLETED, training.steps + 1, None
    except RunAway as what:
        return run, Status.DIVERGED, t, what
    except KeyboardInterrupt:
        return run, Status.INTERRUPTED, t, None
    finally:
        progress.close()


def _arrays(run: Recursion, steps: np.ndarray, sizes: tuple[int, ...]) -> dict:
    """Everything that is kept."""
    diagonal = {name: np.diag(run.rows[name])[steps] for name in ("C0", "C0a", "C0d", "bias")}
    noise, stored = run.model.noise, list(_STORED)
    arrays = {
        "test_loss": (("time",), diagonal["C0"] + noise),
        "bias_loss": (("time",), diagonal["bias"]),
        "H": (("mode", "time"), run.m[:, steps]),
        "var_v0": (("mode", "time"), run.variance[:, steps]),
    }
    for name, known in (("C1", run.model.examples is not None), ("R24", run.with_g4), ("R02", run.with_g2)):
        if not known:  # not followed where there is no end of features, or of examples
            stored.remove(name)
    if run.model.examples is not None:
        arrays["loss"] = (("time",), run.train[steps])
    arrays |= {name: (TWO_TIME, run.rows[name][np.ix_(steps, steps)]) for name in stored}
    if sizes:
        arrays |= bias_variance(
            diagonal["C0"], diagonal["C0a"], diagonal["C0d"], diagonal["bias"], noise, sizes
        )
    return arrays

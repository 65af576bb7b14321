"""The general solver: any schedule, momentum, batches, richness, in one pass through time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from ..engine.record import recorded_steps
from ..ground.calls import checked_call
from ..ground.divergence import LossWatch, RunAway, allowed, check_size
from ..ground.errors import Interrupted, UnsupportedError, whole
from ..ground.interruption import unless_interrupted
from ..ground.progress import Progress
from ..ground.replicates import Replicates, run_replicates
from ..ground.status import Status
from ..results import memory
from ..sites.draws import fresh_seed
from .labels import (
    NAMES,
    TIME,
    TWO_TIME,
    Arrays,
    Ending,
    ErrorCorrelations,
    Recorded,
    add_doubt,
    over,
    result,
)
from .labels import ensemble_sizes as checked_sizes
from .model import Descent, Flow, Model, check_kinds
from .recursion import CausalRecursion, footprint
from .rounding import CHANGED, ROUNDED, doubt, twin
from .site_draws import draw_sites

_STORED = ("C0", "C1", "C2", "C3", "R1", "R3", "R02", "R24", "W", "Cw")


@checked_call
def solve(
    model: Model,
    training: Descent,
    record: Recorded = None,
    ensemble_sizes: Sequence[int] | np.ndarray = (),
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

    with correlations C and responses R that depend causally on each other (Bordelon, Atanasov & Pehlevan
    2024, arXiv:2402.01092, arXiv:2409.17858). Momentum enters through the propagators Th of weights and
    projection, so that it goes with any richness.

    Parameters
    ----------
    model, training
        `Model` of any width, examples and richness; `Descent` with any schedule, momentum and batches.
    record
        Steps to keep; None: all.
    ensemble_sizes
        Sizes E of ensembles (features of their own, same data) and of bagging (same features, data of their
        own). If there are any, errors are also correlated between students, and the result splits the test
        loss into bias and variances. Every student draws batches of its own.
    samples
        Sites of each kind to draw from the Gaussian processes: v0 of every mode, v1, v3 and w.
    seed
        Of these draws; None: a fresh one, which is recorded.
    progress, threads
        As in `tensorprog_mf.sample`.

    Returns
    -------
    xarray.Dataset
        By dimensions, with the symbols from above; `time` is the sum of the learning rates so far.

        (time): test_loss, loss (of the training examples, if there are finitely many), bias_loss;
        (mode, time): transfer_function H_k, the mean of v0_k / w*_k, and weight_error_variance of v0_k;
        (time, time_prime): error_correlation C0, residual_correlation C1 (finitely many examples),
        mode_gradient_correlation C2, feature_gradient_correlation C3, data_response R1, feature_response R3,
        mode_response_to_data R02 (finitely many examples, or batches of new ones), mode_response_to_features
        R24 (finite width), weight_propagator W, weight_correlation Cw with |w|^2 / N on its diagonal;
        (mode, time, sample) or (time, sample), on request: weight_error v0, example_error v1 (finitely many
        examples), feature_gradient v3, readout_weight w.

        The test loss and the losses of ensembles contain the label noise, biases and correlations do not.

    Raises
    ------
    InputError
        An argument that cannot be used, a batch larger than the data, not enough memory, a run that diverges
        before its first record.
    UnsupportedError
        Gradient flow.
    Interrupted
        After Ctrl-C, with the result as far as it goes.

    Notes
    -----
    Exact to rounding in the limit; finite networks are off by order 1/N, with a prefactor of 0.5 to 4. For
    small online batches the noise covariance is (lam_k U + lam_k^2 v0_k^2) / B with U = C0 + sigma^2, of
    which this theory keeps the first term; see `solve_reduced` for both. Cost: O(modes steps^3), memory
    32 modes steps^2 bytes, and half of each without random features, or without noise from examples.

    Learned features sharpen the kernel, and past the learning rate that it allows rounding errors grow. Where
    the test loss rises, a second run with eigenvalues changed in their last digits finds the step from which
    on this matters, and a StabilityWarning says so.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> sl = tp.scaling_laws
    >>> model = sl.Model(sl.PowerLaw(a=1.5, b=1.25, modes=100), width=50, examples=80, richness=1.0)
    >>> ds = sl.solve(model, sl.Descent(steps=10, learning_rate=0.1))
    >>> ds.test_loss[[0, -1]].values.round(4).tolist(), ds.error_correlation.dims
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
    done = _passed(model, training, bool(sizes), progress, threads)
    (one,), stopped = done.runs, done.stopped
    ds = _labelled(model, training, one, steps, sizes, samples, seed)
    if one.ending.status is Status.COMPLETED and model.richness > 0 and not stopped:
        loss = one.test_loss()
        del done, one  # makes room for the second run
        try:
            add_doubt(ds, doubt(loss, lambda: _twin_loss(model, training, threads), CHANGED))
        except KeyboardInterrupt:  # the result is there; nothing is said of its rounding
            stopped = True
    return unless_interrupted(ds, stopped)


@dataclass(frozen=True)
class _CausalPass:
    """A pass through time and how it ended; `reached` of its times are complete."""

    recursion: CausalRecursion
    ending: Ending

    @property
    def reached(self) -> int:
        return self.ending.step

    def test_loss(self) -> np.ndarray:
        """(time,) as far as it goes."""
        return np.diag(self.recursion.rows["C0"])[: self.reached] + self.recursion.model.noise


def _passed(
    model: Model, training: Descent, cross: bool, progress: bool, threads: int | None
) -> Replicates[_CausalPass]:
    """The recursion as far as it goes, which is to the step that it is in when Ctrl-C comes.

    Raises
    ------
    Interrupted
        After Ctrl-C before the first step was complete.
    """

    def one(number: int, shown: Progress) -> _CausalPass:
        recursion, growth = CausalRecursion(model, training, cross), LossWatch(allowed(model.richness))
        for t in range(training.steps + 1):
            recursion.advance(t)
            try:
                growth.compare(recursion.rows["C0"][t, t] + model.noise)
                check_size("the covariance of gradients", recursion.rows["C3"][t, t])
            except RunAway as cause:
                return _CausalPass(recursion, Ending(Status.DIVERGED, t, cause))
            if not shown.advance() and t < training.steps:
                return _CausalPass(recursion, Ending(Status.INTERRUPTED, t + 1))
        return _CausalPass(recursion, Ending(Status.COMPLETED, training.steps + 1))

    done = run_replicates("solve", one, 1, training.steps + 1, progress=progress, threads=threads)
    return done.worth_keeping(lambda each: each.reached, training.steps + 1)


def _twin_loss(model: Model, training: Descent, threads: int | None) -> np.ndarray:
    """Test loss of the twin, as far as it goes.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C.
    """
    other = replace(model, spectrum=twin(model.modes, ROUNDED))
    try:
        done = _passed(other, training, False, False, threads)
    except Interrupted:
        raise KeyboardInterrupt from None
    if done.stopped:
        raise KeyboardInterrupt
    return done.runs[0].test_loss()


def _labelled(
    model: Model,
    training: Descent,
    one: _CausalPass,
    steps: np.ndarray,
    sizes: tuple[int, ...],
    samples: int,
    seed: int,
) -> xr.Dataset:
    """What a pass has found, at those of the `steps` that it has reached."""
    kept = steps[steps < one.reached]
    one.ending.tell("scaling_laws.solve", len(kept))
    arrays = _arrays(one.recursion, kept, sizes)
    if samples:
        arrays |= draw_sites(one.recursion, kept, samples, seed)
    settings = {"record": kept.tolist(), "ensemble_sizes": list(sizes), "samples": samples, "seed": seed}
    coordinates = {"time": training.clock()[kept], "step": kept, "ensemble_size": np.array(sizes)}
    return result("solve", arrays, coordinates, model, training, settings, one.ending)


def _arrays(run: CausalRecursion, steps: np.ndarray, sizes: tuple[int, ...]) -> Arrays:
    """Everything that is kept."""
    noise = run.model.noise
    # What has no end of features, or of examples, is not followed.
    known = {"C1": run.model.examples is not None, "R24": run.with_g4, "R02": run.with_g2}
    stored = [name for name in _STORED if known.get(name, True)]
    total, same_features, same_data, bias = (
        np.diag(run.rows[name])[steps] for name in ("C0", "C0a", "C0d", "bias")
    )
    found = {"test_loss": total + noise, "bias_loss": bias}
    if run.model.examples is not None:
        found["loss"] = run.train[steps]
    of_modes = {"transfer_function": run.m[:, steps], "weight_error_variance": run.variance[:, steps]}
    square = np.ix_(steps, steps)
    arrays = over(TIME, found) | over(("mode", "time"), of_modes)
    arrays |= over(TWO_TIME, {NAMES[name]: run.rows[name][square] for name in stored})
    if sizes:
        arrays |= ErrorCorrelations(
            total=total, same_features=same_features, same_data=same_data, bias=bias
        ).split(noise, sizes)
    return arrays

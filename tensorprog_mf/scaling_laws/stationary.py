"""The fast solver for what does not change in time: random features, constant learning rate."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..engine.record import recorded_steps
from ..ground.accelerate import one_blas_thread
from ..ground.calls import checked_call
from ..ground.errors import UnsupportedError, boolean, require
from ..results import memory
from .inversion import FEW, Functions, between_times, early_steps, on_circle, on_talbot, transfer
from .labels import NAMES, TIME, TWO_TIME, Arrays, ErrorCorrelations, Recorded, over, result
from .labels import ensemble_sizes as checked_sizes
from .model import Descent, Flow, Model, check_kinds
from .renewal import convolve, renewal

_PER_DECADE = 32  # times between which batch noise is interpolated
_FURTHEST = 1e100  # time, in units of 1 / largest eigenvalue
_LONGEST = 5_000_000  # steps over which noise of batches is followed
_LOSSES = ("C0", "C1", "bias", "C0a", "C0d")
_RETURNS = ("noise_test", "noise_train", "noise_online")  # kernels by which batch noise comes back


@checked_call
def solve_stationary(
    model: Model,
    training: Descent | Flow,
    record: Recorded = None,
    ensemble_sizes: Sequence[int] | np.ndarray = (),
    two_time: bool = False,
) -> xr.Dataset:
    """Random features trained at a constant rate: generating functions in place of a pass through time.

    With h(z) = eta z / ((1 - z)(1 - mu z)), or h(s) = 1 / s for gradient flow, one number x per frequency
    solves

        x = h (1 - df/P)(1 - df/N),  df(x) = sum_k lam_k x / (1 + lam_k x),      H_k = 1 / (1 + lam_k x)

    and two-time covariances are rational functions of sums over H_k(z) H_k(z') (Bordelon, Atanasov & Pehlevan
    2024, arXiv:2402.01092; their H_k(omega) is H_k / s at s = i omega). Noise of batches adds a Volterra
    equation over lags.

    Parameters
    ----------
    model
        Of richness 0.
    training
        `Descent` without schedule, or `Flow`, to times of 1e9.
    record
        Steps of a descent to keep, such as `tensorprog_mf.log_steps(10**6)`; None: all.
    ensemble_sizes
        Sizes of ensembles and bagging, as in `solve`.
    two_time
        Keep covariances C0 ... C3 between all recorded times: of a flow, or of fewer than 200 steps without
        batches.

    Returns
    -------
    xarray.Dataset
        test_loss, loss (of the training examples, if there are finitely many), bias and variances (time);
        ensemble_loss, bagging_loss (ensemble_size, time); transfer_function H_k (mode, time). On request,
        error_correlation C0, residual_correlation C1, mode_gradient_correlation C2 and
        feature_gradient_correlation C3 (time, time_prime). For fewer than 200 steps, data_response R1 and
        feature_response R3 (lag), and with batches batch_noise_kernel_test and batch_noise_kernel_train, or
        batch_noise_kernel_online (lag).

    Raises
    ------
    InputError
        Times outside of 1e-100 ... 1e100 over the largest eigenvalue; descent that diverges, also from the
        noise of its batches; batch noise over more than 5 million steps; two_time of 200 steps or more, or of
        batches.
    UnsupportedError
        A richness above 0, or a schedule.

    Notes
    -----
    Errors are absolute, in units of the loss at time 0, and the same at all times: 1e-9 in steps, 1e-7 in
    flow and for steps from 200 on, 1e-6 with batches over more than 200 steps, from interpolation. A training
    loss that goes to zero (N > P) ends as that error. At N = P the loss diverges at late times, in theory as
    in students. Cost: O(modes x nodes^2) per time with 22 nodes; for fewer than 200 steps, or as long as
    descent oscillates, such as 350 steps with momentum 0.9, 4 nodes per step.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> sl = tp.scaling_laws
    >>> model = sl.Model(sl.PowerLaw(a=1.5, b=1.25, modes=1e6, bin_ratio=1.05), width=1000)
    >>> sl.solve_stationary(model, sl.Flow([1.0, 1e3, 1e6])).test_loss.values.round(4).tolist()
    [1.3597, 0.1646, 0.1594]
    """
    check_kinds(model, training)
    two_time = boolean("two_time", two_time)
    if model.richness > 0:
        raise UnsupportedError(
            f"richness={model.richness} changes the kernel in time; take solve, or solve_reduced for"
            " infinitely many examples."
        )
    training.check(model)
    sizes = checked_sizes(ensemble_sizes)
    with one_blas_thread():
        if isinstance(training, Flow):
            require(record is None, "record is for steps; a flow keeps the times that it is given.")
            return _flow(model, training, sizes, two_time)
        if training.schedule is not None:
            raise UnsupportedError("a schedule changes the learning rate in time; take solve.")
        return _descent(model, training, record, sizes, two_time)


def _flow(model: Model, training: Flow, sizes: tuple[int, ...], two_time: bool) -> xr.Dataset:
    times = training.clock()
    _check_memory(model, len(times), (22 * len(times)) ** 2 * 16 if two_time else 0)
    later = times[times > 0]
    _check_times(model, later)
    starts = len(later) < len(times)  # at time 0, which transforms do not reach
    losses, h = _late(model, training, later)
    if starts:
        start = _at_start(model)
        losses = {name: np.concatenate([[start[name]], losses[name]]) for name in _LOSSES}
        h = np.concatenate([np.ones((len(h), 1)), h], axis=1)
    arrays = _arrays(model, losses["C0"], losses["C1"], losses, sizes) | _of_modes(h)
    if two_time:
        require(not starts, "covariances between two times need positive times; leave out time 0.")
        arrays |= _two_time(model, between_times(model, training, times))
    settings = {"ensemble_sizes": list(sizes), "two_time": two_time}
    coordinates = {"time": times, "ensemble_size": np.array(sizes)}
    return result("solve_stationary", arrays, coordinates, model, training, settings)


def _late(model: Model, training: Descent | Flow, times: np.ndarray) -> tuple[Functions, np.ndarray]:
    """Equal-time covariances (time,) and H (mode, time) at late times, which may be none."""
    if not len(times):
        return {name: np.empty(0) for name in _LOSSES}, np.empty((len(model.modes.power), 0))
    return on_talbot(model, training, times), transfer(model, training, times)


def _at_start(model: Model) -> dict[str, float]:
    """Equal-time covariances at time 0."""
    total = model.modes.total_power
    return {"C1": total + model.noise} | {name: total for name in ("C0", "bias", "C0a", "C0d")}


@dataclass(frozen=True, kw_only=True)
class _StepPlan:
    """Which steps of a descent are found how: 0 ... `early` - 1 on a circle, those `later` (step,) on
    Talbot's contour, others by interpolation; `recorded` (step,) are those that are kept."""

    recorded: np.ndarray
    early: int
    later: np.ndarray
    batches: bool

    @property
    def few(self) -> bool:
        """Whether all steps are on a circle."""
        return not len(self.later)

    @property
    def found(self) -> np.ndarray:
        """(step,) those that are not interpolated."""
        return np.concatenate([np.arange(self.early), self.later])


def _planned(model: Model, training: Descent, record: Recorded, two_time: bool) -> _StepPlan:
    early = early_steps(model, training)
    steps = recorded_steps(record, training.steps, "solve_stationary")
    few, batches = training.steps < max(FEW, early), training.excess(model) > 0 or training.online(model) > 0
    require(
        training.steps < FEW or not two_time,
        f"two_time is for fewer than {FEW} steps; take a Flow for late times.",
    )
    require(
        not (two_time and batches),
        "covariances between two times are those of full batches; leave out two_time, or take solve.",
    )
    require(
        few or not batches or training.steps <= _LONGEST,
        f"noise of batches can be followed over {_LONGEST} steps; take fewer, or a Flow without batches.",
    )
    if few:
        return _StepPlan(recorded=steps, early=training.steps + 1, later=np.array([], int), batches=batches)
    between = _log_spaced(early, training.steps) if batches else np.array([training.steps])
    later = np.union1d(steps[steps >= early], between).astype(int)
    return _StepPlan(recorded=steps, early=early, later=later, batches=batches)


def _descent(
    model: Model, training: Descent, record: Recorded, sizes: tuple[int, ...], two_time: bool
) -> xr.Dataset:
    plan = _planned(model, training, record, two_time)
    steps, early = plan.recorded, plan.early
    _check_memory(model, len(steps), 150 * early * (len(model.modes.power) + 8 * early))
    both, single = on_circle(model, training, early)
    found, h = _equal_times(model, training, plan, both, single)
    test, train, kernels = (
        _with_batches(model, training, plan, found) if plan.batches else (found["C0"], found["C1"], {})
    )
    at = np.searchsorted(plan.found, steps)
    arrays = _arrays(model, test[at], train[at], {name: found[name][at] for name in _LOSSES}, sizes)
    arrays |= _of_modes(h)
    if plan.few:
        arrays |= over(("lag",), {NAMES[name]: single[name] for name in ("R1", "R3")} | kernels)
    if two_time:
        square = np.ix_(steps, steps)
        arrays |= _two_time(model, {name: values[square] for name, values in both.items()})
    settings = {"record": steps.tolist(), "ensemble_sizes": list(sizes), "two_time": two_time}
    coordinates = {
        "time": training.clock()[steps],
        "step": steps,
        "ensemble_size": np.array(sizes),
        "lag": np.arange(early),
    }
    return result("solve_stationary", arrays, coordinates, model, training, settings)


def _equal_times(
    model: Model, training: Descent, plan: _StepPlan, both: Functions, single: Functions
) -> tuple[Functions, np.ndarray]:
    """Functions of equal times at the steps of a plan that are not interpolated, and H (mode, step) at the
    recorded ones."""
    steps, early = plan.recorded, plan.early
    found = {name: np.diag(both[name]) for name in (*_LOSSES, *_RETURNS)}
    h = single["H"][:, steps[steps < early]]
    if plan.few:
        return found, h
    late = on_talbot(model, training, plan.later.astype(float))
    found = {name: np.concatenate([values, late[name]]) for name, values in found.items()}
    kept = steps[steps >= early]
    if len(kept):
        h = np.concatenate([h, transfer(model, training, kept.astype(float))], axis=1)
    return found, h


def _log_spaced(first: int, last: int) -> np.ndarray:
    count = max(2, int(np.ceil(_PER_DECADE * np.log10(last / first))) + 1)
    return np.unique(np.rint(np.geomspace(first, last, count)).astype(int))


def _with_batches(
    model: Model, training: Descent, plan: _StepPlan, found: Functions
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Test and training loss, less the label noise of the test loss, with the noise of batches, at the steps
    that are not interpolated; and the kernels by which that comes back, (lag,) by their names.

    The noise of a batch is proportional to the training loss, so that with the kernels K

        train(t) = C1(t) + (P/B - 1) sum_{s<t} K_train(t - s) train(s)
        test(t) = C0(t) + (P/B - 1) sum_{s<t} K_test(t - s) train(s)

    and online to the test loss with label noise.
    """
    at = plan.found

    def everywhere(name: str) -> np.ndarray:
        return _interpolated(at, found[name], plan.early)

    if online := training.online(model):
        kernel = everywhere("noise_online")
        test = renewal(everywhere("C0") + model.noise, kernel * online) - model.noise
        return test[at], test[at], {"batch_noise_kernel_online": kernel}
    excess = training.excess(model)
    test_kernel, train_kernel = everywhere("noise_test"), everywhere("noise_train")
    train = renewal(everywhere("C1"), excess * train_kernel)
    test = everywhere("C0") + convolve(excess * test_kernel, train)
    kernels = {"batch_noise_kernel_test": test_kernel, "batch_noise_kernel_train": train_kernel}
    return test[at], train[at], kernels


def _interpolated(at: np.ndarray, values: np.ndarray, early: int) -> np.ndarray:
    """Values at all steps, from all early ones and log-spaced late ones: a cubic spline in log time, of the
    logarithm where it exists."""
    if at[-1] == len(at) - 1:
        return values
    from scipy.interpolate import CubicSpline

    first = early - 8  # a few steps before, so that the spline begins smoothly
    late, wanted = values[first:], np.arange(first, at[-1] + 1)
    positive = bool((late > 0).all())
    curve = CubicSpline(np.log(at[first:]), np.log(late) if positive else late)(np.log(wanted))
    return np.concatenate([values[:first], np.exp(curve) if positive else curve])


def _arrays(
    model: Model, test: np.ndarray, train: np.ndarray, losses: Functions, sizes: tuple[int, ...]
) -> Arrays:
    """Losses of a student, bias and variances, ensembles."""
    found = {"test_loss": test + model.noise}
    if model.examples is not None:
        found["loss"] = train
    correlations = ErrorCorrelations(
        total=test, same_features=losses["C0a"], same_data=losses["C0d"], bias=losses["bias"]
    )
    return over(TIME, found) | correlations.split(model.noise, sizes)


def _of_modes(h: np.ndarray) -> Arrays:
    return over(("mode", "time"), {"transfer_function": h})


def _two_time(model: Model, both: Functions) -> Arrays:
    """Covariances between all times; C1 only if there are training examples."""
    kept = [name for name in ("C0", "C1", "C2", "C3") if name != "C1" or model.examples]
    return over(TWO_TIME, {NAMES[name]: both[name] for name in kept})


def _check_times(model: Model, times: np.ndarray) -> None:
    """Refuse times so small or large that squares of frequencies do not fit a float."""
    top = float(model.modes.eigenvalues.max())
    for t in times:
        message = (
            f"times={t:.3g} is out of range; take 0, or times from {1 / top / _FURTHEST:.3g} to"
            f" {_FURTHEST / top:.3g}, or limits(model)."
        )
        require(1 / _FURTHEST <= t * top <= _FURTHEST, message)


def _check_memory(model: Model, times: int, more: int) -> None:
    modes = len(model.modes.power)
    memory.check(
        8 * modes * (times * 3 + 200) + more + 200_000_000,
        "record fewer times, or bin the modes (bin_ratio=1.05)",
    )

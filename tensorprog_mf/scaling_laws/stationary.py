"""The fast solver for what does not change in time: random features, constant learning rate."""

import numpy as np
import xarray as xr

from ..engine.recorder import recorded_steps
from ..ground.accelerate import one_blas_thread
from ..ground.calls import checked_call
from ..ground.errors import UnsupportedError, boolean, require
from ..results import memory
from .inversion import FEW, between_times, early_steps, on_circle, on_talbot, transfer
from .labels import TWO_TIME, bias_variance, result
from .labels import ensemble_sizes as checked_sizes
from .model import Descent, Flow, Model, check_kinds
from .renewal import convolve, renewal

_PER_DECADE = 32  # times between which batch noise is interpolated
_FURTHEST = 1e100  # time, in units of 1 / largest eigenvalue
_LONGEST = 5_000_000  # steps over which noise of batches is followed
_EQUAL_TIME = ("C0", "C1", "bias", "C0a", "C0d", "noise_test", "noise_train", "noise_online")


@checked_call
def solve_stationary(
    model: Model, training: Descent | Flow, record=None, ensemble_sizes=(), two_time: bool = False
) -> xr.Dataset:
    """Random features trained at a constant rate: generating functions in place of a pass through time.

    With h(z) = eta z / ((1 - z)(1 - mu z)), or h(s) = 1 / s for gradient flow, one number x per frequency
    solves

        x = h (1 - df/P)(1 - df/N),  df(x) = sum_k lam_k x / (1 + lam_k x),      H_k = 1 / (1 + lam_k x)

    and two-time covariances are rational functions of sums over H_k(z) H_k(z') (Bordelon, Atanasov & Pehlevan
    2024, arXiv:2402.01092; theirs H_k(omega) is H_k / s at s = i omega). Noise of batches adds a Volterra
    equation over lags.

    Parameters
    ----------
    model
        Richness 0.
    training
        `Descent` without schedule, or `Flow`, to times of 1e9.
    record
        Steps of a descent to keep, such as `tensorprog_mf.log_steps(10**6)`; None: all.
    ensemble_sizes
        Sizes of ensembles and bagging, as of `solve`.
    two_time
        Keep covariances C0 ... C3 between all recorded times, of a flow or of less than 200 steps of full
        batches.

    Returns
    -------
    xarray.Dataset
        test_loss, loss (if there are finitely many examples), bias and variances, ensembles (time), H (mode,
        time); C0 ... C3 (time, time_prime) on request; for less than 200 steps, R1, R3 and the kernels K of
        batch noise (lag). With batches, R1 and covariances between two times are left out: those are of full
        batches.

    Raises
    ------
    InputError
        Times beyond 1e-100 ... 1e100 over the largest eigenvalue; descent that diverges, also from the noise
        of its batches; batch noise over more than 5 million steps; two_time of many steps.
    UnsupportedError
        Richness, or a schedule.

    Notes
    -----
    Absolute error 1e-9 of the loss at time 0 in steps, 1e-7 in flow and for steps from 200 on, whatever the
    time; a training loss that goes to zero (N > P) is that noise. With batches over more than 200 steps 1e-6,
    from interpolation. At N = P the loss diverges at late times, the theory with it. Cost: O(modes x nodes^2)
    per time, nodes = 22, or 4 x steps for less than 200 steps, or for as many as descent oscillates, such as
    350 with momentum 0.9.

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
    start = _at_start(model) if len(later) < len(times) else None
    late = on_talbot(model, training, later) if len(later) else {}
    pairs = {name: _joined(start, late, name) for name in _EQUAL_TIME[:5]}
    h = transfer(model, training, later) if len(later) else np.empty((len(model.modes.power), 0))
    h = np.concatenate([np.ones((len(h), len(times) - len(later))), h], axis=1)
    arrays = _arrays(model, pairs["C0"], pairs["C1"], pairs, sizes) | {"H": (("mode", "time"), h)}
    if two_time:
        require(start is None, "covariances between two times need positive times; leave out time 0.")
        both = between_times(model, training, times)
        arrays |= {
            name: (TWO_TIME, both[name])
            for name in ("C0", "C1", "C2", "C3")
            if name != "C1" or model.examples
        }
    settings = {"ensemble_sizes": list(sizes), "two_time": bool(two_time)}
    return result(
        "solve_stationary", arrays, times, model, training, settings, more={"ensemble_size": np.array(sizes)}
    )


def _at_start(model: Model) -> dict:
    """Equal-time covariances at time 0."""
    total = model.modes.total_power
    return {"C1": total + model.noise} | {name: total for name in ("C0", "bias", "C0a", "C0d")}


def _joined(start: dict | None, late: dict, name: str) -> np.ndarray:
    return np.concatenate([[] if start is None else [start[name]], late.get(name, [])])


def _descent(model: Model, training: Descent, record, sizes: tuple[int, ...], two_time: bool) -> xr.Dataset:
    early = early_steps(model, training)
    steps = recorded_steps(record, training.steps, "solve_stationary")
    few, batches = training.steps < max(FEW, early), training.excess(model) > 0 or training.online(model) > 0
    require(
        training.steps < FEW or not two_time,
        f"two_time is for less than {FEW} steps; take a Flow for late times.",
    )
    require(
        not (two_time and batches),
        "covariances between two times are those of full batches; leave out two_time, or take solve.",
    )
    require(
        few or not batches or training.steps <= _LONGEST,
        f"noise of batches can be followed over {_LONGEST} steps; take fewer, or a Flow without batches.",
    )
    early = training.steps + 1 if few else early
    _check_memory(model, len(steps), 150 * early * (len(model.modes.power) + 8 * early))
    both, single = on_circle(model, training, early)
    at, pairs, h = (
        np.arange(early),
        {name: np.diag(both[name]) for name in _EQUAL_TIME},
        single["H"][:, steps[steps < early]],
    )
    if not few:
        kept = steps[steps >= early]
        later = np.union1d(kept, _log_spaced(early, training.steps) if batches else [training.steps]).astype(
            int
        )
        late = on_talbot(model, training, later.astype(float))
        at, pairs = (
            np.concatenate([at, later]),
            {name: np.concatenate([pairs[name], late[name]]) for name in pairs},
        )
        h = np.concatenate([h, transfer(model, training, kept.astype(float))], axis=1) if len(kept) else h
    test, train, kernels = (
        _with_batches(model, training, at, pairs, early) if batches else (pairs["C0"], pairs["C1"], {})
    )
    chosen = np.searchsorted(at, steps)
    arrays = _arrays(
        model, test[chosen], train[chosen], {name: pairs[name][chosen] for name in _EQUAL_TIME[:5]}, sizes
    ) | {"H": (("mode", "time"), h)}
    if few:
        arrays |= {name: (("lag",), single[name]) for name in ("R1", "R3")} | {
            name: (("lag",), values) for name, values in kernels.items()
        }
    if two_time:
        square = np.ix_(steps, steps)
        arrays |= {
            name: (TWO_TIME, both[name][square])
            for name in ("C0", "C1", "C2", "C3")
            if name != "C1" or model.examples
        }
    settings = {"record": steps.tolist(), "ensemble_sizes": list(sizes), "two_time": bool(two_time)}
    more = {"ensemble_size": np.array(sizes), "lag": np.arange(early)}
    return result(
        "solve_stationary", arrays, training.clock()[steps], model, training, settings, steps, more=more
    )


def _log_spaced(first: int, last: int) -> np.ndarray:
    count = max(2, int(np.ceil(_PER_DECADE * np.log10(last / first))) + 1)
    return np.unique(np.rint(np.geomspace(first, last, count)).astype(int))


def _with_batches(
    model: Model, training: Descent, at: np.ndarray, pairs: dict, early: int
) -> tuple[np.ndarray, np.ndarray, dict]:
    """Test and training loss at the steps `at` with the noise of batches, and the kernels by which it comes
    back, (lag,)."""

    def everywhere(name):
        return _interpolated(at, pairs[name], early)

    if online := training.online(model):
        kernel = everywhere("noise_online")
        test = renewal(everywhere("C0") + model.noise, kernel * online) - model.noise
        return test[at], test[at], {"K_on": kernel}
    excess, test_kernel, train_kernel = (
        training.excess(model),
        everywhere("noise_test"),
        everywhere("noise_train"),
    )
    train = renewal(everywhere("C1"), excess * train_kernel)
    test = everywhere("C0") + convolve(excess * test_kernel, train)
    return test[at], train[at], {"Kte": test_kernel, "Ktr": train_kernel}


def _interpolated(at: np.ndarray, values: np.ndarray, early: int) -> np.ndarray:
    """Values at all steps, from all early ones and log-spaced late ones: a cubic spline in log time, of the
    logarithm where it exists."""
    if at[-1] == len(at) - 1:
        return values
    from scipy.interpolate import CubicSpline

    first = early - 8
    late, wanted = values[first:], np.arange(first, at[-1] + 1)
    positive = bool((late > 0).all())
    curve = CubicSpline(np.log(at[first:]), np.log(late) if positive else late)(np.log(wanted))
    return np.concatenate([values[:first], np.exp(curve) if positive else curve])


def _arrays(model: Model, test: np.ndarray, train: np.ndarray, pairs: dict, sizes: tuple[int, ...]) -> dict:
    arrays = {"test_loss": (("time",), test + model.noise)}
    if model.examples is not None:
        arrays["loss"] = (("time",), train)
    return arrays | bias_variance(test, pairs["C0a"], pairs["C0d"], pairs["bias"], model.noise, sizes)


def _check_times(model: Model, times: np.ndarray) -> None:
    """Beyond them squares of frequencies are no floats."""
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

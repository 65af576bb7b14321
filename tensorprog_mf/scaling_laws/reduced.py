"""Exact shortcuts for infinitely many examples: far fewer numbers than all two-time functions of all
modes."""

import numpy as np
import xarray as xr

from ..engine.recorder import recorded_steps
from ..ground.accelerate import one_blas_thread
from ..ground.calls import checked_call
from ..ground.divergence import LossWatch, RunAway, allowed, check_size
from ..ground.errors import UnsupportedError, require
from ..ground.status import Status
from ..results import memory
from .labels import TWO_TIME, add_doubt, ending, result
from .measure import spectral_measure
from .model import Descent, Flow, Model, check_kinds
from .propagators import Propagators
from .reductions_numba import flow
from .rounding import CHANGED, COARSE, COARSENED, ROUNDED, doubt, twin
from .spectrum import Spectrum

_PER_DECADE, _FIRST = (
    200,
    2e-4,
)  # steps of the coarser run; its first ones, in units of 1 / largest eigenvalue


@checked_call
def solve_reduced(model: Model, training: Descent | Flow, record=None) -> xr.Dataset:
    """Learned or random features on infinitely many examples, through closed equations.

    Of infinite width, gradient flow of H_k = v0_k / w*_k is

        dH_k/dt = -(1 + m) lam_k H_k - (m / |b|^2) b_g (1 - H_k),   m = (sqrt(1 + 4 richness |b|^2) - 1) / 2

    with |b|^2 = sum_k w*_k^2 (1 - H_k)^2, b_g = sum_k w*_k^2 lam_k (1 - H_k) H_k; steps of descent need W and C3 only, besides H
    (Bordelon, Atanasov & Pehlevan 2024, arXiv:2409.17858). A finite width is the same on the nodes of the
    spectral measure of Lam^1/2 K0 Lam^1/2 in the direction of the target, whose atom at 0 is what cannot be
    learned. Online descent of infinite width and richness 0 is exact for any batch size: c_k = <v0_k^2> obeys

        c_k(t+1) = (1 - eta lam_k)^2 c_k + (eta^2 / B) [lam_k (sum_l lam_l c_l + sigma^2) + lam_k^2 c_k]

    Parameters
    ----------
    model
        Without `examples`; a finite width only if `projected`.
    training
        `Descent` (schedule and momentum as you like; batches only online as above) or `Flow`, to times of
        1e9.
    record
        Steps of a descent to keep; None: all.

    Returns
    -------
    xarray.Dataset
        test_loss (time); kernel_scale m and beta_norm2 |b|^2 (time) of a flow; C0, C3, W, Cw (time, time_prime) of steps; H (mode, time) of
        infinite width; spectral_node, spectral_mass (node) of a finite one. Attribute numerical_error of a
        flow: the largest change of the test loss, relative, in the last extrapolation.

    Raises
    ------
    UnsupportedError
        Finitely many examples, finite width without projection, batches other than above.
    InputError
        Online descent whose noise grows without bound; a target without power, unless online.

    Notes
    -----
    Flow: exponential midpoint in 400 and 800 steps per decade of time, extrapolated, error 1e-8. Spectral
    measure: error 1e-8 of the loss at time 0; at N = M, where it reaches down to 0, and at widths of 1e12,
    1e-6. Cost: O(modes) per step of a flow, O(modes steps^2) for descent.
    Features that learn sharpen the spectrum: its top grows to between (1 + m) and (1 + 2 m) lam_max, the more
    the target lies in the first mode. Where eta times it passes 2 descent begins to oscillate and m falls
    again, until the rate is so large that it diverges; students of finite size differ from each other there.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> sl = tp.scaling_laws
    >>> law = sl.PowerLaw(alpha=1.5, beta=0.5, modes=2000)
    >>> flow = sl.Flow([10.0, 1000.0])
    >>> sl.solve_reduced(sl.Model(law, richness=1.0), flow).test_loss.values.round(5).tolist()  # lazy: 0.25976, 0.022
    [0.15314, 0.00374]
    """
    check_kinds(model, training)
    if model.examples is not None:
        raise UnsupportedError(
            f"solve_reduced is for infinitely many examples; for examples={model.examples} take solve, or"
            " solve_stationary at richness 0."
        )
    if model.width is not None and not model.projected and model.richness > 0:
        raise UnsupportedError(
            "an unprojected model of finite width is no function of its spectral measure; take solve, or"
            " projected=True."
        )
    require(
        record is None or isinstance(training, Descent),
        "record is for steps; a flow keeps the times that it is given.",
    )
    with one_blas_thread():
        return _solved(model, training, record)


def _solved(model: Model, training: Descent | Flow, record) -> xr.Dataset:
    if isinstance(training, Descent) and training.online(model):
        return _online(model, training, record)
    require(
        model.modes.total_power > 0,
        "the target has no power, so that there is nothing to learn; give some mode some.",
    )
    nodes = model.modes if model.width is None else spectral_measure(model)
    left = nodes.unexplained if model.width is not None else 0.0
    if isinstance(training, Flow):
        return _flow(model, training, nodes, left)
    return _descent(model, training, nodes, left, record)


def _flow(model: Model, training: Flow, nodes: Spectrum, left: float) -> xr.Dataset:
    times = training.clock()
    memory.check(
        32 * len(nodes.power) * (len(times) + 4), "record fewer times, or bin the modes (bin_ratio=1.05)"
    )
    coarse, fine = (_integrated(nodes, model.richness, times, refined) for refined in (1, 2))
    h, m = ((8 * b - a) / 7 for a, b in zip(coarse, fine))
    weight = nodes.multiplicity * nodes.power
    losses = [(values**2 @ weight) + left + model.noise for values in (fine[0], h)]
    error = float(np.max(np.abs(losses[1] - losses[0]) / losses[1]))
    b2 = (1 - h) ** 2 @ (weight / nodes.eigenvalues)
    arrays = {
        "test_loss": (("time",), losses[1]),
        "kernel_scale": (("time",), m),
        "beta_norm2": (("time",), b2),
    } | _modes(model, nodes, h.T)
    return result("solve_reduced", arrays, times, model, training, {}).assign_attrs(numerical_error=error)


def _integrated(
    nodes: Spectrum, gamma: float, times: np.ndarray, refined: int
) -> tuple[np.ndarray, np.ndarray]:
    """H (time, node) and m (time,)."""
    h, m = np.empty((len(times), len(nodes.power))), np.empty(len(times))
    first, growth = _FIRST / refined / nodes.eigenvalues.max(), 10 ** (1 / (refined * _PER_DECADE))
    flow(nodes.eigenvalues, nodes.multiplicity * nodes.power, gamma, first, growth, times, h, m)
    return h, m


def _modes(model: Model, nodes: Spectrum, h: np.ndarray) -> dict:
    """H of the modes of infinite width; otherwise the nodes that stand for them."""
    if model.width is None:
        return {"H": (("mode", "time"), h)}
    return {"spectral_node": (("node",), nodes.eigenvalues), "spectral_mass": (("node",), nodes.power)}


def _descent(model: Model, training: Descent, nodes: Spectrum, left: float, record) -> xr.Dataset:
    steps, times = recorded_steps(record, training.steps, "solve_reduced"), training.steps + 1
    memory.check(8 * times * (2 * len(nodes.power) + 6 * times), "take fewer steps")
    weight, propagators = nodes.multiplicity * nodes.power, Propagators(training, model.richness)
    v, c3, reached, what = _steps(
        nodes, weight, propagators, times, LossWatch(allowed(model.richness)), left + model.noise
    )
    status = Status.COMPLETED if reached == times else Status.DIVERGED
    kept = steps[steps < reached]
    ending("scaling_laws.solve_reduced", status, reached, len(kept), what)
    square, c0 = np.ix_(kept, kept), (v[kept] * weight) @ v[kept].T
    arrays = {
        "test_loss": (("time",), np.diag(c0) + left + model.noise),
        "C0": (TWO_TIME, c0 + left),
        "C3": (TWO_TIME, c3[square]),
        "W": (TWO_TIME, propagators.w[square]),
        "Cw": (TWO_TIME, propagators.cw[square]),
    } | _modes(model, nodes, v[kept].T)
    times_kept, settings = training.clock()[kept], {"record": kept.tolist()}
    ds = result(
        "solve_reduced", arrays, times_kept, model, training, settings, kept, status, reached, what=what
    )
    if status is Status.COMPLETED and model.richness > 0:
        loss = (v**2) @ weight + left + model.noise
        if model.width is None:
            add_doubt(ds, doubt(loss, lambda: _twin_loss(model, training, twin(nodes, ROUNDED)), CHANGED))
        else:
            add_doubt(
                ds,
                doubt(loss, lambda: _twin_loss(model, training, spectral_measure(model, COARSE)), COARSENED),
            )
    return ds


def _twin_loss(model: Model, training: Descent, nodes: Spectrum) -> np.ndarray:
    """Test loss of the twin, as far as it goes."""
    left = nodes.unexplained if model.width is not None else 0.0
    weight, unlearned = nodes.multiplicity * nodes.power, left + model.noise
    growth = LossWatch(allowed(model.richness))
    v, _, reached, _ = _steps(
        nodes, weight, Propagators(training, model.richness), training.steps + 1, growth, unlearned
    )
    return (v[:reached] ** 2) @ weight + unlearned


def _steps(
    nodes: Spectrum,
    weight: np.ndarray,
    propagators: Propagators,
    times: int,
    growth: LossWatch,
    unlearned: float,
) -> tuple[np.ndarray, np.ndarray, int, RunAway | None]:
    """H (time, node), C3 (time, time_prime), the number of times before they diverge, and what ran away."""
    u, v, c3 = nodes.eigenvalues, np.zeros((times, len(weight))), np.zeros((times, times))
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(times):
            v[t] = 1 - u * ((propagators.w[t, :t] + propagators.learned(t)[:t]) @ v[:t])
            c3[t, : t + 1] = c3[: t + 1, t] = v[: t + 1] @ (weight * u * v[t])
            try:
                growth.compare(weight @ v[t] ** 2 + unlearned)
                check_size("the covariance of gradients", c3[t, t])
            except RunAway as what:
                return v, c3, t, what
            if t + 1 < times:
                propagators.advance(t, c3, c3)
    return v, c3, times, None


def _online(model: Model, training: Descent, record) -> xr.Dataset:
    if model.width is not None or model.richness > 0 or training.momentum > 0:
        raise UnsupportedError(
            "batches are exact at infinite width, richness 0 and momentum 0 only; take solve for others."
        )
    steps, modes = recorded_steps(record, training.steps, "solve_reduced"), model.modes
    lam, inverse, rates = modes.eigenvalues, training.online(model), training.rates()
    _check_noise(model, training, inverse)
    second, mean = np.ones(len(lam)), np.ones(len(lam))
    index, loss, h = (
        {int(t): i for i, t in enumerate(steps)},
        np.empty(len(steps)),
        np.empty((len(lam), len(steps))),
    )
    weight, ratio = modes.multiplicity * modes.power, lam / modes.weights**2
    for t in range(training.steps + 1):
        total = float(weight @ second)
        if t in index:
            loss[index[t]], h[:, index[t]] = total, mean
        if t < training.steps:
            eta = rates[t]
            second = (1 - eta * lam) ** 2 * second + eta**2 * inverse * (
                ratio * (total + model.noise) + lam**2 * second
            )
            mean = (1 - eta * lam) * mean
    arrays = {"test_loss": (("time",), loss + model.noise), "H": (("mode", "time"), h)}
    return result(
        "solve_reduced", arrays, training.clock()[steps], model, training, {"record": steps.tolist()}, steps
    )


def _check_noise(model: Model, training: Descent, inverse: float) -> None:
    """Constant rates: the loss stays bounded if (eta / B) sum lam / (2 - eta lam (1 + 1 / B)) < 1 and all its
    terms are positive."""
    eta, lam = float(training.rates().max(initial=0.0)), model.modes.eigenvalues
    left = 2 - eta * lam * (1 + inverse)
    total = (
        float(eta * inverse * (model.modes.multiplicity * lam / left).sum()) if (left > 0).all() else np.inf
    )
    require(
        total < 1,
        f"noise of the batches comes back {total:.3g} times as strong, so that the loss grows without bound; "
        "take a smaller learning_rate or a larger batch_size.",
    )

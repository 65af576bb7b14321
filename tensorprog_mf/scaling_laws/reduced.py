"""Exact shortcuts for infinitely many examples: far fewer numbers than all two-time functions of all
modes."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..engine.record import recorded_steps
from ..ground.accelerate import one_blas_thread
from ..ground.calls import checked_call
from ..ground.divergence import LossWatch, RunAway, allowed, check_size
from ..ground.errors import UnsupportedError, require
from ..ground.status import Status
from ..results import memory
from .labels import TIME, TWO_TIME, Arrays, Ending, Recorded, add_doubt, over, result
from .measure import spectral_measure
from .model import Descent, Flow, Model, check_kinds
from .propagators import Propagators
from .reductions_numba import flow
from .renewal import check_return
from .rounding import CHANGED, COARSE, COARSENED, ROUNDED, doubt, twin
from .spectrum import Spectrum

_PER_DECADE = 200  # steps of the coarser run
_FIRST = 2e-4  # its first ones, in units of 1 / largest eigenvalue


@checked_call
def solve_reduced(model: Model, training: Descent | Flow, record: Recorded = None) -> xr.Dataset:
    """Learned or random features on infinitely many examples, through closed equations.

    At infinite width, gradient flow of H_k = v0_k / w*_k is

        dH_k/dt = -(1 + m) lam_k H_k - (m / |b|^2) b_g (1 - H_k),   m = (sqrt(1 + 4 richness |b|^2) - 1) / 2

    with |b|^2 = sum_k w*_k^2 (1 - H_k)^2 and b_g = sum_k w*_k^2 lam_k (1 - H_k) H_k; steps of descent need
    only W and C3 besides H (Bordelon, Atanasov & Pehlevan 2024, arXiv:2409.17858). A finite width is the same
    on the nodes of the spectral measure of Lam^1/2 K0 Lam^1/2 in the direction of the target, whose atom at 0
    is what cannot be learned. Online descent at infinite width and richness 0 is exact for any batch size:
    c_k = <v0_k^2> obeys

        c_k(t+1) = (1 - eta lam_k)^2 c_k + (eta^2 / B) [lam_k (sum_l lam_l c_l + sigma^2) + lam_k^2 c_k]

    Parameters
    ----------
    model
        Without `examples`; a finite width only if `projected`.
    training
        `Descent`, with any schedule and momentum, but batches only online as above; or `Flow`, to times of
        1e9.
    record
        Steps of a descent to keep; None: all.

    Returns
    -------
    xarray.Dataset
        test_loss (time). Of a flow, kernel_scale m and learned_norm_squared |b|^2 (time), and the attribute
        numerical_error, the largest relative change of the test loss in the last extrapolation. Of steps,
        error_correlation C0, feature_gradient_correlation C3, weight_propagator W and weight_correlation Cw
        (time, time_prime), but not with batches. At infinite width, transfer_function H_k (mode, time); at a
        finite one, spectral_node and spectral_mass (node).

    Raises
    ------
    UnsupportedError
        Finitely many examples, finite width without projection, batches other than above.
    InputError
        Online descent whose noise grows without bound; a target without power, unless online; not enough
        memory; a run that diverges before its first record.

    Notes
    -----
    Flow: third-order exponential steps, 200 and 400 per decade of time, extrapolated, error 1e-8. Spectral
    measure: error 1e-8 of the loss at time 0; at N = M, where it reaches down to 0, and at widths of 1e12,
    1e-6. Cost: O(modes) per step of a flow, O(modes steps^2) for descent.

    Features that learn sharpen the spectrum: its top grows to between (1 + m) and (1 + 2 m) lam_max, the
    further the more of the target lies in the first mode. Where eta times the top passes 2, descent begins to
    oscillate and m falls again, until the rate is so large that it diverges; students of finite size differ
    from each other there.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> sl = tp.scaling_laws
    >>> law = sl.PowerLaw(alpha=1.5, beta=0.5, modes=2000)
    >>> flow = sl.Flow([10.0, 1000.0])
    >>> ds = sl.solve_reduced(sl.Model(law, richness=1.0), flow)
    >>> ds.test_loss.values.round(5).tolist()  # lazy: 0.25976, 0.022
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
            "an unprojected model of finite width is not determined by its spectral measure; take solve, or"
            " projected=True."
        )
    require(
        record is None or isinstance(training, Descent),
        "record is for steps; a flow keeps the times that it is given.",
    )
    with one_blas_thread():
        return _solved(model, training, record)


@dataclass(frozen=True, kw_only=True)
class _Nodes:
    """What learns as independent modes: the modes at infinite width, or the nodes of a spectral measure.

    `left` is the test loss that they leave over: what a finite width cannot learn.
    """

    spectrum: Spectrum
    left: float

    @property
    def weight(self) -> np.ndarray:
        """(node,) power of all equal ones together."""
        return self.spectrum.multiplicity * self.spectrum.power


def _modes(spectrum: Spectrum) -> _Nodes:
    return _Nodes(spectrum=spectrum, left=0.0)


def _measure(spectrum: Spectrum) -> _Nodes:
    return _Nodes(spectrum=spectrum, left=spectrum.unexplained)


def _solved(model: Model, training: Descent | Flow, record: Recorded) -> xr.Dataset:
    if isinstance(training, Descent) and training.online(model):
        return _online(model, training, record)
    require(
        model.modes.total_power > 0,
        "the target has no power, so there is nothing to learn; give some mode a power above 0.",
    )
    nodes = _modes(model.modes) if model.width is None else _measure(spectral_measure(model))
    if isinstance(training, Flow):
        return _flow(model, training, nodes)
    return _descent(model, training, nodes, record)


def _flow(model: Model, training: Flow, nodes: _Nodes) -> xr.Dataset:
    times, spectrum, weight = training.clock(), nodes.spectrum, nodes.weight
    memory.check(
        32 * len(spectrum.power) * (len(times) + 4), "record fewer times, or bin the modes (bin_ratio=1.05)"
    )
    coarse, fine = (_integrated(spectrum, model.richness, times, refined) for refined in (1, 2))
    h, m = ((8 * b - a) / 7 for a, b in zip(coarse, fine))  # of third order
    before, loss = ((values**2 @ weight) + nodes.left + model.noise for values in (fine[0], h))
    found = {
        "test_loss": loss,
        "kernel_scale": m,
        "learned_norm_squared": (1 - h) ** 2 @ (weight / spectrum.eigenvalues),
    }
    arrays = over(TIME, found) | _of_modes(model, nodes, h.T)
    error = float(np.max(np.abs(loss - before) / loss))
    ds = result("solve_reduced", arrays, {"time": times}, model, training, {})
    return ds.assign_attrs(numerical_error=error)


def _integrated(
    nodes: Spectrum, gamma: float, times: np.ndarray, refined: float
) -> tuple[np.ndarray, np.ndarray]:
    """H (time, node) and m (time,), in `refined` times as many steps."""
    h, m = np.empty((len(times), len(nodes.power))), np.empty(len(times))
    first, growth = _FIRST / refined / nodes.eigenvalues.max(), 10 ** (1 / (refined * _PER_DECADE))
    flow(nodes.eigenvalues, nodes.multiplicity * nodes.power, gamma, first, growth, times, h, m)
    return h, m


def _of_modes(model: Model, nodes: _Nodes, h: np.ndarray) -> Arrays:
    """H of the modes at infinite width; otherwise the nodes that stand for them."""
    if model.width is None:
        return over(("mode", "time"), {"transfer_function": h})
    measure = {"spectral_node": nodes.spectrum.eigenvalues, "spectral_mass": nodes.spectrum.power}
    return over(("node",), measure)


@dataclass(frozen=True, kw_only=True)
class _Steps:
    """Steps of descent: H (time, node), C3 (time, time_prime), propagators, and how they ended.

    `reached` of the times are complete.
    """

    h: np.ndarray
    c3: np.ndarray
    propagators: Propagators
    ending: Ending

    @property
    def reached(self) -> int:
        return self.ending.step


def _stepped(model: Model, training: Descent, nodes: _Nodes) -> _Steps:
    """H(t) = 1 - u sum_{s<t} Th(t, s) H(s) at the nodes u, with Th = W + richness c Cw, as far as it goes."""
    u, weight, times = nodes.spectrum.eigenvalues, nodes.weight, training.steps + 1
    h, c3 = np.zeros((times, len(weight))), np.zeros((times, times))
    propagators, growth = Propagators(training, model.richness), LossWatch(allowed(model.richness))
    ending, unlearned = Ending(Status.COMPLETED, times), nodes.left + model.noise
    with np.errstate(over="ignore", invalid="ignore"):  # of a run that diverges
        for t in range(times):
            h[t] = 1 - u * ((propagators.w[t, :t] + propagators.learned(t)[:t]) @ h[:t])
            c3[t, : t + 1] = c3[: t + 1, t] = h[: t + 1] @ (weight * u * h[t])
            try:
                growth.compare(weight @ h[t] ** 2 + unlearned)
                check_size("the covariance of gradients", c3[t, t])
            except RunAway as cause:
                ending = Ending(Status.DIVERGED, t, cause)
                break
            if t + 1 < times:
                propagators.advance(t, c3, c3)  # projected or of infinite width, where C2 = C3
    return _Steps(h=h, c3=c3, propagators=propagators, ending=ending)


def _descent(model: Model, training: Descent, nodes: _Nodes, record: Recorded) -> xr.Dataset:
    steps, times = recorded_steps(record, training.steps, "solve_reduced"), training.steps + 1
    memory.check(8 * times * (2 * len(nodes.spectrum.power) + 6 * times), "take fewer steps")
    run, weight = _stepped(model, training, nodes), nodes.weight
    kept = steps[steps < run.reached]
    run.ending.tell("scaling_laws.solve_reduced", len(kept))
    h, square = run.h[kept], np.ix_(kept, kept)
    c0 = (h * weight) @ h.T
    pairs = {
        "error_correlation": c0 + nodes.left,
        "feature_gradient_correlation": run.c3[square],
        "weight_propagator": run.propagators.w[square],
        "weight_correlation": run.propagators.cw[square],
    }
    arrays = over(TIME, {"test_loss": np.diag(c0) + nodes.left + model.noise}) | over(TWO_TIME, pairs)
    arrays |= _of_modes(model, nodes, h.T)
    coordinates, settings = {"time": training.clock()[kept], "step": kept}, {"record": kept.tolist()}
    ds = result("solve_reduced", arrays, coordinates, model, training, settings, run.ending)
    if run.ending.status is Status.COMPLETED and model.richness > 0:
        add_doubt(ds, _doubt(model, training, (run.h**2) @ weight + nodes.left + model.noise))
    return ds


def _doubt(model: Model, training: Descent, loss: np.ndarray) -> str:
    """What a twin, on eigenvalues or nodes that are slightly different, makes doubtful of the test loss."""

    def other() -> np.ndarray:
        """Test loss of the twin, as far as it goes."""
        nodes = (
            _modes(twin(model.modes, ROUNDED))
            if model.width is None
            else _measure(spectral_measure(model, COARSE))
        )
        run = _stepped(model, training, nodes)
        return (run.h[: run.reached] ** 2) @ nodes.weight + (nodes.left + model.noise)

    return doubt(loss, other, CHANGED if model.width is None else COARSENED)


def _online(model: Model, training: Descent, record: Recorded) -> xr.Dataset:
    if model.width is not None or model.richness > 0 or training.momentum > 0:
        raise UnsupportedError(
            "batches are exact at infinite width, richness 0 and momentum 0 only; take solve for others."
        )
    steps, modes = recorded_steps(record, training.steps, "solve_reduced"), model.modes
    lam, inverse, rates = modes.eigenvalues, training.online(model), training.rates()
    _check_noise(model, training, inverse)
    index = {int(t): i for i, t in enumerate(steps)}
    loss, h = np.empty(len(steps)), np.empty((len(lam), len(steps)))
    # <v0_k^2> and <v0_k>, in units of w*_k^2 and w*_k
    second, mean = np.ones(len(lam)), np.ones(len(lam))
    weight, ratio = modes.multiplicity * modes.power, lam / modes.weights**2
    for t in range(training.steps + 1):
        total = float(weight @ second)
        if t in index:
            loss[index[t]], h[:, index[t]] = total, mean
        if t < training.steps:
            eta = rates[t]
            noise = ratio * (total + model.noise) + lam**2 * second
            second = (1 - eta * lam) ** 2 * second + eta**2 * inverse * noise
            mean = (1 - eta * lam) * mean
    arrays = over(TIME, {"test_loss": loss + model.noise}) | over(("mode", "time"), {"transfer_function": h})
    coordinates = {"time": training.clock()[steps], "step": steps}
    return result("solve_reduced", arrays, coordinates, model, training, {"record": steps.tolist()})


def _check_noise(model: Model, training: Descent, inverse: float) -> None:
    """Refuse noise that grows: at a constant rate the loss stays bounded if

        (eta / B) sum lam / (2 - eta lam (1 + 1 / B)) < 1

    and all terms of the sum are positive.
    """
    eta, lam = float(training.rates().max(initial=0.0)), model.modes.eigenvalues
    left = 2 - eta * lam * (1 + inverse)
    bounded = bool((left > 0).all())
    check_return(float(eta * inverse * (model.modes.multiplicity * lam / left).sum()) if bounded else np.inf)

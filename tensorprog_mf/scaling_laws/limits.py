"""What is left at late times, of finitely many features and examples.

Legend: kappa resolution, x = 1 / kappa, H = kappa / (lam + kappa), G = x H = 1 / (lam + kappa).
"""

import numpy as np
import xarray as xr

from ..ground.calls import checked_call
from ..ground.errors import UnsupportedError, require
from .labels import over, result
from .model import Flow, Model, check_kinds
from .spectrum import Spectrum


def resolution(modes: Spectrum, count: float | None) -> float:
    """kappa of sum_k lam_k / (lam_k + kappa) = count; 0 if there are not more modes than that."""
    if count is None or count >= modes.modes:
        return 0.0
    from scipy.optimize import brentq

    lam, number = modes.eigenvalues, modes.multiplicity

    def excess(log_kappa: float) -> float:
        """Relative excess of the sum over `count`."""
        return float((number * lam / (lam + np.exp(log_kappa))).sum()) / count - 1

    least = np.log(lam.min()) - 50
    require(
        excess(least) > 0,
        f"{count} features or examples are so near the number of modes that the resolution is lost in"
        " rounding; take fewer, or more modes.",
    )
    most = np.log(lam.max() * modes.modes / count) + 1
    return float(np.exp(brentq(excess, least, most, xtol=1e-14, rtol=1e-15, maxiter=500)))


@checked_call
def limits(model: Model) -> xr.Dataset:
    """Losses of random features after gradient flow for ever.

    The resolution kappa solves sum_k lam_k / (lam_k + kappa) = min(N, P), and the losses L are

        P = inf:  L = kappa sum_k lam_k w*_k^2 / (lam_k + kappa) + sigma^2
        N = inf:  L = (kappa^2 sum_k lam_k w*_k^2 / (lam_k + kappa)^2 + sigma^2) / (1 - df2 / P)

    with df2 = sum_k lam_k^2 / (lam_k + kappa)^2, and where both are finite they follow from the formulas of
    `solve_stationary` at x = 1 / kappa (Bordelon, Atanasov & Pehlevan 2024, arXiv:2402.01092). For infinite
    N or P leave them out of the `Model`.

    Returns
    -------
    xarray.Dataset
        Without dimensions: resolution (kappa), late_test_loss, late_bias_loss, late_loss (of the training
        examples, 0 if N > P).

    Raises
    ------
    InputError
        N = P below the number of modes, or P = M with label noise, where the test loss diverges (double
        descent).
    UnsupportedError
        A richness above 0.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> sl = tp.scaling_laws
    >>> round(float(sl.limits(sl.Model(sl.PowerLaw(a=1.5, b=1.25, modes=1000), width=150)).late_test_loss), 6)
    0.25652
    """
    check_kinds(model)
    if model.richness > 0:
        raise UnsupportedError(
            "limits are those of random features; with richness take solve_reduced to late times."
        )
    n, p = model.width, model.examples
    require(
        n is None or n != p or n >= model.modes.modes,
        f"with as many features as examples, {n}, the test loss diverges at late times (double descent); "
        "take different numbers, or solve_stationary at finite times.",
    )
    require(
        p != model.modes.modes or model.noise == 0 or (n or p) < p,
        f"with as many examples as modes, {p}, the test loss of label noise diverges at late times; take"
        " another number.",
    )
    kappa = resolution(model.modes, min((v for v in (n, p) if v is not None), default=None))
    test, train, bias = _late(model, kappa)
    found = {"resolution": kappa, "late_test_loss": test, "late_loss": train, "late_bias_loss": bias}
    arrays = over((), {name: np.array(value) for name, value in found.items()})
    return result("limits", arrays, {}, model, Flow([np.finfo(float).max]), {})


def _late(model: Model, kappa: float) -> tuple[float, float, float]:
    """Test loss, training loss and bias: the formulas of `two_point` with step functions of 1."""
    modes, n, p, sigma = model.modes, model.inverse_width, model.inverse_examples, model.noise
    lam, count, power = modes.eigenvalues, modes.multiplicity, modes.power
    if kappa == 0:  # least squares on all modes
        share = p * modes.modes
        return (sigma / (1 - share), sigma * (1 - share), 0.0) if sigma else (0.0, 0.0, 0.0)
    g = 1 / (lam + kappa)
    h, ratio = kappa * g, lam * g
    g_n, g_p = n * float(count @ ratio**2), p * float(count @ ratio**2)
    s1, bias = float(count @ (ratio * h)), float(count @ (power * h**2))
    features = n / (1 - g_n) * s1 * float(count @ (power * ratio * h)) if n else 0.0
    xi = g_p + (n * p * s1**2 / (1 - g_n) if n and p else 0.0)
    r1 = 1 - p * float(count @ ratio)
    test = (bias + features + sigma) / (1 - xi)
    return test, r1**2 * test, bias

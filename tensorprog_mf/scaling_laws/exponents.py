"""Exponents of power laws, fitted and predicted.

Legend: alpha = b capacity, beta = (a - 1) / b source, chi exponent of time.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ..ground.calls import checked_call
from ..ground.errors import InputError, real, require
from ..ground.status import Status
from ..results.dataset import labelled
from ..results.provenance import made
from .checks import numbers
from .labels import over, references
from .power_law import PowerLaw

_GROWING = ("optimal_width", "optimal_time")  # with compute, whereas losses fall
_ONCE = {"N_opt": "optimal_width", "t_opt": "optimal_time"}  # what these were called


class Fit(NamedTuple):
    """A power law resource^-exponent over a window, and how well it fits."""

    exponent: float
    stderr: float
    drift: float
    points: int


@checked_call
def local_exponent(resource: ArrayLike, loss: ArrayLike) -> np.ndarray:
    """-d log loss / d log resource at every point, by central differences; one-sided at the ends.

    Raises
    ------
    InputError
        Fewer than two points, values that are not positive, a resource that does not increase.
    """
    x, y = _logs(resource, loss)
    return -np.gradient(y, x)


@checked_call
def fit_exponent(resource: ArrayLike, loss: ArrayLike, window: tuple[float, float] | None = None) -> Fit:
    """Least squares slope of log loss over log resource inside a window (ends included; None: all).

    `stderr` is that of the regression, as if points scattered independently. `drift`, the local exponent at
    the end of the window less that at its beginning, tells whether there is a power law: where it is far from
    0 there is a crossover.

    Raises
    ------
    InputError
        Fewer than three points in the window, values that are not positive, a resource that does not
        increase.

    Examples
    --------
    >>> from tensorprog_mf.scaling_laws import fit_exponent
    >>> round(fit_exponent([1, 10, 100, 1000], [1, 0.1, 0.01, 0.001]).exponent, 6)
    1.0
    """
    x, y = _pair(resource, loss)
    low, high = (-np.inf, np.inf) if window is None else _window(window)
    inside = (x >= low * (1 - 1e-12)) & (x <= high * (1 + 1e-12))
    require(
        inside.sum() >= 3,
        f"{inside.sum()} points lie in the window {window}; a fit with an error needs three or more.",
    )
    x, y = _logs(x[inside], y[inside])
    x0 = x - x.mean()
    slope = float(x0 @ y / (x0 @ x0))
    scatter = y - y.mean() - slope * x0
    local = np.diff(y) / np.diff(x)
    return Fit(
        -slope,
        float(np.sqrt(scatter @ scatter / (len(x) - 2) / (x0 @ x0))),
        float(local[0] - local[-1]),
        len(x),
    )


def _pair(resource: ArrayLike, loss: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    x, y = numbers("resource", resource), numbers("loss", loss)
    require(
        x.ndim == 1 and x.shape == y.shape,
        f"resource has shape {x.shape}, loss {y.shape}; give two lists of the same length.",
    )
    return x, y


def _window(window: object) -> np.ndarray:
    ends = numbers("window", window)
    require(
        ends.shape == (2,) and bool(ends[0] < ends[1]),
        f"window={window!r} must be two numbers that increase, (from, to).",
    )
    return ends


def _logs(resource: ArrayLike, loss: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    x, y = _pair(resource, loss)
    require(len(x) > 1, f"resource has shape {x.shape}; give two points or more.")
    good = bool((x > 0).all() and (y > 0).all() and np.isfinite(x).all() and np.isfinite(y).all())
    require(
        good,
        "resource and loss must be positive and finite; leave out time 0 and budgets whose optimum is at an"
        " end of the widths, and subtract at most the limit of the loss.",
    )
    require(bool((np.diff(x) > 0).all()), "resource must increase.")
    return np.log(x), np.log(y)


@checked_call
def predicted_exponents(law: PowerLaw, richness: float = 0.0) -> dict[str, float]:
    """Exponents of the test loss in each resource, with the others infinite and without label noise, and
    those of width and time at optimal compute C = N t, by the names of the resources.

        time                beta, or chi = beta max(1, 2 / (1 + beta)) if features learn
        width               min(a - 1, b)
        examples            min(a - 1, 2 b)
        bias_width          min(a - 1, 2 b), of the bias
        online_time         min(beta, 2 - 1 / alpha), lazy
        width_correction    min((a - 2) / b, 1 - 1 / b), lazy: e of L(t, N) - L(t, inf) ~ N^-1 t^-e, negative
                            where the correction grows

    and of the test loss over compute, with `optimal_width`, the exponent of N ~ C^e:

        lazy, a - 1 < b         (a - 1) / (1 + b)                       1 / (1 + b)
        lazy, a - 1 > b         (a - 1) / a                             (a - b) / a
        learning, beta < 1      alpha beta chi / (alpha beta + chi)     chi / (alpha beta + chi)
        learning, beta > 1      alpha beta / (alpha beta + 1)           not predicted

    `optimal_time` is what is left, as t = C / N.

    Raises
    ------
    InputError
        Something that is not a PowerLaw, a richness below 0.

    Examples
    --------
    >>> from tensorprog_mf.scaling_laws import PowerLaw, predicted_exponents
    >>> hard = PowerLaw(alpha=1.5, beta=0.5)
    >>> predicted_exponents(hard)["time"], round(predicted_exponents(hard, richness=1.0)["time"], 4)
    (0.5, 0.6667)
    """
    require(
        isinstance(law, PowerLaw),
        f"law={law!r} must be a PowerLaw; no exponents are known for other spectra.",
    )
    richness = real("richness", richness, "be 0 or more", lambda v: v >= 0)
    a, b, beta = law.a, law.b, law.beta
    bias = min(a - 1, 2 * b)
    found = {"time": beta, "width": min(a - 1, b), "examples": bias, "bias_width": bias}
    if richness == 0:
        found |= {"online_time": min(beta, 2 - 1 / b), "width_correction": min((a - 2) / b, 1 - 1 / b)}
        hard = a - 1 < b
        found |= {
            "compute": (a - 1) / (1 + b) if hard else (a - 1) / a,
            "optimal_width": 1 / (1 + b) if hard else (a - b) / a,
        }
    else:
        chi = found["time"] = beta * max(1.0, 2 / (1 + beta))
        found["compute"] = b * beta * chi / (b * beta + chi) if beta < 1 else b * beta / (b * beta + 1)
        if beta < 1:
            found["optimal_width"] = chi / (b * beta + chi)
    if "optimal_width" in found:
        found["optimal_time"] = 1 - found["optimal_width"]
    return found


@checked_call
def fit_exponents(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    law: PowerLaw | None = None,
    richness: float = 0.0,
    windows: Mapping[str, tuple[float, float]] | None = None,
) -> xr.Dataset:
    """Exponents of several resources, beside the predicted ones.

    Parameters
    ----------
    curves
        Maps names of resources, those of `predicted_exponents` or others, to (resource, loss); optimal_width
        and optimal_time, which grow, are mapped to (compute, N) and (compute, t).
    law, richness
        What to predict exponents for; None: none are predicted.
    windows
        Maps names to (from, to); None: all points.

    Returns
    -------
    xarray.Dataset
        exponent, exponent_stderr, exponent_drift, predicted_exponent (NaN where there is none), all
        (resource).

    Raises
    ------
    InputError
        As in `fit_exponent`; curves that are not pairs, windows of resources without a curve.

    Examples
    --------
    >>> import numpy as np
    >>> import tensorprog_mf as tp
    >>> sl = tp.scaling_laws
    >>> law, times = sl.PowerLaw(a=1.5, b=1.5, modes=1e12, bin_ratio=1.05), np.geomspace(1e3, 1e5, 20)
    >>> flow = sl.solve_stationary(sl.Model(law), sl.Flow(times))
    >>> ds = sl.fit_exponents({"time": (flow.time, flow.test_loss)}, law)
    >>> ds.exponent.values.round(3).tolist(), ds.predicted_exponent.values.round(3).tolist()
    ([0.333], [0.333])
    """
    windows, expected = windows or {}, predicted_exponents(law, richness) if law is not None else {}
    _check_curves(curves, windows)
    fits, names = [fit_exponent(*curve, windows.get(name)) for name, curve in curves.items()], list(curves)
    sign = [-1.0 if name in _GROWING else 1.0 for name in names]
    found = {
        "exponent": [s * fit.exponent for s, fit in zip(sign, fits)],
        "exponent_stderr": [fit.stderr for fit in fits],
        "exponent_drift": [s * fit.drift for s, fit in zip(sign, fits)],
        "predicted_exponent": [expected.get(name, np.nan) for name in names],
    }
    arrays = over(("resource",), {name: np.array(values) for name, values in found.items()})
    described = {} if law is None else {"model": {"spectrum": law.describe(), "richness": richness}}
    settings = {"windows": {name: list(map(float, window)) for name, window in windows.items()}}
    attributes = made(
        "scaling_laws.fit_exponents",
        "",
        settings,
        Status.COMPLETED.label,
        "",
        references(richness),
        described,
    )
    return labelled(arrays, {"resource": np.array(names)}, attributes)


def _check_curves(curves: object, windows: object) -> None:
    if not isinstance(curves, Mapping) or not curves:
        raise InputError("curves must map names of resources to (resource, loss), one or more.")
    if not isinstance(windows, Mapping):
        raise InputError(f"windows={windows!r} must map names of resources to (from, to).")
    for name, curve in curves.items():
        require(
            name not in _ONCE,
            f"curves has {name!r}, which is called {_ONCE.get(name)!r} now; take that name.",
        )
        require(
            isinstance(curve, (tuple, list)) and len(curve) == 2,
            f"curves[{name!r}] must be a pair, (resource, loss).",
        )
    unknown = sorted(set(windows) - set(curves))
    require(
        not unknown, f"windows has {', '.join(unknown)}, for which there is no curve; take names of curves."
    )

"""Exponents of power laws, fitted and predicted.

Legend: alpha = b capacity, beta = (a - 1) / b source, chi exponent of time.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr

from ..errors import require
from ..provenance import made
from ..results import labelled
from .labels import REFERENCES
from .power_law import PowerLaw


class Fit(NamedTuple):
    """A power law resource^-exponent over a window, and how well it is one."""

    exponent: float
    stderr: float
    drift: float
    points: int


def local_exponent(resource, loss) -> np.ndarray:
    """-d log loss / d log resource at every point, by central differences; one-sided at the ends.

    Raises
    ------
    InputError
        Less than two points, values that are not positive, a resource that does not increase.
    """
    x, y = _logs(resource, loss)
    return -np.gradient(y, x)


def fit_exponent(resource, loss, window: tuple[float, float] | None = None) -> Fit:
    """Least squares slope of log loss over log resource inside a window (ends included; None: all).

    `stderr` is that of the regression, as if points scattered independently; `drift`, the local exponent at the end of the
    window less that at its beginning, tells whether there is a power law: far from it is a crossover.

    Raises
    ------
    InputError
        Less than three points in the window, values that are not positive, a resource that does not increase.

    Examples
    --------
    >>> from tensorprog_mf.scaling_laws import fit_exponent
    >>> round(fit_exponent([1, 10, 100, 1000], [1, 0.1, 0.01, 0.001]).exponent, 6)
    1.0
    """
    resource, loss = np.asarray(resource, float), np.asarray(loss, float)
    low, high = window or (-np.inf, np.inf)
    inside = (resource >= low * (1 - 1e-12)) & (resource <= high * (1 + 1e-12))
    require(inside.sum() >= 3, f"{inside.sum()} points lie in the window {window}; a fit with an error needs three or more.")
    x, y = _logs(resource[inside], loss[inside])
    x0 = x - x.mean()
    slope = float(x0 @ y / (x0 @ x0))
    scatter = y - y.mean() - slope * x0
    local = np.diff(y) / np.diff(x)
    return Fit(-slope, float(np.sqrt(scatter @ scatter / (len(x) - 2) / (x0 @ x0))), float(local[0] - local[-1]), len(x))


def _logs(resource, loss) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(resource, float), np.asarray(loss, float)
    require(x.ndim == 1 and x.shape == y.shape and len(x) > 1, f"resource has shape {x.shape}, loss {y.shape}; give two lists of the same length, two or more.")
    require(bool((x > 0).all() and (y > 0).all()), "resource and loss must be positive; leave out time 0, and subtract no more than the limit of the loss.")
    require(bool((np.diff(x) > 0).all()), "resource must increase.")
    return np.log(x), np.log(y)


def predicted_exponents(law: PowerLaw, richness: float = 0.0) -> dict[str, float]:
    """Exponents of the test loss in each resource, the others infinite, without label noise; of N and t at optimal compute C = N t.

        time: beta, or chi = beta max(1, 2 / (1 + beta)) if features learn      width: min(a - 1, b)    examples: min(a - 1, 2 b)
        online_time: min(beta, 2 - 1 / alpha)                                   bias_width: min(a - 1, 2 b)
        width_correction, L(t, N) - L(t, inf) ~ N^-1 t^-e: min((a - 2) / b, 1 - 1 / b), negative where it grows

    Compute, lazy: (a - 1) / (1 + b) for a - 1 < b, with N ~ C^(1 / (1 + b)), otherwise (a - 1) / a with N ~ C^((a - b) / a). Features
    that learn: alpha beta chi / (alpha beta + chi) with N ~ C^(chi / (alpha beta + chi)) for beta < 1; alpha beta / (alpha beta + 1)
    for beta > 1, where the exponent of N is not predicted. Time is what is left, t = C / N.

    Examples
    --------
    >>> from tensorprog_mf.scaling_laws import PowerLaw, predicted_exponents
    >>> hard = PowerLaw(alpha=1.5, beta=0.5)
    >>> predicted_exponents(hard)["time"], round(predicted_exponents(hard, richness=1.0)["time"], 4)
    (0.5, 0.6667)
    """
    a, b, beta = law.a, law.b, law.beta
    bias = min(a - 1, 2 * b)
    found = {"time": beta, "width": min(a - 1, b), "examples": bias, "bias_width": bias}
    if richness == 0:
        found |= {"online_time": min(beta, 2 - 1 / b), "width_correction": min((a - 2) / b, 1 - 1 / b)}
        hard = a - 1 < b
        found |= {"compute": (a - 1) / (1 + b) if hard else (a - 1) / a, "N_opt": 1 / (1 + b) if hard else (a - b) / a}
    else:
        chi = found["time"] = beta * max(1.0, 2 / (1 + beta))
        found["compute"] = b * beta * chi / (b * beta + chi) if beta < 1 else b * beta / (b * beta + 1)
        if beta < 1:
            found["N_opt"] = chi / (b * beta + chi)
    if "N_opt" in found:
        found["t_opt"] = 1 - found["N_opt"]
    return found


def fit_exponents(curves: Mapping[str, tuple], law: PowerLaw | None = None, richness: float = 0.0, windows: Mapping[str, tuple] | None = None) -> xr.Dataset:
    """Exponents of several resources, beside the predicted ones.

    Parameters
    ----------
    curves
        Maps names of resources, those of `predicted_exponents` or others, to (resource, loss); of N_opt and t_opt, which grow,
        to (compute, N) and (compute, t).
    law, richness
        What to predict for; None: nothing is.
    windows
        Maps names to (from, to); None: all points.

    Returns
    -------
    xarray.Dataset
        exponent, exponent_stderr, exponent_drift, predicted_exponent (NaN where there is none), all (resource).

    Raises
    ------
    InputError
        As of `fit_exponent`.

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
    fits, names = [fit_exponent(*curve, windows.get(name)) for name, curve in curves.items()], list(curves)
    sign = [-1.0 if name in ("N_opt", "t_opt") else 1.0 for name in names]
    arrays = {
        "exponent": [s * fit.exponent for s, fit in zip(sign, fits)], "exponent_stderr": [fit.stderr for fit in fits],
        "exponent_drift": [s * fit.drift for s, fit in zip(sign, fits)], "predicted_exponent": [expected.get(name, np.nan) for name in names],
    }  # fmt: skip
    described = {} if law is None else {"model": {"spectrum": law.describe(), "richness": richness}}
    settings = {"windows": {name: list(map(float, window)) for name, window in windows.items()}}
    attributes = made("scaling_laws.fit_exponents", "", settings, "completed", "", REFERENCES, described)
    return labelled({name: (("resource",), values) for name, values in arrays.items()}, {"resource": np.array(names)}, attributes)

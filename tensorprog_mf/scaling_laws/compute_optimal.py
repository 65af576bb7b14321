"""Where a budget of compute is spent best: width against time."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from ..ground.calls import checked_call
from ..ground.errors import UnsupportedError, require, whole
from .checks import numbers
from .inversion import late_population_loss
from .labels import over, result
from .model import Flow, Model, check_kinds
from .reduced import solve_reduced


@checked_call
def compute_optimal(
    model: Model,
    compute: Sequence[float] | np.ndarray,
    widths: Sequence[int] | np.ndarray,
    n_times: int = 40,
) -> xr.Dataset:
    """Smallest test loss at compute C = N t, over the widths N of students trained by gradient flow on
    infinitely many examples.

    Parameters
    ----------
    model
        Its width is not used. Random features, or projected ones that learn.
    compute
        (compute,) budgets C, increasing.
    widths
        (width,) increasing whole numbers, at least three; the optimum between them is that of a parabola
        through the logarithms.
    n_times
        Number of times of test_loss, log-spaced over those that the budgets reach.

    Returns
    -------
    xarray.Dataset
        optimal_test_loss, optimal_width, optimal_time (compute), NaN where the optimum is at an end of the
        widths; test_loss (width, time). Budgets are ds["compute"], as ds.compute is a method of xarray.

    Raises
    ------
    InputError
        Budgets or widths that do not increase or are not positive.
    UnsupportedError
        Finitely many examples.

    Examples
    --------
    >>> import numpy as np
    >>> import tensorprog_mf as tp
    >>> sl = tp.scaling_laws
    >>> model = sl.Model(sl.PowerLaw(a=1.75, b=1.25, modes=1e6, bin_ratio=1.1))
    >>> ds = sl.compute_optimal(model, [1e4, 1e5], np.geomspace(10, 3000, 20).astype(int))
    >>> ds.optimal_test_loss.dims, bool(ds.optimal_width[1] > ds.optimal_width[0])
    (('compute',), True)
    """
    check_kinds(model)
    if model.examples is not None:
        raise UnsupportedError("compute_optimal is for infinitely many examples; leave out examples.")
    budgets = _rising("compute", compute, 1)
    sizes = np.array([whole("widths", n, 1) for n in _rising("widths", widths, 3)])
    times = np.geomspace(budgets[0] / sizes[-1], budgets[-1] / sizes[0], whole("n_times", n_times, 2))
    losses = [_losses(replace(model, width=int(n)), np.concatenate([times, budgets / n])) for n in sizes]
    loss, at_budget = np.array([v[: len(times)] for v in losses]), np.array([v[len(times) :] for v in losses])
    best = np.array([_lowest(np.log(sizes), np.log(column)) for column in at_budget.T])
    n_opt = np.exp(best[:, 0])
    optima = {
        "optimal_test_loss": np.exp(best[:, 1]),
        "optimal_width": n_opt,
        "optimal_time": budgets / n_opt,
    }
    arrays = over(("compute",), optima) | over(("width", "time"), {"test_loss": loss})
    settings = {"widths": sizes.tolist(), "n_times": len(times)}
    coordinates = {"time": times, "compute": budgets, "width": sizes}
    return result("compute_optimal", arrays, coordinates, replace(model, width=None), Flow(times), settings)


def _rising(name: str, given: object, least: int) -> np.ndarray:
    """Positive numbers that increase, `least` of them or more."""
    values = numbers(name, given)
    good = (
        values.ndim == 1
        and len(values) >= least
        and np.isfinite(values).all()
        and (values > 0).all()
        and (np.diff(values) > 0).all()
    )
    require(bool(good), f"{name} must be a list of {least} or more positive numbers that increase.")
    return values


def _losses(model: Model, times: np.ndarray) -> np.ndarray:
    """Test losses of a flow at times in any order."""
    if model.richness == 0:
        return late_population_loss(model, times)
    ordered, back = np.unique(times, return_inverse=True)
    return solve_reduced(model, Flow(ordered)).test_loss.values[back]


def _lowest(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Minimum of the parabola through the lowest point and its neighbours; NaN at an end."""
    i = int(np.argmin(y))
    if i in (0, len(x) - 1):
        return np.nan, np.nan
    curve = np.polyfit(x[i - 1 : i + 2] - x[i], y[i - 1 : i + 2], 2)
    at = -curve[1] / (2 * curve[0])
    return x[i] + at, float(np.polyval(curve, at))

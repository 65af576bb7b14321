"""Real autoencoders of finite width, to compare the limit with."""

import functools

import xarray as xr
from numpy.typing import ArrayLike

from ...ground.accelerate import thread_count
from ...ground.calls import checked_call
from ...ground.errors import boolean, real, whole
from ...ground.replicates import run_replicates
from ...sites.activations import Activation, as_activation
from ...sites.draws import fresh_seed
from ...sites.laws import Law
from ..outcomes import RunRecord, averaged, concluded, reached_by_all
from .descent import chunks
from .descent_plan import DescentPlan, check_supported, given_inputs
from .descent_run import run
from .initial import initial_weights
from .record import Finished, step_times
from .spectrum import CovarianceSpectrum, as_spectrum


@checked_call
def train_autoencoder(  # noqa: PLR0913
    data: ArrayLike | CovarianceSpectrum,
    activation: str | Activation | tuple,
    initial_scale: ArrayLike | Law | None,
    weight_decay: float,
    times: ArrayLike,
    step: float,
    width: int = 400,
    method: str = "sgd",
    n_replicates: int = 4,
    samples: int = 64,
    seed: int | None = 0,
    progress: bool = True,
    *,
    paired: bool = False,
    examples: ArrayLike | None = None,
    initial_covariance: ArrayLike | None = None,
    initial_theta: ArrayLike | None = None,
    threads: int | None = None,
) -> xr.Dataset:
    """Train weight-tied autoencoders of finite width, by one-pass stochastic gradient descent or on the
    population.

        theta_i <- theta_i - step [kappa sigma(u_i) e + kappa sigma'(u_i) <kappa theta_i, e> x
                                   + weight_decay theta_i],
        u_i = <kappa theta_i, x>,   e = output(x) - x

    (Nguyen 2021), with a fresh x ~ N(0, R diag(Sigma^2) R^T / d) at every step, or the average over x. Time
    is step times the number of steps.

    Parameters
    ----------
    data, activation, initial_scale, weight_decay, times
        As of `autoencoder`; the dimension must be finite, and times multiples of `step`. Activations of one's
        own cannot be trained.
    step
        Size of a step; for stochastic descent it must be small against 1/d.
    width
        Neurons N; networks are near the limit only if N is large against d.
    method
        "sgd"; or "population", gradient descent on the exact average over x, for linear, relu, scaled_relu
        and erf.
    n_replicates, seed
        Networks with independent weights and data; results are their means, with standard errors.
    samples
        Neurons of replicate 0 whose weights are kept.
    progress
        Show progress on terminals.

    Other parameters
    ----------------
    paired
        Initial weights in pairs theta, -theta: with method="population" and relu the result is the same as
        that of `autoencoder(initial_theta=..., step=...)`.
    examples
        Inputs (example, feature) with entries of order one that stochastic descent draws from, with
        replacement, instead of Gaussian ones; their mean, if `data` have one, is taken off. The loss is then
        the mean over them.
    initial_covariance, initial_theta
        As of `autoencoder`, with initial_scale=None; given neurons need no pairs, and their number is the
        width.
    threads
        Threads to use; the numbers do not depend on it.

    Returns
    -------
    xarray.Dataset
        As of `autoencoder`, with standard errors and without half-rise times. gain is the root mean square
        over neurons and equal directions; reconstruction is the diagonal of (1/N) sum_i gamma(n_i) kappa^2
        theta_i theta_i^T, n_i^2 = E u_i^2, which is E[output x^T] E[x x^T]^-1.

    Raises
    ------
    InputError
        An argument that cannot be used.
    UnsupportedError
        Infinite dimension, an activation without kernel, method="population" for an activation whose averages
        are not closed.

    Warns
    -----
    DivergenceWarning
        Weights that are not finite; the times before are kept.

    Notes
    -----
    The loss is exact for linear, relu, scaled_relu and erf on Gaussian data; for others it is the mean over
    2048 inputs. Losses lie above the limit by order d/N; stochastic descent adds order step d. Cost of a
    step: O(N d), 50 microseconds at N = 1600, d = 20; on the population O(N^2 d), 20 ms at N = 400.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> train = tp.mean_field.train_autoencoder
    >>> ds = train([2.0, 1.0], "relu", 0.4, 0.1, [0, 1], step=0.05, width=50, method="population")
    >>> ds.loss.sizes["time"], bool(ds.loss[1] < ds.loss[0])
    (2, True)
    """
    spectrum, phi = as_spectrum(data), as_activation(activation)
    check_supported(spectrum, phi, method, examples)
    initial = initial_weights(spectrum, initial_scale, initial_covariance, initial_theta)
    plan = DescentPlan(
        spectrum=spectrum.one_by_one() if initial.one_by_one else spectrum,
        activation=phi,
        initial=initial,
        times=step_times(times, step),
        weight_decay=real("weight_decay", weight_decay, "be 0 or more", lambda v: v >= 0),
        width=whole("width", width, 1) if initial.neurons is None else len(initial.neurons),
        method=method,
        n_replicates=whole("n_replicates", n_replicates, 1),
        samples=whole("samples", samples),
        seed=fresh_seed(seed),
        paired=boolean("paired", paired),
        inputs=given_inputs(examples, spectrum),
    )
    plan.check()
    return _trained(plan, boolean("progress", progress), thread_count(threads))


def _trained(plan: DescentPlan, progress: bool, threads: int) -> xr.Dataset:
    """Train all networks."""
    done = run_replicates(
        "train_autoencoder",
        functools.partial(run, plan),
        plan.n_replicates,
        chunks(plan.times.counts, plan.method == "sgd"),
        progress=progress,
        threads=threads,
    ).worth_keeping(lambda record: record.reached, len(plan.times.times))
    return done.handed_over(_gathered(plan, done.runs))


def _gathered(plan: DescentPlan, records: list[RunRecord]) -> xr.Dataset:
    """Means and standard errors over networks, up to the times that all of them have reached."""
    reached = reached_by_all(records)
    remedy = f"step={plan.times.step:g} is too large: take a smaller one"
    status, message = concluded([record.end for record in records], reached, "weights", remedy)
    return Finished(
        route="train_autoencoder",
        spectrum=plan.spectrum,
        activation=plan.activation,
        times=plan.times,
        settings=plan.settings(),
        status=status,
        message=message,
    ).dataset(averaged(records, reached), {"replicates": len(records)})

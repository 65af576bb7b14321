"""The weight-tied autoencoder of infinite width."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ...ground.calls import checked_call
from ...ground.errors import QuadratureWarning, real, warn, whole
from ...results.schema import VARIABLES
from ...sites.activations import Activation, as_activation
from ...sites.laws import Law
from ..arguments import checked_times
from ..outcomes import Arrays, RunEnd, concluded
from . import gains, matrix
from .initial import InitialWeights, check_fits, initial_weights
from .record import Finished, FlowTimes, StepTimes, check_size, step_times
from .slopes import Slopes, constant_slope
from .spectrum import CovarianceSpectrum, as_spectrum

_NOTICED = 1e-6  # error of a quadrature that is warned of


@checked_call
def autoencoder(  # noqa: PLR0913
    data: ArrayLike | CovarianceSpectrum,
    activation: str | Activation | tuple,
    initial_scale: ArrayLike | Law | None,
    weight_decay: float,
    times: ArrayLike,
    step: float | None = None,
    samples: int = 64,
    seed: int = 0,
    *,
    initial_covariance: ArrayLike | None = None,
    initial_theta: ArrayLike | None = None,
    tolerance: float = 1e-10,
    nodes: int = 200,
) -> xr.Dataset:
    """Train a weight-tied autoencoder of infinite width on Gaussian data: every direction of the data has one
    gain.

        output(x) = (1/N) sum_i kappa theta_i sigma(<kappa theta_i, x>),   kappa = sqrt(d),
        x ~ N(0, R diag(Sigma^2) R^T / d),
        objective = E |output - x|^2 / 2 + (weight_decay / 2N) sum_i |theta_i|^2,
        dtheta_i/dt = -N dobjective/dtheta_i

    (Nguyen 2021). A neuron keeps its initial draw and is scaled along each direction, kappa theta_i(t) =
    (r_i(t) / r_i(0)) kappa theta_i(0), and output(x) = B x. For activations that are linear on both sides of
    0, with u_i = gamma r_i^2 and, for relu, gamma = 1/2,

        du_i/dt = 2 u_i [2 gamma Sigma_i^2 (1 - u_i) - weight_decay];

    for others, in large dimension d, with g ~ N(0, 1),

        dr_i/dt = -[2 gamma Sigma_i^2 (u_i - 1) + gamma3 Sigma_i^2 Q + weight_decay] r_i,
        Q = (1/d) sum_j Sigma_j^2 (u_j - 1) r_j^2,   s^2 = (1/d) sum_j Sigma_j^2 r_j^2,
        gamma = E sigma'(s g),   gamma3 = E sigma'''(s g)

    Parameters
    ----------
    data
        `CovarianceSpectrum`; or variances Sigma^2 (direction,), one direction each; or a covariance (feature,
        feature_prime). All are those of inputs sqrt(d) x with entries of order one.
        `CovarianceSpectrum.from_examples(inputs)` makes one from examples.
    activation
        Name, `Activation` or pair (phi, dphi). In papers erf is often erf(h / sqrt 2): `tp.Activation("erf",
        gain=0.5**0.5)`.
    initial_scale
        r(0): root mean square of kappa theta, one number or one per direction; or a law of its entries,
        symmetric about 0 (`tp.Gaussian(0, 0.4)`).
    weight_decay
        lambda, 0 or more.
    times
        Recorded times, 0 or more, increasing; each is met exactly.
    step
        None: gradient flow. A number: gradient descent in steps of that size; times must be multiples of it.
    samples, seed
        Neurons whose weights are kept, and the seed of their draws.

    Other parameters
    ----------------
    initial_covariance
        d Cov(theta(0)) (feature, feature_prime), with initial_scale=None. If it does not commute with that of
        the data, the matrix equation dA/dt = -gamma [(B - 1) S + S (B - 1)] A - weight_decay A for theta(t) =
        A theta(0) is solved; for linear, relu, scaled_relu and leaky_relu.
    initial_theta
        kappa theta(0) of the neurons of a finite network (sample, feature), with initial_scale=None: in pairs
        theta, -theta unless the activation is linear. With `step` the result *is* gradient descent of that
        network on the population, to rounding. For the same activations.
    tolerance
        Relative tolerance of integrations.
    nodes
        Nodes of the quadrature of gamma and gamma3, for activations without closed form.

    Returns
    -------
    xarray.Dataset
        gain (r), reconstruction (u) (time, direction); loss = E |output - x|^2 / 2, regularisation and
        preactivation_variance (s^2) (time,); half_rise_time and final_reconstruction (direction,);
        neuron_weight = kappa theta (time, sample, direction); with a covariance direction_vector (direction,
        feature). The matrix equation has reconstruction_matrix and reconstruction_eigenvalue instead of
        half-rise times. Attributes integration_error and quadrature_error: the largest changes of the gains
        when the tolerance is 100 times larger, and of gamma with half as many nodes.

    Raises
    ------
    InputError
        An argument that cannot be used; initial weights whose law is not symmetric about 0.
    UnsupportedError
        Initial covariances or neurons with another activation than linear, relu, scaled_relu and leaky_relu,
        or with infinite dimension.

    Warns
    -----
    QuadratureWarning
        Averages of the activation that are not known well.
    DivergenceWarning
        Weights that are not finite; the times before are kept.

    Notes
    -----
    Exact for any d with linear, relu, scaled_relu and leaky_relu, in closed form but for the matrix equation;
    for others the error is of order 1/d (erf, loss: 0.06/d). Real networks differ by order d/N. u(0) = 0
    stays 0; directions with 2 gamma Sigma^2 <= weight_decay are lost, u(infinity) = max(0, 1 - weight_decay /
    (2 gamma Sigma^2)); u may start above 1. Where weight_decay > 0 the loss need not fall all the time. Steps
    differ from the flow by order `step`. Cost: O(times directions); for the matrix equation O(times d^3).

    References
    ----------
    P.-M. Nguyen 2021, arXiv:2102.08373.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> spectrum = tp.mean_field.CovarianceSpectrum([2.25, 0.36], multiplicities=[5, 15])
    >>> ds = tp.mean_field.autoencoder(spectrum, "relu", 0.4, weight_decay=0.1, times=[0, 1, 8])
    >>> ds.loss.values.round(6).tolist()
    [0.352314, 0.111271, 0.017876]
    >>> ds.final_reconstruction.values.round(4).tolist(), ds.half_rise_time.values.round(4).tolist()
    ([0.9556, 0.7222], [0.5565, 4.0056])
    """
    spectrum, phi = as_spectrum(data), as_activation(activation)
    initial = initial_weights(spectrum, initial_scale, initial_covariance, initial_theta)
    check_fits(initial, constant_slope(phi) is not None, phi.name)
    plan = LimitPlan(
        spectrum=spectrum.one_by_one() if initial.one_by_one else spectrum,
        slopes=Slopes(phi, whole("nodes", nodes, 8)),
        initial=initial,
        weight_decay=real("weight_decay", weight_decay, "be 0 or more", lambda v: v >= 0),
        times=FlowTimes(checked_times(times)) if step is None else step_times(times, step),
        tolerance=real("tolerance", tolerance, "lie between 0 and 1", lambda v: 0 < v < 1),
        samples=whole("samples", samples),
        seed=whole("seed", seed),
    )
    plan.check_memory()
    return _solved(plan)


@dataclass(frozen=True, kw_only=True)
class LimitPlan:
    """All that the limit needs; `spectrum` has a direction for each coordinate where initial weights mix
    directions."""

    spectrum: CovarianceSpectrum
    slopes: Slopes
    initial: InitialWeights
    weight_decay: float
    times: FlowTimes
    tolerance: float
    samples: int
    seed: int

    def check_memory(self) -> None:
        """Refuse a run that does not fit."""
        directions = len(self.spectrum.variances)
        mixed = 0 if self.initial.covariance is None else 6 * directions**2
        check_size(len(self.times.times) * (mixed + 2 * self.samples * directions))

    def settings(self) -> dict:
        """Plain values."""
        return {
            "initial": self.initial.describe(),
            "weight_decay": self.weight_decay,
            "times": self.times.times.tolist(),
            "step": self.times.step if isinstance(self.times, StepTimes) else None,
            "samples": self.samples,
            "seed": self.seed,
            "tolerance": self.tolerance,
            "nodes": self.slopes.nodes,
        }


@dataclass(frozen=True)
class _Solution:
    """Variables at the times that were reached, errors by name, and how the run ended."""

    values: dict[str, np.ndarray]
    errors: dict[str, float]
    end: RunEnd


def _solved(plan: LimitPlan) -> xr.Dataset:
    """The labelled result."""
    activation, times = plan.slopes.activation, plan.times
    slope, covariance = constant_slope(activation), plan.initial.covariance
    theta = plan.initial.draw(plan.samples, plan.spectrum, np.random.default_rng(plan.seed))
    if slope is None or covariance is None:
        found = _by_gains(plan, slope, theta)
    else:
        found = _by_matrix(plan, slope, covariance, theta)
    if found.errors["quadrature_error"] > _NOTICED:
        error = f"{found.errors['quadrature_error']:.0e}"
        told = f"autoencoder: averages of this activation are known to {error} only; take more nodes."
        warn(told, QuadratureWarning)
    remedy = "take a smaller tolerance"
    if isinstance(times, StepTimes):
        remedy = f"step={times.step:g} is too large: take a smaller one"
    status, message = concluded([found.end], len(found.values["loss"]), "weights", remedy)
    arrays: Arrays = {name: (VARIABLES[name].dims, values) for name, values in found.values.items()}
    return Finished(
        route="autoencoder",
        spectrum=plan.spectrum,
        activation=activation,
        times=times,
        settings=plan.settings(),
        status=status,
        message=message,
    ).dataset(arrays, found.errors)


def _by_gains(plan: LimitPlan, slope: float | None, theta: np.ndarray) -> _Solution:
    """Where every direction has a gain of its own; `slope` is gamma where it does not depend on s."""
    spectrum, scale, decay, times = plan.spectrum, plan.initial.scale, plan.weight_decay, plan.times
    rates = gains.GainRates(plan.slopes, spectrum, decay)
    if isinstance(times, StepTimes):
        final = None if slope is None else gains.homogeneous_final(slope, spectrum, scale, decay)
        path = gains.steps(rates, scale, times.step, times.counts, final)
    elif slope is not None:
        path = gains.closed_form(slope, spectrum, scale, decay, times.times)
    else:
        path = gains.flow(rates, scale, times.times, plan.tolerance)
    growth = np.divide(path.gain, scale, out=np.zeros_like(path.gain), where=scale > 0)
    values = {
        "gain": path.gain,
        "reconstruction": path.reconstruction,
        "loss": (1 - path.reconstruction) ** 2 @ rates.weighted / 2,
        "regularisation": decay / 2 * path.gain**2 @ spectrum.fractions,
        "preactivation_variance": rates.variance(path.gain),
        "half_rise_time": path.half_rise,
        "final_reconstruction": path.final,
        "neuron_weight": growth[:, None] * theta,
    }
    errors = {"integration_error": path.error, "quadrature_error": path.quadrature_error}
    return _Solution(values, errors, path.end)


def _by_matrix(plan: LimitPlan, slope: float, covariance: np.ndarray, theta: np.ndarray) -> _Solution:
    """Where initial weights mix directions."""
    variances, decay, times, d = plan.spectrum.variances, plan.weight_decay, plan.times, plan.spectrum.size
    rates = matrix.MatrixRates(slope, variances, covariance, decay)
    if isinstance(times, StepTimes):
        path = matrix.steps(rates, times.step, times.counts)
    else:
        path = matrix.flow(rates, times.times, plan.tolerance)
    b = rates.output(path.matrices)
    square = np.diagonal(b, axis1=1, axis2=2) / slope
    values = {
        "gain": np.sqrt(np.maximum(square, 0.0)),
        "reconstruction": slope * square,
        "reconstruction_matrix": b,
        "reconstruction_eigenvalue": np.linalg.eigvalsh(b)[:, ::-1],
        "loss": ((np.eye(d) - b) ** 2 @ variances).sum(axis=1) / (2 * d),
        "regularisation": decay / (2 * d) * square.sum(axis=1),
        "preactivation_variance": square @ variances / d,
        "neuron_weight": theta @ np.swapaxes(path.matrices, 1, 2),
    }
    return _Solution(values, {"integration_error": path.error, "quadrature_error": 0.0}, path.end)

"""The weight-tied autoencoder of infinite width."""

import numpy as np
import xarray as xr

from ...ground.calls import checked_call
from ...ground.errors import QuadratureWarning, real, warn, whole
from ...sites.activations import as_activation
from . import gains, matrix
from .initial import Initial, check_fits, initial_law
from .record import Grid, check_size, ending, finished
from .slopes import Slopes, constant_slope
from .spectrum import Spectrum, as_spectrum

_NOTICED = 1e-6  # error of a quadrature that is warned of


@checked_call
def autoencoder(
    data,
    activation,
    initial_scale,
    weight_decay: float,
    times,
    step: float | None = None,
    samples: int = 64,
    seed: int = 0,
    *,
    initial_covariance=None,
    initial_theta=None,
    tolerance: float = 1e-10,
    nodes: int = 200,
) -> xr.Dataset:
    """Train a weight-tied autoencoder of infinite width on Gaussian data: every direction of the data has one
    gain.

        output(x) = (1/N) sum_i kappa theta_i sigma(<kappa theta_i, x>),   kappa = sqrt(d),   x ~ N(0, R diag(Sigma^2) R^T / d),
        objective = E |output - x|^2 / 2 + (weight_decay / 2N) sum_i |theta_i|^2,   dtheta_i/dt = -N dobjective/dtheta_i

    (Nguyen 2021). A neuron keeps its initial draw and is scaled along each direction, kappa theta_i(t) =
    (r_i(t) / r_i(0)) kappa theta_i(0), and output(x) = B x:

        linear on both sides of 0:   du_i/dt = 2 u_i [2 gamma Sigma_i^2 (1 - u_i) - weight_decay],   u_i = gamma r_i^2;   relu: gamma = 1/2
        others, large d:   dr_i/dt = -[2 gamma Sigma_i^2 (u_i - 1) + gamma3 Sigma_i^2 Q + weight_decay] r_i,
            Q = (1/d) sum_j Sigma_j^2 (u_j - 1) r_j^2,   s^2 = (1/d) sum_j Sigma_j^2 r_j^2,   g ~ N(0, 1),
            gamma = E sigma'(s g),   gamma3 = E sigma'''(s g)

    Parameters
    ----------
    data
        `Spectrum`; or variances Sigma^2 (direction,), one direction each; or a covariance (feature,
        feature_prime). All are those of inputs sqrt(d) x with entries of order one.
        `Spectrum.from_examples(inputs)` makes one of data.
    activation
        Name, `Activation` or pair (phi, dphi). In papers erf is often erf(h / sqrt 2): `tp.Activation("erf",
        gain=0.5**0.5)`.
    initial_scale
        r(0): root mean square of kappa theta, one number or one per direction; or a law of its entries,
        symmetric about 0 (`tp.Gaussian(0, 0.4)`).
    weight_decay
        lambda, 0 or more.
    times
        Recorded times, 0 or more, increasing; all are hit exactly.
    step
        None: gradient flow. A number: gradient descent in steps of that size, times being multiples of it.
    samples, seed
        Neurons whose weights are kept, and the seed of their draws.

    Other parameters
    ----------------
    initial_covariance
        d Cov(theta(0)) (feature, feature_prime), with initial_scale=None. If it does not commute with that of
        the data, the matrix equation dA/dt = -gamma [(B - 1) S + S (B - 1)] A - weight_decay A for theta(t) =
        A theta(0) is solved; for linear, relu and scaled_relu.
    initial_theta
        kappa theta(0) of the neurons of a finite network (sample, feature), with initial_scale=None: for relu
        in pairs theta, -theta. With `step` the result *is* gradient descent of that network on the
        population, to rounding. Same activations.
    tolerance
        Relative tolerance of integrations.
    nodes
        Of the quadrature of gamma and gamma3, for activations without closed form.

    Returns
    -------
    xarray.Dataset
        gain (r), reconstruction (u) (time, direction); loss = E |output - x|^2 / 2, regularisation and preactivation_variance (s^2)
        (time,); half_rise_time and final_reconstruction (direction,); theta = kappa theta (time, sample,
        direction); with a covariance direction_vector (direction, feature). The matrix equation has
        reconstruction_matrix and reconstruction_eigenvalue instead of half-rise times. Attributes
        integration_error and quadrature_error: largest changes of the gains with a tolerance 100 times
        larger, and of gamma with half as many nodes.

    Raises
    ------
    InputError
        An argument that cannot be used; initial weights whose law is not symmetric about 0.
    UnsupportedError
        Initial covariances or neurons with another activation than linear, relu and scaled_relu, or with
        infinite dimension.

    Notes
    -----
    Exact for any d with linear, relu and scaled_relu, closed but for the matrix equation; for others the
    error is of order 1/d (erf, loss: 0.06/d). Real networks differ by order d/N. u(0) = 0 stays 0; directions
    with 2 gamma Sigma^2 <= weight_decay are lost, u(infinity) = max(0, 1 - weight_decay / (2 gamma Sigma^2));
    u may start above 1. The loss need not fall all the time where weight_decay > 0. Steps differ from the
    flow by order `step`. Cost: O(times directions); the matrix equation O(times d^3).

    References
    ----------
    P.-M. Nguyen 2021, arXiv:2102.08373.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> spectrum = tp.mean_field.Spectrum([2.25, 0.36], multiplicities=[5, 15])
    >>> ds = tp.mean_field.autoencoder(spectrum, "relu", 0.4, weight_decay=0.1, times=[0, 1, 8])
    >>> ds.loss.values.round(6).tolist()
    [0.352314, 0.111271, 0.017876]
    >>> ds.final_reconstruction.values.round(4).tolist(), ds.half_rise_time.values.round(4).tolist()
    ([0.9556, 0.7222], [0.5565, 4.0056])
    """
    spectrum, activation = as_spectrum(data), as_activation(activation)
    decay, grid = real("weight_decay", weight_decay, "be 0 or more", lambda v: v >= 0), Grid.of(times, step)
    tolerance = real("tolerance", tolerance, "lie between 0 and 1", lambda v: 0 < v < 1)
    slopes = Slopes(activation, whole("nodes", nodes, 8))
    initial = initial_law(spectrum, initial_scale, initial_covariance, initial_theta)
    check_fits(initial, constant_slope(activation) is not None, activation.name)
    settings = {
        "initial": initial.describe(),
        "weight_decay": decay,
        "times": grid.times.tolist(),
        "step": grid.step,
        "samples": whole("samples", samples),
        "seed": whole("seed", seed),
        "tolerance": tolerance,
        "nodes": slopes.nodes,
    }
    own = spectrum.one_by_one() if initial.one_by_one else spectrum
    mixed = 0 if initial.covariance is None else 6 * len(own.variances) ** 2
    check_size(len(grid.times) * (mixed + 2 * settings["samples"] * len(own.variances)))
    theta = initial.draw(settings["samples"], own, np.random.default_rng(settings["seed"]))
    solve = _by_gains if initial.covariance is None else _by_matrix
    arrays, errors, stopped = solve(own, slopes, initial, decay, grid, tolerance, theta)
    if errors["quadrature_error"] > _NOTICED:
        warn(
            f"autoencoder: averages of this activation are known to {errors['quadrature_error']:.0e} only;"
            " take more nodes.",
            QuadratureWarning,
        )
    return finished(
        "autoencoder", arrays, own, grid, activation, settings, ending(stopped, grid.step), errors
    )


def _by_gains(
    spectrum: Spectrum,
    slopes: Slopes,
    initial: Initial,
    decay: float,
    grid: Grid,
    tolerance: float,
    theta: np.ndarray,
) -> tuple:
    """Variables, errors and the time of divergence, where every direction has a gain of its own."""
    slope, rates = constant_slope(slopes.activation), gains.Rates(slopes, spectrum, decay)
    if grid.counts is not None:
        final = None if slope is None else gains.homogeneous_final(slope, spectrum, initial.scale, decay)
        path = gains.steps(rates, initial.scale, grid.step, grid.counts, final)
    elif slope is not None:
        path = gains.closed_form(slope, spectrum, initial.scale, decay, grid.times)
    else:
        path = gains.flow(rates, initial.scale, grid.times, tolerance)
    growth = np.divide(path.gain, initial.scale, out=np.zeros_like(path.gain), where=initial.scale > 0)
    arrays = {
        "gain": path.gain,
        "reconstruction": path.reconstruction,
        "loss": (1 - path.reconstruction) ** 2 @ rates.weighted / 2,
        "regularisation": decay / 2 * path.gain**2 @ spectrum.fractions,
        "preactivation_variance": rates.variance(path.gain),
        "half_rise_time": path.half_rise,
        "final_reconstruction": path.final,
        "theta": growth[:, None] * theta,
    }
    return arrays, {"integration_error": path.error, "quadrature_error": path.quadrature_error}, path.stopped


def _by_matrix(
    spectrum: Spectrum,
    slopes: Slopes,
    initial: Initial,
    decay: float,
    grid: Grid,
    tolerance: float,
    theta: np.ndarray,
) -> tuple:
    """The same where initial weights mix directions."""
    rates = matrix.MatrixRates(
        constant_slope(slopes.activation), spectrum.variances, initial.covariance, decay
    )
    path = (
        matrix.flow(rates, grid.times, tolerance)
        if grid.counts is None
        else matrix.steps(rates, grid.step, grid.counts)
    )
    b, variances, d = rates.output(path.matrices), spectrum.variances, spectrum.dimension
    square = np.diagonal(b, axis1=1, axis2=2) / rates.slope
    arrays = {
        "gain": np.sqrt(np.maximum(square, 0.0)),
        "reconstruction": rates.slope * square,
        "reconstruction_matrix": b,
        "reconstruction_eigenvalue": np.linalg.eigvalsh(b)[:, ::-1],
        "loss": ((np.eye(d) - b) ** 2 @ variances).sum(axis=1) / (2 * d),
        "regularisation": decay / (2 * d) * square.sum(axis=1),
        "preactivation_variance": square @ variances / d,
        "theta": theta @ np.swapaxes(path.matrices, 1, 2),
    }
    return arrays, {"integration_error": path.error, "quadrature_error": 0.0}, path.stopped

"""Distributional dynamics of two-layer networks, by particles."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ...ground.calls import checked_call
from ...ground.errors import boolean
from ...ground.progress import Progress
from ...ground.replicates import run_replicates
from ...ground.status import Status
from ...results.provenance import made
from ...results.references import cite
from ..arguments import stream
from ..outcomes import RunEnd, RunRecord, averaged, concluded, reached_by_all
from .data import Data
from .dynamics_plan import DynamicsPlan, dynamics_plan, particle_plan
from .initial import Particles, initial_particles
from .observables import Observer, densities, result
from .on_data import reduction
from .stepping import Schedule, Stepper, step_plan, steps_between
from .units import Unit

_PAPERS = cite("two layers", "many particles")


@checked_call
def distributional_dynamics(  # noqa: PLR0913
    unit: Unit,
    data: Data,
    initial: Mapping[str, Any],
    times: ArrayLike,
    dt: float = 0.01,
    n_samples: int = 4096,
    n_replicates: int = 4,
    seed: int | None = 0,
    draws: str | None = None,
    method: str | None = None,
    temperature: float = 0.0,
    weight_decay: float = 0.0,
    schedule: Schedule = 1.0,
    samples: int = 64,
    bins: int = 60,
    radial_nodes: int | None = None,
    progress: bool = True,
    *,
    threads: int | None = None,
) -> xr.Dataset:
    """Train infinitely many neurons of a two-layer network, f(x) = int sigma_*(x; theta) rho_t(d theta).

        d_t rho = 2 xi(t) div(rho grad Psi(theta; rho)) + 2 xi(t) tau Laplacian rho,
        Psi(theta; rho) = E[loss'(f(x), y) sigma_*(x; theta)] + (lambda / 2) |theta|^2,
        loss' = f - y for the squared loss

    (Mei, Montanari & Nguyen 2018, equations 6 and 13), solved by particles: d theta = -2 xi grad Psi dt +
    sqrt(4 xi tau) dW. The loss is that of the data. The risk is E loss(f, y), but for the squared loss, as in
    the paper, without its 1/2: R = E (y - f)^2.

    Parameters
    ----------
    unit
        A `Neuron` or a `UserUnit`.
    data
        `FiniteData`; or `IsotropicGaussians` (any dimension) and `AnisotropicGaussians` (infinite dimension),
        on which only norms of w matter, whose dynamics are exact.
    initial
        Table from parameters to laws (`tp.Gaussian`, `tp.Uniform`, `NormOfGaussian`) or numbers. Parameters
        are those of the unit, independent of each other. On finite data "w" stands for w0, w1, ... (one law,
        or one for each). On isotropic Gaussians it is r = |w|; on anisotropic ones there are r1 and r2, the
        norms of the two blocks of w. With several outputs "a" stands for a0, a1, ...
    times
        (time,) to record, increasing; each is met exactly.
    dt
        Largest time step. With method "euler" and without temperature the run is full-batch gradient descent
        with step dt.
    n_samples, n_replicates, seed
        Particles and independent runs. With nodes of quadrature: nodes for each parameter that is not fixed,
        in one run.
    draws
        "sobol" or "pseudo-random" draws of the initial law; "quadrature" for a tensor product of
        Gauss-Legendre nodes, "midpoint" for one of equal cells. By default "sobol", with temperature
        "pseudo-random". A run with n_samples pseudo-random particles is the finite network of that width.
    method
        "rk4" or "euler"; by default "rk4", with temperature "euler" (Euler-Maruyama).
    temperature, weight_decay
        tau and lambda, acting on the trained parameters. The temperature is for finite data.
    schedule
        xi(t), a function of time or a number.
    samples
        Particles whose parameters are kept; unless draws are "sobol", they are independent draws of rho_t.
    bins
        Bins of densities; 0 for none.
    radial_nodes
        Nodes for |x| of each class on isotropic Gaussians of finite dimension: 40 by default, 150 below
        dimension 10. Measured on the risk of neurons with two corners the error is 1e-14 at dimension 40,
        1e-8 at 10 and 5, 1e-6 at 3.

    Other parameters
    ----------------
    threads
        As of `tp.sample`: the numbers do not depend on it.

    Returns
    -------
    xarray.Dataset
        output, mean_field_residual loss' (time, example[, output]); risk, free_energy and, with temperature,
        entropy (time,); the moments parameter_mean, parameter_square, parameter_product; site_parameter
        (time, sample, parameter); density (time, parameter, bin) between bin_edge (parameter, edge); on
        Gaussians, where examples are values of |x| (radius) or the two classes, class_output (time, class).
        <name>_stderr between replicates.

    Raises
    ------
    InputError
        An argument that cannot be used.
    UnsupportedError
        A unit without a reduction on these data; temperature on Gaussians; several outputs of a unit that has
        one.

    Warns
    -----
    DivergenceWarning
        Parameters or outputs that are not finite; the times before are kept.

    Notes
    -----
    The free energy E loss + (lambda / 2) int |theta|^2 d rho - tau Ent(rho) never increases; the risk may.
    The entropy of all parameters that are not fixed is estimated from nearest neighbours among the particles
    (Kozachenko & Leonenko 1987); it is NaN at time 0 for Sobol draws, which are too regular.

    Cost: O(particles points parameters) per step, four times that with "rk4", and all of it for each
    replicate: gradient descent of one network, method="euler" and n_replicates=1, costs a sixteenth of the
    default. Errors: dt^4 ("rk4") or dt; n_samples^-1/2, less for Sobol draws. Without temperature the flow
    grows steep between basins: there thousands of midpoints are better than Gauss-Legendre nodes.

    References
    ----------
    Mei, Montanari & Nguyen 2018, arXiv:1804.06561.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> mf = tp.mean_field
    >>> data, unit = mf.FiniteData([-1.0, 1.0], [-0.5, 0.5]), mf.Neuron("tanh")
    >>> laws = {"a": tp.Gaussian(), "w": tp.Gaussian()}
    >>> ds = mf.distributional_dynamics(unit, data, laws, [0, 1], n_samples=20, draws="quadrature")
    >>> ds.risk.values.round(3).tolist()
    [0.25, 0.009]
    """
    reduced = reduction(unit, data, radial_nodes)
    steps = step_plan(times, "dt", dt, schedule, temperature, weight_decay)
    if draws is None:
        draws = "pseudo-random" if steps.temperature else "sobol"
    particles = particle_plan(n_samples, n_replicates, seed, draws, samples, bins)
    plan = dynamics_plan(unit, data, reduced, initial, steps, particles, method)
    return _solved(plan, boolean("progress", progress), threads)


@dataclass(frozen=True)
class _ParticleRun(RunRecord):
    """One replicate: its record, all its particles at every time if densities are asked for, their
    weights."""

    everywhere: list[np.ndarray]
    weight: np.ndarray


def _solved(plan: DynamicsPlan, progress: bool, threads: int | None) -> xr.Dataset:
    """Run all replicates."""
    done = run_replicates(
        "distributional_dynamics",
        functools.partial(_run, plan),
        plan.particles.n_replicates,
        plan.steps.total,
        progress=progress,
        threads=threads,
    ).worth_keeping(lambda run: run.reached, len(plan.steps.times))
    return done.handed_over(_gathered(plan, done.runs))


def _run(plan: DynamicsPlan, replicate: int, shown: Progress) -> _ParticleRun:
    """One replicate from its number."""
    own = plan.particles
    particles = initial_particles(plan.laws, own.draws, own.n_samples, own.seed, replicate, own.samples)
    observer = Observer(plan.reduced, plan.steps, plan.varying, own.bins > 0, own.draws == "sobol")
    noise = stream(own.seed, replicate, 2)
    stepper = Stepper(plan.reduced, particles.weight, plan.steps, plan.method, noise)
    shown.begin()
    with np.errstate(over="ignore", invalid="ignore"):
        end = _go(plan, particles, observer, stepper, shown)
    return _ParticleRun(observer.record, end, observer.everywhere, particles.weight)


def _go(
    plan: DynamicsPlan, particles: Particles, observer: Observer, stepper: Stepper, shown: Progress
) -> RunEnd:
    """Step and record until the last time."""
    now = 0.0
    for until in plan.steps.times:
        for t, h in steps_between(now, until, plan.steps.step):
            particles.theta = stepper.step(particles.theta, t, h)
            if not np.isfinite(particles.theta).all():
                return RunEnd(Status.DIVERGED, t + h)
            if not shown.advance():
                return RunEnd(Status.INTERRUPTED, t + h)
        now = until
        output = plan.reduced.output(particles.theta, particles.weight)
        if not np.isfinite(output).all():
            return RunEnd(Status.DIVERGED, now)
        observer.look(now, particles, output)
    return RunEnd(Status.COMPLETED, now)


def _gathered(plan: DynamicsPlan, runs: list[_ParticleRun]) -> xr.Dataset:
    """The labelled result of all replicates, up to the times that all of them reached."""
    reached = reached_by_all(runs)
    remedy = f"dt={plan.steps.step:g} is too large: take a smaller one"
    status, message = concluded([run.end for run in runs], reached, "parameters or outputs", remedy)
    arrays = averaged(runs, reached)
    if plan.particles.bins:
        everywhere = [np.stack(run.everywhere[:reached]) for run in runs]
        found, edges = densities(everywhere, runs[0].weight, plan.particles.bins)
        of_density = [RunRecord({"density": list(each)}, run.end) for each, run in zip(found, runs)]
        arrays |= averaged(of_density, reached) | {"bin_edge": (("parameter", "edge"), edges)}
    settings = plan.settings() | {"replicates_kept": len(runs)}
    described = {"unit": plan.unit.describe(), "data": plan.data.describe()}
    name = type(plan.unit).__name__
    attributes = made("distributional_dynamics", name, settings, status.label, message, _PAPERS, described)
    attributes["replicates"] = len(runs)
    return result(arrays, plan.reduced, plan.data, plan.steps.times[:reached], attributes)

"""Distributional dynamics of two-layer networks by sites."""

import functools
import math
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from ...ground.calls import checked_call
from ...ground.errors import DivergenceWarning, UnsupportedError, boolean, real, require, warn, whole
from ...ground.interruption import nothing_kept
from ...ground.progress import Progress
from ...ground.replicates import run_replicates
from ...results import memory
from ...results.provenance import made
from ...sites.draws import fresh_seed
from .data import FiniteData, IsotropicGaussians
from .initial import NODES, RANDOM, Sites, initial_laws, initial_sites
from .observables import Observer, averaged, densities, result
from .population import Population
from .populations import population
from .stepping import METHODS, Stepper, checked_schedule, checked_step, checked_times, steps_between

REFERENCES = (
    "Mei, Montanari & Nguyen 2018, arXiv:1804.06561; Mei, Misiakiewicz & Montanari 2019, arXiv:1902.06015"
)


@checked_call
def distributional_dynamics(
    unit,
    data,
    initial,
    times,
    dt: float = 0.01,
    n_samples: int = 4096,
    n_replicates: int = 4,
    seed: int | None = 0,
    draws: str | None = None,
    method: str | None = None,
    temperature: float = 0.0,
    weight_decay: float = 0.0,
    schedule=1.0,
    samples: int = 64,
    bins: int = 60,
    radial_nodes: int | None = None,
    progress: bool = True,
    *,
    threads: int | None = None,
) -> xr.Dataset:
    """Train infinitely many neurons of a two-layer network, f(x) = int sigma_*(x; theta) rho_t(d theta).

        d_t rho = 2 xi(t) div(rho grad Psi(theta; rho)) + 2 xi(t) tau Laplacian rho,
        Psi = E[loss'(f(x), y) sigma_*(x; theta)] + (lambda / 2) |theta|^2,   loss' = f - y for the squared loss

    (Mei, Montanari & Nguyen 2018, equations 6 and 13), solved by sites: d theta = -2 xi grad Psi dt + sqrt(4
    xi tau) dW. The loss is that of the data. The risk is E loss(f, y), but of the squared loss, as in the
    paper, without its 1/2: R = E (y - f)^2.

    Parameters
    ----------
    unit
        A `Neuron` or a `UserUnit`.
    data
        `FiniteData`; or `IsotropicGaussians` (any dimension) and `AnisotropicGaussians` (infinite dimension),
        on which only the norms of w matter and the dynamics of these are exact.
    initial
        Table from parameters to laws (`tp.Gaussian`, `tp.Uniform`, `NormOfGaussian`) or numbers. Parameters
        are those of the unit,
        independent of each other; "w" stands for w0, w1, ... on finite data (one law, or one for each), is r = |w| on isotropic
        Gaussians, and r1, r2, the norms of its two blocks, on anisotropic ones. "a" stands for a0, a1, ... of
        several outputs.
    times
        (time,) to record, increasing; each is met exactly.
    dt
        Largest time step. With method "euler" and without temperature the run is full-batch gradient descent
        with step dt.
    n_samples, n_replicates, seed
        Sites and independent runs. With nodes of quadrature: nodes per parameter that is not fixed, in one
        run.
    draws
        "sobol" or "pseudo-random" draws of the initial law; "quadrature" for a tensor product of
        Gauss-Legendre nodes, "midpoint" for one of equal cells. By default "sobol", with temperature
        "pseudo-random". A run on n_samples pseudo-random sites is the finite network of that width.
    method
        "rk4" or "euler"; by default "rk4", with temperature "euler" (Euler-Maruyama).
    temperature, weight_decay
        tau and lambda, of the trained parameters. The temperature is for finite data.
    schedule
        xi(t), a function of time or a number.
    samples
        Sites whose parameters are kept, independent draws of rho_t but for Sobol draws.
    bins
        Bins of densities; 0 for none.
    radial_nodes
        Nodes for |x| of each class on isotropic Gaussians of finite dimension: 40 by default, 150 below dimension 10. Measured on the
        risk of neurons with two corners: 1e-14 at dimension 40, 1e-8 at 10 and 5, 1e-6 at 3.

    Other parameters
    ----------------
    threads
        As of `tp.sample`: the numbers do not depend on it.

    Returns
    -------
    xarray.Dataset
        output, mean_field_residual loss' (time, example[, output]); risk, free_energy and with temperature
        entropy (time,); parameter_mean, parameter_square, parameter_product: moments; site_parameter (time,
        sample, parameter); density (time, parameter, bin) between
        bin_edge; class_output (time, class) on Gaussians, where examples are values of |x| (radius) or the two classes.
        <name>_stderr between replicates.

    Raises
    ------
    InputError
        An argument that cannot be used.
    UnsupportedError
        A unit without a reduction on these data; temperature on Gaussians; several outputs of a unit that has
        one.

    Notes
    -----
    The free energy E loss + (lambda / 2) int |theta|^2 d rho - tau Ent(rho) never increases; the risk may. The entropy of
    sites is estimated by nearest neighbours (Kozachenko & Leonenko 1987), of all parameters that are not
    fixed; it is NaN at time 0 for Sobol draws, which are too regular. Cost: O(sites points parameters) per
    step, four times with "rk4", and all of it for each replicate: gradient descent of one network,
    method="euler" and n_replicates=1, costs a sixteenth of the default. Errors: dt^4 ("rk4") or dt;
    n_samples^-1/2, for Sobol draws less. Without temperature the flow grows steep between basins:
    Gauss-Legendre nodes then lose to thousands of midpoints.

    References
    ----------
    Mei, Montanari & Nguyen 2018, arXiv:1804.06561.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> mf = tp.mean_field
    >>> data, unit = mf.FiniteData([-1.0, 1.0], [-0.5, 0.5]), mf.Neuron("tanh")
    >>> ds = mf.distributional_dynamics(unit, data, {"a": tp.Gaussian(), "w": tp.Gaussian()}, [0, 1], n_samples=20, draws="quadrature")
    >>> ds.risk.values.round(3).tolist()
    [0.25, 0.009]
    """
    require(
        radial_nodes is None or (isinstance(data, IsotropicGaussians) and data.dimension != math.inf),
        f"radial_nodes={radial_nodes!r} are for IsotropicGaussians of finite dimension; leave them out.",
    )
    found = population(unit, data, None if radial_nodes is None else whole("radial_nodes", radial_nodes, 2))
    plan = _plan(
        found,
        data,
        initial,
        times,
        dt,
        n_samples,
        n_replicates,
        draws,
        method,
        temperature,
        weight_decay,
        schedule,
        samples,
        bins,
    )
    plan = replace(plan, seed=fresh_seed(seed))
    plan.check_memory()
    done = run_replicates(
        "distributional_dynamics",
        functools.partial(_run, plan),
        plan.n_replicates,
        plan.steps(),
        progress=boolean("progress", progress),
        threads=threads,
    ).worth_keeping(lambda run: len(run.observer.times), len(plan.times))
    return done.handed_over(_gathered(plan, done.runs, unit, data, schedule))


@dataclass(frozen=True)
class _Plan:
    """Arguments, checked."""

    population: Population
    classes: bool
    laws: list
    times: np.ndarray
    dt: float
    n_samples: int
    n_replicates: int
    draws: str
    method: str
    temperature: float
    weight_decay: float
    schedule: object
    samples: int
    bins: int
    seed: int = 0

    def steps(self) -> int:
        """Steps of a run."""
        begin = np.concatenate([[0.0], self.times[:-1]])
        return sum(math.ceil((b - a) / self.dt - 1e-9) for a, b in zip(begin, self.times) if b > a)

    def sites(self) -> int:
        """Sites of a run."""
        if self.draws in RANDOM:
            return self.n_samples
        return self.n_samples ** sum(not law.fixed for law in self.laws) + self.samples

    def check_memory(self) -> None:
        """Refuse what does not fit."""
        rows = self.sites() * len(self.laws)
        if self.draws == "quadrature":  # Gauss-Legendre nodes are eigenvalues of a matrix
            memory.check(8 * 2 * self.n_samples**2, "take fewer n_samples, or draws='midpoint'")
        kept = self.n_replicates * len(self.times) * rows * 4 if self.bins else 0
        memory.check(
            kept + 8 * 12 * rows * self.n_replicates,
            "take fewer n_samples, record fewer times, or leave densities out (bins=0)",
        )

    def settings(self) -> dict:
        """Plain values."""
        return {
            "times": self.times.tolist(),
            "dt": self.dt,
            "n_samples": self.n_samples,
            "n_replicates": self.n_replicates,
            "seed": self.seed,
            "draws": self.draws,
            "method": self.method,
            "temperature": self.temperature,
            "weight_decay": self.weight_decay,
            "samples": self.samples,
            "bins": self.bins,
            "initial": dict(zip(self.population.names, (law.describe() for law in self.laws))),
        }


def _plan(
    found,
    data,
    initial,
    times,
    dt,
    n_samples,
    n_replicates,
    draws,
    method,
    temperature,
    weight_decay,
    schedule,
    samples,
    bins,
) -> _Plan:
    temperature = real("temperature", temperature, "be 0 or more", lambda v: v >= 0)
    draws = draws if draws is not None else "pseudo-random" if temperature else "sobol"
    method = method if method is not None else "euler" if temperature else "rk4"
    require(method in METHODS, f"method={method!r} is unknown; choose one of {', '.join(METHODS)}.")
    require(
        draws in RANDOM + NODES, f"draws={draws!r} is unknown; choose one of {', '.join(RANDOM + NODES)}."
    )
    if temperature and not isinstance(data, FiniteData):
        raise UnsupportedError(
            "temperature on Gaussian inputs has no reduction to norms here; train real networks with"
            " train_particles."
        )
    require(
        not temperature or method == "euler",
        "method='rk4' has no noise; with temperature take method='euler'.",
    )
    require(
        not temperature or draws in RANDOM,
        f"draws={draws!r} are nodes with weights, which noise would blur; with temperature take"
        " 'pseudo-random' draws.",
    )
    times = checked_times(times)
    norms = () if isinstance(data, FiniteData) else ("r", "r1", "r2")
    plan = _Plan(
        found,
        not isinstance(data, FiniteData),
        initial_laws(found.names, initial, norms),
        times,
        checked_step("dt", dt, times),
        whole("n_samples", n_samples, 1),
        1 if draws in NODES else whole("n_replicates", n_replicates, 1),
        draws,
        method,
        temperature,
        real("weight_decay", weight_decay, "be 0 or more", lambda v: v >= 0),
        checked_schedule(schedule),
        whole("samples", samples),
        whole("bins", bins),
    )
    plan.schedule(0.0)
    return plan


@dataclass
class _Run:
    """One replicate: its records, the weights of its sites, how it ended."""

    observer: Observer
    weight: np.ndarray
    status: str
    time: float


def _run(plan: _Plan, replicate: int, shown: Progress) -> _Run:
    sites = initial_sites(plan.laws, plan.draws, plan.n_samples, plan.seed, replicate, plan.samples)
    varying = plan.population.trained | np.array([not law.fixed for law in plan.laws])
    observer = Observer(
        plan.population,
        plan.weight_decay,
        plan.temperature,
        varying,
        plan.bins > 0,
        plan.draws == "sobol",
        plan.classes,
    )
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(plan.seed, spawn_key=(replicate, 2))))
    stepper = Stepper(
        plan.population, sites.weight, plan.weight_decay, plan.temperature, plan.schedule, plan.method, rng
    )
    shown.begin()
    with np.errstate(over="ignore", invalid="ignore"):
        status, t = _go(plan, sites, observer, stepper, shown)
    return _Run(observer, sites.weight, status, t)


def _go(
    plan: _Plan, sites: Sites, observer: Observer, stepper: Stepper, shown: Progress
) -> tuple[str, float]:
    """Step and record until the last time; how it ended, and when."""
    now = 0.0
    for until in plan.times:
        for t, h in steps_between(now, until, plan.dt):
            sites.theta = stepper.step(sites.theta, t, h)
            if not np.isfinite(sites.theta).all():
                return "diverged", t + h
            if not shown.advance():
                return "interrupted", t + h
        now = until
        output = plan.population.output(sites.theta, sites.weight)
        if not np.isfinite(output).all():
            return "diverged", now
        observer.look(now, sites, output)
    return "completed", now


def _gathered(plan: _Plan, runs: list[_Run], unit, data, schedule) -> xr.Dataset:
    """The labelled result of all replicates, up to the times that all of them reached."""
    worst = min(runs, key=lambda run: (("diverged", "interrupted", "completed").index(run.status), run.time))
    message = {
        "diverged": (
            f"At time {worst.time:g} parameters or outputs were not finite with dt={plan.dt:g}; the times"
            " before are kept. Take a smaller dt."
        ),
        "interrupted": f"The run was interrupted at time {worst.time:g}; the times before are kept.",
        "completed": "All times were reached.",
    }[worst.status]
    reached = min(len(run.observer.times) for run in runs)
    if worst.status == "interrupted" and not reached:
        raise nothing_kept("distributional_dynamics")
    require(
        reached > 0,
        f"at time {worst.time:g} parameters or outputs were not finite with dt={plan.dt:g}, and nothing"
        " before that was recorded; take a smaller dt.",
    )
    if worst.status == "diverged":
        warn(message, DivergenceWarning)
    records = [run.observer.record for run in runs]
    if plan.bins:
        everywhere = [np.stack(run.observer.everywhere[:reached]) for run in runs]
        found, edges = densities(everywhere, runs[0].weight, plan.bins)
        records = [record | {"density": density} for record, density in zip(records, found)]
    arrays = averaged(records, reached)
    if plan.bins:
        arrays["bin_edge"] = (("parameter", "edge"), edges)
    described = {"unit": unit.describe(), "data": data.describe()}
    settings = plan.settings() | {
        "schedule": "function" if callable(schedule) else float(schedule),
        "replicates_kept": len(runs),
    }
    attributes = made(
        "distributional_dynamics", type(unit).__name__, settings, worst.status, message, REFERENCES, described
    )
    attributes["replicates"] = len(runs)
    return result(arrays, plan.population, data, plan.times[:reached], attributes)

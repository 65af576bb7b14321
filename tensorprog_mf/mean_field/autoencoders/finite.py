"""Real autoencoders of finite width, to compare the limit with."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ...ground.accelerate import thread_count
from ...ground.calls import checked_call
from ...ground.errors import UnsupportedError, boolean, real, require, whole
from ...ground.progress import Progress
from ...ground.replicates import run_replicates
from ...sites.activations import Activation, as_activation
from . import network as networks
from .initial import Initial, initial_law
from .numba import CODES
from .record import Grid, check_size, ending, finished
from .slopes import Slopes
from .spectrum import Spectrum, as_spectrum, finite_array

_METHODS = ("sgd", "population")


@checked_call
def train_autoencoder(
    data,
    activation,
    initial_scale,
    weight_decay: float,
    times,
    step: float,
    width: int = 400,
    method: str = "sgd",
    n_replicates: int = 4,
    samples: int = 64,
    seed: int | None = 0,
    progress: bool = True,
    *,
    paired: bool = False,
    examples=None,
    initial_covariance=None,
    initial_theta=None,
    threads: int | None = None,
) -> xr.Dataset:
    """Train weight-tied autoencoders of finite width, by one-pass stochastic gradient descent or on the
    population.

        theta_i <- theta_i - step [kappa sigma(u_i) (output - x) + kappa sigma'(u_i) <kappa theta_i, output -
        x> x + weight_decay theta_i],
        u_i = <kappa theta_i, x>,   a fresh x ~ N(0, R diag(Sigma^2) R^T / d) at every step, or the average over x

    (Nguyen 2021), at time step x number of steps.

    Parameters
    ----------
    data, activation, initial_scale, weight_decay, times
        As for `autoencoder`; the dimension must be finite, and times multiples of `step`. Activations of
        one's own cannot be trained.
    step
        Size of a step; of stochastic descent small against 1/d.
    width
        Neurons N; of the limit it is far only if N is large against d.
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
        Initial weights in pairs theta, -theta: with method="population" and relu the same as
        `autoencoder(initial_theta=..., step=...)`.
    examples
        Inputs (example, feature) with entries of order one that stochastic descent draws from, with
        replacement, instead of Gaussian ones; their mean, if `data` have one, is taken off. The loss is then
        the mean over them.
    initial_covariance, initial_theta
        As for `autoencoder`, with initial_scale=None; neurons given need no pairs and decide the width.
    threads
        Threads to use; the numbers do not depend on it.

    Returns
    -------
    xarray.Dataset
        As of `autoencoder`, with standard errors: gain is the root mean square over neurons and equal
        directions, reconstruction the diagonal of (1/N) sum_i gamma(n_i) kappa^2 theta_i theta_i^T, n_i^2 = E
        u_i^2, which is E[output x^T] E[x x^T]^-1. No half-rise times.

    Raises
    ------
    InputError
        An argument that cannot be used.
    UnsupportedError
        Infinite dimension, an activation without kernel, method="population" for an activation whose averages
        are not closed.

    Notes
    -----
    The loss is exact for linear, relu, scaled_relu and erf on Gaussian data; for others it is the mean over
    2048 inputs. Losses lie above the limit by order d/N; stochastic descent adds order step d. Cost of a
    step: O(N d), 50 microseconds at N = 1600, d = 20; on the population O(N^2 d), 20 ms at N = 400.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> ds = tp.mean_field.train_autoencoder([2.0, 1.0], "relu", 0.4, 0.1, times=[0, 1], step=0.05, width=50, method="population")
    >>> ds.loss.sizes["time"], bool(ds.loss[1] < ds.loss[0])
    (2, True)
    """
    spectrum, activation = as_spectrum(data), as_activation(activation)
    _check(spectrum, activation, method, examples)
    grid = Grid.of(times, real("step", step, "be positive", lambda v: v > 0))
    law = initial_law(spectrum, initial_scale, initial_covariance, initial_theta)
    settings = {
        "initial": law.describe(),
        "weight_decay": real("weight_decay", weight_decay, "be 0 or more", lambda v: v >= 0),
        "times": grid.times.tolist(),
        "step": grid.step,
        "width": whole("width", width, 1) if law.neurons is None else len(law.neurons),
        "method": method,
        "n_replicates": whole("n_replicates", n_replicates, 1),
        "samples": whole("samples", samples),
        "seed": int(np.random.SeedSequence().entropy) if seed is None else whole("seed", seed),
        "paired": boolean("paired", paired),
    }
    require(
        not paired or settings["width"] % 2 == 0,
        f"width={settings['width']} is odd, but paired neurons come in twos; take an even width.",
    )
    require(
        not (paired and law.neurons is not None),
        "paired=True is for weights that are drawn; give initial_theta in pairs, and leave it out.",
    )
    own = spectrum.one_by_one() if law.one_by_one else spectrum
    check_size(
        len(grid.times) * settings["samples"] * len(own.variances)
        + 6 * settings["n_replicates"] * settings["width"] * own.dimension
    )
    rows = None if examples is None else _inputs(examples, spectrum)
    run = _Run(own, activation, law, grid, settings, rows)
    done = run_replicates(
        "train_autoencoder",
        run,
        settings["n_replicates"],
        networks.chunks(grid.counts, method == "sgd"),
        progress=boolean("progress", progress),
        threads=thread_count(threads),
    ).worth_keeping(lambda record: len(record[0].get("loss", ())), len(grid.times))
    return done.handed_over(_gathered(done.runs, run))


def _check(spectrum: Spectrum, activation: Activation, method: str, examples) -> None:
    require(method in _METHODS, f"method={method!r} is unknown; choose one of {', '.join(_METHODS)}.")
    if spectrum.dimension is None:
        raise UnsupportedError(
            "train_autoencoder needs a finite dimension: give the data's variances with multiplicities"
            " instead of fractions."
        )
    if not activation.named(*CODES):
        raise UnsupportedError(
            f"train_autoencoder has no kernel for activation {activation.name!r}; choose one of"
            f" {', '.join(CODES)}."
        )
    if method == "population" and not networks.has_population(activation):
        raise UnsupportedError(
            f"averages over the population are not closed for {activation.name!r}; use method='sgd', or"
            " linear, relu, scaled_relu or erf."
        )
    require(examples is None or method == "sgd", "examples go with method='sgd'; the population is Gaussian.")


def _inputs(examples, spectrum: Spectrum) -> np.ndarray:
    """Examples as x, in the directions of the data."""
    rows = finite_array("examples", examples, 2, "(example, feature)")
    d = spectrum.dimension
    require(
        rows.shape[1] == d, f"examples have {rows.shape[1]} features, but the data have {d}; they must agree."
    )
    centred = rows if spectrum.mean is None else rows - spectrum.mean
    return spectrum.coordinates(centred) / np.sqrt(d)


@dataclass(frozen=True)
class _Run:
    """One replicate from its number: its record, when it diverged and when it was interrupted, or None."""

    spectrum: Spectrum
    activation: Activation
    law: Initial
    grid: Grid
    settings: dict
    inputs: np.ndarray | None

    def __call__(self, replicate: int, shown: Progress) -> tuple[dict, float | None, float | None]:
        shown.begin()
        weights, data = (
            np.random.default_rng(np.random.SeedSequence(self.settings["seed"], spawn_key=(replicate, use)))
            for use in (0, 1)
        )
        theta, variances = self._start(weights), self.spectrum.per_coordinate
        source = (
            networks.Gaussians(variances, data)
            if self.inputs is None
            else networks.Examples(self.inputs, data)
        )
        closed, decay = networks.has_population(self.activation), self.settings["weight_decay"]
        population = networks.Population(self.activation, variances, decay) if closed else None
        rows, done = [], 0
        for count in self.grid.counts:
            theta, steps, going = self._descend(theta, source, population, count - done, shown.advance)
            done += steps
            now = done * self.grid.step
            if not (np.abs(theta) < networks.HUGE).all():
                return _stacked(rows), now, None
            if not going:
                return _stacked(rows), None, now
            rows.append(self._record(theta, source, population, replicate))
        return _stacked(rows), None, None

    def _start(self, rng) -> np.ndarray:
        width, paired = self.settings["width"], self.settings["paired"]
        scale = (
            self.law.scale if self.law.one_by_one else np.repeat(self.law.scale, self.spectrum.multiplicities)
        )
        if self.law.law is not None:
            scale = np.full(self.spectrum.dimension, self.law.scale[0])
        theta = self.law.draw(width // 2 if paired else width, self.spectrum, rng, scale)
        return np.concatenate([theta, -theta]) if paired else theta.copy()

    def _descend(self, theta, source, population, count: int, advance: Callable[[], bool]):
        step = self.grid.step
        if self.settings["method"] == "population":
            return networks.population_descent(theta, population, step, count, advance)
        return networks.stochastic_descent(
            theta, source, self.activation, step, self.settings["weight_decay"], count, advance
        )

    def _record(self, theta, source, population, replicate: int) -> dict:
        d, own = self.spectrum.dimension, self.spectrum.multiplicities
        square = (theta**2).mean(axis=0)
        norm = theta**2 @ self.spectrum.per_coordinate / d
        share = Slopes(self.activation)(norm)[0] @ theta**2 / len(theta)
        exact = population is not None and self.inputs is None
        row = {
            "loss": (
                population.loss(theta)
                if exact
                else networks.estimated_loss(theta, source.tests, self.activation)
            ),
            "gain": np.sqrt(_grouped(square, own)),
            "reconstruction": _grouped(share, own),
            "regularisation": self.settings["weight_decay"] / 2 * square.mean(),
            "preactivation_variance": norm.mean(),
        }
        first = np.cumsum(own) - own
        return row | ({"theta": theta[: self.settings["samples"], first]} if replicate == 0 else {})


def _grouped(values: np.ndarray, multiplicities: np.ndarray) -> np.ndarray:
    """Means over equal directions."""
    return np.add.reduceat(values, np.cumsum(multiplicities) - multiplicities) / multiplicities


def _stacked(rows: list[dict]) -> dict:
    return {name: np.array([row[name] for row in rows]) for name in rows[0]} if rows else {}


def _gathered(records: list, run: _Run) -> xr.Dataset:
    """Means and standard errors over replicates, up to the time that all have reached."""
    reached = min((len(record.get("loss", ())) for record, _, _ in records), default=0)
    stopped = [when for _, when, _ in records if when is not None]
    interrupted = [when for _, _, when in records if when is not None]
    require(
        reached > 0,
        "the run diverged before its first recorded time, so there is nothing to return; take a smaller"
        " step.",
    )
    arrays = {"theta": records[0][0]["theta"][:reached]}
    for name in ("loss", "regularisation", "gain", "reconstruction", "preactivation_variance"):
        values = np.stack([record[name][:reached] for record, _, _ in records])
        arrays[name] = values.mean(axis=0)
        if len(values) > 1:
            arrays[f"{name}_stderr"] = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    end = ending(min(stopped, default=None), run.grid.step, min(interrupted, default=None))
    return finished(
        "train_autoencoder",
        arrays,
        run.spectrum,
        run.grid,
        run.activation,
        run.settings,
        end,
        {"replicates": len(records)},
    )

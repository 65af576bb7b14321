"""Arguments of distributional dynamics, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ground.errors import UnsupportedError, require, whole
from ...results import memory
from ...sites.draws import fresh_seed
from ...sites.laws import Law
from .data import Data, FiniteData
from .initial import NODES, RANDOM, initial_laws
from .reduction import Reduction
from .stepping import METHODS, StepPlan
from .units import Unit


@dataclass(frozen=True, kw_only=True)
class ParticlePlan:
    """Which particles stand for the law: how many draws or nodes, in how many replicates, how many of them
    are kept, and how many bins their densities have."""

    n_samples: int
    n_replicates: int
    seed: int
    draws: str
    samples: int
    bins: int

    def settings(self) -> dict:
        """Plain values."""
        return {
            "n_samples": self.n_samples,
            "n_replicates": self.n_replicates,
            "seed": self.seed,
            "draws": self.draws,
            "samples": self.samples,
            "bins": self.bins,
        }


def particle_plan(
    n_samples: int, n_replicates: int, seed: int | None, draws: str, samples: int, bins: int
) -> ParticlePlan:
    """The plan of checked arguments; nodes of quadrature are one replicate.

    Raises
    ------
    InputError
        An argument that cannot be used.
    """
    known = RANDOM + NODES
    require(draws in known, f"draws={draws!r} is unknown; choose one of {', '.join(known)}.")
    return ParticlePlan(
        n_samples=whole("n_samples", n_samples, 1),
        n_replicates=1 if draws in NODES else whole("n_replicates", n_replicates, 1),
        seed=fresh_seed(seed),
        draws=draws,
        samples=whole("samples", samples),
        bins=whole("bins", bins),
    )


@dataclass(frozen=True, kw_only=True)
class DynamicsPlan:
    """All that a run of distributional dynamics needs."""

    unit: Unit
    data: Data
    reduced: Reduction
    laws: list[Law]
    steps: StepPlan
    particles: ParticlePlan
    method: str

    @property
    def varying(self) -> np.ndarray:
        """(parameter,): those whose law has a density."""
        return self.reduced.trained | np.array([not law.fixed for law in self.laws])

    def sites(self) -> int:
        """Particles of a replicate."""
        if self.particles.draws in RANDOM:
            return self.particles.n_samples
        nodes = self.particles.n_samples ** sum(not law.fixed for law in self.laws)
        return nodes + self.particles.samples

    def check_memory(self) -> None:
        """Refuse a run that does not fit."""
        count, replicates = self.particles.n_samples, self.particles.n_replicates
        if self.particles.draws == "quadrature":  # Gauss-Legendre nodes are eigenvalues of a matrix
            memory.check(8 * 2 * count**2, "take fewer n_samples, or draws='midpoint'")
        rows = self.sites() * len(self.laws)
        kept = replicates * len(self.steps.times) * rows * 4 if self.particles.bins else 0
        memory.check(
            kept + 8 * 12 * rows * replicates,
            "take fewer n_samples, record fewer times, or leave densities out (bins=0)",
        )

    def settings(self) -> dict:
        """Plain values."""
        initial = dict(zip(self.reduced.names, (law.describe() for law in self.laws)))
        own = {"dt": self.steps.step, "method": self.method, "initial": initial}
        return self.steps.settings() | self.particles.settings() | own


def dynamics_plan(
    unit: Unit,
    data: Data,
    reduced: Reduction,
    initial: Mapping[str, Any],
    steps: StepPlan,
    particles: ParticlePlan,
    method: str | None,
) -> DynamicsPlan:
    """The plan of a run that fits together and into memory.

    Raises
    ------
    InputError
        An argument that cannot be used, alone or with the others.
    UnsupportedError
        Temperature on Gaussian data.
    """
    steps.factor(0.0)  # a schedule that cannot be used is refused before the run
    method = method if method is not None else "euler" if steps.temperature else "rk4"
    require(method in METHODS, f"method={method!r} is unknown; choose one of {', '.join(METHODS)}.")
    if steps.temperature:
        _check_noise(data, method, particles.draws)
    plan = DynamicsPlan(
        unit=unit,
        data=data,
        reduced=reduced,
        laws=initial_laws(reduced.names, initial, data.norms),
        steps=steps,
        particles=particles,
        method=method,
    )
    plan.check_memory()
    return plan


def _check_noise(data: Data, method: str, draws: str) -> None:
    """Refuse what cannot be had with a temperature."""
    if not isinstance(data, FiniteData):
        raise UnsupportedError(
            "temperature on Gaussian inputs has no reduction to norms here; train real networks with"
            " train_particles."
        )
    require(method == "euler", "method='rk4' has no noise; with temperature take method='euler'.")
    require(
        draws in RANDOM,
        f"draws={draws!r} are nodes with weights, which noise would blur; with temperature take"
        " 'pseudo-random' draws.",
    )

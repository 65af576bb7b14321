"""Arguments of one-pass stochastic gradient descent, checked."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from ...ground.errors import UnsupportedError, require
from ...sites.activations import Activation
from ...sites.laws import Law
from .data import Data, FiniteData
from .initial import initial_laws
from .on_data import check_data
from .one_pass_numba import LOSS_CODES
from .stepping import StepPlan
from .units import Neuron, Unit
from .units_numba import CODES


@dataclass(frozen=True, kw_only=True)
class OnePassPlan:
    """All that a run of real networks needs."""

    unit: Neuron
    data: Data
    laws: list[Law]
    steps: StepPlan
    width: int
    n_replicates: int
    seed: int
    samples: int
    test_examples: int
    limit: xr.Dataset | None

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters as they are recorded: on Gaussians norms of w."""
        vectors = self.data.norms or entries(self.data)
        return ("a",) * self.unit.output_weight + vectors + ("b",) * self.unit.bias

    @property
    def trained(self) -> np.ndarray:
        """Which of them move (parameter,)."""
        return np.array([{"r": "w"}.get(name[0], name[0]) in self.unit.trained for name in self.names])

    def settings(self) -> dict:
        """Plain values."""
        own = {
            "step": self.steps.step,
            "width": self.width,
            "n_replicates": self.n_replicates,
            "seed": self.seed,
            "samples": self.samples,
            "test_examples": self.test_examples,
            "initial": self._described(),
        }
        return self.steps.settings() | own

    def _described(self) -> dict:
        """The initial laws; of w one where all entries have the same."""
        a, b = int(self.unit.output_weight), int(self.unit.bias)
        vectors = [law.describe() for law in self.laws[a : len(self.laws) - b]]
        found: dict[str, Any] = {"w": vectors[0] if all(v == vectors[0] for v in vectors) else vectors}
        return (
            found
            | ({"a": self.laws[0].describe()} if a else {})
            | ({"b": self.laws[-1].describe()} if b else {})
        )


def entries(data: Data) -> tuple[str, ...]:
    """Names of the entries of w."""
    return tuple(f"w{j}" for j in range(int(data.features)))


def checked_laws(unit: Unit, data: Data, initial: Mapping[str, Any]) -> list[Law]:
    """A law for a, for every entry of w, and for b, as far as there are any.

    Raises
    ------
    InputError
        Something that is not data; laws that do not fit.
    UnsupportedError
        A unit or a loss that is not compiled, several outputs, infinite dimension.
    """
    if not isinstance(unit, Neuron):
        raise UnsupportedError(
            "train_particles trains a Neuron; distributional_dynamics on n_samples pseudo-random sites is the"
            " finite network of any unit."
        )
    if isinstance(unit.activation, Activation) and not unit.activation.named(*CODES):
        raise UnsupportedError(
            f"train_particles has no compiled kernel for activation {unit.activation.name!r}; take"
            f" {', '.join(CODES)} or a PiecewiseLinear, or distributional_dynamics on FiniteData, which takes"
            " any."
        )
    check_data(data)
    if data.loss.name not in LOSS_CODES:
        raise UnsupportedError(
            f"train_particles has the losses {', '.join(LOSS_CODES)}; with loss={data.loss.name!r} take"
            " distributional_dynamics with draws='pseudo-random' and method='euler', gradient descent of a"
            " network of n_samples neurons."
        )
    if isinstance(data, FiniteData) and data.targets.ndim > 1:
        raise UnsupportedError(
            "train_particles is for one output, targets (example,); with several take"
            " distributional_dynamics."
        )
    if data.features == math.inf:
        raise UnsupportedError("real networks have inputs of finite dimension; give the data a dimension.")
    return initial_laws(("a",) * unit.output_weight + entries(data) + ("b",) * unit.bias, initial)


def check_limit(plan: OnePassPlan) -> None:
    """Refuse a limit that outputs cannot be compared with."""
    if plan.limit is None:
        return
    require(
        isinstance(plan.limit, xr.Dataset) and "class_output" in plan.limit,
        "limit must be a result of distributional_dynamics on Gaussians.",
    )
    require(
        not isinstance(plan.data, FiniteData),
        "limit is for Gaussians; on finite data subtract the outputs of the two results.",
    )
    theirs, mine = plan.limit.time.values, plan.steps.times
    require(
        len(theirs) == len(mine) and np.allclose(theirs, mine),
        f"limit has the times {theirs.tolist()}, not {mine.tolist()}; they must be the same.",
    )

"""Linear networks of random or learned features, and how they are trained.

Constructors take what people write, such as a numpy integer or infinity; fields hold the checked form.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import boolean, real, require, whole
from ..ground.fields import set_fields
from ..training.schedules import Schedule, factors
from .power_law import PowerLaw
from .spectrum import Spectrum


@checked_call
@dataclass(frozen=True, eq=False, init=False)
class Model:
    """A student f = (1/N) w . A psi of width N, trained on P examples of a target in Gaussian modes psi_k.

    The target is y = sum_k w*_k psi_k + sigma eps with psi_k ~ N(0, lam_k), and training goes by

        v0 = w* - (1/N) A^T w,        v2 = (1/B) sum_mu psi_mu (psi_mu . v0 + sigma eps_mu)
        w(t+1) = w(t) + eta A v2,     A(t+1) = A(t) + eta richness w (K0 v2)^T,     K0 = (1/N) A0^T A0

    with the entries of A0 iid N(0, 1) and w(0) = 0. At richness 0 features stay random: the lazy limit
    ("system A"; Bordelon, Atanasov & Pehlevan 2024, arXiv:2402.01092). Above it the projection A learns
    ("system B"; the same 2024, arXiv:2409.17858).

    Parameters
    ----------
    spectrum
        `PowerLaw` or `Spectrum`.
    width, examples
        N and P; None (or infinity): infinitely many.
    noise
        sigma^2, variance of the label noise. It is part of the test loss.
    richness
        gamma >= 0.
    projected
        Whether the update of A is projected with K0, as written; otherwise K0 is replaced by 1.

    Raises
    ------
    InputError
        A value that cannot be used.
    """

    spectrum: PowerLaw | Spectrum
    width: int | None
    examples: int | None
    noise: float
    richness: float
    projected: bool

    def __init__(
        self,
        spectrum: PowerLaw | Spectrum,
        width: float | None = None,
        examples: float | None = None,
        noise: float = 0.0,
        richness: float = 0.0,
        projected: bool = True,
    ) -> None:
        require(
            isinstance(spectrum, (PowerLaw, Spectrum)),
            f"spectrum={spectrum!r} must be a PowerLaw or a Spectrum.",
        )
        set_fields(
            self,
            spectrum=spectrum,
            width=_count("width", width),
            examples=_count("examples", examples),
            noise=real("noise", noise, "be 0 or more", lambda v: v >= 0),
            richness=real("richness", richness, "be 0 or more", lambda v: v >= 0),
            projected=boolean("projected", projected),
        )

    @property
    def inverse_width(self) -> float:
        """1/N, 0 for infinite width."""
        return 0.0 if self.width is None else 1 / self.width

    @property
    def inverse_examples(self) -> float:
        """1/P, 0 for infinitely many."""
        return 0.0 if self.examples is None else 1 / self.examples

    @property
    def modes(self) -> Spectrum:
        """The modes themselves."""
        return self.spectrum.spectrum

    def describe(self) -> dict[str, object]:
        """As plain values."""
        plain = {name: value for name, value in vars(self).items() if name != "spectrum"}
        return {"spectrum": self.spectrum.describe(), **plain}


def _count(name: str, value: float | None) -> int | None:
    """A whole number, or None for infinitely many."""
    if value is None or (isinstance(value, float) and value == math.inf):
        return None
    return whole(name, value, 1)


@checked_call
@dataclass(frozen=True, init=False)
class Descent:
    """Gradient descent in steps: v <- momentum v + gradient, theta <- theta + learning_rate v.

    Parameters
    ----------
    steps, learning_rate
        Results have the times 0 ... steps; `time` is the sum of the learning rates so far.
    momentum
        mu in [0, 1).
    schedule
        Factor on the learning rate of every step, as in `tensorprog_mf.Training`.
    batch_size
        B examples, drawn afresh at every step: from the P examples of the model, or, where these are
        infinitely many, new ones (online). None: all. Batches that go through shuffled epochs are not
        covered, as they are correlated in time.
    replacement
        Draw batches with replacement.

    Raises
    ------
    InputError
        A value that cannot be used.
    """

    steps: int
    learning_rate: float
    momentum: float
    schedule: tuple[float, ...] | None
    batch_size: int | None
    replacement: bool

    def __init__(
        self,
        steps: int,
        learning_rate: float,
        momentum: float = 0.0,
        schedule: Schedule | Mapping | Sequence[float] | np.ndarray | str | None = None,
        batch_size: int | None = None,
        replacement: bool = False,
    ) -> None:
        set_fields(
            self,
            steps=(number := whole("steps", steps)),
            learning_rate=real("learning_rate", learning_rate, "be positive", lambda v: v > 0),
            momentum=real("momentum", momentum, "lie in [0, 1)", lambda v: 0 <= v < 1),
            schedule=factors(schedule, number),
            batch_size=None if batch_size is None else whole("batch_size", batch_size, 1),
            replacement=boolean("replacement", replacement),
        )
        require(not replacement or batch_size is not None, "replacement=True needs a batch_size.")

    def rates(self) -> np.ndarray:
        """(step,) eta of every step."""
        return self.learning_rate * np.array(self.schedule or (1.0,) * self.steps)

    def clock(self) -> np.ndarray:
        """(time,) sum of the learning rates so far."""
        if self.schedule is None:
            return self.learning_rate * np.arange(self.steps + 1)
        return np.concatenate([[0.0], np.cumsum(self.rates())])

    def check(self, model: Model) -> None:
        """Refuse a batch that is larger than the number of examples."""
        if self.batch_size is not None and model.examples is not None and not self.replacement:
            require(
                self.batch_size <= model.examples,
                f"batch_size={self.batch_size} is more than the {model.examples} examples of the model; take"
                " a smaller batch, or replacement=True.",
            )

    def excess(self, model: Model) -> float:
        """Relative excess of the variance of a batch: P / B - 1, or P / B with replacement; 0 for all
        examples."""
        if self.batch_size is None or model.examples is None:
            return 0.0
        return model.examples / self.batch_size - (0.0 if self.replacement else 1.0)

    def online(self, model: Model) -> float:
        """1 / B for batches of new examples, otherwise 0."""
        return 1 / self.batch_size if self.batch_size is not None and model.examples is None else 0.0

    def describe(self) -> dict[str, object]:
        """As plain values."""
        return {"name": "Descent", **vars(self)}


@checked_call
@dataclass(frozen=True, init=False)
class Flow:
    """Gradient flow d theta / dt = gradient, recorded at increasing times of 0 or more.

    Raises
    ------
    InputError
        Times that are missing, negative, not finite or not increasing.
    """

    times: tuple[float, ...]

    def __init__(self, times: Sequence[float] | np.ndarray) -> None:
        require(
            np.ndim(times) == 1 and len(times) > 0,
            f"times={times!r} must list the times at which the flow is recorded.",
        )
        checked = tuple(real("times", t, "be 0 or more", lambda v: v >= 0) for t in times)
        require(all(a < b for a, b in zip(checked, checked[1:])), "times must increase.")
        set_fields(self, times=checked)

    def clock(self) -> np.ndarray:
        """(time,)"""
        return np.array(self.times)

    def check(self, model: Model) -> None:
        """Every model can be trained by gradient flow."""

    def excess(self, model: Model) -> float:
        """0, as there are no batches."""
        return 0.0

    def online(self, model: Model) -> float:
        """0, as there are no batches."""
        return 0.0

    def describe(self) -> dict[str, object]:
        """As plain values."""
        return {"name": "Flow", "times": list(self.times)}


def check_kinds(model: object, *trainings: object) -> None:
    """Refuse anything that is not a `Model`, or not a training."""
    require(isinstance(model, Model), f"model={model!r} must be a scaling_laws.Model.")
    for training in trainings:
        require(
            isinstance(training, (Descent, Flow)),
            f"training={training!r} must be a scaling_laws.Descent, or a scaling_laws.Flow.",
        )

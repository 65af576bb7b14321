"""Linear networks of random or learned features, and how they are trained."""

import math
from dataclasses import dataclass

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import boolean, real, require, whole
from ..training.schedules import factors
from .power_law import PowerLaw
from .spectrum import Spectrum


@checked_call
@dataclass(frozen=True, eq=False)
class Model:
    """A student f = (1/N) w . A psi of width N on P examples of y = sum_k w*_k psi_k + sigma eps, psi_k ~
    N(0, lam_k).

        v0 = w* - (1/N) A^T w,      v2 = (1/B) sum_mu psi_mu (psi_mu . v0 + sigma eps_mu)
        w(t+1) = w(t) + eta A v2,   A(t+1) = A(t) + eta richness w (K0 v2)^T,   K0 = (1/N) A0^T A0

    with A0 iid N(0, 1), w(0) = 0. richness = 0: random features, the lazy limit ("system A"; Bordelon,
    Atanasov & Pehlevan 2024, arXiv:2402.01092). richness > 0: the projection learns ("system B"; the same
    2024, arXiv:2409.17858).

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
        Whether the update of A is projected with K0, as written; otherwise K0 -> 1.

    Raises
    ------
    InputError
        A value that cannot be used.
    """

    spectrum: PowerLaw | Spectrum
    width: float | None = None
    examples: float | None = None
    noise: float = 0.0
    richness: float = 0.0
    projected: bool = True

    def __post_init__(self):
        require(
            isinstance(self.spectrum, (PowerLaw, Spectrum)),
            f"spectrum={self.spectrum!r} must be a PowerLaw or a Spectrum.",
        )
        for name in ("width", "examples"):
            value = getattr(self, name)
            infinite = value is None or (isinstance(value, float) and value == math.inf)
            object.__setattr__(self, name, None if infinite else whole(name, value, 1))
        for name in ("noise", "richness"):
            object.__setattr__(self, name, real(name, getattr(self, name), "be 0 or more", lambda v: v >= 0))
        boolean("projected", self.projected)

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

    def describe(self) -> dict:
        """As plain values."""
        plain = {name: value for name, value in vars(self).items() if name != "spectrum"}
        return {"spectrum": self.spectrum.describe(), **plain}


@checked_call
@dataclass(frozen=True)
class Descent:
    """Gradient descent in steps: v <- momentum v + gradient, theta <- theta + learning_rate v.

    Parameters
    ----------
    steps, learning_rate
        Results have the times 0 ... steps; `time` is eta summed.
    momentum
        mu in [0, 1).
    schedule
        Factor on the learning rate of every step, as of `tensorprog_mf.Training`.
    batch_size
        B examples, drawn afresh at every step: of the P of the model, or with infinitely many of them new
        ones (online). None: all. Batches that shuffle epochs are not covered: they correlate in time.
    replacement
        Draw batches with replacement.

    Raises
    ------
    InputError
        A value that cannot be used.
    """

    steps: int
    learning_rate: float
    momentum: float = 0.0
    schedule: object = None
    batch_size: int | None = None
    replacement: bool = False

    def __post_init__(self):
        object.__setattr__(self, "steps", whole("steps", self.steps))
        object.__setattr__(
            self, "learning_rate", real("learning_rate", self.learning_rate, "be positive", lambda v: v > 0)
        )
        object.__setattr__(
            self, "momentum", real("momentum", self.momentum, "lie in [0, 1)", lambda v: 0 <= v < 1)
        )
        object.__setattr__(self, "schedule", factors(self.schedule, self.steps))
        if self.batch_size is not None:
            object.__setattr__(self, "batch_size", whole("batch_size", self.batch_size, 1))
        replaced = boolean("replacement", self.replacement)
        require(not replaced or self.batch_size is not None, "replacement=True needs a batch_size.")

    def rates(self) -> np.ndarray:
        """(step,) eta of every step."""
        return self.learning_rate * np.array(self.schedule or (1.0,) * self.steps)

    def clock(self) -> np.ndarray:
        """(time,) learning rates so far summed."""
        if self.schedule is None:
            return self.learning_rate * np.arange(self.steps + 1)
        return np.concatenate([[0.0], np.cumsum(self.rates())])

    def check(self, model: Model) -> None:
        """Refuse a batch that is larger than the number of examples."""
        if self.batch_size is not None and model.examples is not None and not self.replacement:
            fits = self.batch_size <= model.examples
            require(
                fits,
                f"batch_size={self.batch_size} is more than the {model.examples} examples of the model; take"
                " fewer, or replacement=True.",
            )

    def excess(self, model: Model) -> float:
        """How much larger the variance of a batch is: P / B - 1, P / B with replacement, 0 for all
        examples."""
        if self.batch_size is None or model.examples is None:
            return 0.0
        return model.examples / self.batch_size - (0.0 if self.replacement else 1.0)

    def online(self, model: Model) -> float:
        """1 / B of batches of new examples, otherwise 0."""
        return 1 / self.batch_size if self.batch_size is not None and model.examples is None else 0.0

    def describe(self) -> dict:
        """As plain values."""
        return {"name": "Descent", **vars(self)}


@checked_call
@dataclass(frozen=True)
class Flow:
    """Gradient flow d theta / dt = gradient, recorded at increasing times of 0 or more.

    Raises
    ------
    InputError
        Times that are missing, negative, not finite or not increasing.
    """

    times: tuple[float, ...]

    def __post_init__(self):
        require(
            np.ndim(self.times) == 1 and len(self.times) > 0,
            f"times={self.times!r} must list the times at which the flow is recorded.",
        )
        times = tuple(real("times", t, "be 0 or more", lambda v: v >= 0) for t in self.times)
        require(all(a < b for a, b in zip(times, times[1:])), "times must increase.")
        object.__setattr__(self, "times", times)

    def clock(self) -> np.ndarray:
        """(time,)"""
        return np.array(self.times)

    def check(self, model: Model) -> None:
        """Every model can flow."""

    def excess(self, model: Model) -> float:
        """No batches."""
        return 0.0

    def online(self, model: Model) -> float:
        """No batches."""
        return 0.0

    def describe(self) -> dict:
        """As plain values."""
        return {"name": "Flow", "times": list(self.times)}


def check_kinds(model, *trainings) -> None:
    """Refuse what is no `Model`, or no training."""
    require(isinstance(model, Model), f"model={model!r} must be a scaling_laws.Model.")
    for training in trainings:
        require(
            isinstance(training, (Descent, Flow)),
            f"training={training!r} must be a scaling_laws.Descent, or a scaling_laws.Flow.",
        )

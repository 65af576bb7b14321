"""How the parameters move: the settings of a training."""

import math
from dataclasses import dataclass

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import boolean, real, require, whole
from .batches import checked_batches, drawn
from .rules import GradientDescent, Rule, as_rule
from .schedules import factors


@checked_call
@dataclass(frozen=True)
class Training:
    """Gradient descent in discrete time, on all examples or on batches of them, with noise or without, or
    gradient flow.

    v <- momentum v + gradient, theta <- theta (1 - learning_rate weight_decay) + learning_rate v, with the
    gradient richness^2 N sum_nu Delta_nu d f_nu / d theta, for every parameter; Nesterov's method takes the
    gradient at theta + learning_rate momentum v, outputs are reported at theta (Sutskever et al. 2013).
    Gradient flow, d theta / d time = gradient - weight_decay theta, is the limit of small learning rates.
    With a temperature T every weight gains sqrt(2 learning_rate T)
    N(0,1) per step: as learning_rate -> 0 it samples exp(-(richness^2 N / T) loss - (weight_decay / 2 T) |theta|^2), the
    posterior of a Bayesian network that learns features.

    Parameters
    ----------
    steps
        Number of steps; results have steps + 1 times.
    learning_rate
        eta, in units in which the limit of wide networks exists. The loss is a mean over examples: papers
        that sum use eta / P.
    momentum, weight_decay
        Heavy-ball beta in [0, 1) and decay lambda >= 0.
    multipliers
        Factors kappa_0 ... kappa_L on the learning rate of each weight, input first, readout last; with 0 a
        weight learns nothing (weight decay and noise still act). None: all 1.
    bias_multipliers
        The same for the biases b^0 ... b^{L-1}; the output bias has none.
    nesterov
        Take gradients ahead of the parameters.
    schedule
        Factor on the learning rate of every step: a schedule of `tensorprog_mf.schedules`, a function (step,
        steps) -> factor, a name, or the factors. None: 1. Velocities are not rescaled where it changes.
    batch_size, replacement, batch_seed
        Examples per step: those of shuffled epochs, whose last batch may be smaller, or with replacement=True
        independent ones, which may come twice and then count twice. The loss of a step is the mean over its
        batch. None: all examples.
    batches
        The indices of training examples of every step, instead.
    temperature
        T of Langevin noise, the same for every weight at any width; the prior variance of a weight is T /
        weight_decay.
    learning_rule
        A rule of `tensorprog_mf.rules` in place of the gradient, its name, or a table {"name": ..., options}.
    flow, times, tolerance
        True for gradient flow, recorded at these increasing times to this relative accuracy, instead of steps
        and learning_rate. Where the activation or loss has a kink, as relu or hinge, error control needs ten
        times as many steps for every digit: in place of the usual 1e-6 such runs take 1e-3, and say so in a
        `ToleranceWarning`; any other tolerance is kept. In `static_ntk` with the squared loss the last time
        may be math.inf, the end of training.

    Raises
    ------
    InputError
        A negative or non-finite value, steps or learning_rate missing, arguments of steps mixed with those of
        flow.
    """

    steps: int | None = None
    learning_rate: float | None = None
    momentum: float = 0.0
    weight_decay: float = 0.0
    multipliers: tuple[float, ...] | None = None
    flow: bool = False
    times: tuple[float, ...] | None = None
    tolerance: float = 1e-6
    nesterov: bool = False
    schedule: object = None
    bias_multipliers: tuple[float, ...] | None = None
    batch_size: int | None = None
    replacement: bool = False
    batch_seed: int = 0
    batches: tuple[tuple[int, ...], ...] | None = None
    temperature: float = 0.0
    learning_rule: Rule | str | dict = GradientDescent()

    def __post_init__(self):
        object.__setattr__(self, "flow", boolean("flow", self.flow))
        object.__setattr__(self, "learning_rule", as_rule(self.learning_rule))
        object.__setattr__(
            self, "temperature", real("temperature", self.temperature, "be 0 or more", lambda v: v >= 0)
        )
        self._check_flow() if self.flow else self._check_steps()
        small = real("tolerance", self.tolerance, "lie between 1e-12 and 0.1", lambda v: 1e-12 <= v <= 0.1)
        object.__setattr__(self, "tolerance", small)
        for name, of in (("multipliers", "weight"), ("bias_multipliers", "bias")):
            if (given := getattr(self, name)) is not None:
                require(np.ndim(given) == 1, f"{name}={given!r} must be a list of one number per {of}.")
                object.__setattr__(
                    self, name, tuple(real(name, kappa, "be 0 or more", lambda v: v >= 0) for kappa in given)
                )

    def _check_steps(self) -> None:
        require(
            self.times is None,
            "times belong to gradient flow; pass flow=True, or record= to the route for some of the steps.",
        )
        for name in ("steps", "learning_rate"):
            require(
                getattr(self, name) is not None,
                f"{name} is missing; pass steps and learning_rate, or flow=True and times.",
            )
        rate = real("learning_rate", self.learning_rate, "be positive", lambda v: v > 0)
        object.__setattr__(self, "steps", whole("steps", self.steps))
        object.__setattr__(self, "learning_rate", rate)
        object.__setattr__(self, "schedule", factors(self.schedule, self.steps))
        object.__setattr__(
            self, "momentum", real("momentum", self.momentum, "lie in [0, 1)", lambda v: 0 <= v < 1)
        )
        self._check_batches()
        require(
            not boolean("nesterov", self.nesterov) or self.momentum > 0,
            "nesterov=True looks ahead along velocities: pass momentum above 0.",
        )
        self._check_noise()
        fastest = rate * max(self.schedule or (1.0,))
        allowed = "be 0 or more and below 2 / learning_rate"
        decay = real("weight_decay", self.weight_decay, allowed, lambda v: 0 <= v and v * fastest < 2)
        object.__setattr__(self, "weight_decay", decay)

    def _check_noise(self) -> None:
        if self.temperature:
            require(
                self.momentum == 0,
                "temperature goes with plain steps: with momentum the noise would belong to the velocities;"
                " leave momentum out.",
            )
            require(
                not self.ruled,
                "temperature goes with gradient descent; other learning rules have no energy that noise could"
                " explore.",
            )

    def _check_batches(self) -> None:
        require(self.batches is None or self.batch_size is None, "pass batch_size or batches, not both.")
        if self.batches is not None:
            object.__setattr__(self, "batches", checked_batches(self.batches, self.steps))
        if self.batch_size is not None:
            object.__setattr__(self, "batch_size", whole("batch_size", self.batch_size, 1))
        require(
            not boolean("replacement", self.replacement) or self.batch_size is not None,
            "replacement=True needs a batch_size.",
        )
        object.__setattr__(self, "batch_seed", whole("batch_seed", self.batch_seed))

    def _check_flow(self) -> None:
        require(
            np.ndim(self.times) == 1 and len(self.times) > 0,
            f"times={self.times!r} must list the times at which the flow is recorded.",
        )
        decay = real("weight_decay", self.weight_decay, "be 0 or more", lambda v: v >= 0)
        object.__setattr__(self, "weight_decay", decay)
        discrete = [
            n
            for n in (
                "learning_rate",
                "momentum",
                "nesterov",
                "schedule",
                "batch_size",
                "replacement",
                "batch_seed",
                "batches",
                "temperature",
            )
            if getattr(self, n)
        ]
        discrete += ["steps"] * (self.steps is not None)
        require(
            not discrete, f"{' and '.join(discrete)} belong to discrete steps; leave them out with flow=True."
        )
        times = tuple(
            math.inf if t == math.inf else real("times", t, "be 0 or more", lambda v: v >= 0)
            for t in self.times
        )
        require(all(a < b for a, b in zip(times, times[1:])), f"times={self.times!r} must increase.")
        object.__setattr__(self, "times", times)

    @property
    def last(self) -> int:
        """Index of the last time of a result: its steps, or that of the last requested time of a flow."""
        return len(self.times) - 1 if self.flow else self.steps

    def clock(self) -> np.ndarray:
        """Time of every step, the learning rates so far summed, or the requested times of a flow."""
        if self.flow:
            return np.array(self.times)
        done = np.arange(self.steps + 1) if self.schedule is None else np.cumsum([0.0, *self.schedule])
        return self.learning_rate * done

    def learning_rate_at(self, step: int) -> float:
        """eta of a step."""
        return self.learning_rate * (1.0 if self.schedule is None else self.schedule[step])

    @property
    def full_batch(self) -> bool:
        """Whether every step sees all training examples."""
        return self.batch_size is None and self.batches is None

    def example_weights(self, step: int, count: int) -> np.ndarray:
        """Weight of each of `count` training examples in the loss of a step, (example,): how often it comes
        over the batch's size.

        The step after the last one, of which only outputs are reported, sees all.

        Raises
        ------
        InputError
            An index or a size beyond the number of training examples.
        """
        if self.full_batch or step >= self.last:
            return np.full(count, 1 / count)
        if self.batches is None:
            require(
                self.replacement or self.batch_size <= count,
                f"batch_size={self.batch_size} is more than {count} training examples.",
            )
            indices = drawn(step, count, self.batch_size, self.replacement, self.batch_seed)
        else:
            indices = np.array(self.batches[step], int)
            largest = indices.max(initial=-1)
            require(
                largest < count,
                f"batches: step {step} names example {largest}, but training examples are 0 ... {count - 1}.",
            )
        return np.bincount(indices, minlength=count) / max(len(indices), 1)

    @property
    def ruled(self) -> bool:
        """Whether a learning rule stands in for the gradient."""
        return not isinstance(self.learning_rule, GradientDescent)

    def describe(self) -> dict:
        """The settings as plain values."""
        return {**vars(self), "learning_rule": self.learning_rule.describe()}

    def gradient_weights(self) -> tuple[np.ndarray, np.ndarray]:
        """e(t, s), the weight of the gradient of step s in the parameters at t, and a(t), of the initial
        parameters.

        theta(t) = a(t) theta(0) + sum_{s<t} e(t, s) gradient(s), of shapes (step, step) and (step,), where
        gradients are taken at theta(s), not ahead of it as Nesterov's method does.
        """
        size = self.steps + 1
        weight, kept, velocity = np.zeros((size, size)), np.ones(size), np.zeros(size)
        for t in range(size - 1):
            rate = self.learning_rate_at(t)
            velocity *= self.momentum
            velocity[t] += 1
            weight[t + 1] = (1 - rate * self.weight_decay) * weight[t] + rate * velocity
            kept[t + 1] = (1 - rate * self.weight_decay) * kept[t]
        return weight, kept

    def rates(self, weights: list[str]) -> dict[str, float]:
        """The multiplier of each parameter, named in the order of the layers; biases are those with numbers
        behind a b.

        Raises
        ------
        InputError
            Another number of multipliers than weights, or of bias_multipliers than biases.
        """
        found = dict.fromkeys(weights, 1.0)
        biases = [name for name in weights if name[0] == "b" and name[1:].isdigit()]
        others = [name for name in weights if not name.startswith("b")]
        for given, names, what in (
            (self.multipliers, others, "multipliers but"),
            (self.bias_multipliers, biases, "bias_multipliers but"),
        ):
            kind = "weights" if names is others else "biases"
            require(
                given is None or len(given) == len(names),
                f"{len(given or ())} {what} {len(names)} {kind} ({', '.join(names)}).",
            )
            found |= dict(zip(names, given or ()))
        return found

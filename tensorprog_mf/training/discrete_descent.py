"""Gradient descent in discrete steps: its checked settings, and what follows from them."""

from dataclasses import dataclass

import numpy as np

from ..ground.errors import boolean, real, require, whole
from ..ground.fields import set_fields
from .batches import checked_batches, drawn
from .dynamics import Dynamics
from .schedules import factors


@dataclass(frozen=True, kw_only=True)
class DiscreteDescent(Dynamics):
    """A training in steps; the arguments are those of `Training`, and so are the errors.

    v <- momentum v + gradient, theta <- theta (1 - learning_rate weight_decay) + learning_rate v.
    """

    steps: int
    learning_rate: float
    momentum: float = 0.0
    nesterov: bool = False
    schedule: tuple[float, ...] | None = None
    batch_size: int | None = None
    replacement: bool = False
    batch_seed: int = 0
    batches: tuple[tuple[int, ...], ...] | None = None
    temperature: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        set_fields(
            self,
            learning_rate=real("learning_rate", self.learning_rate, "be positive", lambda v: v > 0),
            steps=whole("steps", self.steps),
            momentum=real("momentum", self.momentum, "lie in [0, 1)", lambda v: 0 <= v < 1),
            nesterov=boolean("nesterov", self.nesterov),
            temperature=real("temperature", self.temperature, "be 0 or more", lambda v: v >= 0),
        )
        set_fields(self, schedule=factors(self.schedule, self.steps))
        fastest = self.learning_rate * max(self.schedule or (1.0,))
        allowed = "be 0 or more and below 2 / learning_rate"
        decay = real("weight_decay", self.weight_decay, allowed, lambda v: v >= 0 and v * fastest < 2)
        set_fields(self, weight_decay=decay)
        self._check_batches()
        require(
            not self.nesterov or self.momentum > 0,
            "nesterov=True looks ahead along velocities: pass momentum above 0.",
        )
        if self.temperature:
            self._check_noise()

    def _check_batches(self) -> None:
        require(self.batches is None or self.batch_size is None, "pass batch_size or batches, not both.")
        if self.batches is not None:
            set_fields(self, batches=checked_batches(self.batches, self.steps))
        if self.batch_size is not None:
            set_fields(self, batch_size=whole("batch_size", self.batch_size, 1))
        set_fields(
            self,
            replacement=boolean("replacement", self.replacement),
            batch_seed=whole("batch_seed", self.batch_seed),
        )
        require(not self.replacement or self.batch_size is not None, "replacement=True needs a batch_size.")

    def _check_noise(self) -> None:
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

    @property
    def last(self) -> int:
        """The number of steps, which is the index of the last time of a result."""
        return self.steps

    def clock(self) -> np.ndarray:
        """Time of every step, (time,): the learning rates of the steps before, summed."""
        done = np.arange(self.steps + 1) if self.schedule is None else np.cumsum([0.0, *self.schedule])
        return self.learning_rate * done

    def learning_rate_at(self, step: int) -> float:
        """eta of a step."""
        return self.learning_rate * (1.0 if self.schedule is None else self.schedule[step])

    @property
    def full_batch(self) -> bool:
        """Whether every step sees all training examples."""
        return self.batch_size is None and self.batches is None

    def largest_batch(self, count: int) -> int:
        """How many of `count` training examples a step sees, at most."""
        if self.batches is not None:
            return max(map(len, self.batches), default=0)
        return self.batch_size or count

    def example_weights(self, step: int, count: int) -> np.ndarray:
        """Weight of each of `count` training examples in the loss of a step, (example,): how often it comes,
        divided by the size of the batch.

        What comes after the last step, where only outputs are reported, sees all examples.

        Raises
        ------
        InputError
            An index or a size beyond the number of training examples.
        """
        if step >= self.steps:
            return np.full(count, 1 / count)
        if self.batches is not None:
            indices = np.array(self.batches[step], int)
            largest = indices.max(initial=-1)
            require(
                largest < count,
                f"batches: step {step} names example {largest}, but training examples are 0 ... {count - 1}.",
            )
        elif self.batch_size is not None:
            require(
                self.replacement or self.batch_size <= count,
                f"batch_size={self.batch_size} is more than {count} training examples.",
            )
            indices = drawn(step, count, self.batch_size, self.replacement, self.batch_seed)
        else:
            return np.full(count, 1 / count)
        return np.bincount(indices, minlength=count) / max(len(indices), 1)

    def gradient_weights(self) -> tuple[np.ndarray, np.ndarray]:
        """e(t, s), the weight of the gradient of step s in the parameters at t, and a(t), that of the initial
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

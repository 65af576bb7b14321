"""Where examples come from: what routes, engine and results need of a fixed set or of a stream."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .losses import Loss


class Batching(Protocol):
    """What decides which training examples a step sees: a training."""

    def example_weights(self, step: int, count: int) -> np.ndarray:
        """Weight of each of `count` training examples in the loss of a step, (example,)."""


@dataclass(frozen=True)
class Shown:
    """The examples of one pass: those that train first, then those that are only followed.

    `examples` is what the first layer is asked for, a slice or indices of the known inputs, or new inputs
    (example, feature); `targets` and `weights`, the share in the step's loss, are those of the first
    `len(weights)` rows, the training ones; `kept` are the rows that a result holds.
    """

    examples: slice | np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    kept: slice

    def errors(self, loss: Loss, outputs: np.ndarray) -> np.ndarray:
        """e = -d loss / d f of the training rows, (example[, output]), each example by itself."""
        return loss.error(outputs[: len(self.weights)], self.targets)

    def mean_loss(self, loss: Loss, outputs: np.ndarray) -> float:
        """The loss of the step."""
        return float(self.weights @ loss.each(outputs[: len(self.weights)], self.targets))


class DataSource(ABC):
    """Examples to learn from and points to follow, with a loss: a fixed set, or a stream of new examples.

    The examples of a result are those of `all_inputs`: training and test examples of a fixed set, only the
    test points of a stream.
    """

    loss: Loss
    test_targets: np.ndarray | None
    classes: tuple | None

    @property
    @abstractmethod
    def streamed(self) -> bool:
        """Whether every step brings new training examples, which no result holds."""

    @property
    @abstractmethod
    def all_inputs(self) -> np.ndarray:
        """Inputs of the examples of a result, (example, feature), training examples first."""

    @property
    @abstractmethod
    def all_targets(self) -> np.ndarray:
        """Targets of the examples of a result, (example[, output]), NaN where they are not known."""

    @property
    @abstractmethod
    def outputs(self) -> int | None:
        """Number of outputs; None where targets and results have no such dimension."""

    @property
    @abstractmethod
    def channels_named(self) -> bool:
        """Whether the inputs said which of their dimensions is the channel."""

    @property
    @abstractmethod
    def splits(self) -> np.ndarray:
        """Split of each example of a result, "train" or "test", (example,)."""

    @property
    @abstractmethod
    def n_recurring(self) -> int:
        """Number of training examples that steps come back to: all of a fixed set, none of a stream."""

    @abstractmethod
    def fresh(self, steps: int) -> int:
        """Number of training examples that are new in that many steps: none of a fixed set."""

    @abstractmethod
    def shown(self, training: Batching, step: int, everything: bool) -> Shown:
        """The training examples of a step and, for `everything`, all examples of a result with them."""

    @abstractmethod
    def losses(self, outputs: np.ndarray, shown: Shown) -> dict[str, float]:
        """The loss and, if test targets are known, the mean test loss, of the outputs of a pass over
        everything."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """As plain values."""


def error_signal(errors: np.ndarray, weights: np.ndarray, rows: int) -> np.ndarray:
    """Delta = weight e of `rows` examples, zero on those after the training ones."""
    delta = np.zeros((rows, *errors.shape[1:]))
    delta[: len(errors)] = errors * weights.reshape(-1, *[1] * (errors.ndim - 1))
    return delta


def outputs_of(targets: np.ndarray) -> int | None:
    """Number of outputs of targets (example[, output]); None where they have no such dimension."""
    return None if targets.ndim == 1 else targets.shape[1]

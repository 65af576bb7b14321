"""What is to be learned: inputs, targets, test inputs, loss."""

import copy
import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import require
from ..ground.fields import set_fields
from .classes import as_targets, warn_of_empty
from .containers import Read, numbers, read
from .losses import Loss, as_loss
from .oddities import warn_of_scales
from .pairing import paired
from .source import Batching, DataSource, Shown, error_signal, outputs_of


@checked_call
@dataclass(frozen=True, eq=False, init=False)
class Problem(DataSource):
    """Regression or classification with one output or several.

    The loss is the mean over training examples; test inputs are followed but never trained on.

    Parameters
    ----------
    inputs
        (example, feature); for a `CNN` (example, channel, row[, column]). Lists, arrays of numpy, torch or
        jax, tables of pandas or polars, DataArrays (turned by the names of their dimensions), sparse arrays
        (made dense).
    targets
        (example,) for one output; (example, output) for several: results then have a dimension `output`. For
        cross_entropy labels (example,), whole numbers, words or truth values, or probabilities (example,
        class); for the logistic and hinge losses -1 and +1, or two labels.
    test_inputs
        (example, feature) or None.
    loss
        "squared": (y - f)^2 / 2, summed over outputs; "logistic": log(1 + exp(-y f)); "hinge": max(0, 1 - y
        f), slope 0 at its kink; "cross_entropy": -sum_c y_c log softmax(f)_c; or a pair (loss, derivative) of
        functions (output, target) on arrays (example[, output]).
    test_targets
        As `targets`, of the test inputs, or None; they only serve to report a test loss.
    classes
        All labels in the order of the outputs, or names of the columns of targets; sorted by default, and in
        the order of their categories if they have one. Two labels of a loss with one output: the first is +1,
        the second -1; of sorted ones the second is +1, so that 0 and 1 are -1 and +1. The squared loss takes
        labels for classes only where they are named here.

    Raises
    ------
    InputError
        Shapes that do not fit, values that are not finite or hidden by a mask, words, dates, an empty set, an
        unknown loss, labels that the loss cannot use, examples or features that cannot be paired.

    Notes
    -----
    Labels of examples and features (index and columns of pandas, coordinates of xarray) decide what goes
    together: targets come into the order of the inputs, columns of test_inputs into that of inputs. Labels
    that differ are refused. Where one side has none, or an index of pandas that only counts 0, 1, 2, ...,
    examples go by position. A `DataWarning` tells of inputs and targets whose scale is far from what is
    usual, of targets 0 and 1 with the squared loss, and of classes without a training example.
    """

    inputs: np.ndarray
    targets: np.ndarray
    test_inputs: np.ndarray | None
    loss: Loss
    test_targets: np.ndarray | None
    classes: tuple | None
    _channels_named = False

    def __init__(
        self,
        inputs: Any,
        targets: Any,
        test_inputs: Any = None,
        loss: str | Loss | tuple = "squared",
        test_targets: Any = None,
        classes: tuple | None = None,
    ):
        given, given_targets = read("inputs", inputs), read("targets", targets)
        seen = _checked_inputs(given, given_targets)
        unseen, given_test = checked_test("test_inputs", test_inputs, "inputs", given)
        loss = as_loss(loss)
        given_targets = paired("targets", given_targets, "inputs", given)
        known = known_targets(test_targets, given_test)
        if known is not None:
            known = paired("test_targets", known, "targets", given_targets, axis=1)
        wanted, wanted_test, classes = as_targets(loss, given_targets, known, classes)
        warn_of_scales(seen, wanted, loss)
        warn_of_empty(loss, wanted, classes)
        set_fields(
            self,
            inputs=seen,
            targets=wanted,
            test_inputs=unseen,
            loss=loss,
            test_targets=wanted_test,
            classes=classes,
            _channels_named="channel" in (given.dims or ()),
        )

    @property
    def streamed(self) -> bool:
        """False: all examples are there at once."""
        return False

    @property
    def n_train(self) -> int:
        """Number of training examples."""
        return len(self.inputs)

    @property
    def n_recurring(self) -> int:
        """All training examples."""
        return self.n_train

    @property
    def splits(self) -> np.ndarray:
        """Split of each example, "train" or "test", (example,)."""
        return np.array(["train"] * self.n_train + ["test"] * (len(self.all_inputs) - self.n_train))

    @property
    def channels_named(self) -> bool:
        """Whether the inputs said which of their dimensions is the channel, so that it is no guess."""
        return self._channels_named

    def with_zero_targets(self, outputs: int | None = None) -> "Problem":
        """The same inputs with targets zero for that many outputs; None: for one, without a dimension."""
        found = copy.copy(self)
        shape = (self.n_train,) if outputs is None else (self.n_train, outputs)
        set_fields(found, targets=np.zeros(shape), test_targets=None, classes=None, loss=as_loss("squared"))
        return found

    @property
    def outputs(self) -> int | None:
        """Number of outputs; None where targets and results have no such dimension."""
        return outputs_of(self.targets)

    @property
    def all_inputs(self) -> np.ndarray:
        """(example, feature), training examples first."""
        return self.inputs if self.test_inputs is None else np.concatenate([self.inputs, self.test_inputs])

    @property
    def all_targets(self) -> np.ndarray:
        """(example[, output]), NaN for test examples whose target is not known."""
        unknown = np.full((len(self.all_inputs) - self.n_train, *self.targets.shape[1:]), np.nan)
        return np.concatenate([self.targets, unknown if self.test_targets is None else self.test_targets])

    def describe(self) -> dict[str, Any]:
        """As plain values."""
        digest = hashlib.sha256(self.all_inputs.tobytes() + self.all_targets.tobytes()).hexdigest()
        known = {} if self.classes is None else {"classes": list(self.classes)}
        return {"loss": self.loss.name, "n_train": self.n_train, "data_sha256": digest} | known

    def fresh(self, steps: int) -> int:
        """New inputs in that many steps: none."""
        return 0

    def shown(self, training: Batching, step: int, everything: bool) -> Shown:
        """The examples of a step of a training, all of them or only its batch."""
        weights = training.example_weights(step, self.n_train)
        if everything:
            rows = slice(0, len(self.all_inputs))
            return Shown(rows, self.targets, weights, rows)
        batch = np.flatnonzero(weights)
        return Shown(batch, self.targets[batch], weights[batch], slice(0, 0))

    def error_signal(self, outputs: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Delta = -d Loss / d f, (example[, output]), from the outputs of all examples; zero on test ones.

        The loss is the mean over training examples, or their sum with `weights` (training example,).
        """
        weights = np.full(self.n_train, 1 / self.n_train) if weights is None else weights
        return error_signal(self.loss.error(outputs[: self.n_train], self.targets), weights, len(outputs))

    def mean_loss(self, outputs: np.ndarray) -> float:
        """Mean loss over the training examples."""
        return float(self.loss.each(outputs[: self.n_train], self.targets).mean())

    def losses(self, outputs: np.ndarray, shown: Shown | None = None) -> dict[str, float]:
        """The mean loss and, if test targets are known, the mean test loss of the outputs of all examples."""
        found = {"loss": self.mean_loss(outputs)}
        if self.test_targets is not None:
            found["test_loss"] = float(self.loss.each(outputs[self.n_train :], self.test_targets).mean())
        return found

    def series(self, outputs: np.ndarray, weights: list[np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs (time, example) with losses (time) and error signal (time, example), given the weights of
        examples per time."""
        losses = [self.losses(f) for f in outputs]
        return {
            "output": outputs,
            **{name: np.array([each[name] for each in losses]) for name in losses[0]},
            "error_signal": np.array([self.error_signal(f, own) for f, own in zip(outputs, weights)]),
        }


def _checked_inputs(given: Read, targets: Read) -> np.ndarray:
    """The argument inputs as floats, as many as there are targets."""
    require(
        given.values.ndim > 1 or targets.values.ndim < 2,
        f"inputs have the shape {given.values.shape}, targets {targets.values.shape}: are they exchanged?"
        " Inputs come first, (example, feature).",
    )
    inputs = numbers("inputs", given, 2, 3, 4)
    require(
        inputs.size > 0,
        f"inputs are empty, shape {inputs.shape}; at least one example and one feature are needed.",
    )
    check_counts(f"{len(inputs)} inputs", len(inputs), "targets", targets)
    return inputs


def check_counts(what: str, count: int, name: str, targets: Read) -> None:
    """Refuse targets that are not as many as the inputs; `what` says how many inputs there are."""
    found = len(targets.values) if targets.values.ndim else 1
    require(count == found, f"{what} but {found} {name}; each needs one.")


def checked_test(name: str, given: Any, other: str, reference: Read) -> tuple[np.ndarray | None, Read | None]:
    """As `beside`; None for none or an empty set."""
    if given is None:
        return None, None
    known = read(name, given)
    return (None, None) if len(np.atleast_1d(known.values)) == 0 else beside(name, known, other, reference)


def beside(name: str, known: Read, other: str, reference: Read) -> tuple[np.ndarray, Read]:
    """Inputs of the shape of the `reference`, with features in its order, as floats and as they were read."""
    sizes = [" x ".join(map(str, each.values.shape[1:])) or "no" for each in (known, reference)]
    require(sizes[0] == sizes[1], f"{name} have {sizes[0]} features, {other} {sizes[1]}; they must agree.")
    for axis in range(1, reference.values.ndim):
        known = paired(name, known, other, reference, axis)
    return numbers(name, known, 2, 3, 4), known


def known_targets(given: Any, test: Read | None) -> Read | None:
    """The argument test_targets, paired with the test inputs; None for none."""
    if given is None:
        return None
    targets = read("test_targets", given)
    if test is None:
        if targets.values.size > 0:
            check_counts("0 test_inputs", 0, "test_targets", targets)
        return None
    check_counts(f"{len(test.values)} test_inputs", len(test.values), "test_targets", targets)
    return paired("test_targets", targets, "test_inputs", test)

"""What is to be learned: inputs, targets, test inputs, loss."""

import hashlib
from dataclasses import dataclass

import numpy as np

from .calls import checked_call
from .errors import InputError, UnsupportedError, require
from .losses import Loss, as_loss, one_hot


def checked_array(name: str, given, *dims: int) -> np.ndarray:
    """A finite array of floats of one of the given numbers of dimensions, read-only; `example` is the first of a DataArray.

    Raises
    ------
    InputError
        Something else.
    """
    if "example" in getattr(given, "dims", ()):
        given = given.transpose("example", ...)
    given = getattr(given, "values", given)
    require(not np.iscomplexobj(given), f"{name} is complex; pass real numbers.")
    try:
        array = np.array(given, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} cannot be read as numbers ({error}); pass an array or a DataArray.") from None
    require(array.ndim in dims, f"{name} has {array.ndim} dimensions {array.shape}; {' or '.join(map(str, dims))} are needed.")
    require(bool(np.isfinite(array).all()), f"{name} contains NaN or infinite values; drop or fill them first.")
    array.flags.writeable = False
    return array


@dataclass(frozen=True)
class Shown:
    """The examples of one pass: those that train first, then those that are only followed.

    `examples` is what the first layer is asked for, a slice or indices of the known inputs, or new inputs (example,
    feature); `targets` and `weights`, the share in the step's loss, are those of the first `len(weights)` rows, the
    training ones; `kept` are the rows that a result holds.
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


def error_signal(errors: np.ndarray, weights: np.ndarray, rows: int) -> np.ndarray:
    """Delta = weight e of `rows` examples, zero on those behind the training ones."""
    delta = np.zeros((rows, *errors.shape[1:]))
    delta[: len(errors)] = errors * weights.reshape(-1, *[1] * (errors.ndim - 1))
    return delta


@checked_call
@dataclass(frozen=True, eq=False)
class Problem:
    """Regression or classification with one output or several.

    The loss is the mean over training examples; test inputs are followed but never trained on.

    Parameters
    ----------
    inputs
        (example, feature); for a `CNN` (example, channel, row[, column]). Array or DataArray.
    targets
        (example,) for one output; (example, output) for several: results then have a dimension `output`. -1 or +1 for the
        logistic and hinge losses; labels 0, 1, 2, ... (example,), or probabilities (example, class), for cross_entropy.
    test_inputs
        (example, feature) or None.
    loss
        "squared": (y - f)^2 / 2, summed over outputs; "logistic": log(1 + exp(-y f)); "hinge": max(0, 1 - y f), slope 0 at
        its kink; "cross_entropy": -sum_c y_c log softmax(f)_c; or a pair (loss, derivative) of functions (output, target) on
        arrays (example[, output]).
    test_targets
        As `targets`, of the test inputs, or None; they only serve to report a test loss.

    Raises
    ------
    InputError
        Shapes that do not fit, values that are not finite, an empty set, an unknown loss, labels that it cannot use.
    """

    inputs: np.ndarray
    targets: np.ndarray
    test_inputs: np.ndarray | None = None
    loss: str | Loss | tuple = "squared"
    test_targets: np.ndarray | None = None

    def __post_init__(self):
        inputs, targets = checked_array("inputs", self.inputs, 2, 3, 4), checked_array("targets", self.targets, 1, 2)
        require(inputs.size > 0, f"inputs are empty, shape {inputs.shape}; at least one example and one feature are needed.")
        require(len(inputs) == len(targets), f"{len(inputs)} inputs but {len(targets)} targets; each example needs one.")
        test = None if self.test_inputs is None else checked_array("test_inputs", self.test_inputs, 2, 3, 4)
        test = None if test is not None and len(test) == 0 else test
        require(
            test is None or test.shape[1:] == inputs.shape[1:],
            f"test_inputs have {_size(test)} features, inputs {_size(inputs)}; they must agree.",
        )
        object.__setattr__(self, "loss", as_loss(self.loss))
        targets, test_targets = _checked_targets(self.loss, targets, known_targets(self.test_targets, test))
        for name, value in (("inputs", inputs), ("targets", targets), ("test_inputs", test), ("test_targets", test_targets)):
            object.__setattr__(self, name, value)

    @property
    def n_train(self) -> int:
        """Number of training examples."""
        return len(self.inputs)

    @property
    def outputs(self) -> int | None:
        """Number of outputs; None where targets and results have no such dimension."""
        return _outputs(self.targets)

    @property
    def all_inputs(self) -> np.ndarray:
        """(example, feature), training examples first."""
        return self.inputs if self.test_inputs is None else np.concatenate([self.inputs, self.test_inputs])

    @property
    def all_targets(self) -> np.ndarray:
        """(example[, output]), NaN for test examples whose target is not known."""
        unknown = np.full((len(self.all_inputs) - self.n_train, *self.targets.shape[1:]), np.nan)
        return np.concatenate([self.targets, unknown if self.test_targets is None else self.test_targets])

    def describe(self) -> dict:
        """As plain values."""
        digest = hashlib.sha256(self.all_inputs.tobytes() + self.all_targets.tobytes()).hexdigest()
        return {"loss": self.loss.name, "n_train": self.n_train, "data_sha256": digest}

    def fresh(self, steps: int) -> int:
        """New inputs in that many steps: none."""
        return 0

    def shown(self, training, step: int, everything: bool) -> Shown:
        """The examples of a step of a training, all of them or only its batch."""
        weights = training.example_weights(step, self.n_train)
        if everything:
            rows = slice(0, len(self.all_inputs))
            return Shown(rows, self.targets, weights, rows)
        batch = np.flatnonzero(weights)
        return Shown(batch, self.targets[batch], weights[batch], slice(0, 0))

    def refuse_online(self, route: str) -> None:
        """Nothing: all examples are there at once."""

    def refuse_outputs(self, route: str) -> None:
        """Raise `UnsupportedError` for several outputs, in the name of a route that knows one."""
        if self.outputs:
            raise UnsupportedError(f"{route} has one output, targets (example,); for {self.outputs} outputs take tp.sample, tp.train_finite or tp.static_ntk.")

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
        """Outputs (time, example) with losses (time) and error signal (time, example), given the weights of examples per time."""
        losses = [self.losses(f) for f in outputs]
        return {
            "output": outputs,
            **{name: np.array([each[name] for each in losses]) for name in losses[0]},
            "error_signal": np.array([self.error_signal(f, own) for f, own in zip(outputs, weights)]),
        }


def _size(inputs: np.ndarray | None) -> str:
    """Shape of one example in words."""
    return "no" if inputs is None else " x ".join(map(str, inputs.shape[1:]))


def _outputs(targets: np.ndarray) -> int | None:
    return None if targets.ndim == 1 else targets.shape[1]


def known_targets(given, test: np.ndarray | None) -> np.ndarray | None:
    """The argument test_targets, checked; None for none."""
    targets = None if given is None else checked_array("test_targets", given, 1, 2)
    targets = None if test is None and targets is not None and len(targets) == 0 else targets
    inputs = 0 if test is None else len(test)
    require(targets is None or len(targets) == inputs, f"{0 if targets is None else len(targets)} test_targets but {inputs} test_inputs; each needs one.")
    return targets


def _checked_targets(loss: Loss, targets: np.ndarray, test: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Targets that the loss can use: labels of classes become probabilities."""
    given = [values for values in (targets, test) if values is not None]
    if loss.classes and targets.ndim == 1:
        labels = np.concatenate([values.reshape(len(values), -1)[:, 0] for values in given])
        require(bool((labels >= 0).all() and (labels % 1 == 0).all()), "targets: labels of classes must be whole numbers 0, 1, 2, ...")
        classes = int(labels.max()) + 1
        require(2 <= classes <= 10_000, f"targets: labels 0 ... {classes - 1} make {classes} classes; 2 to 10,000 can be told apart.")
        given = [one_hot(values, classes) if values.ndim == 1 else values for values in given]
    require(given[0].ndim == 1 or given[0].shape[1] > 0, "targets have no outputs, shape " + str(given[0].shape) + ".")
    for values in given:
        require(values.shape[1:] == given[0].shape[1:], f"test_targets have shape {values.shape}, targets {given[0].shape}; they must agree.")
        loss.check(values)
        values.flags.writeable = False
    return given[0], given[1] if len(given) > 1 else None

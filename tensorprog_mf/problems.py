"""What is to be learned: inputs, targets, test inputs, loss."""

from dataclasses import dataclass

import numpy as np

from .errors import InputError, require
from .losses import Loss, as_loss


def _array(name: str, given, dims: int) -> np.ndarray:
    if "example" in getattr(given, "dims", ()):
        given = given.transpose("example", ...)
    given = getattr(given, "values", given)
    require(not np.iscomplexobj(given), f"{name} is complex; pass real numbers.")
    try:
        array = np.array(given, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} cannot be read as numbers ({error}); pass an array or a DataArray.") from None
    require(array.ndim == dims, f"{name} has {array.ndim} dimensions {array.shape}; {dims} are needed.")
    require(bool(np.isfinite(array).all()), f"{name} contains NaN or infinite values; drop or fill them first.")
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False)
class Problem:
    """A regression or two-class problem with one output.

    The loss is the mean over training examples; test inputs are followed but never trained on.

    Parameters
    ----------
    inputs
        (example, feature), array or DataArray.
    targets
        (example,); -1 or +1 for the logistic and hinge losses.
    test_inputs
        (example, feature) or None.
    loss
        "squared": (y - f)^2 / 2; "logistic": log(1 + exp(-y f)); "hinge": max(0, 1 - y f), slope 0 at its kink; or a
        pair (loss, derivative) of functions (output, target) on arrays.
    test_targets
        (example,) of the test inputs, or None; they only serve to report a test loss.

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
        inputs, targets = _array("inputs", self.inputs, 2), _array("targets", self.targets, 1)
        require(inputs.size > 0, f"inputs are empty, shape {inputs.shape}; at least one example and one feature are needed.")
        require(len(inputs) == len(targets), f"{len(inputs)} inputs but {len(targets)} targets; each example needs one.")
        test = None if self.test_inputs is None else _array("test_inputs", self.test_inputs, 2)
        test = None if test is not None and len(test) == 0 else test
        require(
            test is None or test.shape[1] == inputs.shape[1],
            f"test_inputs have {0 if test is None else test.shape[1]} features, inputs {inputs.shape[1]}; they must agree.",
        )
        test_targets = None if self.test_targets is None else _array("test_targets", self.test_targets, 1)
        test_targets = None if test is None and test_targets is not None and len(test_targets) == 0 else test_targets
        require(
            test_targets is None or len(test_targets) == (0 if test is None else len(test)),
            f"{0 if test_targets is None else len(test_targets)} test_targets but {0 if test is None else len(test)} test_inputs; each needs one.",
        )
        object.__setattr__(self, "loss", as_loss(self.loss))
        for values in (targets, test_targets):
            if values is not None:
                self.loss.check(values)
        for name, value in (("inputs", inputs), ("targets", targets), ("test_inputs", test), ("test_targets", test_targets)):
            object.__setattr__(self, name, value)

    @property
    def n_train(self) -> int:
        """Number of training examples."""
        return len(self.inputs)

    @property
    def all_inputs(self) -> np.ndarray:
        """(example, feature), training examples first."""
        return self.inputs if self.test_inputs is None else np.vstack([self.inputs, self.test_inputs])

    def error_signal(self, outputs: np.ndarray, weights: np.ndarray | None = None, chosen: np.ndarray | None = None) -> np.ndarray:
        """Delta = -d Loss / d f, (example,), of the examples whose outputs are given; zero on test ones.

        The loss is the mean over training examples, or their sum with `weights` (training example,). Outputs are those of
        all examples, of the training ones, or of `chosen` training ones.
        """
        weights = np.full(self.n_train, 1 / self.n_train) if weights is None else weights
        if chosen is not None:
            return self.loss.error(outputs, self.targets[chosen]) * weights[chosen]
        delta = np.zeros(len(outputs))
        delta[: self.n_train] = self.loss.error(outputs[: self.n_train], self.targets) * weights
        return delta

    @property
    def all_targets(self) -> np.ndarray:
        """(example,), NaN for test examples whose target is not known."""
        unknown = np.full(len(self.all_inputs) - self.n_train, np.nan)
        return np.concatenate([self.targets, unknown if self.test_targets is None else self.test_targets])

    def mean_loss(self, outputs: np.ndarray) -> float:
        """Mean loss over the training examples."""
        return float(self.loss.value(outputs[: self.n_train], self.targets).mean())

    def losses(self, outputs: np.ndarray) -> dict[str, float]:
        """The mean loss and, if test targets are known, the mean test loss of the outputs of all examples."""
        found = {"loss": self.mean_loss(outputs)}
        if self.test_targets is not None:
            found["test_loss"] = float(self.loss.value(outputs[self.n_train :], self.test_targets).mean())
        return found

    def series(self, outputs: np.ndarray, weights: list[np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs (time, example) with losses (time) and error signal (time, example), given the weights of examples per time."""
        losses = [self.losses(f) for f in outputs]
        return {
            "output": outputs,
            **{name: np.array([each[name] for each in losses]) for name in losses[0]},
            "error_signal": np.array([self.error_signal(f, own) for f, own in zip(outputs, weights)]),
        }

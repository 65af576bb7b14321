"""Learning in one pass: new examples at every step, none seen twice."""

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import InputError, real, require, whole
from ..ground.fields import set_fields
from .classes import as_targets, distinct
from .containers import Read, numbers, read
from .losses import Loss, as_loss
from .oddities import warn_of_scales
from .pairing import paired
from .problem import beside, check_counts, known_targets
from .source import Batching, DataSource, Shown


@checked_call
@dataclass(frozen=True)
class GaussianStream:
    """Inputs N(0, 1) per feature, targets teacher(inputs) + noise N(0, 1); a pure function of the step.

    Parameters
    ----------
    features, batch_size
        Size of an input, examples per step.
    teacher
        inputs (example, feature) -> targets (example[, output]).
    seed
        Names the sequence.
    noise
        Standard deviation of what is added to targets.
    """

    features: int
    batch_size: int
    teacher: Callable[[np.ndarray], np.ndarray]
    seed: int = 0
    noise: float = 0.0

    def __post_init__(self) -> None:
        for name, value, least in (
            ("features", self.features, 1),
            ("batch_size", self.batch_size, 1),
            ("seed", self.seed, 0),
        ):
            object.__setattr__(self, name, whole(name, value, least))
        require(
            callable(self.teacher),
            f"teacher={self.teacher!r} must be a function of inputs (example, feature).",
        )
        object.__setattr__(self, "noise", real("noise", self.noise, "be 0 or more", lambda v: v >= 0))

    def __call__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of a step."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(step,)))
        inputs = rng.standard_normal((self.batch_size, self.features))
        name = "targets of the teacher"
        targets = numbers(name, read(name, self.teacher(inputs)), 1, 2)
        return inputs, targets + self.noise * rng.standard_normal(targets.shape)


class _Pulled:
    """Pairs of an iterator by number: those pulled so far are kept, as every replicate sees all of them."""

    def __init__(self, source: Iterator):
        self._source, self._lock = source, threading.Lock()
        self._kept: list[tuple] = []

    def __call__(self, step: int) -> tuple:
        with self._lock:
            while len(self._kept) <= step:
                try:
                    self._kept.append(next(self._source))
                except StopIteration:
                    raise InputError(
                        f"stream ended after {len(self._kept)} batches; it is asked for one at every step,"
                        " and for one more to report the loss at the end."
                    ) from None
            return self._kept[step]


@checked_call
@dataclass(frozen=True, eq=False, init=False)
class OnlineProblem(DataSource):
    """A stream of new examples; test points are followed throughout.

    The loss of a step is the mean over its batch. Results hold outputs, kernels and fields of the test
    points, which are their examples; `loss` is that of the batch that the step is about to learn from, so of
    examples not seen before.

    Parameters
    ----------
    stream
        A function step -> (inputs, targets), such as `GaussianStream`, which is called with the same step
        more than once; or an iterable of such pairs, one for every step and one more. inputs (example,
        feature), targets (example,) or (example, output); for cross_entropy probabilities (example, class)
        or, with `classes`, labels. Batches may differ in size.
    test_inputs
        The points to follow, (example, feature) or as the network takes them.
    loss
        As of `Problem`.
    test_targets
        (example[, output]) or None; they only serve to report a test loss.
    classes
        All labels that the stream may bring, as of `Problem`; no batch needs to hold every one.

    Raises
    ------
    InputError
        Shapes that do not fit, values that are not finite, a stream that ends early.
    """

    stream: Callable[[int], tuple]
    test_inputs: np.ndarray
    loss: Loss
    test_targets: np.ndarray | None
    classes: tuple | None
    _given: Read = field(init=False, repr=False)  # the test inputs, with their labels
    # Shape of a target; None until the first batch has told it.
    _trailing: tuple[int, ...] | None = field(init=False, repr=False)

    def __init__(
        self,
        stream: Callable[[int], tuple] | Iterable,
        test_inputs: Any,
        loss: str | Loss | tuple = "squared",
        test_targets: Any = None,
        classes: tuple | None = None,
    ):
        given = read("test_inputs", test_inputs)
        test = numbers("test_inputs", given, 2, 3, 4)
        require(
            test.size > 0, "test_inputs are empty; results hold their outputs, so give at least one point."
        )
        set_fields(
            self,
            stream=_as_function(stream),
            test_inputs=test,
            classes=None if classes is None else distinct(classes),
            loss=as_loss(loss),
            _given=given,
            _trailing=None,
        )
        inputs, first = self.batch(0)
        set_fields(self, _trailing=first.shape[1:])
        known = known_targets(test_targets, given)
        targets = None if known is None else self._targets("test_targets", known)
        seen = [first]
        if targets is not None:
            require(
                targets.shape[1:] == first.shape[1:],
                f"test_targets have shape {targets.shape}, targets of the stream {first.shape}; "
                "only the first number may differ.",
            )
            seen.append(targets)
        set_fields(self, test_targets=targets)
        warn_of_scales(np.concatenate([inputs, test]), np.concatenate(seen), self.loss)

    @property
    def streamed(self) -> bool:
        """True: every step brings new examples."""
        return True

    @property
    def n_recurring(self) -> int:
        """0: no training example comes again."""
        return 0

    @property
    def splits(self) -> np.ndarray:
        """Split of each test point, (example,): "test"."""
        return np.array(["test"] * len(self.test_inputs))

    @property
    def channels_named(self) -> bool:
        """Whether the test inputs said which of their dimensions is the channel."""
        return "channel" in (self._given.dims or ())

    def _targets(self, name: str, given: Read) -> np.ndarray:
        """Targets of a batch, or of the test points, as floats."""
        labels = self.loss.classes and given.values.ndim == 1 and self.classes is None
        require(
            not labels,
            f"{name} of a stream of classes must be probabilities (example, class), or labels with"
            " classes=(...).",
        )
        targets, _, classes = as_targets(self.loss, given, None, self.classes, name)
        require(
            classes == self.classes or self.loss.classes,
            f"{name} are labels, and a batch need not hold both of them; name the two with"
            " classes=(positive, negative).",
        )
        return targets

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (example, feature) and targets (example[, output]) of a step, checked."""
        given = self.stream(step)
        require(
            isinstance(given, (tuple, list)) and len(given) == 2,
            f"stream: step {step} must give a pair (inputs, targets).",
        )
        names = f"inputs of step {step}", f"targets of step {step}"
        inputs, known = beside(names[0], read(names[0], given[0]), "test_inputs", self._given)
        wanted = read(names[1], given[1])
        check_counts(f"step {step}: {len(inputs)} inputs", len(inputs), "targets", wanted)
        targets = self._targets(names[1], paired(names[1], wanted, names[0], known))
        require(
            self._trailing in (None, targets.shape[1:]),
            f"targets of step {step} have shape {targets.shape}, those of step 0 (example,"
            f" {', '.join(map(str, self._trailing or ()))}); outputs must stay the same.",
        )
        return inputs, targets

    @property
    def outputs(self) -> int | None:
        """Number of outputs; None where targets and results have no such dimension."""
        return self._trailing[0] if self._trailing else None

    @property
    def all_inputs(self) -> np.ndarray:
        """(example, feature): the test inputs."""
        return self.test_inputs

    @property
    def all_targets(self) -> np.ndarray:
        """(example[, output]), NaN where not known."""
        if self.test_targets is not None:
            return self.test_targets
        return np.full((len(self.test_inputs), *(self._trailing or ())), np.nan)

    def describe(self) -> dict[str, Any]:
        """As plain values. A stream has no training examples that a file could hold: n_train = 0."""
        stream = _described(self.stream)
        first = self.batch(0)
        data = b"".join(values.tobytes() for values in (self.test_inputs, self.all_targets, *first))
        known = {} if self.classes is None else {"classes": list(self.classes)}
        digest = hashlib.sha256(data).hexdigest()
        return {"loss": self.loss.name, "n_train": 0, "stream": stream, "data_sha256": digest} | known

    def shown(self, training: Batching, step: int, everything: bool) -> Shown:
        """The batch of a step and, for `everything`, the test points after it."""
        inputs, targets = self.batch(step)
        weights, kept = np.full(len(inputs), 1 / max(len(inputs), 1)), slice(0, 0)
        if everything:
            inputs, kept = (
                np.concatenate([inputs, self.test_inputs]),
                slice(len(inputs), len(inputs) + len(self.test_inputs)),
            )
        return Shown(inputs, targets, weights, kept)

    def losses(self, outputs: np.ndarray, shown: Shown) -> dict[str, float]:
        """The loss of the batch and, if test targets are known, the mean test loss."""
        found = {"loss": shown.mean_loss(self.loss, outputs)}
        if self.test_targets is not None:
            found["test_loss"] = float(self.loss.each(outputs[shown.kept], self.test_targets).mean())
        return found

    def fresh(self, steps: int) -> int:
        """New inputs in that many steps, as many in each as in the first."""
        return steps * len(self.batch(0)[0])


def _as_function(stream: Callable[[int], tuple] | Iterable) -> Callable[[int], tuple]:
    """The argument stream as a function of the step."""
    if callable(stream):
        return stream
    require(
        isinstance(stream, Iterable),
        f"stream={stream!r} must be a function of the step, or an iterable of pairs (inputs, targets).",
    )
    return _Pulled(iter(stream))


def _described(stream: Callable[[int], tuple]) -> dict[str, Any]:
    """A stream as plain values: its settings, or what it is called."""
    if isinstance(stream, GaussianStream):
        return {
            name: value if isinstance(value, (int, float, str)) else _called(value)
            for name, value in vars(stream).items()
        }
    return {"name": _called(stream)}


def _called(value: object) -> str:
    return getattr(value, "__name__", type(value).__name__)

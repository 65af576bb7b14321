"""One finite student on finite data, trained as written in `Model`.

Legend: a features (N, mode), psi data (P, mode), eps label noise (P,), w readout weights, v0 weight errors,
v2 gradients. Features None stands for infinitely many, whose kernel is 1; data None for infinitely many
examples.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..ground.divergence import LossWatch, RunAway, allowed
from .model import Descent, Flow, Model


@dataclass(frozen=True)
class TrainingData:
    """Training examples of a student: psi (example, mode) and label noise (example,)."""

    psi: np.ndarray
    noise: np.ndarray

    def residual(self, v0: np.ndarray) -> np.ndarray:
        """(example,) errors, of weight errors (mode,)."""
        return self.psi @ v0 + self.noise


class StudentTask:
    """The modes of a model one by one, and students' random numbers."""

    def __init__(self, model: Model) -> None:
        modes, self.model = model.modes, model
        copies = modes.multiplicity.astype(int)
        self.lam, self.weight = np.repeat(modes.eigenvalues, copies), np.repeat(modes.weights, copies)
        self.first = np.concatenate([[0], np.cumsum(copies)[:-1]])  # of every group of equal modes

    def features(self, stream: np.random.Generator) -> np.ndarray | None:
        """A0, (feature, mode)."""
        if self.model.width is None:
            return None
        return stream.standard_normal((self.model.width, len(self.lam)))

    def examples(self, stream: np.random.Generator, count: int | None) -> TrainingData | None:
        """`count` examples."""
        if count is None:
            return None
        psi = stream.standard_normal((count, len(self.lam))) * np.sqrt(self.lam)
        return TrainingData(psi, np.sqrt(self.model.noise) * stream.standard_normal(count))


@dataclass(frozen=True)
class Student:
    """Record of a student, as far as it goes: weight errors v0 (time, mode), readout weights w (time,
    feature), gradients v2 (time, mode), residuals (time, example)."""

    v0: np.ndarray
    w: np.ndarray
    v2: np.ndarray
    residual: np.ndarray


def train(
    task: StudentTask,
    training: Descent | Flow,
    steps: np.ndarray,
    a0: np.ndarray | None,
    data: TrainingData | None,
    stream: np.random.Generator,
    advance: Callable[[], bool],
) -> Student:
    """A student of features `a0` on `data`, recorded at the `steps` of a descent, or at the times of a flow.

    `stream` draws batches; `advance` hears of every step and says whether to go on.
    """
    if isinstance(training, Flow):
        found = _flow(task, training, a0, data)
        advance()
        return found
    with np.errstate(over="ignore", invalid="ignore"):  # of a run that diverges
        return _descend(task, training, steps, a0, data, stream, advance)


class _Projection:
    """Features of a student that learns them, and their velocity."""

    def __init__(self, model: Model, momentum: float, a0: np.ndarray) -> None:
        self.a, self._a0, self._model, self._momentum = a0.copy(), a0, model, momentum
        self._velocity = np.zeros_like(a0)

    def accelerate(self, w: np.ndarray, v2: np.ndarray) -> None:
        """Add the gradient richness w (K0 v2)^T to the velocity."""
        send = (self._a0 @ v2) @ self._a0 / len(self._a0) if self._model.projected else v2
        fresh = np.outer(self._model.richness * w, send)
        self._velocity = self._momentum * self._velocity + fresh if self._momentum else fresh

    def move(self, rate: float) -> None:
        """Along the velocity."""
        self.a += rate * self._velocity


class _Parameters:
    """Readout weights w and features of a student in training."""

    def __init__(self, task: StudentTask, training: Descent, a0: np.ndarray | None) -> None:
        model, self._weight, self._momentum = task.model, task.weight, training.momentum
        self._projection = (
            _Projection(model, training.momentum, a0) if a0 is not None and model.richness > 0 else None
        )
        self._a = a0 if self._projection is None else self._projection.a
        self.w = np.zeros(len(self._weight) if a0 is None else len(a0))
        self._velocity = np.zeros_like(self.w)

    def errors(self) -> np.ndarray:
        """v0 = w* - A^T w / N, (mode,)."""
        return self._weight - (self.w if self._a is None else self.w @ self._a / len(self._a))

    def move(self, v2: np.ndarray, rate: float) -> None:
        """A step at the learning rate `rate`; both gradients, of w and A, are those before it."""
        if self._projection is not None:
            self._projection.accelerate(self.w, v2)
        self._velocity = self._momentum * self._velocity + (v2 if self._a is None else self._a @ v2)
        self.w = self.w + rate * self._velocity
        if self._projection is not None:
            self._projection.move(rate)


def _descend(
    task: StudentTask,
    training: Descent,
    steps: np.ndarray,
    a0: np.ndarray | None,
    data: TrainingData | None,
    stream: np.random.Generator,
    advance: Callable[[], bool],
) -> Student:
    parameters, rates, growth = (
        _Parameters(task, training, a0),
        training.rates(),
        LossWatch(allowed(task.model.richness)),
    )
    sizes = (len(task.lam), len(parameters.w), len(task.lam), 0 if data is None else len(data.psi))
    found, kept, done = [np.empty((len(steps), size)) for size in sizes], set(steps.tolist()), 0
    for t in range(training.steps + 1):
        v0 = parameters.errors()
        v2 = _gradient(task, _shown(task, training, data, stream), v0)
        try:
            growth.compare(float(task.lam @ v0**2) + task.model.noise)
        except RunAway:
            break
        if not advance():
            break
        if t in kept:
            residual = np.zeros(0) if data is None else data.residual(v0)
            for values, value in zip(found, (v0, parameters.w, v2, residual)):
                values[done] = value
            done += 1
        if t < training.steps:
            parameters.move(v2, rates[t])
    return Student(*(values[:done] for values in found))


def _shown(
    task: StudentTask, training: Descent, data: TrainingData | None, stream: np.random.Generator
) -> TrainingData | None:
    """The examples of a step."""
    if training.batch_size is None:
        return data
    if data is None:
        return task.examples(stream, training.batch_size)
    chosen = stream.choice(len(data.psi), training.batch_size, replace=training.replacement)
    return TrainingData(data.psi[chosen], data.noise[chosen])


def _gradient(task: StudentTask, shown: TrainingData | None, v0: np.ndarray) -> np.ndarray:
    """v2, (mode,)."""
    if shown is None:
        return task.lam * v0
    return shown.residual(v0) @ shown.psi / len(shown.psi)


def _flow(task: StudentTask, training: Flow, a0: np.ndarray | None, data: TrainingData | None) -> Student:
    """Gradient flow of random features, exactly:

        w(t) = sum_j (1 - e^(-s_j t)) / s_j u_j (u_j . b)

    with the eigenvalues s_j and eigenvectors u_j of the kernel between features (of the covariance of data,
    where these are infinitely many), and the gradient b at the start.
    """
    times = training.clock()
    half, pull = _kernel_factor(task, a0, data)
    u, s, _ = np.linalg.svd(half if a0 is None else half / np.sqrt(len(a0)), full_matrices=False)
    rate = s**2
    # Directions without curvature have no pull either, but for rounding.
    gone = np.where(
        rate > 1e-14 * rate.max(), -np.expm1(-rate * times[:, None]) / np.maximum(rate, 1e-300), 0.0
    )
    w = (gone * (pull @ u)) @ u.T
    v0 = task.weight - (w if a0 is None else w @ a0 / len(a0))
    residual = np.zeros((len(times), 0)) if data is None else v0 @ data.psi.T + data.noise
    v2 = task.lam * v0 if data is None else residual @ data.psi / len(data.psi)
    return Student(v0, w, v2, residual)


def _kernel_factor(
    task: StudentTask, a0: np.ndarray | None, data: TrainingData | None
) -> tuple[np.ndarray, np.ndarray]:
    """F with the kernel F F^T / N (F F^T for infinitely many features), and the gradient at the start."""
    if data is None:
        a = np.eye(len(task.lam)) if a0 is None else a0
        return a * np.sqrt(task.lam), a @ (task.lam * task.weight)
    count = len(data.psi)
    half = data.psi.T / np.sqrt(count) if a0 is None else a0 @ data.psi.T / np.sqrt(count)
    return half, half @ data.residual(task.weight) / np.sqrt(count)

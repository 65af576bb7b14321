"""One finite student on finite data, trained as written in `Model`.

Legend: a features (N, mode), psi data (P, mode), eps label noise (P,), w readout weights, v0 weight errors,
v2 gradients.
"""

from dataclasses import dataclass

import numpy as np

from ..ground.divergence import LossWatch, RunAway, allowed
from .model import Descent, Flow, Model


@dataclass(frozen=True)
class Data:
    """Training examples of a student, or none: psi (example, mode) and label noise (example,)."""

    psi: np.ndarray | None
    noise: np.ndarray | None


class Task:
    """The modes of a model one by one, and streams of random numbers."""

    def __init__(self, model: Model):
        modes, self.model = model.modes, model
        copies = modes.multiplicity.astype(int)
        self.lam, self.weight = np.repeat(modes.eigenvalues, copies), np.repeat(modes.weights, copies)
        self.first = np.concatenate([[0], np.cumsum(copies)[:-1]])

    def features(self, stream: np.random.Generator) -> np.ndarray:
        """A0, (feature, mode)."""
        return stream.standard_normal((self.model.width, len(self.lam)))

    def data(self, stream: np.random.Generator, count: int | None) -> Data:
        """`count` examples."""
        if count is None:
            return Data(None, None)
        psi = stream.standard_normal((count, len(self.lam))) * np.sqrt(self.lam)
        return Data(psi, np.sqrt(self.model.noise) * stream.standard_normal(count))


def train(
    task: Task,
    training: Descent | Flow,
    a0: np.ndarray | None,
    data: Data,
    stream: np.random.Generator,
    steps: np.ndarray,
    advance,
) -> dict:
    """Record of a student: v0 (time, mode), w (time, feature), v2 (time, mode), residual (time, example) as
    far as it goes.

    `a0` None: infinitely many features, whose kernel is 1.
    """
    if isinstance(training, Flow):
        found = _flow(task, training, a0, data)
        advance()
        return found
    with np.errstate(over="ignore", invalid="ignore"):  # of a run that diverges
        return _descend(task, training, a0, data, stream, set(steps.tolist()), advance)


def _descend(
    task: Task,
    training: Descent,
    a0: np.ndarray | None,
    data: Data,
    stream: np.random.Generator,
    steps: set[int],
    advance,
) -> dict:
    model, rates, growth = task.model, training.rates(), LossWatch(allowed(task.model.richness))
    lazy, width = model.richness == 0, None if a0 is None else len(a0)
    a = a0 if lazy else a0.copy()
    w = np.zeros(len(task.lam) if a0 is None else width)
    speed, turn = np.zeros_like(w), None if lazy else np.zeros_like(a0)
    record = {"v0": [], "w": [], "v2": [], "residual": []}
    for t in range(training.steps + 1):
        v0 = task.weight - (w if a0 is None else w @ a / width)
        v2 = _gradient(task, _shown(task, training, data, stream), v0)
        try:
            growth.compare(float(task.lam @ v0**2) + model.noise)
        except RunAway:
            break
        if not advance():
            break
        if t in steps:
            record["v0"].append(v0)
            record["w"].append(w)
            record["v2"].append(v2)
            record["residual"].append(np.zeros(0) if data.psi is None else data.psi @ v0 + data.noise)
        if t < training.steps:
            if not lazy:
                send = (a0 @ v2) @ a0 / width if model.projected else v2
                fresh = np.outer(model.richness * w, send)
                turn = training.momentum * turn + fresh if training.momentum else fresh
            speed = training.momentum * speed + (v2 if a0 is None else a @ v2)
            w = w + rates[t] * speed
            if not lazy:
                a += rates[t] * turn
    return {name: np.array(values) for name, values in record.items()}


def _shown(task: Task, training: Descent, data: Data, stream: np.random.Generator) -> Data:
    """The examples of a step."""
    if training.batch_size is None:
        return data
    if data.psi is None:
        return task.data(stream, training.batch_size)
    chosen = stream.choice(len(data.psi), training.batch_size, replace=training.replacement)
    return Data(data.psi[chosen], data.noise[chosen])


def _gradient(task: Task, shown: Data, v0: np.ndarray) -> np.ndarray:
    """v2, (mode,)."""
    if shown.psi is None:
        return task.lam * v0
    return (shown.psi @ v0 + shown.noise) @ shown.psi / len(shown.psi)


def _flow(task: Task, training: Flow, a0: np.ndarray | None, data: Data) -> dict:
    """Gradient flow of random features, exactly: w(t) = sum_j (1 - e^(-s_j t)) / s_j u_j (u_j . b)."""
    width, times = len(a0) if a0 is not None else None, training.clock()
    if data.psi is None:
        half, pull = a0 * np.sqrt(task.lam), a0 @ (task.lam * task.weight)
    else:
        count = len(data.psi)
        half = data.psi.T / np.sqrt(count) if a0 is None else a0 @ data.psi.T / np.sqrt(count)
        target = data.psi @ task.weight + data.noise
        pull = half @ target / np.sqrt(count)
    factor = half if width is None else half / np.sqrt(width)
    u, s, _ = np.linalg.svd(factor, full_matrices=False)
    rate = s**2
    # Directions without curvature have no pull either, but for rounding.
    gone = np.where(
        rate > 1e-14 * rate.max(), -np.expm1(-rate * times[:, None]) / np.maximum(rate, 1e-300), 0.0
    )
    w = (gone * (pull @ u)) @ u.T
    v0 = task.weight - (w if a0 is None else w @ a0 / width)
    residual = np.zeros((len(times), 0)) if data.psi is None else v0 @ data.psi.T + data.noise
    v2 = task.lam * v0 if data.psi is None else residual @ data.psi / len(data.psi)
    return {"v0": v0, "w": w, "v2": v2, "residual": residual}

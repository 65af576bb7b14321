"""What is measured of students, and averages over them."""

import numpy as np

from ..ground.progress import Progress
from .labels import TWO_TIME, bias_variance
from .model import Descent, Flow, Model
from .student import Task, train

_SITES = ("v1", "v3", "w")
_DIMS = {
    "test_loss": ("time",),
    "loss": ("time",),
    "H": ("mode", "time"),
    **{name: TWO_TIME for name in ("C0", "C1", "C2", "C3", "Cw")},
}


def replicate(
    task: Task,
    training: Descent | Flow,
    steps: np.ndarray,
    crossed: bool,
    samples: int,
    seed: int,
    number: int,
    bar: Progress,
) -> dict:
    """Averages of one replicate, of its first student, some of its sites, and correlations with students of
    its features or its data."""
    model, kinds = task.model, 2 if crossed else 1

    def stream(*key):
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number, *key)))

    features = [None if model.width is None else task.features(stream(0, i)) for i in range(kinds)]
    data = [task.data(stream(1, j), model.examples) for j in range(kinds)]
    found = [
        train(task, training, features[i], data[j], stream(2, i, j), steps, bar.advance)
        for i in range(kinds)
        for j in range(kinds)
    ]
    batches = isinstance(training, Descent) and training.batch_size is not None
    record = _measured(task, found[0], features[0], batches) | _sites(found[0], features[0], samples)
    if crossed:
        reached = min(len(student["v0"]) for student in found)
        aa, ab, ba, bb = [student["v0"][:reached] for student in found]  # features, data

        def shared(*pairs):
            return np.mean([(x * y) @ task.lam for x, y in pairs], axis=0)

        record = cut(record, reached) | {
            "total": shared((aa, aa), (ab, ab), (ba, ba), (bb, bb)),
            "same_A": shared((aa, ab), (ba, bb)),
            "same_data": shared((aa, ba), (ab, bb)),
            "bias": shared((aa, bb), (ab, ba)),
        }
    return record


def _sites(student: dict, a0: np.ndarray | None, samples: int) -> dict:
    """v1, v3 and w of the first sites, (time, sample)."""
    found = {}
    if samples and a0 is not None:
        found |= (
            {"v3": student["v2"] @ a0[:samples].T, "w": student["w"][:, :samples]}
            if len(student["v2"])
            else {}
        )
    if samples and student["residual"].ndim == 2 and student["residual"].shape[1]:
        found["v1"] = student["residual"][:, :samples]
    return found


def _measured(task: Task, student: dict, a0: np.ndarray | None, batches: bool) -> dict:
    """Averages of one student; the residuals of batches are correlated before batches select, which is not
    C1."""
    v0, w, residual = student["v0"], student["w"], student["residual"]
    c0 = (v0 * task.lam) @ v0.T if len(v0) else np.zeros((0, 0))
    record = {"test_loss": np.diag(c0) + task.model.noise, "C0": c0}
    if not len(v0):
        return record
    record |= {
        "H": (v0 / np.where(task.weight > 0, task.weight, np.nan))[:, task.first].T,
        "C2": student["v2"] @ student["v2"].T,
    }
    if a0 is not None:
        v3 = student["v2"] @ a0.T
        record |= {"Cw": w @ w.T / len(a0), "C3": v3 @ v3.T / len(a0)}
    if residual.shape[1]:
        record["loss"] = (residual**2).mean(axis=1)
        if not batches:
            record["C1"] = residual @ residual.T / residual.shape[1]
    return record


def cut(record: dict, reached: int) -> dict:
    """The first `reached` times."""

    def first(name, values):
        if name == "H":
            return values[:, :reached]
        return values[:reached] if name in _SITES else values[(slice(0, reached),) * values.ndim]

    return {name: first(name, values) for name, values in record.items()}


def summary(records: list[dict], model: Model, sizes: tuple[int, ...], keep: bool) -> dict:
    """Means and standard errors over replicates, or all of them."""
    each = []
    for record in records:
        arrays = {name: (_DIMS[name], values) for name, values in record.items() if name in _DIMS}
        if sizes:
            arrays |= bias_variance(
                *(record[name] for name in ("total", "same_A", "same_data", "bias")), model.noise, sizes
            )
        each.append(arrays)
    result = {name: (("time", "sample"), records[0][name]) for name in _SITES if name in records[0]}
    for name, (dims, _) in each[0].items():
        values = np.stack([arrays[name][1] for arrays in each])
        if keep:
            result[name] = (("replicate", *dims), values)
            continue
        result[name] = (dims, values.mean(axis=0))
        if len(values) > 1:
            result[f"{name}_stderr"] = (dims, values.std(axis=0, ddof=1) / np.sqrt(len(values)))
    return result

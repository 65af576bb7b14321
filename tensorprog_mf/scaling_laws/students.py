"""What is measured of students, and averages over them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..ground.progress import Progress
from .labels import NAMES, TIME, TWO_TIME, Arrays, ErrorCorrelations, over
from .model import Descent, Flow, Model
from .student import Student, StudentTask, train

Averages = dict[str, np.ndarray]  # of a replicate, by the names of variables, or of `_SHARED`
_SITES = ("example_error", "feature_gradient", "readout_weight")
_SHARED = ("total", "same_features", "same_data", "bias")
_DIMS: dict[str, tuple[str, ...]] = {
    "test_loss": TIME,
    "loss": TIME,
    "transfer_function": ("mode", "time"),
    **{NAMES[name]: TWO_TIME for name in ("C0", "C1", "C2", "C3", "Cw")},
}


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What every replicate does: `crossed` ones are four students, two draws of features on two of data;
    `samples` are sites that are kept of replicate 0."""

    task: StudentTask
    training: Descent | Flow
    steps: np.ndarray
    crossed: bool
    samples: int
    seed: int


def replicate(experiment: Experiment, number: int, bar: Progress) -> Averages:
    """Averages of one replicate, which are those of its first student, some sites of it, and correlations
    with students on its features or its data."""
    task, training = experiment.task, experiment.training
    kinds = range(2 if experiment.crossed else 1)

    def stream(*key: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(experiment.seed, spawn_key=(number, *key)))

    features = [task.features(stream(0, i)) for i in kinds]
    data = [task.examples(stream(1, j), task.model.examples) for j in kinds]
    found = [
        train(task, training, experiment.steps, features[i], data[j], stream(2, i, j), bar.advance)
        for i in kinds
        for j in kinds
    ]
    batches = isinstance(training, Descent) and training.batch_size is not None
    averages = _measured(task, found[0], features[0], batches)
    averages |= _sites(found[0], features[0], 0 if number else experiment.samples)
    if not experiment.crossed:
        return averages
    reached = min(len(student.v0) for student in found)
    return cut(averages, reached) | _shared(task, [student.v0[:reached] for student in found])


def _shared(task: StudentTask, errors: Sequence[np.ndarray]) -> Averages:
    """Correlations between four students: same features or not, same data or not."""
    aa, ab, ba, bb = errors  # features, data

    def correlation(*pairs: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        return np.mean([(x * y) @ task.lam for x, y in pairs], axis=0)

    return {
        "total": correlation((aa, aa), (ab, ab), (ba, ba), (bb, bb)),
        "same_features": correlation((aa, ab), (ba, bb)),
        "same_data": correlation((aa, ba), (ab, bb)),
        "bias": correlation((aa, bb), (ab, ba)),
    }


def _sites(student: Student, a0: np.ndarray | None, samples: int) -> Averages:
    """v1, v3 and w of the first sites, (time, sample), of what there is."""
    found: Averages = {}
    if not samples or not len(student.v0):
        return found
    if a0 is not None:
        found["feature_gradient"] = student.v2 @ a0[:samples].T
        found["readout_weight"] = student.w[:, :samples]
    if student.residual.shape[1]:
        found["example_error"] = student.residual[:, :samples]
    return found


def _measured(task: StudentTask, student: Student, a0: np.ndarray | None, batches: bool) -> Averages:
    """Averages of one student; the residuals of batches are correlated before batches select, which is not
    C1."""
    v0, w, residual = student.v0, student.w, student.residual
    c0 = (v0 * task.lam) @ v0.T if len(v0) else np.zeros((0, 0))
    found = {"test_loss": np.diag(c0) + task.model.noise, NAMES["C0"]: c0}
    if not len(v0):
        return found
    found |= {
        NAMES["H"]: (v0 / np.where(task.weight > 0, task.weight, np.nan))[:, task.first].T,
        NAMES["C2"]: student.v2 @ student.v2.T,
    }
    if a0 is not None:
        v3 = student.v2 @ a0.T
        found |= {NAMES["Cw"]: w @ w.T / len(a0), NAMES["C3"]: v3 @ v3.T / len(a0)}
    if residual.shape[1]:
        found["loss"] = (residual**2).mean(axis=1)
        if not batches:
            found[NAMES["C1"]] = residual @ residual.T / residual.shape[1]
    return found


def cut(averages: Averages, reached: int) -> Averages:
    """The first `reached` times."""

    def first(name: str, values: np.ndarray) -> np.ndarray:
        if name in _SITES:
            return values[:reached]
        dims = _DIMS.get(name, TIME)
        return values[tuple(slice(None) if dim == "mode" else slice(0, reached) for dim in dims)]

    return {name: first(name, values) for name, values in averages.items()}


def summary(found: Sequence[Averages], model: Model, sizes: tuple[int, ...], keep: bool) -> Arrays:
    """Means and standard errors over replicates, or all of them, and the sites of the first."""
    each = []
    for averages in found:
        arrays: Arrays = {name: (_DIMS[name], values) for name, values in averages.items() if name in _DIMS}
        if sizes:
            shared = {name: averages[name] for name in _SHARED}
            arrays |= ErrorCorrelations(**shared).split(model.noise, sizes)
        each.append(arrays)
    result = over(("time", "sample"), {name: found[0][name] for name in _SITES if name in found[0]})
    for name, (dims, _) in each[0].items():
        values = np.stack([arrays[name][1] for arrays in each])
        if keep:
            result[name] = (("replicate", *dims), values)
            continue
        result[name] = (dims, values.mean(axis=0))
        if len(values) > 1:
            result[f"{name}_stderr"] = (dims, values.std(axis=0, ddof=1) / np.sqrt(len(values)))
    return result

"""Lazy networks that start at random outputs: their mean and covariance over initialisations, after training.

f(0) ~ N(0, C) in a wide network, independent of its tangent kernel; training on that kernel goes on from
there.
"""

from dataclasses import dataclass, replace

import numpy as np

from ...ground.errors import require, whole
from ...matrices.realization import Realization
from ...networks import Network
from ...problems.problem import Problem
from ...results import memory
from ...training.training import Training
from ..sampling.job import Job
from ..sampling.monte_carlo import sampled_start
from .training import train_lazily

_OF_ORDER_ONE, _OF_A_WIDTH = ("ntk",), ("mean_field", "mup")
_DRAWN = 5  # key of the seeds of starts


@dataclass(frozen=True)
class RandomStarts:
    """How outputs start at random, from the checked arguments of `static_ntk`.

    Parameters
    ----------
    ensemble
        The parameterisation.
    width
        Neurons per layer, where the outputs at the start depend on it.
    count
        Number of starts that are drawn.
    drawn
        Whether starts are drawn at all: where training is not linear in them.
    """

    ensemble: str
    width: int | None
    count: int
    drawn: bool

    def settings(self) -> dict:
        """Plain values."""
        return {"ensemble": self.ensemble, "width": self.width, "starts": self.count}

    def scale(self, network: Network) -> float:
        """Variance of an output at the start over that of readout features, 1 / (richness^2 [width])."""
        return 1 / (network.richness**2 * (self.width or 1))

    def check_memory(self, times: int, problem: Problem, replicates: int) -> None:
        """Refuse covariances that do not fit."""
        examples, outputs = len(problem.all_inputs), problem.outputs or 1
        entries = (
            (examples * outputs) ** 2 + 2 * self.count * examples * outputs if self.drawn else 2 * examples**2
        )
        memory.check(
            8 * times * entries * (2 * replicates + 2),
            "record fewer times (record=tp.log_steps(...)), or leave ensemble out",
        )


def random_starts(
    ensemble: str | None, width: int | None, starts: int, network: Network, problem: Problem
) -> RandomStarts | None:
    """The arguments of `static_ntk` that say how outputs start; None if they start at zero.

    Raises
    ------
    InputError
        An unknown parameterisation; a width that is missing or that nothing depends on.
    """
    known = _OF_ORDER_ONE + _OF_A_WIDTH
    if ensemble is None:
        require(
            width is None,
            f"width={width!r} goes with ensemble='mean_field'; without an ensemble outputs start at 0.",
        )
        return None
    require(
        ensemble in known,
        f"ensemble={ensemble!r} is unknown; choose one of {', '.join(known)}, or None to start at outputs"
        " of 0.",
    )
    if ensemble in _OF_ORDER_ONE:
        require(
            width is None,
            f"outputs of ensemble={ensemble!r} start with the same variance at any width; leave out"
            f" width={width!r}.",
        )
    else:
        require(
            width is not None,
            f"outputs of ensemble={ensemble!r} start with a variance of order 1/width; pass width= or take"
            " 'ntk'.",
        )
        width = whole("width", width, 1)
    return RandomStarts(ensemble, width, whole("starts", starts, 2), problem.loss.name != "squared")


def readout_kernels(job: Job, last_layers: np.ndarray) -> np.ndarray:
    """sigma^2 E[phi phi'] of the features that the readout sees, (replicate, example, example_prime).

    `last_layers` are the feature kernels of the last layer, which the readout of an MLP sees; other networks
    pool or flatten after it, and their kernels are sampled, as the tangent kernel of the readout alone.
    """
    network = job.network
    if network.readout_std is not None:
        return network.readout_std**2 * last_layers
    composed = network.compose(Realization(job.sampling, 0), job.problem.all_inputs)
    others = len(composed.layers.initial()) - 1
    alone = replace(job.training, multipliers=(0.0,) * others + (1.0,))
    return sampled_start(replace(job, training=alone)).tangent_kernel.values[:, 0]


def lazy_series(
    kernel: np.ndarray,
    covariance: np.ndarray | None,
    problem: Problem,
    training: Training,
    steps: np.ndarray,
    shares: list[np.ndarray],
    random: RandomStarts | None,
    seed: tuple[int, int],
) -> tuple[dict[str, np.ndarray], int]:
    """Outputs, losses and error signals at `steps`, from random starts also the covariance of outputs; the
    first step that was not reached.

    `shares` are the weights of examples at these steps.
    """
    if random is not None and covariance is not None and random.drawn:
        found = _drawn(kernel, covariance, problem, training, steps, shares, random.count, seed)
    else:
        f = train_lazily(kernel, problem, training)
        kept = steps[steps < len(f)]
        if covariance is None or not len(kept):
            return problem.series(f[kept], shares) if len(kept) else {}, len(f)
        found = _exact(kernel, covariance, problem, training, kept, problem.series(f[kept], shares))
    reached = len(found.get("loss", ()))
    return found, int(steps[reached]) if reached < len(steps) else training.last + 1


def _exact(
    kernel: np.ndarray,
    covariance: np.ndarray,
    problem: Problem,
    training: Training,
    steps: np.ndarray,
    mean: dict[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """With the squared loss: what the mean network records, and the covariance about it.

        f(t) = P(t) f(0) + q(t),   Cov f(t) = P(t) C P(t)^T

    P is training on targets of zero, with every column of a root of C as an output of its own. The mean loss
    is the loss of the mean outputs plus their variance / 2.
    """
    still = problem.with_zero_targets(len(kernel))
    spread = train_lazily(kernel, still, training, _root(covariance), steps)
    found = {name: values[: len(spread)] for name, values in mean.items()}
    both = spread @ spread.transpose(0, 2, 1)
    variance = np.einsum("tmm->tm", both)
    for name, own in (("loss", slice(0, problem.n_train)), ("test_loss", slice(problem.n_train, None))):
        if name in found:
            found[name] = found[name] + (problem.outputs or 1) * variance[:, own].mean(axis=1) / 2
    each = variance if problem.outputs is None else np.repeat(variance[..., None], problem.outputs, axis=2)
    return found | {"output_covariance": both, "output_std": np.sqrt(each)}


def _drawn(
    kernel: np.ndarray,
    covariance: np.ndarray,
    problem: Problem,
    training: Training,
    steps: np.ndarray,
    shares: list[np.ndarray],
    count: int,
    seed: tuple[int, int],
) -> dict[str, np.ndarray]:
    """Means of what single runs record, and covariance of their outputs, over `count` starts drawn from N(0,
    covariance)."""
    rng = np.random.default_rng(np.random.SeedSequence(seed[0], spawn_key=(_DRAWN, *seed[1:])))
    root, shape = _root(covariance), problem.targets.shape[1:]
    draws = [np.tensordot(root, rng.standard_normal((len(root), *shape)), 1) for _ in range(count)]
    runs = [train_lazily(kernel, problem, training, start, steps) for start in draws]
    reached = min(map(len, runs))
    if not reached:
        return {}
    outputs = np.stack([f[:reached] for f in runs])  # (start, time, example[, output])
    series = [problem.series(f, shares) for f in outputs]
    found = {name: np.mean([each[name] for each in series], axis=0) for name in series[0]}
    apart = (outputs - outputs.mean(axis=0)).reshape(count, reached, -1).transpose(1, 0, 2)
    both = apart.transpose(0, 2, 1) @ apart / (count - 1)
    each = outputs.shape[2:]
    return found | {
        "output_covariance": both.reshape(reached, *each, *each),
        "output_std": np.sqrt(np.einsum("tmm->tm", both)).reshape(reached, *each),
    }


def _root(covariance: np.ndarray) -> np.ndarray:
    """L with L L^T = covariance; eigenvalues that rounding leaves below zero count as zero."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    return vectors * np.sqrt(np.maximum(values, 0))

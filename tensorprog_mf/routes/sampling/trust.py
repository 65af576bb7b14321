"""Whether a finished run can be trusted: heavy tails over sites, steps that depend on the sample."""

import numpy as np
import xarray as xr

from ...ground.errors import HeavyTailWarning, StabilityWarning
from ...results.dataset import Arrays
from ...training.training import Training
from .stability import AMPLIFIED, amplified, apart_from, bound

HEAVY = 0.3  # share of the largest 1 % of sites from which standard errors are not believed: tail index 1.35

Doubt = tuple[str, type[Warning]]


def doubts(
    arrays: Arrays, outputs: list[np.ndarray], steps: np.ndarray, labels: list[int], training: Training
) -> list[Doubt]:
    """Why a run that was completed may not be trusted, as sentences with their warnings.

    Given are its variables, the outputs of its replicates, the recorded steps and the numbers of its layers.
    """
    when = [_when(training, step) for step in steps]
    found: list[Doubt] = []
    if "largest_share" in arrays:  # a network with activations
        found += heavy_tails(arrays["largest_share"][1], when, labels)
    return found + unstable(_of_bound(arrays, steps, training), outputs, steps, when, training)


def _of_bound(arrays: Arrays, steps: np.ndarray, training: Training) -> np.ndarray | None:
    """Learning rate times sharpness at the recorded steps, (time,), or None where it is not known."""
    if "sharpness" not in arrays or training.flow:
        return None
    descent = training.descent
    rates = (
        [descent.learning_rate_at(min(step, descent.steps - 1)) for step in steps] if descent.steps else 0.0
    )
    return np.array(rates) * arrays["sharpness"][1]


def unstable(
    product: np.ndarray | None,
    outputs: list[np.ndarray],
    steps: np.ndarray,
    when: list[str],
    training: Training,
) -> list[Doubt]:
    """A doubt if numbers depend on the sample.

    Several replicates tell by staying apart. A single one tells by learning rate times sharpness, the
    `product` (time,), if it lets deviations grow. Sharpness alone says too little: runs that oscillate at
    their bound may be the same for every sample.
    """
    past = ""
    if product is not None and (largest := product.max()) > (allowed := bound(training)):
        past = f" Learning rate times sharpness came to {largest:.3g}, past its bound {allowed:.3g}."
    remedy = "Take a smaller learning rate; more samples only move that step."
    if len(outputs) > 1:
        apart = apart_from(np.array(outputs))
        if apart is None:
            return []
        first, share, more = apart
        message = (
            f"From {when[first]} on numbers depend on the sample: outputs of replicates differ by {share:.0%}"
            f" of their size at the end, {more:.0f} times more than at the first record.{past} {remedy}"
        )
        return [(message, StabilityWarning)]
    if product is None or not past:
        return []
    grown = amplified(product, steps, training)
    if not (grown >= AMPLIFIED).any():
        return []
    message = (
        f"From {when[int(np.argmax(grown >= AMPLIFIED))]} on numbers may depend on the sample: deviations can"
        f" have grown {AMPLIFIED:,.0f} times.{past} {remedy} n_replicates=2 or more tells whether they do."
    )
    return [(message, StabilityWarning)]


def _when(training: Training, step: int) -> str:
    return f"time {training.clock()[step]:g}" if training.flow else f"step {step}"


def heavy_tails(share: np.ndarray, when: list[str], labels: list[int]) -> list[Doubt]:
    """A doubt if the largest share (time, layer) passes `HEAVY`.

    At shares up to 0.28 errors fell with more sites as they should. From 0.33 on they stayed or grew, or runs
    diverged that did not with fewer sites, or some tens of sites carried the answer however many there were,
    even though fitted outputs came out the same.
    """
    if not (share >= HEAVY).any():
        return []
    first = int(np.argmax((share >= HEAVY).any(axis=1)))
    worst = np.unravel_index(int(np.argmax(share)), share.shape)
    message = (
        f"From {when[first]} on a few sites carry the answer: the largest 1 % make up to {share[worst]:.0%}"
        f" of the kernels of layer {labels[worst[1]]} (largest_share). Standard errors cannot be trusted, and"
        " more samples help little; take fewer steps, a smaller learning rate or richness, or an activation"
        " that grows more slowly."
    )
    return [(message, HeavyTailWarning)]


def untrusted(ds: xr.Dataset) -> bool:
    """Whether the errors of a result cannot be trusted."""
    return "largest_share" in ds and bool((ds["largest_share"] >= HEAVY).any())

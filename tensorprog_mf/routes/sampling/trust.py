"""Whether a finished run can be trusted: heavy tails over sites, steps that depend on the sample."""

import numpy as np

from ...ground.errors import HeavyTailWarning, StabilityWarning
from .stability import AMPLIFIED, amplified, apart_from, bound

HEAVY = 0.3  # share of the largest 1 % of sites from which standard errors are not believed: tail index 1.35

Doubt = tuple[str, type[Warning]]


def doubts(
    arrays: dict, outputs: list[np.ndarray], steps: np.ndarray, labels: list[int], training
) -> list[Doubt]:
    """What is to be said of a run that was completed.

    Given its variables (dims, values), the outputs of its replicates, the steps recorded and its layers.
    """
    when, found = [_when(training, step) for step in steps], []
    if "largest_share" in arrays:  # a network with activations
        found += heavy_tails(arrays["largest_share"][1], when, labels)
    product = None
    if "sharpness" in arrays and not training.flow:
        descent = training.descent
        rates = (
            [descent.learning_rate_at(min(step, descent.steps - 1)) for step in steps]
            if descent.steps
            else 0.0
        )
        product = np.array(rates) * arrays["sharpness"][1]
    return found + unstable(product, outputs, steps, when, training)


def unstable(
    product: np.ndarray | None, outputs: list[np.ndarray], steps: np.ndarray, when: list[str], training
) -> list[Doubt]:
    """A doubt where numbers depend on the sample.

    Of several replicates where they stay apart; of one where learning rate times sharpness, the `product`
    (time,), let deviations grow. Sharpness alone says too little: runs that oscillate at their bound may be
    the same for every sample.
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
    if not past or not ((grown := amplified(product, steps, training)) >= AMPLIFIED).any():
        return []
    message = (
        f"From {when[int(np.argmax(grown >= AMPLIFIED))]} on numbers may depend on the sample: deviations can"
        f" have grown {AMPLIFIED:,.0f} times.{past} {remedy} n_replicates=2 or more tells whether they do."
    )
    return [(message, StabilityWarning)]


def _when(training, step: int) -> str:
    return f"time {training.times[step]:g}" if training.flow else f"step {step}"


def heavy_tails(share: np.ndarray, when: list[str], labels: list[int]) -> list[Doubt]:
    """A doubt where the largest share (time, layer) passes `HEAVY`.

    At shares up to 0.28 errors fell as they should with more sites. From 0.33 on they stayed or grew, runs
    diverged where fewer sites did not, or the sites that count stayed some tens, whatever their number,
    though fitted outputs came out the same.
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


def untrusted(ds) -> bool:
    """Whether the errors of a result cannot be trusted."""
    return "largest_share" in ds and bool((ds["largest_share"] >= HEAVY).any())

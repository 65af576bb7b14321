"""Whether a finished run can be trusted: heavy tails over sites, steps that depend on the sample."""

import numpy as np

from ..errors import HeavyTailWarning

HEAVY = 0.27  # share of the largest 1 % of sites from which standard errors are not believed: tail index 1.4

Doubt = tuple[str, type[Warning]]


def doubts(arrays: dict, steps: np.ndarray, labels: list[int], training) -> list[Doubt]:
    """What is to be said of a run that was completed, given its variables (dims, values), the steps recorded and its layers."""
    if "largest_share" not in arrays:  # a network without activations
        return []
    return heavy_tails(arrays["largest_share"][1], [_when(training, step) for step in steps], labels)


def _when(training, step: int) -> str:
    return f"time {training.times[step]:g}" if training.flow else f"step {step}"


def heavy_tails(share: np.ndarray, when: list[str], labels: list[int]) -> list[Doubt]:
    """A doubt where the largest share (time, layer) passes `HEAVY`.

    At shares up to 0.21 errors fell as they should with more sites, from 0.33 on they stayed, grew, or runs diverged where
    fewer sites did not: quadratic, cubic and exponential activations that learn much.
    """
    if not (share >= HEAVY).any():
        return []
    first = int(np.argmax((share >= HEAVY).any(axis=1)))
    worst = np.unravel_index(int(np.argmax(share)), share.shape)
    message = (
        f"From {when[first]} on a few sites carry the answer: the largest 1 % make up to {share[worst]:.0%} of the kernels of "
        f"layer {labels[worst[1]]} (largest_share). Standard errors cannot be trusted, and more samples help little; take fewer "
        "steps, a smaller learning rate or richness, or an activation that grows more slowly."
    )
    return [(message, HeavyTailWarning)]


def untrusted(ds) -> bool:
    """Whether the errors of a result cannot be trusted."""
    return "largest_share" in ds and bool((ds["largest_share"] >= HEAVY).any())

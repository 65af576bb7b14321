"""When a run has diverged, and the sentence that says so: one definition for all routes."""

from collections.abc import Callable

import numpy as np

FACTOR = 1e4
LARGEST = 1e30  # of a number that is kept: fields are stored in single precision
_SCALED = 4.0  # |x|^2 / D from which the scale of the inputs is named as a cause


class RunAway(ArithmeticError):
    """A run has diverged; the message says what happened, as the end of a sentence that begins with when."""


def allowed(richness: float = 1.0) -> float:
    """Growth of the loss beyond which a run has diverged.

    A catapult lets the loss grow until features move enough to flatten it, and then falls back: from 0.4 /
    richness^2 times its start at most in tanh, erf, relu and linear networks of depth 1 to 3. At richness 0,
    where none move, nothing does.
    """
    return FACTOR * max(1.0, richness**-2.0 if richness else 1.0)


class LossWatch:
    """Compares every loss of a run with that of its start.

    Parameters
    ----------
    factor
        Growth that is allowed.
    """

    def __init__(self, factor: float = FACTOR):
        self._factor, self._of = factor, "of the start"
        self._start: float | None = None

    def look(self, outputs: np.ndarray, loss: Callable[[np.ndarray], float]) -> None:
        """Raise `RunAway` if outputs or their loss are not finite, or if the loss has grown too much.

        The loss of outputs of zero counts as one of the start: batches differ, and the first may be known
        already. Where that is zero too, growth is relative to the loss of outputs of one.
        """
        check_size("an output", outputs)
        self.compare(loss(outputs), *(float(loss(np.full_like(outputs, value))) for value in (0.0, 1.0)))

    def compare(self, loss: float, of_zero: float = 0.0, of_one: float = 1.0) -> None:
        """As `look`, of a loss that is known."""
        if not np.isfinite(loss):
            raise RunAway("the loss was not finite")
        start = abs(float(loss)) if self._start is None else self._start
        if abs(of_zero) > start and np.isfinite(of_zero):
            start, self._of = abs(of_zero), "of outputs of zero"
        self._start = start
        start, of = (start, self._of) if start else (abs(of_one), "of outputs of one")
        if np.isfinite(start) and abs(loss) > self._factor * start > 0.0:
            raise RunAway(
                f"the loss was {loss:.2g}, more than {_spelled(self._factor)} times the {start:.2g} {of}"
            )


def before_divergence(
    outputs: np.ndarray, loss: Callable[[np.ndarray], float], factor: float = FACTOR
) -> tuple[int, RunAway | None]:
    """How many of the `outputs` (time, ...) come before they diverge, and what happened then."""
    watch = LossWatch(factor)
    for t, each in enumerate(outputs):
        try:
            watch.look(each, loss)
        except RunAway as what:
            return t, what
    return len(outputs), None


def grown(factor: float = FACTOR) -> str:
    """What happened to a loss of which only that is known."""
    return f"the loss passed {_spelled(factor)} times that of the start"


def _spelled(factor: float) -> str:
    return f"{factor:,.0f}" if factor < 1e9 else f"{factor:.0e}"


def check_size(name: str, values: np.ndarray) -> None:
    """Raise `RunAway` if some of the `values` called `name` are not finite, or beyond what is stored."""
    largest = np.abs(values).max(initial=0.0)
    if not np.isfinite(largest):
        raise RunAway(f"{name} was not finite")
    if largest >= LARGEST:
        raise RunAway(
            f"{name} came to {largest:.2g}, beyond the {LARGEST:.0e} up to which results are stored"
        )


def advice(inputs: np.ndarray, remedy: str = "take a smaller learning rate") -> str:
    """A sentence with the remedy, which begins with the scale of the inputs where that is far from one."""
    with np.errstate(over="ignore"):
        size = float(np.mean(np.square(inputs)))
    if size > _SCALED:
        return f"Inputs have |x|^2 / D = {size:.3g} on average: scale them so that it is near 1, or {remedy}."
    return f"{remedy[0].upper()}{remedy[1:]}."


def sentence(when: str, what: object, remedy: str, kept: bool = True) -> str:
    """What happened, when, and what to do; `kept` tells whether there are times before."""
    if kept:
        return f"{when} {what}; the times before are kept. {remedy}"
    when = when[0].lower() + when[1:]
    return (
        f"the run diverged {when}, before its first record, so there is nothing to return: {what}. {remedy}"
    )

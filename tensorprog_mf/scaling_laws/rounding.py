"""Whether small errors of a solution grow, by a twin whose spectrum is changed as much as it is uncertain."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..ground.errors import StabilityWarning, warn
from .spectrum import Spectrum

ROUNDED = 1e-14  # relative error of sums over modes
COARSE = 1.07  # ratio of bins of a coarser spectral measure, that of the solver is 1.05
CHANGED = "rounding: a change of the eigenvalues in their last digits"
COARSENED = "the nodes of the spectral measure, of which `solve` has none: bins that are slightly wider"
_TOLD = 1e-3  # relative difference of test losses that is worth a warning


def twin(spectrum: Spectrum, size: float) -> Spectrum:
    """The spectrum with every other eigenvalue larger, the others smaller, by the share `size`."""
    signs = 1.0 - 2.0 * (np.arange(len(spectrum.power)) % 2)
    return replace(spectrum, eigenvalues=spectrum.eigenvalues * (1 + size * signs))


def doubt(loss: np.ndarray, other: Callable[[], np.ndarray], change: str) -> str:
    """A sentence about the first step from which on the test loss of a twin differs, also as a warning; empty
    if there is none.

    `loss` (time,) is that of all steps, `other` makes that of the twin, as far as it goes, and `change` says
    what numbers depend on. Where the loss falls at every step no direction grows, and no twin is needed.
    """
    if not (np.diff(loss) > 1e-6 * loss[:-1]).any():
        return ""
    theirs = other()
    both = min(len(loss), len(theirs))
    apart = np.abs(theirs[:both] - loss[:both]) > _TOLD * np.abs(loss[:both])
    if not apart.any() and both == len(loss):
        return ""
    first = int(np.argmax(apart)) if apart.any() else both
    message = (
        f"From step {first} on numbers depend on {change} would change the test loss by {_TOLD:.1%} or more."
        " The learning rate is larger than the kernel of the learned features allows; take a smaller one, or"
        " trust only the steps before."
    )
    warn(message, StabilityWarning)
    return message

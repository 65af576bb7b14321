"""The gradient independence approximation: backward queries see an independent matrix."""

import numpy as np

from .parameter import Parameter
from .revealed import Revealed, RevealedSide


class Untied(Revealed):
    """No response: images are fresh on both sides. The learned part is shared by both, as in training."""

    def _fixed(
        self, new: np.ndarray, omega: np.ndarray, this: RevealedSide, other: RevealedSide, stretch: float
    ) -> tuple[np.ndarray, np.ndarray]:
        none = np.zeros((len(new), other.basis.rank))
        return none, none

    def held(self, parameter: Parameter, g: np.ndarray, x: np.ndarray) -> None:
        return None  # images are independent of all that comes back

    def _along(
        self, between: np.ndarray, omega: np.ndarray, this: RevealedSide, other: RevealedSide
    ) -> np.ndarray:
        return np.zeros_like(between)

"""One Gaussian matrix that serves forward and backward: the mean-field limit, exact at finite width too."""

import numpy as np

from .revealed import Revealed, RevealedSide


class Conditioned(Revealed):
    """Forward and backward queries see the same W: its images hold the response terms A and B of the theory.

    With pseudo-random draws its answers have exactly the law of a stored n_out x n_in matrix.
    """

    def _fixed(
        self, new: np.ndarray, omega: np.ndarray, this: RevealedSide, other: RevealedSide, stretch: float
    ) -> tuple[np.ndarray, np.ndarray]:
        fixed = this.basis.sites.mean(new, other.images) / stretch
        return fixed, this.out.mean(omega, other.basis.rows)

    def _along(
        self, between: np.ndarray, omega: np.ndarray, this: RevealedSide, other: RevealedSide
    ) -> np.ndarray:
        return between - this.out.mean(omega, other.basis.rows)

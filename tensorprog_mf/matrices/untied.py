"""The gradient independence approximation: backward queries see a matrix drawn independently of the forward
one."""

import numpy as np

from .revealed import Revealed


class Untied(Revealed):
    """No response: images are fresh on both sides. The learned part is shared by both, as in training."""

    def _fixed(self, new, omega, this, other, stretch):
        none = np.zeros((len(new), other.basis.rank))
        return none, none

    def held(self, parameter, g, x):
        return None  # images are independent of all that comes back

    def _along(self, between, omega, this, other):
        return np.zeros_like(between)

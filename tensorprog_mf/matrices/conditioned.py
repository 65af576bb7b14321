"""One Gaussian matrix that serves forward and backward: the mean-field limit, and exactly a network of finite
width."""

from .revealed import Revealed


class Conditioned(Revealed):
    """Forward and backward queries see the same W: the response terms A and B of the theory are in its
    images.

    With pseudo-random draws its answers have exactly the law of a stored n_out x n_in matrix.
    """

    def _fixed(self, new, omega, this, other, stretch):
        fixed = this.basis.sites.mean(new, other.images) / stretch
        return fixed, this.out.mean(omega, other.basis.rows)

    def _along(self, between, omega, this, other):
        return between - this.out.mean(omega, other.basis.rows)

"""The last weight matrix: one stored row of sites per output."""

import numpy as np

from ..errors import require
from ..sites import Sites
from .matrix import Parts
from .parameter import Parameter


class ReadoutMatrix:
    """w (output, site), N(0,1) at the start, revealed at the first query.

    Parameters
    ----------
    centred
        Make w orthogonal to the features of that query and <w w> = 1, both true in the limit: outputs then start at
        zero exactly. A change of the law of the order of the number of features over N, so not for statements about
        finite networks.

    Raises
    ------
    InputError
        Centred, and the features of the first query span more than half of the sites.
    """

    def __init__(self, name: str, into: Sites, outputs: int, centred: bool):
        self.name, self.into, self.outputs, self.centred = name, into, outputs, centred
        self.rows: np.ndarray | None = None
        self.fraction = 0.0  # of the sites' directions, taken away by centring

    def initial(self) -> Parameter:
        """The parameter before training."""
        return Parameter(1.0, np.zeros((self.outputs, self.into.count)))

    def apply(self, parameter: Parameter, x: np.ndarray) -> np.ndarray:
        """<w x>, (vector, output)."""
        if self.rows is None:
            self.rows = self._reveal(x)
        return self.into.mean(x, parameter.scale * self.rows + parameter.learned)

    def apply_transpose(self, parameter: Parameter, seed: np.ndarray) -> np.ndarray:
        """sum_c seed[v, c] w_c, (vector, site)."""
        return self.into.combine(seed, parameter.scale * self.rows + parameter.learned)

    def outer(self, weights: np.ndarray, seed: np.ndarray, x: np.ndarray) -> Parameter:
        """The gradient sum_v weights_v seed[v, c] x_v, (output, site)."""
        return Parameter(0.0, self.into.combine((weights[:, None] * seed).T, x))

    def parts(self, parameter: Parameter, seed: np.ndarray, chosen: slice) -> Parts:
        """Parts of `apply_transpose` at the `chosen` sites; there is no response."""
        gaussian = parameter.scale * seed @ self.rows[:, chosen]
        return Parts(gaussian, np.zeros_like(gaussian), seed @ parameter.learned[:, chosen])

    def _reveal(self, x: np.ndarray) -> np.ndarray:
        rows = np.array([self.into.draws.take((self.name, 0, c)) for c in range(self.outputs)])
        if self.centred:
            rows, self.fraction = centred(rows, x, self.into)
        return rows


def centred(rows: np.ndarray, x: np.ndarray, sites: Sites) -> tuple[np.ndarray, float]:
    """`rows` made orthogonal to the features x, each of mean square one, and the fraction of directions this takes.

    Raises
    ------
    InputError
        Features that span more than half of the sites.
    """
    gram, overlap = sites.mean(x, x), sites.mean(rows, x)
    fraction = float(np.linalg.matrix_rank(gram, tol=1e-10 * np.trace(gram), hermitian=True) / sites.count)
    require(
        fraction <= 0.5,
        f"centring the outputs takes {fraction:.0%} of the {sites.count} sites, as the features of all "
        "examples span as much; take more sites or centred=False.",
    )
    rows = sites.combine(-overlap @ np.linalg.pinv(gram, rcond=1e-10, hermitian=True), x, rows)
    return rows / np.sqrt(np.diag(sites.mean(rows, rows)))[:, None], fraction

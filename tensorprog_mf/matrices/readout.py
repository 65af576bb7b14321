"""The last weight matrix: one stored row of sites per output."""

import numpy as np

from ..ground.errors import require
from ..sites.laws import Law
from ..sites.sites import Sites
from ..training.roles import Role
from .matrix import Parts
from .parameter import Parameter


class ReadoutMatrix:
    """w (output, site), N(0,1) at the start, revealed at the first query.

    Parameters
    ----------
    centred
        Make w orthogonal to the features of that query, and <w_c w_c'> = 1 or 0. Both hold in the limit, and
        outputs then start at exactly zero. This changes the law by an amount of the order of the number of
        features over N, so it is not for statements about finite networks.
    feedback
        A learning rule that sends back fixed rows feedback[0] w(0) + feedback[1] N(0,1) in place of w; None
        for w itself.
    law
        Law of the entries, where it is not N(0,1); these are never centred.

    Raises
    ------
    InputError
        Centred, and the features of the first query span more than half of the sites.
    """

    def __init__(
        self,
        name: str,
        into: Sites,
        outputs: int,
        centred: bool,
        feedback: tuple[float, float] | None = None,
        law: Law | None = None,
    ) -> None:
        self.name, self.into, self.outputs, self._feedback, self._law = name, into, outputs, feedback, law
        self.centred = centred and law is None
        self._rows: np.ndarray | None = None
        self.fixed: np.ndarray | None = None  # what goes back in place of w, (output, site)
        self.fraction = 0.0  # of the directions over the sites, those that centring takes

    @property
    def rows(self) -> np.ndarray:
        """w(0), (output, site), once it has been revealed."""
        if self._rows is None:
            raise RuntimeError(f"the entries of {self.name} are not drawn yet; call reveal or apply first.")
        return self._rows

    def initial(self) -> Parameter:
        """The parameter before training."""
        return Parameter(1.0, np.zeros((self.outputs, self.into.count)), Role.READOUT)

    def apply(self, parameter: Parameter, x: np.ndarray) -> np.ndarray:
        """<w x>, (vector, output)."""
        self.reveal(x)
        return self.into.mean(x, self.weights(parameter))

    def apply_transpose(self, parameter: Parameter, seed: np.ndarray) -> np.ndarray:
        """sum_c seed[v, c] w_c, (vector, site)."""
        return self.into.combine(seed, self.weights(parameter))

    def weights(self, parameter: Parameter) -> np.ndarray:
        """w(t), (output, site)."""
        return parameter.scale * self.rows + parameter.learned

    def feedback(self, parameter: Parameter, seed: np.ndarray) -> np.ndarray:
        """What the learning rule sends back in place of `apply_transpose`, (vector, site)."""
        if self.fixed is None:
            return self.apply_transpose(parameter, seed)
        return self.into.combine(seed, self.fixed)

    def refresh(self, keep: float, x: np.ndarray) -> None:
        """Replace w(0) by keep w(0) + sqrt(1 - keep^2) fresh entries, orthogonal to features x if centred."""
        fresh = self.into.draws.noise(self.rows.shape)
        if self.centred:
            fresh, _ = centred(fresh, x, self.into)
        self._rows = keep * self.rows + np.sqrt(1 - keep**2) * fresh

    def outer(self, weights: np.ndarray, seed: np.ndarray, x: np.ndarray) -> Parameter:
        """The gradient sum_v weights_v seed[v, c] x_v, (output, site), over the vectors of the seed."""
        return Parameter(0.0, self.into.combine((weights[: len(seed), None] * seed).T, x[: len(seed)]))

    def parts(self, parameter: Parameter, seed: np.ndarray, chosen: slice) -> Parts:
        """Parts of `apply_transpose` at the `chosen` sites; there is no response."""
        gaussian = parameter.scale * seed @ self.rows[:, chosen]
        return Parts(gaussian, np.zeros_like(gaussian), seed @ parameter.learned[:, chosen])

    def reveal(self, x: np.ndarray) -> None:
        """Draw w if this is the first time that it is needed, for features x (vector, site)."""
        if self._rows is not None:
            return
        rows = self._take(self.name)
        if self._law is not None:
            rows = self._law.of_normals(rows)
        if self.centred:
            rows, self.fraction = centred(rows, x, self.into)
        self._rows = rows
        if self._feedback is not None:
            kept, fresh = self._feedback
            self.fixed = kept * rows + fresh * self._take(f"{self.name} feedback")

    def _take(self, source: str) -> np.ndarray:
        """Fresh draws, (output, site)."""
        return np.array([self.into.draws.take((source, 0, c)) for c in range(self.outputs)])


def centred(rows: np.ndarray, x: np.ndarray, sites: Sites) -> tuple[np.ndarray, float]:
    """`rows` made orthogonal to features x and to each other, and the fraction of directions that this takes.

    They have a mean square of one. All arrays are (vector, site).

    Raises
    ------
    InputError
        Features that span more than half of the sites.
    """
    gram, overlap = sites.mean(x, x), sites.mean(rows, x)
    spanned = np.linalg.matrix_rank(gram, tol=1e-10 * np.trace(gram), hermitian=True)
    spanned += len(rows) - 1  # rows avoid each other too
    fraction = float(spanned / sites.count)
    require(
        fraction <= 0.5,
        f"centring the outputs takes {fraction:.0%} of the {sites.count} sites, as much as the features of"
        " all examples and the outputs span; take more sites or centred=False.",
    )
    rows = sites.combine(-overlap @ np.linalg.pinv(gram, rcond=1e-10, hermitian=True), x, rows)
    rows = rows / np.sqrt(np.diag(sites.mean(rows, rows)))[:, None]
    if len(rows) > 1:  # in order, so that a row does not depend on those that follow
        rows = sites.combine(np.linalg.inv(np.linalg.cholesky(sites.mean(rows, rows))), rows)
    return rows, fraction

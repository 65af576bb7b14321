"""The causal recursion: one pass through time, nothing implicit.

Legend, all (time, time_prime):

    Th4, Th2            propagators of the weights; E = Th4 R3 + Th2, Q = E R1
    R1, R3              responses of data sites and of feature sites; R02, R24 those of modes
    C0, C1, C2, C3      covariances of modes' errors, data sites, modes' gradients and feature sites
    U                   C0 + sigma^2 and the noise of batches: covariance of the sources of data sites
    S                   covariance of the gradients' noise over examples
    W, Cw               the weights' dependence on feature sites, and their covariance
    C0a, C2a, C3a       between students that share only their features
    C0d, C1d, Sd        between students that share only their data
    bias                C0 between students that share neither

Every row needs only rows before it. `CausalRecursion.advance` goes Th, E, Q -> m, G4, G2, R02 -> R1 ->
R24, R3, C0 -> C1, S -> C2, C3 -> Th of the next row.
"""

from collections.abc import Callable

import numpy as np

from ..ground.accelerate import BLOCK, over_blocks
from .causal_numba import MODES, gather, propagate, respond
from .model import Descent, Model
from .propagators import Propagators

COVARIANCES = ("C0", "C1", "C2", "C3", "C0a", "C2a", "C3a", "C0d", "C1d", "bias")
RESPONSES = ("R1", "R3", "R02", "R24")


def footprint(modes: int, steps: int, model: Model, training: Descent) -> int:
    """Bytes that a run will hold."""
    kinds = _kinds(model, training)
    return 8 * ((steps + 1) ** 2 * (2 * modes * sum(kinds) + 24) + 4 * modes * (steps + 1))


def _kinds(model: Model, training: Descent) -> tuple[bool, bool]:
    """Whether modes have noise from random features, and from examples."""
    return model.width is not None, model.examples is not None or training.online(model) > 0


class CausalRecursion:
    """All rows of correlation and response functions, added one time at a time.

    `rows` holds the (time, time_prime) functions by symbol, complete up to the last time that `advance` has
    done; what modes have of their own is named as in `causal_numba`. `cross` asks for correlations between
    students.
    """

    def __init__(self, model: Model, training: Descent, cross: bool) -> None:
        modes, self.model, self.cross = model.modes, model, cross
        self.lam, self.count, self.weight = modes.eigenvalues, modes.multiplicity, modes.weights
        self.with_g4, self.with_g2 = _kinds(model, training)
        self.excess, self.online = training.excess(model), training.online(model)
        self.times, size = training.steps + 1, len(self.lam)
        self.blocks = -(-size // MODES)
        self.rows = {
            name: np.zeros((self.times, self.times))
            for name in (*COVARIANCES, *RESPONSES, "Th4", "Th2", "E", "Q", "U", "S", "Sd")
        }
        # Training loss of all examples (before batches select), variance of v0.
        self.train, self.variance = np.zeros(self.times), np.zeros((size, self.times))
        self.m, self.rm = np.zeros((size, self.times)), np.zeros((size, self.times))
        shapes = [
            (size, self.times, self.times) if kind else (1, 1, 1)
            for kind in (self.with_g4, self.with_g4, self.with_g2, self.with_g2)
        ]
        self.g4, self.rg4, self.g2, self.j = (np.zeros(shape) for shape in shapes)
        self.propagators = Propagators(training, model.richness)
        self.rows |= {"W": self.propagators.w, "Cw": self.propagators.cw}

    def _over_modes(
        self, kernel: Callable[..., None], rows: int, t: int, arguments: tuple[object, ...]
    ) -> np.ndarray:
        """Sums over modes, (row, time), of the partials of a kernel; modes come first among its arguments."""
        partial = np.zeros((self.blocks, rows, self.times))
        shaped = partial[:, 0] if rows == 1 else partial
        over_blocks(
            lambda first, last: kernel(first, last, t, self.lam, self.count, *arguments, shaped),
            self.blocks * BLOCK,
            MODES * self.blocks * t * t,
        )
        return partial.sum(axis=0)

    def advance(self, t: int) -> None:
        """Row t of everything, then the propagators of row t + 1."""
        r, n, p = self.rows, self.model.inverse_width, self.model.inverse_examples
        with np.errstate(over="ignore", invalid="ignore"):  # of a run that diverges
            r["E"][t, :t] = r["Th4"][t, :t] @ r["R3"][:t, :t] + r["Th2"][t, :t]
            r["Q"][t, :t] = r["E"][t, :t] @ r["R1"][:t, :t]
            propagators = (r["Th4"][t], r["E"][t], r["Q"][t])
            noises = (self.g4, self.g2, self.with_g4, self.with_g2)
            (row,) = self._over_modes(propagate, 1, t, (*propagators, self.m, *noises))
            r["R02"][t] = row
            r["R1"][t, t], r["R1"][t, :t] = 1.0, p * row[:t] @ r["R1"][:t, :t]  # R1 = 1 + R02 R1 / P
            self._modes_row(t, n, p)
            self._data_row(t, p)
            self._gradient_row(t, n)
            if t + 1 < self.times:
                self._weights_row(t)

    def _modes_row(self, t: int, n: float, p: float) -> None:
        """R24, R3 and C0."""
        r, variance = self.rows, np.zeros(len(self.lam))
        r24, c0, c0a, c0d, bias = self._over_modes(
            respond,
            5,
            t,
            (
                self.weight,
                r["R1"][t],
                self.m,
                self.g4,
                self.g2,
                self.rm,
                self.rg4,
                self.j,
                self.with_g4,
                self.with_g2,
                n * r["C3"],
                r["S"],
                n * r["C3a"],
                r["Sd"],
                self.cross,
                variance,
            ),
        )
        r["R24"][t] = r24
        r["R3"][t, t], r["R3"][t, :t] = 1.0, n * r24[:t] @ r["R3"][:t, :t]  # R3 = 1 + R24 R3 / N
        self.variance[:, t] = variance
        for name, values in (("C0", c0 + bias), ("C0a", c0a + bias), ("C0d", c0d + bias), ("bias", bias)):
            self._set(name, t, values)

    def _data_row(self, t: int, p: float) -> None:
        """C1, training loss and the noise of the gradients."""
        r, sigma = self.rows, self.model.noise
        if self.online:  # new examples have no memory: their noise is white in time
            r["S"][t, t] = self.online * (r["C0"][t, t] + sigma)
            return
        u, past = r["U"], slice(0, t + 1)
        u[t, past] = u[past, t] = r["C0"][t, past] + sigma
        self._set("C1", t, self._sandwich("R1", u, t))
        self.train[t] = r["C1"][t, t]
        # The choice of a batch is noise that is new at every step, so that it stands on the diagonal alone.
        r["C1"][t, t] += (d := self.excess * self.train[t])
        u[t, t] += d
        r["S"][t, past] = r["S"][past, t] = p * r["C1"][t, past]
        if self.cross:
            self._set("C1d", t, self._sandwich("R1", r["C0d"] + sigma, t))
            r["Sd"][t, past] = r["Sd"][past, t] = p * r["C1d"][t, past]

    def _gradient_row(self, t: int, n: float) -> None:
        """C2 and C3."""
        r = self.rows
        c2, c2a = self._over_modes(
            gather,
            2,
            t,
            (
                self.weight,
                self.rm,
                self.rg4,
                self.j,
                self.with_g4,
                self.with_g2,
                n * r["C3"],
                r["S"],
                n * r["C3a"],
                self.cross,
            ),
        )
        self._set("C2", t, c2)
        self._set("C3", t, self._sandwich("R3", r["C2"], t))
        if self.cross:
            self._set("C2a", t, c2a)
            self._set("C3a", t, self._sandwich("R3", r["C2a"], t))

    def _weights_row(self, t: int) -> None:
        """Propagators of time t + 1."""
        r, projected = self.rows, self.model.projected
        self.propagators.advance(t, r["C3" if projected else "C2"], r["C3"])
        r["Th4"][t + 1] = self.propagators.w[t + 1]
        r["Th4" if projected else "Th2"][t + 1] += self.propagators.learned(t + 1)

    def _sandwich(self, response: str, inner: np.ndarray, t: int) -> np.ndarray:
        """Row t of R inner R^T."""
        rows, now = self.rows[response], slice(0, t + 1)
        return (rows[t, now] @ inner[now, now]) @ rows[now, now].T

    def _set(self, name: str, t: int, values: np.ndarray) -> None:
        now = slice(0, t + 1)
        self.rows[name][t, now] = self.rows[name][now, t] = values[now]

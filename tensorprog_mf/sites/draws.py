"""Standard normals for a population of sites, column by column.

A column is a pure function of (seed, replicate, population, column): nothing depends on the order in which
columns are asked for, on how many there are, or on threads. The Sobol columns of a population are the
dimensions of one digital sequence (Joe-Kuo directions from scipy, a random linear scramble and a digital
shift per column, as in Matousek 1998). Innovations come ordered by size, so the first columns carry most of
the variance. After `SOBOL_COLUMNS` columns draws are pseudo-random: measured on three networks at 1024 and
4096 sites, columns after the 64th gain nothing, and after some hundreds pairs of Sobol columns correlate (up
to 0.6 at 4096 sites), which would bias single runs.
"""

import functools
import secrets

import numpy as np

from ..ground.errors import require, whole
from .kernels import digital_sequence

Slot = tuple[str, int, int]  # a use of a column: (source, number of the query, vector in it)

KINDS = ("sobol", "pseudo-random")
SOBOL_COLUMNS = 256
_BITS = 30  # of a point: its binary digits after the point
_SIGNIFICANCE = np.uint32(1) << np.arange(_BITS - 1, -1, -1, dtype=np.uint32)  # of every digit
_ABOVE = ~(2 * _SIGNIFICANCE - 1) & np.uint32(2**_BITS - 1)  # digits more significant than each one


def fresh_seed(seed: int | None, checkpoint: object = None) -> int:
    """The seed itself, or 128 random bits from the operating system if None; recorded with every result."""
    require(
        seed is not None or checkpoint is None,
        "checkpoint needs a seed, as no later run could go on from one with seed=None; pass a whole number.",
    )
    return secrets.randbits(128) if seed is None else whole("seed", seed)


@functools.cache
def _directions(columns: int, bits: int) -> np.ndarray:
    """Direction numbers v (column, bit) of the Sobol sequence, read off its points.

    These come in Gray order, in which x(2^k) = v(k) ^ v(k - 1).
    """
    from scipy.stats import qmc

    engine, position, points = qmc.Sobol(columns, scramble=False, bits=_BITS), 0, []
    for k in range(bits):
        engine.fast_forward(2**k - position)
        points.append((engine.random(1)[0] * 2.0**_BITS).astype(np.uint32))
        position = 2**k + 1
    return np.bitwise_xor.accumulate(np.array(points), axis=0).T.copy()


def _scrambled_column(directions: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """One scrambled Sobol column, (count,) uniforms in (0, 1): the middles of intervals of length 2^-30."""
    # A random lower triangular matrix of bits with ones on its diagonal, a row per digit of the result.
    rows = (rng.integers(2**_BITS, size=_BITS, dtype=np.uint32) & _ABOVE) | _SIGNIFICANCE
    shift = rng.integers(2**_BITS, dtype=np.uint32)
    uniforms = np.empty(count)
    digital_sequence(directions, rows, shift, np.empty(count, np.uint32), uniforms)
    return uniforms


class Draws:
    """Columns of independent N(0,1) over the sites of one population, handed out to slots.

    A slot names what a column is used for: (source, query, vector), for example the third vector of the fifth
    forward query of a matrix. A slot gets the next free column or, in a run on common draws, the column that
    an earlier run recorded for it; such a run accepts the recorded slots and no others.

    Parameters
    ----------
    count
        Number of sites; a power of two for Sobol.
    seed
        Whole numbers that name the sequence: the seed of the run, the replicate, the population.
    kind
        "sobol" or "pseudo-random".
    slots
        Map from slot to column of an earlier run; None for draws of one's own.
    group
        How many neighbouring sites belong together, as the coordinates of a head do. Points of the sequence
        then stand for groups, and a column over sites takes `group` columns of the sequence. Neighbouring
        points are not independent: as coordinates of one head they gave attention that was off by 8 standard
        errors, at any number of sites.

    Raises
    ------
    InputError
        An unknown kind, a single group, or a number of sites that Sobol draws cannot have.
    """

    def __init__(
        self,
        count: int,
        seed: tuple[int, ...],
        kind: str = "sobol",
        slots: dict[Slot, int] | None = None,
        group: int = 1,
    ) -> None:
        require(kind in KINDS, f"draws={kind!r} is unknown; choose one of {', '.join(KINDS)}.")
        require(
            group == 1 or count > group,
            f"{count} sites make a single group of {group}; take n_samples or width several times larger.",
        )
        require(
            kind != "sobol" or (count > group and (count // group) & (count // group - 1) == 0),
            f"n_samples={count} is not a power of two above 1, which Sobol draws need; use "
            f'{max(2, 1 << (count - 1).bit_length())} or draws="pseudo-random".',
        )
        self.count, self.kind, self._seed, self._group = count, kind, tuple(seed), group
        self.given = slots
        self.slots: dict[Slot, int] = {}  # what has been handed out
        self._noises = 0  # calls of `noise`

    def column(self, index: int) -> np.ndarray:
        """Column `index`: (site,) standard normals."""
        if self._group == 1:
            return self._points(index, self.count)
        members = range(index * self._group, (index + 1) * self._group)
        return np.stack(
            [self._points(member, self.count // self._group) for member in members], axis=1
        ).ravel()

    def _points(self, index: int, count: int) -> np.ndarray:
        """One column of the sequence, at `count` points."""
        rng = np.random.Generator(
            np.random.PCG64(np.random.SeedSequence(self._seed[0], spawn_key=(*self._seed[1:], index)))
        )
        if self.kind == "pseudo-random" or index >= SOBOL_COLUMNS:
            return rng.standard_normal(count)
        from scipy.special import ndtri

        # Twice as many columns at a time: the first ones do not depend on how many there are.
        columns = max(64, 1 << index.bit_length())
        directions = _directions(min(columns, SOBOL_COLUMNS), (count - 1).bit_length())
        return ndtri(_scrambled_column(directions[index], count, rng))

    def noise(self, shape: tuple[int, ...]) -> np.ndarray:
        """Fresh pseudo-random standard normals of any shape; every call has a stream of its own."""
        key = (*self._seed[1:], 0, self._noises)  # longer than the key of any column
        self._noises += 1
        return np.random.Generator(
            np.random.PCG64(np.random.SeedSequence(self._seed[0], spawn_key=key))
        ).standard_normal(shape)

    def accepts(self, slot: Slot) -> bool | None:
        """Whether the earlier run gave this slot a direction; None without one: then the size decides."""
        return None if self.given is None else slot in self.given

    def take(self, slot: Slot) -> np.ndarray:
        """The column of a slot: (site,) standard normals; the slot is recorded."""
        require(
            self.given is None or slot in self.given,
            f"common_draws: the earlier run has no column for {slot}; pass a run of the same inputs and"
            " architecture.",
        )
        if slot in self.slots:
            raise RuntimeError(
                f"slot {slot} has had its column already; the same one again would not be independent."
            )
        self.slots[slot] = len(self.slots) if self.given is None else self.given[slot]
        return self.column(self.slots[slot])


class AxesSpent(Exception):
    """More columns were taken than there are axes; the run has to start again with more of them."""


class Axes(Draws):
    """Columns sqrt(count) e_k in place of random ones: products of any two average to exactly 1 or 0.

    Where fields are linear in what is drawn, sites are then not samples but coordinates, and averages over
    them are the expectations of the limit, without error, as long as there are columns left.
    """

    def __init__(self, count: int) -> None:
        super().__init__(count, (0,), "pseudo-random")

    def column(self, index: int) -> np.ndarray:
        """sqrt(count) e_index; raises `AxesSpent` when there are no more of them."""
        if index >= self.count:
            raise AxesSpent
        column = np.zeros(self.count)
        column[index] = np.sqrt(self.count)
        return column

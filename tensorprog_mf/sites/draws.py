"""Standard normals for a population of sites, column by column.

A column is a pure function of (seed, replicate, population, column): nothing depends on the order in which
columns are asked for, on how many there are, or on threads. Sobol columns are one digital sequence per
population (Joe-Kuo directions from scipy, random linear scramble and digital shift per column, as in Matousek
1998): innovations come ordered by size, so the first columns carry most of the variance. Past `SOBOL_COLUMNS`
columns draws are pseudo-random: measured on three networks at 1024 and 4096 sites, columns beyond 64 gain
nothing, and beyond some hundreds pairs of Sobol columns correlate (up to 0.6 at 4096 sites), which would bias
single runs.
"""

import functools

import numpy as np

from ..ground.errors import require, whole

KINDS = ("sobol", "pseudo-random")
SOBOL_COLUMNS = 256
_BITS = 30


def fresh_seed(seed: int | None, checkpoint=None) -> int:
    """The seed itself, or one from the operating system if None; always recorded with the result."""
    require(
        seed is not None or checkpoint is None,
        "checkpoint needs a seed: with seed=None no later run could go on.",
    )
    return int(np.random.SeedSequence().entropy) if seed is None else whole("seed", seed)


@functools.cache
def _directions(columns: int, bits: int) -> np.ndarray:
    """Direction numbers (column, bit) of the Sobol sequence, read off its points: in Gray order x(2^k) = v(k)
    ^ v(k-1)."""
    from scipy.stats import qmc

    engine, position, points = qmc.Sobol(columns, scramble=False, bits=_BITS), 0, []
    for k in range(bits):
        engine.fast_forward(2**k - position)
        points.append((engine.random(1)[0] * 2.0**_BITS).astype(np.uint32))
        position = 2**k + 1
    return np.bitwise_xor.accumulate(np.array(points), axis=0).T.copy()


def _scrambled_column(directions: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Uniforms in (0, 1): one scrambled Sobol column, all binary digits below 2^-30 replaced by the
    middle."""
    significance = np.uint32(1) << np.arange(_BITS - 1, -1, -1, dtype=np.uint32)
    above = ~(2 * significance - 1) & np.uint32(2**_BITS - 1)  # digits more significant than each one
    rows = (rng.integers(2**_BITS, size=_BITS, dtype=np.uint32) & above) | significance
    parity = np.bitwise_count(rows[:, None] & directions[None, :]) & 1
    scrambled = (parity.astype(np.uint32) * significance[:, None]).sum(axis=0, dtype=np.uint32)
    points = np.empty(count, np.uint32)
    points[0] = rng.integers(2**_BITS, dtype=np.uint32)
    for k, direction in enumerate(scrambled):
        points[2**k : 2 ** (k + 1)] = points[: 2**k] ^ direction
    return (points + 0.5) * 2.0**-_BITS


class Draws:
    """Columns of iid N(0,1) over the sites of one population, handed out to slots.

    A slot names a use: (source, query, vector), for example the third vector of the fifth forward query of a
    matrix. It gets the next free column, or, in a run on common draws, the column that an earlier run
    recorded for it; such a run accepts the recorded slots and no others.

    Parameters
    ----------
    count
        Number of sites; a power of two for Sobol.
    seed
        Integers that name the sequence: run seed, replicate, population.
    kind
        "sobol" or "pseudo-random".
    slots
        Map from slot to column of an earlier run, or None.
    group
        Sites that belong together, as the coordinates of a head do: that many columns of the sequence, whose
        points are the groups, make one of all sites. Neighbouring points of a sequence are not independent:
        as coordinates of one head they gave attention off by 8 standard errors, at any number of them.
    """

    def __init__(
        self,
        count: int,
        seed: tuple[int, ...],
        kind: str = "sobol",
        slots: dict | None = None,
        group: int = 1,
    ):
        require(kind in KINDS, f"draws={kind!r} is unknown; choose one of {', '.join(KINDS)}.")
        require(
            group == 1 or count > group,
            f"{count} sites are one group of {group} only; take n_samples or width several times larger.",
        )
        require(
            kind != "sobol" or (count > group and (count // group) & (count // group - 1) == 0),
            f"n_samples={count} is not a power of two above 1, which Sobol draws need; use "
            f'{max(2, 1 << (count - 1).bit_length())} or draws="pseudo-random".',
        )
        self.count, self.kind, self._seed, self._group = count, kind, tuple(seed), group
        self.given, self.slots = slots, {}
        self._noises = 0

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

    def accepts(self, slot: tuple) -> bool | None:
        """Whether an earlier run's map gives this slot a direction; None without a map: the size decides."""
        return None if self.given is None else slot in self.given

    def take(self, slot: tuple) -> np.ndarray:
        """The column of a slot: (site,) standard normals; the slot is recorded."""
        require(
            self.given is None or slot in self.given,
            f"common draws: the earlier run has no column for {slot}; it must have the same inputs and"
            " architecture.",
        )
        if slot in self.slots:
            raise RuntimeError(
                f"slot {slot} has had its column already; a second one would not be independent."
            )
        self.slots[slot] = len(self.slots) if self.given is None else self.given[slot]
        return self.column(self.slots[slot])


class AxesSpent(Exception):
    """More columns were taken than there are axes; the run is to start again with more of them."""


class Axes(Draws):
    """Columns sqrt(count) e_k in place of random ones: averages of products of any two are 1 or 0, as
    expectations are.

    Where fields are linear in what is drawn, sites are then not samples but coordinates: averages over them
    are the expectations of the limit, without error, as long as there are columns left.
    """

    def __init__(self, count: int):
        super().__init__(count, (0,), "pseudo-random")

    def column(self, index: int) -> np.ndarray:
        if index >= self.count:
            raise AxesSpent
        column = np.zeros(self.count)
        column[index] = np.sqrt(self.count)
        return column

"""A Gaussian matrix seen only through what it has been asked: bases of the queries, images of their
directions."""

from abc import abstractmethod

import numpy as np

from ..sites.sites import Sites
from .based import Based, Side
from .basis import appended
from .matrix import Parts, Query
from .parameter import grown

_ROOM = 64  # directions ahead that there is room for among overlaps


class _Side(Side):
    """One direction of queries: their basis, the images of its directions, and what the other side had fixed
    of them."""

    def __init__(self, role, into, out, tolerance, absolute=False):
        super().__init__(role, into, out, tolerance, absolute)
        self._images = np.empty((0, out.count))
        self.response = np.zeros((0, 0))  # (direction of the other side, direction of this side)

    @property
    def images(self) -> np.ndarray:
        """(direction, site of the other population), entries of variance one."""
        return self._images[: self.basis.rank]

    def __getstate__(self):
        return self.__dict__ | {"_images": self.images}

    def add_images(self, new: np.ndarray, response: np.ndarray) -> None:
        before = self.basis.rank - len(new)
        self._images = appended(self._images, before, new)
        self.response = grown(self.response, (len(response), before + len(new)))
        self.response[:, before:] = response

    def refresh(self, keep: float, fresh: np.ndarray) -> None:
        """Images keep + sqrt(1 - keep^2) fresh; what the other side had fixed fades with them."""
        images = self.images
        images *= keep
        images += np.sqrt(1 - keep**2) * fresh
        self.response *= keep


class Revealed(Based):
    """W(0) by conditioning: a query x = E c + rest is answered by known images, and a new direction by a
    fresh one.

    In averages, E the directions of forward queries, U = W E / sqrt(n_in) their images; F, V = W^T F /
    sqrt(n_out) those of backward queries; s = sqrt(n_out / n_in):

        W x / sqrt(n_in) = scale U c + F M c,        W^T g / sqrt(n_out) = scale V d + s E M^T d
        U of a new direction e:  F <V e> / s + (1 - F <F .>) omega,   omega fresh N(0,1) per site

    (Bolthausen 2014; Lu 2021, "Householder dice"). Subclasses say what the other side fixes of a fresh image.

    Cost: O(sites x rank x vectors) per query, memory 4 x rank x sites numbers.
    """

    side = _Side

    def __init__(self, name: str, out: Sites, into: Sites, tolerance: float, weighted: bool = False):
        super().__init__(name, out, into, tolerance, weighted)
        # <F U>, (backward direction, forward direction), which both sides agree on; as many as `_met`, the
        # rest is for growth.
        self._overlaps, self._met = np.zeros((0, 0)), (0, 0)

    @abstractmethod
    def _fixed(self, new: np.ndarray, omega: np.ndarray, this: _Side, other: _Side, stretch: float):
        """Of the images of `new` directions: what the other side has fixed, (new, direction of the other
        side), and how much of omega lies in the other side's span and must be replaced."""

    @abstractmethod
    def _along(self, between: np.ndarray, omega: np.ndarray, this: _Side, other: _Side) -> np.ndarray:
        """What to add to omega, images of this side's directions under a fresh matrix, in the other side's
        span, given the overlaps with it, `between`, that both sides must agree on."""

    def answer(self, parameter, query):
        if query.transposed:
            learned = self._stretch * parameter.learned.T
            return self._answer(
                parameter.scale, learned, query, self.backward, self.forward, 1 / self._stretch
            )
        return self._answer(
            parameter.scale, parameter.learned, query, self.forward, self.backward, self._stretch
        )

    @property
    def refused(self) -> float:
        """The largest remainder, relative to its query, that common draws kept from becoming a direction."""
        return max(self.forward.basis.refused, self.backward.basis.refused)

    def _source(self, side: Side) -> str:
        return f"{self.name} {side.role}"

    def _accepts(self, side, number, vector):
        return side.out.draws.accepts((self._source(side), number, vector))

    def refresh(self, keep):
        # A fresh matrix, asked about both bases at once: what it does between them is one rectangle of
        # normals.
        between = self.out.draws.noise(self.rank)
        for this, other, own in (
            (self.forward, self.backward, between),
            (self.backward, self.forward, between.T),
        ):
            omega = this.out.draws.noise((this.basis.rank, this.out.count))
            along = self._along(own / np.sqrt(this.out.count), omega, this, other)
            this.refresh(keep, this.out.combine(along, other.basis.rows, omega))
        known = self._overlaps[: between.shape[1], : between.shape[0]]
        known *= keep
        known += np.sqrt((1 - keep**2) / self.out.count) * between.T

    def held(self, parameter, g, x):
        def between(coefficients):  # bases may be larger, or smaller, than they were at the queries
            known = coefficients[: g.shape[1], : x.shape[1]]
            rows, columns = known.shape
            return np.vecdot(g[:, :rows] @ known, x[:, :columns])

        return self._stretch * (parameter.scale * between(self._overlaps) + between(parameter.learned))

    def _keep_overlaps(self, fixed: np.ndarray, transposed: bool) -> None:
        """Remember <F U> of new directions, given what the other side has `fixed` of their images."""
        (rows, columns), self._met = self._met, self.rank[::-1]
        if (np.array(self._met) > self._overlaps.shape).any():
            room = np.minimum(np.array(self._met) + _ROOM, (self.out.count, self.into.count))
            self._overlaps = grown(self._overlaps, room)
        if transposed:
            self._overlaps[rows : self._met[0], : fixed.shape[1]] = fixed / self._stretch
        else:
            self._overlaps[: fixed.shape[1], columns : self._met[1]] = fixed.T

    def parts_forward(self, parameter, x, chosen):
        return self._parts(parameter.scale, parameter.learned, x, self.forward, self.backward, chosen)

    def parts_backward(self, parameter, g, chosen):
        learned = self._stretch * parameter.learned.T
        return self._parts(parameter.scale, learned, g, self.backward, self.forward, chosen)

    def _answer(
        self, scale: float, learned: np.ndarray, query: Query, this: _Side, other: _Side, stretch: float
    ) -> np.ndarray:
        handle, added, vectors = query.handle, query.added, len(query.handle)
        omega = self._innovations(query, this)
        moved, known = learned.shape
        along_other = np.zeros((len(omega) + vectors, other.basis.rank))
        along_other[len(omega) :, :moved] = handle[:, :known] @ learned.T
        if added:
            fixed, replaced = self._fixed(this.basis.rows[-len(added) :], omega, this, other, stretch)
            along_other[: len(omega)] = fixed - replaced
        # New images and the learned part read the other side's basis in one sweep.
        both = this.out.combine(
            along_other, other.basis.rows, np.vstack([omega, np.zeros((vectors, this.out.count))])
        )
        if added:
            this.add_images(both[: len(added)], fixed.T)
            self._keep_overlaps(fixed, query.transposed)
        return this.out.combine(scale * handle, this.images, both[len(added) :])

    def _innovations(self, query: Query, this: _Side) -> np.ndarray:
        """Fresh draws for the directions that a query added, (direction, site)."""
        omega = [this.out.draws.take((self._source(this), query.number, vector)) for vector in query.added]
        return np.array(omega).reshape(len(omega), this.out.count)

    @staticmethod
    def _parts(scale, learned, handle, this: _Side, other: _Side, chosen) -> Parts:
        rank, rows = handle.shape[1], other.basis.rows[:, chosen]
        response = handle @ this.response[:, :rank].T @ rows[: len(this.response)]
        gaussian = handle @ this.images[:rank, chosen] - response
        moved, known = learned.shape
        return Parts(scale * gaussian, scale * response, handle[:, :known] @ learned.T @ rows[:moved])

"""A Gaussian matrix known only by its answers: bases of the queries, and images of their directions."""

from abc import abstractmethod
from typing import Any

import numpy as np

from ..sites.sites import Sites
from .based import Based, Side
from .basis import appended
from .matrix import Parts, Query
from .parameter import Parameter, grown

_ROOM = 64  # how many more directions the array of overlaps has room for when it is made larger


class RevealedSide(Side):
    """A `Side` with the images of its directions, and what the other side had fixed of each image."""

    def __init__(self, role: str, into: Sites, out: Sites, tolerance: float, absolute: bool = False) -> None:
        super().__init__(role, into, out, tolerance, absolute)
        self._images = np.empty((0, out.count))
        self.response = np.zeros((0, 0))  # (direction of the other side, direction of this side)

    @property
    def images(self) -> np.ndarray:
        """(direction, site of the other population), entries of variance one."""
        return self._images[: self.basis.rank]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_images": self.images}

    def add_images(self, new: np.ndarray, response: np.ndarray) -> None:
        """Append images (new, site) and what was fixed of them, (direction of the other side, new)."""
        before = self.basis.rank - len(new)
        self._images = appended(self._images, before, new)
        self.response = grown(self.response, (len(response), before + len(new)))
        self.response[:, before:] = response

    def refresh(self, keep: float, fresh: np.ndarray) -> None:
        """Images become keep images + sqrt(1 - keep^2) fresh, and what the other side had fixed fades."""
        images = self.images
        images *= keep
        images += np.sqrt(1 - keep**2) * fresh
        self.response *= keep


class Revealed(Based):
    """W(0) by conditioning: known directions of a query have known images, new directions get fresh ones.

    In averages, with E the directions of forward queries and U = W E / sqrt(n_in) their images, F and V = W^T
    F / sqrt(n_out) those of backward queries, M the learned part, and s = sqrt(n_out / n_in), queries x = E c
    and g = F d are answered by

        W x / sqrt(n_in) = scale U c + F M c,        W^T g / sqrt(n_out) = scale V d + s E M^T d
        U of a new direction e:  F <V e> / s + (1 - F <F .>) omega,   omega fresh N(0,1) per site

    (Bolthausen 2014; Lu 2021, "Householder dice"): along F the image is what V has fixed, elsewhere it is
    fresh. Subclasses say what the other side fixes.

    Cost: O(sites x rank x vectors) per query, memory 4 x rank x sites numbers.
    """

    side: type[RevealedSide] = RevealedSide
    forward: RevealedSide
    backward: RevealedSide

    def __init__(self, name: str, out: Sites, into: Sites, tolerance: float, weighted: bool = False) -> None:
        super().__init__(name, out, into, tolerance, weighted)
        # <F U>, (backward direction, forward direction), on which both sides agree. The first `_met` rows and
        # columns are in use; the others are there for growth.
        self._overlaps, self._met = np.zeros((0, 0)), (0, 0)

    @abstractmethod
    def _fixed(
        self, new: np.ndarray, omega: np.ndarray, this: RevealedSide, other: RevealedSide, stretch: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """What the other side has fixed of the images of `new` directions, and what of omega it replaces.

        Both are coefficients along the directions of the other side, (new, direction of the other side).
        """

    @abstractmethod
    def _along(
        self, between: np.ndarray, omega: np.ndarray, this: RevealedSide, other: RevealedSide
    ) -> np.ndarray:
        """What to add to omega, (direction of this side, direction of the other side), along the other side.

        Here omega are the images of all directions of this side under a fresh matrix, and `between` are the
        overlaps of these images with the directions of the other side, on which both sides must agree.
        """

    def answer(self, parameter: Parameter, query: Query) -> np.ndarray:
        scale, learned = parameter.scale, parameter.learned
        if query.transposed:
            learned = self._stretch * learned.T
            return self._answer(scale, learned, query, self.backward, self.forward, 1 / self._stretch)
        return self._answer(scale, learned, query, self.forward, self.backward, self._stretch)

    @property
    def refused(self) -> float:
        """The largest remainder, relative to its query, that common draws kept from becoming a direction."""
        return max(self.forward.basis.refused, self.backward.basis.refused)

    def _source(self, side: Side) -> str:
        return f"{self.name} {side.role}"

    def _accepts(self, side: Side, number: int, vector: int) -> bool | None:
        return side.out.draws.accepts((self._source(side), number, vector))

    def refresh(self, keep: float) -> None:
        # A fresh matrix is asked about both bases at once. What it does between them, E^T W^T F, is one
        # rectangle of normals that the images of both sides share; elsewhere images are independent.
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

    def held(self, parameter: Parameter, g: np.ndarray, x: np.ndarray) -> np.ndarray | None:
        # z = W^T g projected on E is s <F U>^T d, so that <z x> = s d (scale <F U> + M) c.
        def between(coefficients: np.ndarray) -> np.ndarray:
            # Bases may be larger than they were at the queries, or the learned part be smaller.
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
        if transposed:  # new rows: <V e> = s <F U>
            self._overlaps[rows : self._met[0], : fixed.shape[1]] = fixed / self._stretch
        else:
            self._overlaps[: fixed.shape[1], columns : self._met[1]] = fixed.T

    def parts_forward(self, parameter: Parameter, x: np.ndarray, chosen: slice) -> Parts:
        return self._parts(parameter.scale, parameter.learned, x, self.forward, self.backward, chosen)

    def parts_backward(self, parameter: Parameter, g: np.ndarray, chosen: slice) -> Parts:
        learned = self._stretch * parameter.learned.T
        return self._parts(parameter.scale, learned, g, self.backward, self.forward, chosen)

    def _answer(
        self,
        scale: float,
        learned: np.ndarray,
        query: Query,
        this: RevealedSide,
        other: RevealedSide,
        stretch: float,
    ) -> np.ndarray:
        """The answer to a query of `this` side; its new directions get their images on the way.

        `learned` and `stretch` are M and s of the class as this side sees them: (direction of the other side,
        direction of this side), and sqrt(sites that answer / sites that ask).
        """
        handle, added, vectors = query.handle, query.added, len(query.handle)
        omega = self._innovations(query, this)
        moved, known = learned.shape  # it may be from before the bases grew
        # First the images of new directions, then the answers: what both have along the other side's basis.
        along_other = np.zeros((len(omega) + vectors, other.basis.rank))
        along_other[len(omega) :, :moved] = handle[:, :known] @ learned.T
        if added:
            fixed, replaced = self._fixed(this.basis.rows[-len(added) :], omega, this, other, stretch)
            along_other[: len(omega)] = fixed - replaced
        # New images and the learned part read the other side's basis in one sweep.
        start = np.vstack([omega, np.zeros((vectors, this.out.count))])
        both = this.out.combine(along_other, other.basis.rows, start)
        if added:
            this.add_images(both[: len(added)], fixed.T)
            self._keep_overlaps(fixed, query.transposed)
        return this.out.combine(scale * handle, this.images, both[len(added) :])

    def _innovations(self, query: Query, this: RevealedSide) -> np.ndarray:
        """Fresh draws for the directions that a query added, (direction, site)."""
        omega = [this.out.draws.take((self._source(this), query.number, vector)) for vector in query.added]
        return np.array(omega).reshape(len(omega), this.out.count)

    @staticmethod
    def _parts(
        scale: float,
        learned: np.ndarray,
        handle: np.ndarray,
        this: RevealedSide,
        other: RevealedSide,
        chosen: slice,
    ) -> Parts:
        """Parts of the answer to a query with this `handle`, at the `chosen` sites."""
        rank, rows = handle.shape[1], other.basis.rows[:, chosen]
        response = handle @ this.response[:, :rank].T @ rows[: len(this.response)]
        gaussian = handle @ this.images[:rank, chosen] - response
        moved, known = learned.shape
        return Parts(scale * gaussian, scale * response, handle[:, :known] @ learned.T @ rows[:moved])

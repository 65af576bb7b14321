"""What a recorder wants of a pass, and how the arrays of a pass are cut to it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..matrices.matrix import Parts
from .readings import AtSites, FieldAtAllSites, OfLayer, Reading


@dataclass(frozen=True)
class Wanted:
    """What a recorder wants of a pass.

    `sites` whose fields are kept, of the examples `kept`; the examples `paired` between which there are
    kernels; the number of `outputs` whose backward fields there are, None where outputs have no dimension;
    names of the fields of which averages over `all_sites` are kept.
    """

    sites: slice
    kept: slice
    paired: slice | np.ndarray
    outputs: int | None = None
    all_sites: frozenset[str] = frozenset()


@dataclass(frozen=True)
class GradientKernels:
    """E[g g'] of a layer and, where a learning rule has gt in place of g, E[g gt'] and E[gt gt']."""

    own: np.ndarray
    mixed: np.ndarray | None = None
    taught: np.ndarray | None = None

    @property
    def effective(self) -> np.ndarray:
        """The one that makes the tangent kernel: outputs change with g, weights with what moves them."""
        return self.own if self.mixed is None else self.mixed

    def readings(self, layer: int) -> Iterator[Reading]:
        """All there are, of a layer."""
        yield OfLayer("gradient_kernel", layer, self.own)
        if self.mixed is not None and self.taught is not None:
            yield OfLayer("gradient_pseudogradient_kernel", layer, self.mixed)
            yield OfLayer("pseudogradient_kernel", layer, self.taught)


@dataclass(frozen=True)
class Cut:
    """Cuts the arrays of a layer to what is wanted; its vectors are examples, or `positions` of each."""

    wanted: Wanted
    positions: int | None = None

    def features(self, gram: np.ndarray) -> np.ndarray:
        """Of averages between features (example x position), those wanted, (example[, position], example'[,
        position'])."""
        a = self.positions or 1
        n = len(gram) // a
        kernel = gram.reshape(n, a, n, a)[self.wanted.paired][:, :, self.wanted.paired]
        return kernel if self.positions else kernel[:, 0, :, 0]

    def gradients(self, gram: np.ndarray, columns: int = 1) -> np.ndarray:
        """Of averages between backward fields (column x example x position), those wanted, as `features`, or
        (example, output, example', output')."""
        a, paired = self.positions or 1, self.wanted.paired
        n = len(gram) // (columns * a)
        kernel = gram.reshape(columns, n, a, columns, n, a)[:, paired][:, :, :, :, paired]
        if self.wanted.outputs:
            return kernel[:, :, 0, :, :, 0].transpose(1, 0, 3, 2)
        return kernel[0, :, :, 0] if self.positions else kernel[0, :, 0, 0, :, 0]

    def gradient_kernels(
        self,
        inner: Callable[[np.ndarray, np.ndarray], np.ndarray],
        g: np.ndarray,
        taught: np.ndarray | None,
        columns: int,
    ) -> GradientKernels:
        """Kernels of the fields g (column x vector) and, under a learning rule, of those `taught` (vector).

        `inner` averages products of two lists of fields, or of their handles.
        """
        own = self.gradients(inner(g, g), columns)
        if taught is None:
            return GradientKernels(own)
        return GradientKernels(own, self.gradients(inner(g, taught)), self.gradients(inner(taught, taught)))

    def share(self, gradient: np.ndarray, feature: np.ndarray) -> np.ndarray:
        """A weight's part of the tangent kernel: gradient times feature kernel, summed over positions, for
        all pairs of outputs."""
        if self.wanted.outputs:
            return gradient * feature[:, None, :, None]
        return np.einsum("manb,manb->mn", gradient, feature) if self.positions else gradient * feature

    def forward_field(self, h: np.ndarray) -> np.ndarray:
        """Fields (example x position, site) of the kept examples, (example[, position], site)."""
        if self.positions:
            h = h.reshape(len(h) // self.positions, self.positions, h.shape[-1])
        return h[self.wanted.kept]

    def forward_parts(self, parts: Parts | None) -> Parts | None:
        """Parts of fields, cut as `forward_field` cuts them."""
        return None if parts is None else Parts(*map(self.forward_field, parts))

    def backward_field(self, z: np.ndarray) -> np.ndarray:
        """Backward fields (column, example x position, site) of the kept examples, (example[, output or
        position], site)."""
        if self.positions:
            return self.forward_field(z[0])
        z = z[:, self.wanted.kept].transpose(1, 0, 2)
        return z if self.wanted.outputs else z[:, 0]

    def backward_parts(self, parts: Parts | None, columns: int) -> Parts | None:
        """Parts of fields (column x example x position, site), cut as `backward_field` cuts them."""
        if parts is None:
            return None
        return Parts(
            *(
                self.backward_field(part.reshape(columns, len(part) // columns, part.shape[1]))
                for part in parts
            )
        )

    def field(
        self, name: str, layer: int, field: np.ndarray, parts: Parts | None = None
    ) -> Iterator[Reading]:
        """A field of the kept examples at the sites that are kept, with its parts, and at all if wanted."""
        yield AtSites(name, layer, field[..., self.wanted.sites].copy(), parts)
        yield from self.at_all_sites(name, layer, field)

    def at_all_sites(self, name: str, layer: int, field: np.ndarray) -> Iterator[Reading]:
        """A field of the kept examples at all sites, if averages of it are wanted."""
        if name in self.wanted.all_sites:
            yield FieldAtAllSites(name, layer, field)

"""Probe of recurrent layers."""

from collections.abc import Iterator

import numpy as np

from ..layers.recurrent import Recurrent
from ..matrices.matrix import Parts
from ..sites.tails import largest_share
from .probe import Probe, Seen
from .readings import LargestOfLayer, OfLayer, Reading, TangentShare, ranks


def _flat(fields: np.ndarray) -> np.ndarray:
    """(position, example, site) as (example x position, site)."""
    return fields.transpose(1, 0, 2).reshape(-1, fields.shape[2])


class RecurrentProbe(Probe):
    """Of a recurrent layer, which is layer 1 at every position: all its fields and kernels, shares of the
    tangent kernel, ranks."""

    def __init__(self, layer: Recurrent):
        self.layer = layer

    def read(self, seen: Seen) -> Iterator[Reading]:
        passage, cut, matrix = seen.at(self.layer), seen.cut(self.layer.positions), self.layer.matrix
        trace, back = passage.forward.trace, passage.back
        phi = _flat(trace.phi)
        features = cut.features(matrix.into.mean(phi, phi))
        yield from cut.field("preactivation", 1, cut.forward_field(_flat(trace.h)), self._parts(seen))
        yield from cut.at_all_sites("feature", 1, cut.forward_field(phi))
        yield OfLayer("feature_kernel", 1, features)
        fields = (phi, back.own.g) if back else (phi,)
        yield LargestOfLayer("largest_share", 1, np.array(largest_share(*fields)))
        yield from self._backward(seen, features)
        yield from ranks(matrix.rank, 1, 1)

    def _backward(self, seen: Seen, features: np.ndarray) -> Iterator[Reading]:
        passage, cut = seen.at(self.layer), seen.cut(self.layer.positions)
        matrix, inputs = self.layer.matrix, self.layer.inputs
        if passage.back is None:
            return
        g, z = _flat(passage.back.own.g), _flat(passage.back.own.z)
        gradients = cut.gradients(matrix.into.mean(g, g))
        yield OfLayer("gradient_kernel", 1, gradients)
        yield from cut.field("backward_field", 1, cut.forward_field(z))
        yield from cut.at_all_sites("gradient", 1, cut.forward_field(g))
        driven = cut.features(inputs.kernel(passage.forward.trace.rows))
        yield TangentShare(inputs.name, cut.share(gradients, driven))
        # The matrix is asked about every position but the last, for the one that follows.
        yield TangentShare(matrix.name, cut.share(gradients[:, 1:, :, 1:], features[:, :-1, :, :-1]))

    def _parts(self, seen: Seen) -> Parts | None:
        """Parts of h: of the drive, and from the second position on of what the matrix gives."""
        trace, sites = seen.at(self.layer).forward.trace, seen.wanted.sites
        matrix, inputs = self.layer.matrix, self.layer.inputs
        drive = inputs.parts(seen.parameters[inputs.name], trace.rows, sites)
        shape = len(trace.rows) // self.layer.positions, self.layer.positions, drive.gaussian.shape[1]
        found = [part.reshape(shape) for part in drive]
        for k, handle in enumerate(trace.asked, 1):
            parts = matrix.parts_forward(seen.parameters[matrix.name], handle, sites)
            if parts is None:
                return None
            for total, part in zip(found, parts):
                total[:, k] += part
        return Parts(*(total[seen.wanted.kept] for total in found))

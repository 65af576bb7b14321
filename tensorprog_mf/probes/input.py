"""Probes of the first layer."""

from collections.abc import Iterator

from ..layers.input import Input
from .probe import Probe, Seen
from .readings import OfNetwork, Reading, TangentShare, WeightAtAllSites
from .wanted import GradientKernels


class _OfInput(Probe):
    """What there is of the first layer."""

    def __init__(self, layer: Input):
        self.layer = layer

    def _gradients(self, seen: Seen) -> GradientKernels | None:
        """Kernels of what comes back to the layer."""
        passage = seen.at(self.layer)
        if passage.back is None:
            return None
        g = passage.back.above
        return seen.cut(self.layer.positions).gradient_kernels(
            self.layer.matrix.out.mean,
            g.reshape(-1, g.shape[2]),
            passage.taught.above[0] if passage.taught else None,
            len(g),
        )

    def _shares(self, seen: Seen, gradients: GradientKernels) -> Iterator[Reading]:
        """Shares of the tangent kernel."""
        matrix, bias, cut = self.layer.matrix, self.layer.bias, seen.cut(self.layer.positions)
        inputs = cut.features(matrix.kernel(seen.at(self.layer).forward.trace.rows))
        yield TangentShare(matrix.name, cut.share(gradients.effective, inputs))
        if bias:
            yield TangentShare(bias.name, gradients.effective)


class EmbeddingProbe(_OfInput):
    """Of a first layer that begins a stream: its share of the tangent kernel. Its fields are the stream's."""

    def read(self, seen: Seen) -> Iterator[Reading]:
        gradients = self._gradients(seen)
        if gradients is not None:
            yield from self._shares(seen, gradients)


class InputProbe(_OfInput):
    """Of the first layer of a network: preactivations h^1 with their parts, gradient kernel, share of the
    tangent kernel, and weights where all of them are known."""

    def read(self, seen: Seen) -> Iterator[Reading]:
        yield from self._preactivation(seen)
        yield from self._entries(seen)
        gradients = self._gradients(seen)
        if gradients is not None:
            yield from gradients.readings(1)
            yield from self._shares(seen, gradients)

    def _preactivation(self, seen: Seen) -> Iterator[Reading]:
        forward, cut, sites = seen.at(self.layer).forward, seen.cut(self.layer.positions), seen.wanted.sites
        matrix, bias = self.layer.matrix, self.layer.bias
        parts = matrix.parts(seen.parameters[matrix.name], forward.trace.rows, sites)
        known = bias.parts(seen.parameters, parts, sites) if bias else parts
        return cut.field("preactivation", 1, cut.forward_field(forward.y), cut.forward_parts(known))

    def _entries(self, seen: Seen) -> Iterator[Reading]:
        matrix, name = self.layer.matrix, "input_weight"
        if matrix.entire:
            weights = matrix.weights(seen.parameters[matrix.name])
            yield OfNetwork(name, weights[:, seen.wanted.sites].copy())
            if name in seen.wanted.all_sites:
                yield WeightAtAllSites(name, weights)

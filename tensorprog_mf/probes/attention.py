"""Probe of attention."""

from collections.abc import Iterator

from ..layers.attention import Attention
from .probe import Probe, Seen
from .readings import OfLayer, Reading, TangentShare, ranks


class AttentionProbe(Probe):
    """Of attention that reads the stream of layer `number`: who looks at whom, shares of the tangent kernel,
    ranks."""

    def __init__(self, layer: Attention, number: int):
        self.layer, self.number = layer, number

    def read(self, seen: Seen) -> Iterator[Reading]:
        sigma = seen.at(self.layer).forward.trace.sigma[seen.wanted.kept]
        yield OfLayer("attention_mean", self.number, sigma.mean(axis=1))
        yield OfLayer("attention_variance", self.number, sigma.var(axis=1))
        heads = sigma.transpose(0, 2, 3, 1)[..., seen.wanted.sites]
        yield OfLayer("attention", self.number, heads.copy())
        yield from self._shares(seen)
        for matrix in self.layer.matrices:
            yield from ranks(matrix.rank, self.number, self.number + 1)

    def _shares(self, seen: Seen) -> Iterator[Reading]:
        passage, cut = seen.at(self.layer), seen.cut(self.layer.tokens)
        if passage.back is None:
            return
        for matrix, rate, g, x in self.layer.weights(passage.forward.trace, passage.back.own):
            features = cut.features(matrix.inner(x, x, matrix.into))
            gradients = cut.gradients(matrix.inner(g, g, matrix.out))
            yield TangentShare(matrix.name, rate * cut.share(gradients, features))

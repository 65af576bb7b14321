"""Transformers."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import boolean, real, require, whole
from ..ground.fields import set_fields
from ..layers.attention import Attention
from ..layers.chain import Chain
from ..layers.dense import Dense
from ..layers.elementwise import Elementwise
from ..layers.input import Input
from ..layers.layer import Layer
from ..layers.normalisation import Normalisation
from ..layers.pooling import Pooling
from ..layers.readout import Readout
from ..layers.residual import Residual
from ..matrices.realization import Realization
from ..probes.activation import FeatureProbe
from ..probes.attention import AttentionProbe
from ..probes.dense import BranchProbe
from ..probes.fields import FeatureKernelProbe, StreamProbe
from ..probes.input import EmbeddingProbe
from ..probes.probe import Composition, Probe
from ..probes.readout import ReadoutShareProbe
from ..sites.activations import Activation, as_activation
from ..sites.sites import Sites
from .network import Asked, Footprint, Network, checked_richness
from .windows import as_vectors


@checked_call
@dataclass(frozen=True, init=False)
class Transformer(Network):
    """Multi-head self-attention on a residual stream of M units, in the limit of many heads or of infinite
    head dimension.

        h^0_a = W^E x_a / sqrt(D),   f = w . mean_a phi(h^L_a) / (richness M)

    and between them L blocks

        h' = h + (beta / sqrt(L)) W^O o / sqrt(M),   o_a = sum_b softmax_b(kappa q_a . k_b) v_b per head,
        q, k, v = W^{Q,K,V} h / sqrt(M),   with mlp=True   h'' = h' + (beta / sqrt(L)) W^m phi(h') / sqrt(M)

    with all entries N(0,1) at the start (Bordelon, Chaudhry & Pehlevan 2024, arXiv:2405.15712). Inputs are
    (example, token, feature), positional features among them. M is n_samples or width, so that there are
    M / head_dimension heads.

    Parameters
    ----------
    depth
        Number of blocks L.
    activation
        As of `MLP`: of what the readout and the fully connected branches see.
    richness, branch_scale
        As of `ResidualMLP`.
    head_dimension
        Number n of coordinates of a head. Heads are then random, and results have the mean and the variance
        of their attention. "infinite": one head of all M units, with logits divided by n = M, so that
        attention becomes deterministic.
    logit_exponent
        kappa = n^-logit_exponent; the exponent is 1 for infinite head dimension.
    causal
        Whether tokens see none that come after them.
    mlp
        Whether blocks have a fully connected branch after attention.
    normalise
        Whether there is a layer normalisation, without parameters, before attention and before the fully
        connected branch.
    query_key_rate
        Factor on the learning rates of W^Q and W^K.

    Raises
    ------
    InputError
        A number outside its range, an unknown activation, a switch that is neither true nor false.
    """

    depth: int
    activation: Activation
    richness: float
    head_dimension: int | Literal["infinite"]
    branch_scale: float
    logit_exponent: float
    causal: bool
    mlp: bool
    normalise: bool
    query_key_rate: float
    input_dims = ("token", "feature")
    vector_dim = "token"
    residual = True

    def __init__(
        self,
        depth: int,
        activation: Activation | str | tuple = "tanh",
        richness: float = 1.0,
        head_dimension: int | str = 4,
        branch_scale: float = 1.0,
        logit_exponent: float = 0.5,
        causal: bool = False,
        mlp: bool = False,
        normalise: bool = False,
        query_key_rate: float = 1.0,
    ) -> None:
        infinite = head_dimension == "infinite"
        set_fields(
            self,
            depth=whole("depth", depth, 1),
            activation=as_activation(activation),
            richness=checked_richness(richness),
            head_dimension="infinite" if infinite else whole("head_dimension", head_dimension, 1),
            branch_scale=real("branch_scale", branch_scale, "be finite", lambda v: True),
            logit_exponent=real("logit_exponent", logit_exponent, "be finite", lambda v: True),
            causal=boolean("causal", causal),
            mlp=boolean("mlp", mlp),
            normalise=boolean("normalise", normalise),
            query_key_rate=real("query_key_rate", query_key_rate, "be 0 or more", lambda v: v >= 0),
        )

    def footprint(self, shape: tuple[int, ...]) -> Footprint:
        tokens = shape[0]
        readers = Asked(tokens, tokens, (4, 6), 3)  # which share the basis of the stream
        block = (readers, Asked(tokens, tokens), *[Asked(tokens, tokens)] * self.mlp)
        return Footprint(self.depth + 1, shape[1], block * self.depth, tokens, 4 * self.depth * tokens, 1.4)

    def coordinates(self, layers: list[int]) -> dict[str, np.ndarray]:
        return {"relative_depth": np.array(layers) / self.depth}

    def _head(self, units: int) -> tuple[int, float]:
        """The number of coordinates of a head, if there are so many units, and kappa."""
        if self.head_dimension == "infinite":
            return units, 1 / units
        require(
            units % self.head_dimension == 0,
            f"head_dimension={self.head_dimension} does not divide the {units} units; take n_samples or width"
            ' a multiple of it, and draws="pseudo-random" if that is not a power of two.',
        )
        return self.head_dimension, self.head_dimension**-self.logit_exponent

    def _group(self, units: int) -> int:
        """The number of sites that make a head; 1 if there is only one head, whose sites are exchangeable."""
        return 1 if self.head_dimension == "infinite" else self._head(units)[0]

    def compose(self, realization: Realization, inputs: np.ndarray) -> Composition:
        stream, tokens = realization.sites("stream"), inputs.shape[1]
        embedding = realization.input("WE", stream, as_vectors(inputs))
        first = Input(embedding, positions=tokens, vectors=as_vectors)
        layers: list[Layer] = [first]
        probes: list[Probe] = [EmbeddingProbe(first)]
        for block in range(self.depth):
            heads = realization.sites(f"heads {block}", self._group(realization.sampling.n_samples))
            attention = self._attention(realization, stream, heads, tokens, block)
            layers.append(self._branch(attention))
            probes += [StreamProbe(layers[-1], block, stream, tokens), AttentionProbe(attention, block)]
            if self.mlp:
                matrix = realization.hidden(f"W{block + 1}", stream, stream)
                activation, dense = Elementwise(self.activation), Dense(matrix, positions=tokens)
                layers.append(self._branch(activation, dense))
                probes += [FeatureProbe(activation, block, tokens), BranchProbe(dense, block)]
        activation, pooling = Elementwise(self.activation), Pooling(np.arange(tokens)[None], tokens)
        readout = Readout(realization.readout("w", stream))
        probes += [
            StreamProbe(activation, self.depth, stream, tokens),
            FeatureProbe(activation, self.depth, tokens),
            FeatureKernelProbe(pooling, self.depth, stream, tokens),
            ReadoutShareProbe(readout),
        ]
        return Composition(Chain([*layers, activation, pooling, readout]), tuple(probes))

    def _branch(self, *layers: Layer) -> Residual:
        branch = Chain([Normalisation(), *layers] if self.normalise else list(layers))
        return Residual(branch, self.branch_scale / np.sqrt(self.depth))

    def _attention(
        self, realization: Realization, stream: Sites, heads: Sites, tokens: int, block: int
    ) -> Attention:
        query, key, value = (realization.hidden(f"W{letter}{block + 1}", heads, stream) for letter in "QKV")
        output = realization.hidden(f"WO{block + 1}", stream, heads)
        dimension, scale = self._head(heads.count)
        return Attention(
            query, key, value, output, tokens, dimension, scale, self.causal, self.query_key_rate
        )

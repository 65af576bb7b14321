"""Transformers."""

from dataclasses import dataclass

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import boolean, real, require, whole
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
from .network import Asked, Footprint, Network, checked_richness
from .windows import as_vectors


@checked_call
@dataclass(frozen=True)
class Transformer(Network):
    """Multi-head self-attention on a residual stream of M units, in the limit of many heads or of infinite
    head dimension.

    h^0_a = W^E x_a / sqrt(D); L blocks h' = h + (beta / sqrt(L)) W^O o / sqrt(M), o_a = sum_b softmax_b(kappa
    q_a . k_b) v_b per head,
    q, k, v = W^{Q,K,V} h / sqrt(M), and with mlp=True h = h' + (beta / sqrt(L)) W^m phi(h') / sqrt(M); f = w
    . mean_a phi(h^L_a) / (richness M); all entries N(0,1) at the start (Bordelon, Chaudhry & Pehlevan 2024,
    arXiv:2405.15712). Inputs are (example, token, feature), positional features among them. n_samples or
    width is M, so that there are M / head_dimension heads.

    Parameters
    ----------
    depth, activation, richness, branch_scale
        Blocks L; as of `ResidualMLP`; the activation is that of readout and MLP.
    head_dimension
        Coordinates n of a head. Heads are then random, with mean and variance of their attention in the
        result. "infinite": one head of all M units, with logits divided by n: attention becomes
        deterministic.
    logit_exponent
        kappa = head_dimension^-logit_exponent; 1 for infinite head dimension.
    causal
        Tokens see none behind them.
    mlp
        Whether blocks have a fully connected branch behind attention.
    normalise
        Layer normalisation, without parameters, before attention and before the MLP.
    query_key_rate
        Factor on the learning rates of W^Q and W^K.

    Raises
    ------
    InputError
        A number that cannot be.
    """

    depth: int
    activation: Activation | str | tuple = "tanh"
    richness: float = 1.0
    head_dimension: int | str = 4
    branch_scale: float = 1.0
    logit_exponent: float = 0.5
    causal: bool = False
    mlp: bool = False
    normalise: bool = False
    query_key_rate: float = 1.0
    input_dims = ("token", "feature")
    vector_dim = "token"
    residual = True

    def __post_init__(self):
        object.__setattr__(self, "depth", whole("depth", self.depth, 1))
        object.__setattr__(self, "richness", checked_richness(self.richness))
        object.__setattr__(self, "activation", as_activation(self.activation))
        if self.head_dimension != "infinite":
            object.__setattr__(self, "head_dimension", whole("head_dimension", self.head_dimension, 1))
        object.__setattr__(
            self, "branch_scale", real("branch_scale", self.branch_scale, "be finite", lambda v: True)
        )
        object.__setattr__(
            self, "logit_exponent", real("logit_exponent", self.logit_exponent, "be finite", lambda v: True)
        )
        object.__setattr__(
            self,
            "query_key_rate",
            real("query_key_rate", self.query_key_rate, "be 0 or more", lambda v: v >= 0),
        )
        for name in ("causal", "mlp", "normalise"):
            object.__setattr__(self, name, boolean(name, getattr(self, name)))

    def footprint(self, shape):
        tokens = shape[0]
        readers, output = (
            Asked(tokens, tokens, (4, 6), 3),
            Asked(tokens, tokens),
        )  # which share the basis of the stream
        block = (readers, output, *[Asked(tokens, tokens)] * self.mlp)
        return Footprint(self.depth + 1, shape[1], block * self.depth, tokens, 4 * self.depth * tokens, 1.4)

    def coordinates(self, layers: list[int]) -> dict[str, np.ndarray]:
        return {"relative_depth": np.array(layers) / self.depth}

    def _head(self, units: int) -> tuple[int, float]:
        """Coordinates of a head among so many units, and kappa."""
        if self.head_dimension == "infinite":
            return units, 1 / units
        require(
            units % self.head_dimension == 0,
            f"head_dimension={self.head_dimension} does not divide the {units} units; take n_samples or width"
            ' a multiple of it, and draws="pseudo-random" if that is no power of two.',
        )
        return self.head_dimension, self.head_dimension**-self.logit_exponent

    def _group(self, units: int) -> int:
        """Sites that are one head; all of them are exchangeable where they make the only one."""
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

    def _attention(self, realization: Realization, stream, heads, tokens: int, block: int) -> Attention:
        names = (f"W{letter}{block + 1}" for letter in "QKV")
        readers = [realization.hidden(name, heads, stream) for name in names]
        output = realization.hidden(f"WO{block + 1}", stream, heads)
        return Attention(*readers, output, tokens, *self._head(heads.count), self.causal, self.query_key_rate)

"""Multi-head self-attention: tokens of an example look at each other, head by head."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..matrices.matrix import Matrix
from .layer import Layer, Parameters
from .left_out import left_out


@dataclass(frozen=True)
class _Trace:
    x: np.ndarray  # handles of the stream
    o: np.ndarray  # handles of what heads give
    fed: tuple[np.ndarray, np.ndarray]  # both themselves
    q: np.ndarray  # (example, head, token, coordinate), as k and v
    k: np.ndarray
    v: np.ndarray
    sigma: np.ndarray  # (example, head, query, key)


@dataclass(frozen=True)
class _Back:
    answered: tuple[np.ndarray, ...]  # handles of the gradients of q, k, v and of what the layer gives
    below: tuple[np.ndarray, np.ndarray]  # what comes back to the stream and to what heads give


class Weight(NamedTuple):
    """One of the four matrices in a pass: the factor on its learning rate, and the handles of its gradient
    and of what it sees."""

    matrix: Matrix
    rate: float
    g: np.ndarray
    x: np.ndarray


class Attention(Layer[_Trace, _Back]):
    """y_a = W^O o_a / sqrt(M), o_a = sum_b sigma_ab v_b, sigma = softmax_b(kappa q_a . k_b), q, k, v =
    W^{Q,K,V} x / sqrt(M).

    Sites of the heads are (head, coordinate). With G = gamma0 M df/d. of everything:

        G^v_b = sum_a sigma_ab G^o_a,   s_ab = G^o_a . v_b,   d_ab = sigma_ab (s_ab - sum_c sigma_ac s_ac),
        G^q_a = kappa sum_b d_ab k_b,   G^k_b = kappa sum_a d_ab q_a.

    Parameters
    ----------
    query, key, value, output
        Matrices; the first three share the basis of what they are asked forward.
    tokens, dimension
        Tokens of an example, coordinates of a head.
    logit_scale
        kappa.
    causal
        Tokens see none that come after them.
    rate
        Factor on the learning rates of query and key.
    """

    def __init__(
        self,
        query: Matrix,
        key: Matrix,
        value: Matrix,
        output: Matrix,
        tokens: int,
        dimension: int,
        logit_scale: float,
        causal: bool,
        rate: float,
    ):
        self.readers, self.output = (query, key, value), output
        self.tokens, self.dimension, self.logit_scale = tokens, dimension, logit_scale
        self.rates = (rate, rate, 1.0)
        self.hidden = np.triu(np.full((tokens, tokens), -np.inf), 1) if causal else np.zeros((tokens, tokens))
        for other in (key, value):
            other.share(query, transposed=False)

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        """Those of queries, keys, values and of the output."""
        return (*self.readers, self.output)

    def initial(self) -> Parameters:
        return {matrix.name: matrix.initial() for matrix in self.matrices}

    def _heads(self, fields: np.ndarray) -> np.ndarray:
        """(example x token, head x coordinate) as (example, head, token, coordinate)."""
        return fields.reshape(-1, self.tokens, fields.shape[1] // self.dimension, self.dimension).transpose(
            0, 2, 1, 3
        )

    @staticmethod
    def _sites(heads: np.ndarray) -> np.ndarray:
        """The inverse of `_heads`."""
        examples, count, tokens, dimension = heads.shape
        return heads.transpose(0, 2, 1, 3).reshape(examples * tokens, count * dimension)

    def forward(self, parameters: Parameters, x: np.ndarray) -> tuple[np.ndarray, _Trace]:
        asked = self.readers[0].ask(x)
        q, k, v = (self._heads(matrix.answer(parameters[matrix.name], asked)) for matrix in self.readers)
        logits = self.logit_scale * (q @ k.swapaxes(-1, -2)) + self.hidden
        powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
        sigma = powers / powers.sum(axis=-1, keepdims=True)
        o = self._sites(sigma @ v)
        y, handle = self.output.apply(parameters[self.output.name], o)
        return y, _Trace(asked.handle, handle, (x, o), q, k, v, sigma)

    def backward(self, parameters: Parameters, trace: _Trace, z: np.ndarray) -> tuple[np.ndarray, _Back]:
        if len(z) > 1:
            raise RuntimeError("attention goes back for one column of fields at a time.")
        below, handle = self.output.apply_transpose(parameters[self.output.name], z[0])
        g_o = self._heads(below)
        m = len(g_o)  # of the examples, those that go back
        sigma, q, k, v = trace.sigma[:m], trace.q[:m], trace.k[:m], trace.v[:m]
        # kappa d: the softmax takes off what all keys of a query have in common.
        s = g_o @ v.swapaxes(-1, -2)
        d = self.logit_scale * sigma * (s - (sigma * s).sum(axis=-1, keepdims=True))
        # A query sums over the keys that it sees, d_ab k_b; keys and values over the queries that see them.
        gradients = (d @ k, d.swapaxes(-1, -2) @ q, sigma.swapaxes(-1, -2) @ g_o)
        total, handles = np.zeros(()), []
        for matrix, g in zip(self.readers, gradients):
            part, own = matrix.apply_transpose(parameters[matrix.name], self._sites(g))
            total = total + part
            handles.append(own)
        return total[None], _Back((*handles, handle), (total, below))

    def weights(self, trace: _Trace, back: _Back) -> list[Weight]:
        """Every matrix with what its gradient is made of; the readers see the same."""
        readers = zip(self.readers, self.rates, back.answered)
        found = [Weight(matrix, rate, g, trace.x) for matrix, rate, g in readers]
        return [*found, Weight(self.output, 1.0, back.answered[3], trace.o)]

    def left_out(self, parameters: Parameters, trace: _Trace, back: _Back) -> list[np.ndarray]:
        held = [
            answer
            for matrix, _, g, x in self.weights(trace, back)
            if (answer := matrix.held(parameters[matrix.name], g, x[: len(g)])) is not None
        ]
        if not held:
            return []
        q, k, v, out = held
        (stream, heads), (x, o) = back.below, trace.fed
        return [
            *left_out(q + k + v, stream[None], x, self.tokens),
            *left_out(out, heads[None], o, self.tokens),
        ]

    def gradients(self, trace: _Trace, back: _Back, weights: np.ndarray) -> Parameters:
        each = np.repeat(weights, self.tokens)
        return {
            matrix.name: matrix.outer(rate * each, g, x) for matrix, rate, g, x in self.weights(trace, back)
        }

    def refresh(self, parameters: Parameters, trace: _Trace, variance: float) -> None:
        for matrix in self.matrices:
            matrix.refresh(parameters[matrix.name].heat(variance))

    def sizes(self, parameters: Parameters) -> dict[str, float]:
        return {matrix.name: matrix.size(parameters[matrix.name]) for matrix in self.matrices}

"""Multi-head self-attention: tokens of an example look at each other, head by head."""

from dataclasses import dataclass

import numpy as np

from ..matrices.matrix import Matrix
from .layer import Layer, Observation
from .left_out import left_out


@dataclass
class _Trace:
    x: np.ndarray  # handles of the stream
    o: np.ndarray  # handles of what heads give
    fed: tuple[np.ndarray, np.ndarray]  # both themselves
    q: np.ndarray  # (example, head, token, coordinate), as k and v
    k: np.ndarray
    v: np.ndarray
    sigma: np.ndarray  # (example, head, query, key)
    answered: tuple[np.ndarray, ...] = ()  # handles of the gradients of q, k, v and of what the layer gives
    below: tuple[np.ndarray, ...] = ()  # what comes back to the stream and to what heads give


class Attention(Layer):
    """y_a = W^O o_a / sqrt(M), o_a = sum_b sigma_ab v_b, sigma = softmax_b(kappa q_a . k_b), q, k, v =
    W^{Q,K,V} x / sqrt(M).

    Sites of the heads are (head, coordinate). With G = gamma0 M df/d. of everything: G^v_b = sum_a sigma_ab
    G^o_a,
    d_ab = sigma_ab (s_ab - sum_c sigma_ac s_ac) with s_ab = G^o_a . v_b, G^q_a = kappa sum_b d_ab k_b, G^k_b
    = kappa sum_a d_ab q_a.

    Parameters
    ----------
    query, key, value, output
        Matrices; the first three share the basis of what they are asked forward.
    tokens, dimension
        Tokens of an example, coordinates of a head.
    logit_scale
        kappa.
    causal
        Tokens see none behind them.
    rate
        Factor on the learning rates of query and key.
    layer
        Number of the stream that it reads.
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
        layer: int,
    ):
        self.readers, self.output, self.tokens, self.dimension = (
            (query, key, value),
            output,
            tokens,
            dimension,
        )
        self.logit_scale, self.rates, self.layer = logit_scale, (rate, rate, 1.0), layer
        self.hidden = np.triu(np.full((tokens, tokens), -np.inf), 1) if causal else np.zeros((tokens, tokens))
        for other in (key, value):
            other.share(query, transposed=False)

    def initial(self):
        return {matrix.name: matrix.initial() for matrix in (*self.readers, self.output)}

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

    def forward(self, parameters, x):
        asked = self.readers[0].ask(x)
        q, k, v = (self._heads(matrix.answer(parameters[matrix.name], asked)) for matrix in self.readers)
        logits = self.logit_scale * (q @ k.swapaxes(-1, -2)) + self.hidden
        powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
        sigma = powers / powers.sum(axis=-1, keepdims=True)
        o = self._sites(sigma @ v)
        y, handle = self.output.apply(parameters[self.output.name], o)
        return y, _Trace(asked.handle, handle, (x, o), q, k, v, sigma)

    def backward(self, parameters, trace, z):
        if len(z) > 1:
            raise RuntimeError("attention goes back for one column of fields at a time.")
        below, handle = self.output.apply_transpose(parameters[self.output.name], z[0])
        g_o = self._heads(below)
        m = len(g_o)
        sigma, q, k, v = trace.sigma[:m], trace.q[:m], trace.k[:m], trace.v[:m]
        s = g_o @ v.swapaxes(-1, -2)
        d = self.logit_scale * sigma * (s - (sigma * s).sum(axis=-1, keepdims=True))
        total, handles = 0.0, []
        for matrix, g in zip(self.readers, (d @ k, d.swapaxes(-1, -2) @ q, sigma.swapaxes(-1, -2) @ g_o)):
            part, own = matrix.apply_transpose(parameters[matrix.name], self._sites(g))
            total = total + part
            handles.append(own)
        trace.answered, trace.below = (*handles, handle), (total, below)
        return total[None]

    def feedback(self, parameters, trace, z, signal):
        return self.backward(parameters, trace, z[None])[0]

    def _weights(self, trace):
        """(matrix, factor on its learning rate, handle of its gradient, handle of what it sees)."""
        readers = zip(self.readers, self.rates, trace.answered, (trace.x,) * 3)
        return [*readers, (self.output, 1.0, trace.answered[3], trace.o)]

    def left_out(self, parameters, trace):
        held = [
            matrix.held(parameters[matrix.name], g, x[: len(g)]) for matrix, _, g, x in self._weights(trace)
        ]
        if held[0] is None:
            return []
        (back, below), (x, o) = trace.below, trace.fed
        return [
            *left_out(sum(held[:3]), back[None], x, self.tokens),
            *left_out(held[3], below[None], o, self.tokens),
        ]

    def gradients(self, trace, weights):
        each = np.repeat(weights, self.tokens)
        return {matrix.name: matrix.outer(rate * each, g, x) for matrix, rate, g, x in self._weights(trace)}

    def refresh(self, parameters, trace, variance):
        for matrix in (*self.readers, self.output):
            matrix.refresh(parameters[matrix.name].heat(variance))

    def sizes(self, parameters):
        return {matrix.name: matrix.size(parameters[matrix.name]) for matrix in (*self.readers, self.output)}

    def observe(self, parameters, trace, view):
        sigma = trace.sigma[view.kept]
        seen = [
            Observation("attention_mean", self.layer, sigma.mean(axis=1)),
            Observation("attention_variance", self.layer, sigma.var(axis=1)),
            Observation("attention", self.layer, sigma.transpose(0, 2, 3, 1)[..., view.sites].copy()),
        ]
        if view.backward:
            for matrix, rate, g, x in self._weights(trace):
                feature = view.features(matrix.inner(x, x, matrix.into), self.tokens)
                gradient = view.kernel(matrix.inner(g, g, matrix.out), 1, self.tokens)
                seen.append(
                    Observation(
                        "tangent_kernel", None, rate * view.share(gradient, feature, self.tokens), matrix.name
                    )
                )
        for matrix in (*self.readers, self.output):
            if matrix.rank is not None:
                seen += [
                    Observation("rank_forward", self.layer, matrix.rank[0]),
                    Observation("rank_backward", self.layer + 1, matrix.rank[1]),
                ]
        return seen

"""Residual, convolutional, recurrent networks and transformers in plain numpy, differentiated by complex
steps.

Written without the library: weights are stored arrays, every forward pass is a function of them, positions
and taps are loops. All derivatives, by weights and by fields, come from one tiny imaginary number at a time.
"""

import itertools

import numpy as np

STEP = 1e-20


class Tape:
    """Keeps the fields that pass by under (name, layer), and adds a nudge (position, site) to one of them."""

    def __init__(self, nudged=None, nudge=0.0):
        self.seen, self._nudged, self._nudge = {}, nudged, nudge

    def __call__(self, name, layer, value):
        if (name, layer) == self._nudged:
            value = value + self._nudge
        self.seen[name, layer] = value
        return value


def residual(network, w, x, tape):
    """(example, feature) -> gamma0 N f."""
    h = x @ w["W0"].T / np.sqrt(x.shape[1])
    for layer in range(network.depth):
        h = tape("h", layer, h)
        phi = tape("phi", layer, np.tanh(h))
        h = h + network.branch_scale / np.sqrt(network.depth) * phi @ w[f"W{layer + 1}"].T / np.sqrt(
            phi.shape[1]
        )
    return tape("phi", network.depth, np.tanh(tape("h", network.depth, h))) @ w["w"][0]


def _seen_by_tap(field, shape, centre, offset, padding):
    """The field (example, position, site) at a point of the grid, zero outside."""
    at = [c + o for c, o in zip(centre, offset)]
    if padding == "circular":
        at = [a % size for a, size in zip(at, shape)]
    elif any(a < 0 or a >= size for a, size in zip(at, shape)):
        return np.zeros_like(field[:, 0])
    return field[:, int(np.ravel_multi_index(at, shape))]


def _convolve(field, shape, kernel, stride, padding, taps):
    """sum_b W_b field_{stride a + b} at every a; the shape of the output."""
    offsets = list(itertools.product(*[range(-((k - 1) // 2), -((k - 1) // 2) + k) for k in kernel]))
    out = tuple(int(np.ceil(size / stride)) for size in shape)
    points = []
    for centre in np.ndindex(out):
        centre = [stride * c for c in centre]
        points.append(
            sum(
                _seen_by_tap(field, shape, centre, offset, padding) @ tap.T
                for offset, tap in zip(offsets, taps)
            )
        )
    return np.stack(points, axis=1), out


def _pooled(field, shape, size):
    out = tuple(side // size for side in shape)
    points = []
    for corner in np.ndindex(out):
        inside = [
            [size * c + i for c, i in zip(corner, member)] for member in np.ndindex(*[size] * len(shape))
        ]
        points.append(np.mean([field[:, int(np.ravel_multi_index(at, shape))] for at in inside], axis=0))
    return np.stack(points, axis=1), out


def convolutional(network, w, x, tape):
    """(example, channel, row[, column]) -> gamma0 N f."""
    shape = x.shape[2:]
    kernel = network.kernel if len(network.kernel) > 1 else network.kernel * len(shape)
    count = int(np.prod(kernel))
    field = x.reshape(*x.shape[:2], -1).transpose(0, 2, 1)
    first = w["W0"].reshape(-1, x.shape[1], count).transpose(2, 0, 1)  # (tap, site, channel)
    h, shape = _convolve(field, shape, kernel, network.stride[0], network.padding, first)
    h = h / np.sqrt(x.shape[1] * count)
    for layer in range(1, network.depth):
        phi = np.tanh(tape("h", layer, h))
        if network.pooling[layer - 1] > 1:
            phi, shape = _pooled(phi, shape, network.pooling[layer - 1])
        phi = tape("phi", layer, phi)
        taps = [w[f"W{layer} tap {b}" if b else f"W{layer}"] for b in range(count)]
        h, shape = _convolve(phi, shape, kernel, network.stride[layer], network.padding, taps)
        h = h / np.sqrt(phi.shape[2] * count)
    phi = tape("phi", network.depth, np.tanh(tape("h", network.depth, h)))
    if network.readout == "average":
        return phi.mean(axis=1) @ w["w"][0]
    return np.einsum("mai,ai->m", phi, w["w"]) / np.sqrt(phi.shape[1])


def recurrent(network, w, x, tape):
    """(example, position, feature) -> gamma0 N f. Fields come one position after the other: their nudges are
    drawn first."""
    features, positions, n = x.shape[2], x.shape[1], len(w["W"])
    nudge = {name: tape(f"nudge {name}", 1, np.zeros((1, positions, n))) for name in ("h", "phi")}
    hs, phis = [], []
    for k in range(positions):
        h = x[:, k] @ w["U"].T / np.sqrt(features) + nudge["h"][:, k]
        if k:
            h = h + phis[-1] @ w["W"].T / np.sqrt(n)
        hs.append(h)
        phis.append(np.tanh(h) + nudge["phi"][:, k])
    tape("h", 1, np.stack(hs, axis=1))
    phi = tape("phi", 1, np.stack(phis, axis=1))
    return (phi.mean(axis=1) if network.readout == "average" else phi[:, -1]) @ w["w"][0]


def _normal(network, h):
    if not network.normalise:
        return h
    centred = h - h.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + 1e-6)


def transformer(network, w, x, tape):
    """(example, token, feature) -> gamma0 M f."""
    m, tokens = len(w["WE"]), x.shape[1]
    n = m if network.head_dimension == "infinite" else network.head_dimension
    kappa = 1 / m if network.head_dimension == "infinite" else n**-network.logit_exponent
    scale = network.branch_scale / np.sqrt(network.depth)
    h = x @ w["WE"].T / np.sqrt(x.shape[2])
    for block in range(network.depth):
        h = tape("h", block, h)
        q, k, v = (_normal(network, h) @ w[f"W{letter}{block + 1}"].T / np.sqrt(m) for letter in "QKV")
        o, looks = np.zeros_like(q), []
        for head in range(m // n):
            own = slice(head * n, (head + 1) * n)
            logits = kappa * np.einsum("mai,mbi->mab", q[..., own], k[..., own])
            powers = np.exp(logits)
            if network.causal:
                powers = powers * np.tri(tokens)
            looks.append(powers / powers.sum(axis=2, keepdims=True))
            o[..., own] = looks[-1] @ v[..., own]
        tape("attention", block, np.array(looks))
        h = h + scale * o @ w[f"WO{block + 1}"].T / np.sqrt(m)
        if network.mlp:
            phi = tape("phi", block, np.tanh(_normal(network, h)))
            h = h + scale * phi @ w[f"W{block + 1}"].T / np.sqrt(m)
    phi = tape("phi", network.depth, np.tanh(tape("h", network.depth, h)))
    return phi.mean(axis=1) @ w["w"][0]


FORWARD = {"ResidualMLP": residual, "CNN": convolutional, "RNN": recurrent, "Transformer": transformer}
ON_STREAM = ("ResidualMLP", "Transformer")


class Plain:
    """A network with stored weights {name: array}, trained by derivatives with respect to each of them."""

    def __init__(self, network, weights):
        self.network, self.forward = network, FORWARD[type(network).__name__]
        self.weights = {name: np.array(value, complex) for name, value in weights.items()}
        self.sites = self.weights["w"].shape[1]
        self.velocity = {name: np.zeros(value.shape) for name, value in self.weights.items()}

    def _rate(self, name):
        return getattr(self.network, "query_key_rate", 1.0) if name[:2] in ("WQ", "WK") else 1.0

    def by_weights(self, x):
        """d(gamma0 N f) / d(weight), {name: (example, ...)}."""
        found = {}
        for name, value in self.weights.items():
            columns = []
            for index in np.ndindex(value.shape):
                value[index] += 1j * STEP
                columns.append(self.forward(self.network, self.weights, x, Tape()).imag / STEP)
                value[index] = value[index].real
            found[name] = np.array(columns).T.reshape(len(x), *value.shape)
        return found

    def by_field(self, x, name, layer, like):
        """gamma0 N df / d(field), with the shape (example[, position], site) of `like`; examples do not see
        each other."""
        found = np.zeros(like.shape)
        key = (f"nudge {name}" if self.forward is recurrent else name, layer)
        for index in np.ndindex(like.shape[1:]):
            nudge = np.zeros(like.shape[1:], complex)
            nudge[index] = 1j * STEP
            found[(slice(None), *index)] = (
                self.forward(self.network, self.weights, x, Tape(key, nudge)).imag / STEP
            )
        return found

    def _kernel(self, field):
        """<a a'> of fields (example[, position], site)."""
        flat = field.reshape(-1, field.shape[-1])
        return (flat @ flat.T / self.sites).reshape(*field.shape[:-1], *field.shape[:-1])

    def observed(self, x):
        """Outputs, kernels and fields, {name: {layer: array}}; kernels (example[, position], example'[,
        position'])."""
        tape, network = Tape(), self.network
        y = self.forward(network, self.weights, x, tape).real
        fields = {key: value.real for key, value in tape.seen.items()}
        own = self.by_weights(x)
        flat = {name: g.reshape(len(x), -1) for name, g in own.items()}
        seen = {"output": {None: y / (network.richness * self.sites)}}
        seen["tangent_kernel"] = {
            None: sum(self._rate(name) * g @ g.T for name, g in flat.items()) / self.sites
        }
        for (name, layer), value in fields.items():
            if name == "h":
                gradient = self.by_field(x, name, layer, value)
                seen.setdefault("preactivation", {})[layer] = value
                seen.setdefault("gradient_kernel", {})[layer] = self._kernel(gradient)
                if type(network).__name__ in ON_STREAM:
                    seen.setdefault("preactivation_kernel", {})[layer] = self._kernel(value)
                    seen.setdefault("backward_field", {})[layer] = gradient
            elif name == "phi":
                seen.setdefault("feature_kernel", {})[layer] = self._kernel(value)
                if type(network).__name__ not in ON_STREAM:
                    seen.setdefault("backward_field", {})[layer] = self.by_field(x, name, layer, value)
            elif name == "attention":
                seen.setdefault("attention_mean", {})[layer] = value.mean(axis=0)
                seen.setdefault("attention_variance", {})[layer] = value.var(axis=0)
        return seen, own

    def train(self, x, y, steps, rate, momentum=0.0):
        """What is observed at every step; the first of `x` are training examples, as many as `y`; squared
        loss."""
        found, gamma = [], self.network.richness
        for _ in range(steps + 1):
            seen, own = self.observed(x)
            found.append(seen)
            delta = np.append((y - seen["output"][None][: len(y)]) / len(y), np.zeros(len(x) - len(y)))
            for name in self.weights:  # gamma0^2 N df = gamma0 d(gamma0 N f)
                step = self._rate(name) * gamma * np.tensordot(delta, own[name], 1)
                self.velocity[name] = momentum * self.velocity[name] + step
                self.weights[name] += rate * self.velocity[name]
        return found

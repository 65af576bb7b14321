"""A plain tanh network with any number of outputs, biases and ways to learn, example by example, written
without the library."""

import numpy as np


def slope(h):
    return 1 - np.tanh(h) ** 2


def gradient(h, weights, error, seed):
    """sum_c seed_c g_c of one example in every layer, (layer, site): back through the weights as they are."""
    g = [slope(h[-1]) * (seed @ weights[-1])]
    for w, below in zip(weights[-2:0:-1], h[-2::-1]):
        g.insert(0, slope(below) * (g[0] @ w) / np.sqrt(len(below)))
    return np.array(g)


def aligned(hidden, readout):
    """Feedback alignment: back through fixed [B1, ...] and b, or the readout as it is where that is None."""
    return lambda h, weights, error, seed: gradient(
        h, [None, *hidden, weights[-1] if readout is None else readout], error, seed
    )


def direct(rows):
    """Direct feedback alignment: fixed rows (output, site) of every layer."""
    return lambda h, weights, error, seed: np.array([slope(own) * (seed @ row) for own, row in zip(h, rows)])


def hebb(h, weights, error, seed):
    """Hebb's rule of one output, modulated by its error."""
    return seed * error * np.tanh(h)


class PlainRules:
    """Parameters [W0, ..., w (output, site), b0, ..., b_{L-1}, B] in mean-field parameterisation; all is
    recorded at every step.

    Without biases, None, these stay at zero.
    """

    def __init__(self, weights, biases, richness, output_bias=0.0, teach=gradient):
        self.depth, self.biased = len(weights) - 1, biases is not None
        biases = biases if self.biased else [np.zeros(len(w)) for w in weights[:-1]]
        self.parameters = [np.array(p) for p in (*weights, *biases, np.zeros(len(weights[-1])))]
        self.richness, self.output_bias, self.teach = richness, output_bias, teach

    def forward(self, parameters, x):
        """Preactivations (layer, example, site) and outputs (example, output)."""
        weights, biases = parameters[: self.depth + 1], parameters[self.depth + 1 : -1]
        n, h = len(weights[0]), [x @ weights[0].T / np.sqrt(x.shape[1]) + biases[0]]
        for w, b in zip(weights[1:-1], biases[1:]):
            h.append(np.tanh(h[-1]) @ w.T / np.sqrt(n) + b)
        return (
            np.array(h),
            np.tanh(h[-1]) @ weights[-1].T / (self.richness * n) + self.output_bias * parameters[-1],
        )

    def gradients(self, parameters, x, y, shares, errors):
        """The step of every parameter: sum over examples of their shares, errors, what the rule sends back,
        what comes in."""
        h, f = self.forward(parameters, x)
        steps = [np.zeros_like(p) for p in parameters]
        for share, own, out, given, target in zip(shares, h.transpose(1, 0, 2), f, x, y):
            error = errors(out[None], target[None])[0]
            taught = share * self.richness * self.teach(own, parameters[: self.depth + 1], error, error)
            below = [given / np.sqrt(len(given)), *np.tanh(own[:-1]) / np.sqrt(own.shape[1])]
            for layer in range(self.depth):
                steps[layer] += np.outer(taught[layer], below[layer])
                steps[self.depth + 1 + layer] += taught[layer]
            steps[self.depth] += share * self.richness * np.outer(error, np.tanh(own[-1]))
            steps[-1] += share * self.output_bias * error
        return steps

    def observed(self, x, y, errors, losses, rates):
        """All variables of one time, with an axis for outputs."""
        weights = self.parameters[: self.depth + 1]
        h, f = self.forward(self.parameters, x)
        n, outputs, phi, e = h.shape[2], f.shape[1], np.tanh(h), np.zeros_like(f)
        e[: len(y)] = errors(f[: len(y)], y)
        each = list(zip(h.transpose(1, 0, 2), e))
        g = np.array(
            [[gradient(own, weights, error, seed) for seed in np.eye(outputs)] for own, error in each]
        ).transpose(2, 0, 1, 3)
        taught = np.array(
            [[self.teach(own, weights, error, seed) for seed in np.eye(outputs)] for own, error in each]
        ).transpose(2, 0, 1, 3)
        z = [
            *(above @ w / np.sqrt(n) for above, w in zip(g[1:], weights[1:-1])),
            np.tile(weights[-1], (len(x), 1, 1)),
        ]
        feature = np.einsum("lmi,lni->lmn", phi, phi) / n
        kernels = [
            np.einsum("lmci,lndi->lmcnd", a, b) / n for a, b in ((g, g), (g, taught), (taught, taught))
        ]
        below = np.concatenate([[x @ x.T / x.shape[1]], feature[:-1]]) * rates[: self.depth, None, None]
        below += rates[self.depth + 1 : -1, None, None]
        # Gradients of the rule act through their overlap with the true ones; several outputs have the kernel
        # of the true ones.
        tangent = np.einsum("lmcnd,lmn->mcnd", kernels[1 if outputs == 1 else 0], below)
        tangent += np.einsum(
            "mn,cd->mcnd", rates[self.depth] * feature[-1] + self.output_bias**2, np.eye(outputs)
        )
        return {
            "output": f,
            "loss": losses(f[: len(y)], y).sum(axis=1).mean(),
            "preactivation": h,
            "backward_field": np.array(z),
            "feature_kernel": feature,
            "error_signal": e,
            "gradient_kernel": kernels[0],
            "tangent_kernel": tangent,
            "gradient_pseudogradient_kernel": kernels[1],
            "pseudogradient_kernel": kernels[2],
        }

    def train(self, x, y, training, errors, losses):
        """Record of all steps; `x` holds training examples first, as many as `y` (example, output)."""
        ones = [1.0] * self.depth
        rates = np.array(
            [
                *(training.multipliers or [1.0, *ones]),
                *(training.bias_multipliers or np.multiply(self.biased, ones)),
                1.0,
            ]
        )
        velocities, rows = [np.zeros_like(p) for p in self.parameters], []
        for t in range(training.steps + 1):
            shares = np.full(len(y), 1 / len(y))
            if training.batches and t < training.steps:
                shares = np.bincount(training.batches[t], minlength=len(y)) / len(training.batches[t])
            rows.append(self.observed(x, y, errors, losses, rates))
            rows[-1]["error_signal"][: len(y)] *= shares[:, None]
            eta, beta = training.learning_rate, training.momentum
            at = [p + training.nesterov * eta * beta * v for p, v in zip(self.parameters, velocities)]
            found = self.gradients(at, x[: len(y)], y, shares, errors)
            velocities = [beta * v + rate * gradient for v, rate, gradient in zip(velocities, rates, found)]
            self.parameters = [
                (1 - eta * training.weight_decay) * p + eta * v for p, v in zip(self.parameters, velocities)
            ]
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

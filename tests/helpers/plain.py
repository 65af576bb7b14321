"""A dense multilayer perceptron with tanh, trained and observed by plain numpy, written without the
library."""

import numpy as np


class Plain:
    """Weights [W0, ..., W_{L-1}, w] in mean-field parameterisation; everything is recorded at every step."""

    def __init__(self, weights, richness):
        self.weights, self.richness = [np.array(w) for w in weights], richness
        self.velocity = [np.zeros_like(w) for w in self.weights]

    def fields(self, x):
        """h and z of every layer, (layer, example, site)."""
        n, d = len(self.weights[0]), x.shape[1]
        h = [x @ self.weights[0].T / np.sqrt(d)]
        for w in self.weights[1:-1]:
            h.append(np.tanh(h[-1]) @ w.T / np.sqrt(n))
        z = [np.tile(self.weights[-1], (len(x), 1))]
        for w, below in zip(self.weights[-2:0:-1], h[:0:-1]):
            z.insert(0, (z[0] * (1 - np.tanh(below) ** 2)) @ w / np.sqrt(n))
        return np.array(h), np.array(z)

    def gradients(self, x, h, z, delta):
        """richness^2 N sum_nu delta_nu d f_nu / d weight, for each weight."""
        n, d = len(self.weights[0]), x.shape[1]
        g, below = z * (1 - np.tanh(h) ** 2), [x / np.sqrt(d), *np.tanh(h[:-1]) / np.sqrt(n)]
        hidden = [self.richness * (delta[:, None] * gl).T @ b for gl, b in zip(g, below)]
        return [*hidden, self.richness * delta @ np.tanh(h[-1])]

    def train(self, x, y, training, error_signal, loss):
        """Record of all steps; `x` holds training examples first, as many as `y`."""
        n, rows = len(self.weights[0]), []
        for t in range(training.steps + 1):
            h, z = self.fields(x)
            phi, g = np.tanh(h), z * (1 - np.tanh(h) ** 2)
            f = phi[-1] @ self.weights[-1] / (self.richness * n)
            share = np.ones(len(y)) / len(y)
            if training.batches and t < training.steps:
                share = np.bincount(training.batches[t], minlength=len(y)) / max(len(training.batches[t]), 1)
            delta = np.zeros(len(x))
            delta[: len(y)] = error_signal(f[: len(y)], y) * share
            feature, gradient = np.einsum("lmi,lni->lmn", phi, phi) / n, np.einsum("lmi,lni->lmn", g, g) / n
            below, above = (
                np.concatenate([[x @ x.T / x.shape[1]], feature]),
                np.concatenate([gradient, np.ones_like(gradient[:1])]),
            )
            rates = training.multipliers or np.ones(len(self.weights))
            rows.append(
                {
                    "output": f,
                    "error_signal": delta,
                    "loss": loss(f[: len(y)], y).mean(),
                    "feature_kernel": feature,
                    "gradient_kernel": gradient,
                    "tangent_kernel": np.einsum("l,lmn->mn", rates, below * above),
                    "preactivation": h,
                    "backward_field": z,
                }
            )
            eta = training.learning_rate * (
                training.schedule[t] if training.schedule and t < training.steps else 1.0
            )
            if training.nesterov:
                kept = [w.copy() for w in self.weights]
                self.weights = [w + eta * training.momentum * v for w, v in zip(self.weights, self.velocity)]
                h, z = self.fields(x)
                f = np.tanh(h[-1]) @ self.weights[-1] / (self.richness * n)
                delta = np.append(error_signal(f[: len(y)], y) * share, np.zeros(len(x) - len(y)))
            gradients = self.gradients(x, h, z, delta)
            if training.nesterov:
                self.weights = kept
            for i, gradient in enumerate(gradients):
                rate = training.multipliers[i] if training.multipliers else 1.0
                self.velocity[i] = training.momentum * self.velocity[i] + rate * gradient
                self.weights[i] = (1 - eta * training.weight_decay) * self.weights[i] + eta * self.velocity[i]
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

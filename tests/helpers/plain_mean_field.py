"""A multilayer mean-field network over stored pair matrices, trained by plain numpy, written without the
library."""

import numpy as np


class PlainMeanField:
    """Weights [W0, W1, ..., w] and biases [b0, ...] (None for none) of a tanh network with averages over
    1/N."""

    def __init__(self, weights, biases):
        self.weights, self.biases = (
            [np.array(w) for w in weights],
            [None if b is None else np.array(b) for b in biases],
        )

    def forward(self, x):
        """H of every layer, (example, site), and outputs."""
        h, below = [], x
        for layer, (w, b) in enumerate(zip(self.weights[:-1], self.biases)):
            h.append(below @ w.T / (1 if layer == 0 else w.shape[1]) + (0 if b is None else b))
            below = np.tanh(h[-1])
        return h, below @ self.weights[-1] / len(self.weights[-1])

    def gradients(self, x, y):
        """Of the mean of (f - y)^2 / 2, times the number of averages that each weight is inside of."""
        h, f = self.forward(x)
        delta = (f - y)[:, None] / len(y) * self.weights[-1] * (1 - np.tanh(h[-1]) ** 2)
        weights, biases = [(f - y) / len(y) @ np.tanh(h[-1])], []
        for layer in range(len(h) - 1, -1, -1):
            below = x if layer == 0 else np.tanh(h[layer - 1])
            weights.insert(0, delta.T @ below)
            biases.insert(0, delta.sum(axis=0))
            if layer:
                delta = (
                    delta @ self.weights[layer] / len(self.weights[layer]) * (1 - np.tanh(h[layer - 1]) ** 2)
                )
        return weights, biases

    def train(self, x, y, steps, rate, momentum=0.0, decay=0.0, shown=None):
        """Outputs of `shown` at steps 0 ... steps."""
        outputs, velocity = [], None
        for _ in range(steps + 1):
            outputs.append(self.forward(x if shown is None else shown)[1])
            gradient = [g for group in self.gradients(x, y) for g in group]
            velocity = (
                gradient if velocity is None else [momentum * v + g for v, g in zip(velocity, gradient)]
            )
            parameters = [*self.weights, *self.biases]
            for parameter, v in zip(parameters, velocity):
                if parameter is not None:
                    parameter *= 1 - rate * decay
                    parameter -= rate * v
        return np.array(outputs)

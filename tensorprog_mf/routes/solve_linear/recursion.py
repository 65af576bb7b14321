"""The recursion of linear networks in discrete steps, row by row in time."""

import numpy as np

from ...ground.divergence import LossWatch, allowed, check_size
from ...networks import MLP
from ...problems.problem import Problem
from ...results.dataset import Arrays
from ...training.training import Training


class LinearRecursion:
    """State of the recursion, filled row by row in time. Layer index 0 is the input, depth + 1 the output.

    Features have rows (time, example), gradients (time x output), time slower; the same of the past (s n) and
    (r): alpha[l][t, m, s, n], beta[l][t, m, r], kappa[l][tc, r], lam[l][tc, s, n], H[l][t, m, s, n], G[l][tc,
    r].
    """

    def __init__(self, network: MLP, problem: Problem, training: Training):
        inputs = problem.all_inputs
        times, examples, depth = training.last + 1, len(inputs), network.depth
        self.problem, self.depth, self.richness = problem, depth, network.richness
        self.outputs = columns = problem.outputs or 1
        self.shares = [training.example_weights(t, problem.n_train) for t in range(times)]
        self.growth = LossWatch(allowed(network.richness))
        self.weight, self.kept = training.descent.gradient_weights()
        self.rates = list(training.rates(network.roles).values())
        self.alpha, self.H = (np.zeros((depth + 1, times, examples, times, examples)) for _ in range(2))
        self.beta = np.zeros((depth + 1, times, examples, times * columns))
        self.kappa, self.G = (np.zeros((depth + 2, times * columns, times * columns)) for _ in range(2))
        self.lam = np.zeros((depth + 2, times * columns, times, examples))
        self.H[0] = (inputs @ inputs.T / inputs.shape[1])[None, :, None, :]
        self.G[depth + 1] = np.tile(np.eye(columns), (times, times))
        shape = (times, examples, columns) if problem.outputs else (times, examples)
        self.output, self.delta = np.full(shape, np.nan), np.zeros((times, examples, columns))

    def _columns(self, first: int, last: int) -> slice:
        """Rows of gradients at times first ... last - 1."""
        return slice(first * self.outputs, last * self.outputs)

    def advance(self, t: int) -> None:
        """Row t of everything, from the rows before; `RunAway` if outputs or kernels have run away."""
        for layer in range(1, self.depth + 1):
            self._forward(layer, t)
        self._backward(self.depth, t)  # needs no error signal of this step
        self._output(t)
        for layer in range(self.depth, 0, -1):
            if layer < self.depth:
                self._backward(layer, t)
            self._gradient_kernel(layer, t)
        self.growth.look(self.output[t], self.problem.mean_loss)
        for name, kernel in (
            ("feature", self.H[1:, t, :, t]),
            ("gradient", self.G[1:-1, self._columns(t, t + 1)]),
        ):
            check_size(f"the {name} kernel", kernel)

    def _forward(self, layer: int, t: int) -> None:
        past, columns, examples = slice(0, t), self._columns(0, t), self.alpha.shape[2]
        pull = self.rates[layer - 1] * self.weight[t, past, None, None] * self.delta[past] * self.richness
        learned = np.einsum("snc,msn->msc", pull, self.H[layer - 1][t][:, past]).reshape(examples, -1)
        C = self.kept[t] * self.beta[layer - 1][t, :, columns] + learned
        self.alpha[layer][t] = np.tensordot(C, self.lam[layer][columns], axes=1)
        each = np.arange(examples)
        self.alpha[layer][t, each, t, each] += self.kept[t]
        self.beta[layer][t] = C @ self.kappa[layer][columns]
        now = slice(0, t + 1)
        driven = np.tensordot(self.alpha[layer][t][:, now], self.H[layer - 1][now, :, now], axes=2)
        row = np.tensordot(driven, self.alpha[layer][now][..., now, :], axes=([1, 2], [2, 3]))
        row += np.tensordot(self.beta[layer][t] @ self.G[layer + 1], self.beta[layer][now], axes=([1], [2]))
        self.H[layer][t][:, now] = row
        self.H[layer][now, :, t] = row.transpose(1, 2, 0)

    def _backward(self, layer: int, t: int) -> None:
        now, own = slice(0, t + 1), self._columns(t, t + 1)
        above = self.G[layer + 1][own, self._columns(0, t + 1)].reshape(self.outputs, t + 1, self.outputs)
        pull = (
            np.einsum("s,asc,snc->asn", self.rates[layer] * self.weight[t, now], above, self.delta[now])
            * self.richness
        )
        D = self.kept[t] * self.lam[layer + 1][own, now] + pull
        self.kappa[layer][own] = np.tensordot(D, self.beta[layer][now], axes=2)
        self.kappa[layer][own, own] += self.kept[t] * np.eye(self.outputs)
        self.lam[layer][own] = np.tensordot(D, self.alpha[layer][now], axes=2)

    def _gradient_kernel(self, layer: int, t: int) -> None:
        own, columns = self._columns(t, t + 1), self._columns(0, t + 1)
        row = (self.kappa[layer][own] @ self.G[layer + 1]) @ self.kappa[layer][columns].T
        row += np.tensordot(
            np.tensordot(self.lam[layer][own], self.H[layer - 1], axes=2),
            self.lam[layer][columns],
            axes=([1, 2], [1, 2]),
        )
        self.G[layer][own, columns], self.G[layer][columns, own] = row, row.T

    def _output(self, t: int) -> None:
        top, own = self.depth, self._columns(t, t + 1)
        driven = np.tensordot(self.lam[top][own], self.H[top - 1], axes=2)
        f = (
            np.tensordot(self.alpha[top][t], driven, axes=([1, 2], [1, 2]))
            + self.beta[top][t] @ (self.kappa[top][own] @ self.G[top + 1]).T
        )
        self.output[t] = f.reshape(self.output[t].shape) / self.richness
        self.delta[t] = self.problem.error_signal(self.output[t], self.shares[t]).reshape(self.delta[t].shape)

    def record(self, steps: np.ndarray) -> dict[str, np.ndarray]:
        """The variables of a result at these steps."""
        examples = self.H.shape[2]
        feature = np.stack([self.H[1:, t, :, t] for t in steps])
        tall = np.stack(
            [self.G[1:-1, self._columns(t, t + 1), self._columns(t, t + 1)] for t in steps]
        )  # (time, layer, output, output_prime)
        gradient = np.broadcast_to(
            tall[:, :, None, :, None, :], (*tall.shape[:2], examples, self.outputs, examples, self.outputs)
        )
        below = np.concatenate([np.stack([self.H[:1, t, :, t] for t in steps]), feature], axis=1)
        top = np.broadcast_to(
            np.eye(self.outputs)[None, None, None, :, None, :], (len(steps), 1, *gradient.shape[2:])
        )
        tangent = np.einsum(
            "l,tlmcnd,tlmn->tmcnd", self.rates, np.concatenate([gradient, top], axis=1), below
        )
        if not self.problem.outputs:
            gradient, tangent = gradient[:, :, :, 0, :, 0], tangent[:, :, 0, :, 0]
        return {
            **self.problem.series(self.output[steps], [self.shares[t] for t in steps]),
            "feature_kernel": feature,
            "gradient_kernel": gradient,
            "tangent_kernel": tangent,
        }

    def two_time(self, steps: np.ndarray) -> Arrays:
        """Kernels between any two recorded steps."""
        examples = self.H.shape[2]
        feature = self.H[1:][:, steps][:, :, :, steps].transpose(1, 3, 0, 2, 4)
        gradient = self.G[1:-1][:, steps][:, :, steps].transpose(1, 2, 0)[..., None, None]
        dims = ("time", "time_prime", "layer", "example", "example_prime")
        gradient = np.broadcast_to(gradient, (*gradient.shape[:3], examples, examples))
        return {"feature_kernel_two_time": (dims, feature), "gradient_kernel_two_time": (dims, gradient)}

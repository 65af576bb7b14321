"""One round of the alternating procedure: from guessed kernels, responses and outputs to fields, and back.

Phi, G: kernels of features and gradients between all times and examples; A, B: responses; Delta: error
signal; u, r: Gaussian fields, made of innovations xi, zeta. A slot is a (time, example), time first.
"""

from dataclasses import dataclass

import numpy as np

from ...ground.errors import require
from ...matrices.readout import centred
from ...networks import MLP
from ...problems.problem import Problem
from ...sites.draws import Draws
from ...sites.sites import Sites
from ...training.training import Training
from .causal import causal_factor, regress, undo_factor

_Both = tuple[np.ndarray, np.ndarray]  # forward and backward
_Drivers = tuple[
    np.ndarray, np.ndarray, np.ndarray
]  # causal factor, slots that added directions, innovations

LARGEST = 1e12  # of an entry of a kernel, relative to its start: beyond it the iteration has run away


@dataclass
class Guess:
    """All that a round starts from: lists over layers of arrays (slot, slot)."""

    feature: list[np.ndarray]  # Phi^l, l = 0 ... depth
    gradient: list[np.ndarray]  # G^l, l = 1 ... depth + 1, after an unused first entry
    forward_response: list[np.ndarray]  # A^l, l = 0 ... depth - 1, A^0 = 0
    backward_response: list[np.ndarray]  # B^l, l = 2 ... depth + 1, after two unused entries, B^{depth+1} = 0

    def mixed(self, other: "Guess", weight: float) -> "Guess":
        """(1 - weight) self + weight other."""

        def mix(a: list[np.ndarray], b: list[np.ndarray]) -> list[np.ndarray]:
            return [(1 - weight) * x + weight * y for x, y in zip(a, b)]

        return Guess(**{name: mix(mine, getattr(other, name)) for name, mine in vars(self).items()})

    def distance(self, other: "Guess") -> float:
        """Largest change of a kernel, in Frobenius norm relative to that of `other`."""
        pairs = [*zip(self.feature[1:], other.feature[1:]), *zip(self.gradient[1:-1], other.gradient[1:-1])]
        return max(float(np.linalg.norm(a - b)) / max(float(np.linalg.norm(b)), 1e-300) for a, b in pairs)


@dataclass
class Solution:
    """Fields solved given a guess: outputs (time, example), and at a few sites the parts (slot, site) of each
    layer's fields."""

    output: np.ndarray
    preactivation: list[tuple[np.ndarray, np.ndarray, np.ndarray]]
    backward_field: list[tuple[np.ndarray, np.ndarray, np.ndarray]]


class Alternation:
    """The map from a guess to what its fields say, with frozen innovations.

    Parameters
    ----------
    populations
        Sites of the layers, and their draws.
    tolerance
        Relative size of the remainder of a field below which it is a combination of earlier ones.
    is_centred
        Readout orthogonal to the initial features, as in `sample`.
    """

    def __init__(
        self,
        network: MLP,
        problem: Problem,
        training: Training,
        populations: list[tuple[Sites, Draws]],
        tolerance: float,
        is_centred: bool,
    ):
        self.activation, self.richness, self.problem, self.populations = (
            network.activation,
            network.richness,
            problem,
            [sites for sites, _ in populations],
        )
        self._draws = [draws for _, draws in populations]
        self.tolerance, self.is_centred, self.depth = tolerance, is_centred, network.depth
        self.examples, self.times = len(problem.all_inputs), training.last + 1
        weight, kept = training.descent.gradient_weights()
        self.shares = [training.example_weights(t, problem.n_train) for t in range(self.times)]
        self.kept = np.repeat(kept, self.examples)[:, None]
        self.weight = network.richness * np.repeat(
            np.repeat(weight, self.examples, axis=0), self.examples, axis=1
        )
        self.rates = list(training.rates(network.roles).values())
        self._innovations: dict[tuple, np.ndarray] = {}
        self._scales = 1.0, 1.0  # of features and gradients

    def first(self, feature: np.ndarray, gradient: np.ndarray) -> Guess:
        """The guess that nothing moves: initial kernels (layer, example, example_prime) at all times, no
        responses."""

        def always(kernel: np.ndarray) -> np.ndarray:
            return np.tile(kernel, (self.times, self.times))

        self._scales = max(np.abs(feature).max(), 1.0), max(np.abs(gradient).max(), 1.0)
        inputs, none = self.problem.all_inputs, np.zeros((self.times * self.examples,) * 2)
        return Guess(
            [always(inputs @ inputs.T / inputs.shape[1]), *map(always, feature)],
            [none[:0], *map(always, gradient), np.ones_like(none)],
            [none] * self.depth,
            [none[:0]] * 2 + [none] * self.depth,
        )

    def round(self, guess: Guess, chosen: slice = slice(0)) -> tuple[Guess, Solution]:
        """New kernels and responses, and the fields they are estimated from.

        The last layer goes first: it makes the outputs, and with them the error signal that all layers learn
        from.

        Raises
        ------
        FloatingPointError
            Kernels that are not finite or beyond `LARGEST` times what they were at the start.
        """
        found = Guess(*(list(kernels) for kernels in vars(guess).values()))
        solution = Solution(np.full((self.times, self.examples), np.nan), [], [])
        delta = np.zeros(self.times * self.examples)
        for layer in range(self.depth, 0, -1):
            self._layer(layer, guess, delta, found, solution, chosen)
        return found, solution

    def _layer(
        self, layer: int, guess: Guess, delta: np.ndarray, found: Guess, solution: Solution, chosen: slice
    ) -> None:
        """Fields of one layer at all times; its new kernels and responses are put into `found`."""
        sites, below, above = self.populations[layer - 1], guess.feature[layer - 1], guess.gradient[layer + 1]
        (u_factor, u_slots), (r_factor, r_slots) = (
            causal_factor(kernel, self.tolerance) for kernel in (below, above)
        )
        xi, zeta = self._drawn(layer, "u", u_slots), self._drawn(layer, "r", r_slots)
        h = sites.combine(self.kept * u_factor, xi)
        if layer == self.depth and self.is_centred:
            zeta, _ = centred(zeta, self.activation(h[: self.examples])[0], sites)
        z = sites.combine(self.kept * r_factor, zeta)
        gaussian = h[:, chosen].copy(), z[:, chosen].copy()
        answer = self.kept * guess.forward_response[layer - 1], self.kept * guess.backward_response[layer + 1]
        learn = self.rates[layer - 1] * self.weight * below, self.rates[layer] * self.weight * above
        x, g = self._march(
            sites, h, z, answer, learn, delta, solution.output if layer == self.depth else None
        )
        found.feature[layer], found.gradient[layer] = sites.mean(x, x), sites.mean(g, g)
        sizes = [
            np.abs(kernels[layer]).max() / scale
            for kernels, scale in zip((found.feature, found.gradient), self._scales)
        ]
        if not max(sizes) < LARGEST or np.isnan(sizes).any():
            raise FloatingPointError(f"the kernels of layer {layer} ran away")
        self._respond(layer, sites, x, g, (u_factor, u_slots, xi), (r_factor, r_slots, zeta), found)
        for fields, first, other, own in (
            (solution.preactivation, gaussian[0], g, 0),
            (solution.backward_field, gaussian[1], x, 1),
        ):
            fields.insert(
                0, (first, answer[own] @ other[:, chosen], learn[own] @ (delta[:, None] * other[:, chosen]))
            )

    def _drawn(self, layer: int, role: str, slots: np.ndarray) -> np.ndarray:
        """Innovations (direction, site) of the slots: the same ones in every round."""
        for slot in slots.tolist():
            if (layer, role, slot) not in self._innovations:
                self._innovations[layer, role, slot] = self._draws[layer - 1].take((role, 0, slot))
        rows = [self._innovations[layer, role, slot] for slot in slots.tolist()]
        return np.array(rows).reshape(len(rows), self.populations[layer - 1].count)

    def _march(
        self,
        sites: Sites,
        h: np.ndarray,
        z: np.ndarray,
        answer: _Both,
        learn: _Both,
        delta: np.ndarray,
        output: np.ndarray | None,
    ) -> _Both:
        """phi(h) and g = phi'(h) z, (slot, site): h and z, given as their Gaussian parts, are completed time
        by time.

        `answer` and `learn` are coefficients (slot, slot) of the responses and of what was learned, forward
        and backward. In the last layer `output` and the error signal `delta` are filled as time goes on; in
        the others the error signal is known.
        """
        x, g = np.empty_like(h), np.empty_like(h)
        for t in range(self.times):
            now, past = slice(t * self.examples, (t + 1) * self.examples), slice(0, t * self.examples)
            sites.combine(answer[0][now, past] + learn[0][now, past] * delta[past], g[past], h[now])
            x[now], slope = self.activation(h[now])
            # Nothing is learned at equal times: learn[1] is zero there, and delta not yet known.
            until = slice(0, now.stop)
            sites.combine(answer[1][now, until] + learn[1][now, until] * delta[until], x[until], z[now])
            g[now] = slope * z[now]
            if output is not None:
                output[t] = np.diag(sites.mean(z[now], x[now])) / self.richness
                delta[now] = self.problem.error_signal(output[t], self.shares[t])
        return x, g

    def _respond(
        self,
        layer: int,
        sites: Sites,
        x: np.ndarray,
        g: np.ndarray,
        forward: _Drivers,
        backward: _Drivers,
        found: Guess,
    ) -> None:
        """A^l = E[d phi(h) / d r] and B^l = E[d g / d u] by regression on the innovations known at each
        time."""
        if self.depth == 1:
            return
        (u_factor, u_slots, xi), (r_factor, r_slots, zeta) = forward, backward
        known = np.concatenate([2 * (u_slots // self.examples), 2 * (r_slots // self.examples) + 1])
        require(
            len(known) <= sites.count / 2,
            f"alternate: the fields of layer {layer} span {len(known)} directions, more than half of"
            f" n_samples = {sites.count}; take more samples, a larger tolerance or fewer steps, or"
            " tp.sample.",
        )
        order = np.argsort(known, kind="stable")
        drivers, known = np.vstack([xi, zeta])[order], known[order]
        place = np.argsort(order)
        gram, time = sites.mean(drivers, drivers), 2 * np.repeat(np.arange(self.times), self.examples)
        if layer < self.depth:
            slopes = regress(sites.mean(x, drivers), gram, np.searchsorted(known, time, side="right"))
            found.forward_response[layer] = undo_factor(slopes[:, place[len(u_slots) :]], r_factor, r_slots)
        if layer > 1:
            slopes = regress(sites.mean(g, drivers), gram, np.searchsorted(known, time + 1, side="right"))
            found.backward_response[layer] = undo_factor(slopes[:, place[: len(u_slots)]], u_factor, u_slots)

"""Averages over all sites that a record keeps beside kernels: moments, densities, kernels and responses
between times.

Probes read fields at all sites, (vector[, output], site), at every recorded time; what grows with sites is
forgotten at once, but for what is between times: their directions, in a basis of its own, or, for responses,
the fields themselves.
"""

from typing import Protocol

import numpy as np

from ..matrices.basis import Basis
from ..sites.sites import Sites

MOMENTS = 4
FIELDS = ("preactivation", "backward_field", "feature", "gradient", "input_weight")
_TWO_TIME = {"feature": "feature_kernel_two_time", "gradient": "gradient_kernel_two_time"}
_RESPONDING = ("feature", "gradient", "preactivation_gaussian_part", "backward_field_gaussian_part")
_TOLERANCE = 1e-4  # of directions, as of the matrices' own
# of eigenvalues of the covariance of Gaussian fields, relative, below which a response is not resolved
_CUTOFF = 1e-6


class Wished(Protocol):
    """What a `Record` says of averages over all sites."""

    @property
    def moments(self) -> tuple[str, ...]: ...

    @property
    def densities(self) -> tuple[str, ...]: ...

    @property
    def edges(self) -> tuple[float, ...]: ...

    @property
    def two_time(self) -> bool: ...

    @property
    def responses(self) -> bool: ...


class Reductions:
    """Gathers one replicate's averages, for a `Record`; kernels between times leave out directions below a
    `tolerance`."""

    def __init__(self, record: Wished, tolerance: float = _TOLERANCE):
        self.record, self._tolerance = record, tolerance
        self._bases: dict[tuple[str, int], Basis] = {}
        self._handles: dict[tuple[str, int], list[np.ndarray]] = {}
        self._fields: dict[tuple[str, int], list[np.ndarray]] = {}

    def add(self, name: str, layer: int, field: np.ndarray) -> dict[str, np.ndarray]:
        """Take a field of a layer at the next recorded time; its moments and density there."""
        if self.record.two_time and name in _TWO_TIME and field.ndim == 2:
            self._keep_directions(name, layer, field)
        if self.record.responses and field.ndim == 2:
            self.keep(name, layer, field)
        return self.averages(name, field)

    def averages(self, name: str, field: np.ndarray) -> dict[str, np.ndarray]:
        """Moments and density of a field, as far as they are wanted."""
        found = {}
        if name in self.record.moments:
            powers, total = field, []
            for _ in range(MOMENTS):
                total.append(powers.mean(axis=-1))
                powers = powers * field
            found[f"{name}_moment"] = np.stack(total, axis=-1)
        if name in self.record.densities:
            found[f"{name}_density"] = _density(field, np.array(self.record.edges))
        return found

    def keep(self, name: str, layer: int, field: np.ndarray) -> None:
        """Keep a field for the responses."""
        self._fields.setdefault((name, layer), []).append(field.copy())

    def check_responses(self, labels: list[int]) -> None:
        """Refuse layers of which what responses are made of is not read, at the first time that is recorded.

        Raises
        ------
        RuntimeError
            A network of one's own whose probes do not read all of it.
        """
        for layer in labels:
            missing = [name.replace("_", " ") for name in _RESPONDING if (name, layer) not in self._fields]
            if missing:
                raise RuntimeError(
                    f"responses need the {' and the '.join(missing)} of layer {layer}, which no probe of the"
                    " network reads; leave responses out of tp.Record, or give the network probes that do."
                )

    def _keep_directions(self, name: str, layer: int, field: np.ndarray) -> None:
        key = (name, layer)
        if key not in self._bases:
            self._bases[key] = Basis(Sites(name, field.shape[-1]), self._tolerance)
        self._handles.setdefault(key, []).append(self._bases[key].absorb(field)[0])

    def between_times(self, labels: list[int]) -> dict[str, np.ndarray]:
        """Kernels (time, time_prime, layer, example, example_prime) and responses, once all times are in."""
        found = {}
        for name, result in _TWO_TIME.items():
            if (name, labels[0]) in self._handles:
                found[result] = np.stack([_gram(self._handles[name, layer]) for layer in labels], axis=2)
        if self._fields:
            pairs = [self._responses(layer) for layer in labels]
            found["forward_response"] = np.stack([forward for forward, _ in pairs], axis=2)
            found["backward_response"] = np.stack([backward for _, backward in pairs], axis=2)
        return found

    def _responses(self, layer: int) -> tuple[np.ndarray, np.ndarray]:
        """A and B of a layer, (time, time_prime, example, example_prime), by regression on its Gaussian
        fields."""
        phi, g, u, r = (np.array(self._fields[name, layer]) for name in _RESPONDING)
        times, examples, sites = phi.shape
        slots = times * examples
        both = np.vstack([u.reshape(slots, sites), r.reshape(slots, sites)])
        covariance = both @ both.T / sites
        of_phi, of_g = (field.reshape(slots, sites) @ both.T / sites for field in (phi, g))
        forward, backward = np.zeros((2, times, times, examples, examples))
        for t in range(times):
            now, past = slice(t * examples, (t + 1) * examples), t * examples
            upto = past + examples
            for target, result, r_slots, own in ((of_phi, forward, past, slots), (of_g, backward, upto, 0)):
                chosen = np.r_[
                    0:upto, slots : slots + r_slots
                ]  # all that the field can depend on: u(s <= t), r(s < t) or r(s <= t)
                inverse = np.linalg.pinv(covariance[np.ix_(chosen, chosen)], rcond=_CUTOFF, hermitian=True)
                weights = np.zeros((examples, 2 * slots))
                weights[:, chosen] = target[now][:, chosen] @ inverse
                result[t] = (
                    weights[:, own : own + slots].reshape(examples, times, examples).transpose(1, 0, 2)
                )
        return forward, backward


def _gram(handles: list[np.ndarray]) -> np.ndarray:
    """(time, time_prime, vector, vector_prime) from coefficients (vector, direction) of every time."""
    rank = handles[-1].shape[1]
    full = np.array([np.pad(handle, ((0, 0), (0, rank - handle.shape[1]))) for handle in handles])
    return np.einsum("tik,sjk->tsij", full, full, optimize=True)


def _density(field: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Share of sites per bin over its width, (..., bin); sites beyond the edges count in none."""
    rows = field.reshape(-1, field.shape[-1])
    counts = np.array([np.histogram(row, edges)[0] for row in rows]) / (field.shape[-1] * np.diff(edges))
    return counts.reshape(*field.shape[:-1], -1)

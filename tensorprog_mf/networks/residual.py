"""Residual networks of finite and infinite depth."""

from dataclasses import dataclass, replace

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import real, require, whole
from ..layers.chain import Chain
from ..layers.dense import Dense
from ..layers.elementwise import Elementwise
from ..layers.input import Input
from ..layers.layer import Layer
from ..layers.readout import Readout
from ..layers.residual import Residual
from ..matrices.realization import Realization
from ..probes.activation import FeatureProbe
from ..probes.dense import BranchProbe
from ..probes.fields import StreamProbe
from ..probes.input import EmbeddingProbe
from ..probes.probe import Composition, Probe
from ..probes.readout import StreamReadoutProbe
from ..sites.activations import Activation, as_activation
from .network import Asked, Footprint, Network, checked_richness


@checked_call
@dataclass(frozen=True)
class ResidualMLP(Network):
    """Fully connected residual network, branches scaled so that a limit of infinite depth exists.

    h^0 = W^0 x / sqrt(D), h^{l+1} = h^l + (beta / sqrt(L)) W^l phi(h^l) / sqrt(N), l = 0 ... L - 1, f = w .
    phi(h^L) / (richness N), all entries N(0,1) at the start (Bordelon, Noci, Li, Hanin & Pehlevan 2023,
    arXiv:2309.16620; Yang, Yu, Zhu & Hayou 2023, arXiv:2310.02244). Results have layers 0 ... L of the
    stream, gradients are those with respect to it.

    Parameters
    ----------
    depth
        Number L of branches, or "infinite": as L grows the stream becomes a stochastic process in tau = l /
        L. It is sampled at n_tau / 4, n_tau / 2 and n_tau steps, of which the last two are extrapolated (the
        error is of order 1 / L).
    activation, richness
        As of `MLP`.
    branch_scale
        beta.
    n_tau
        For infinite depth, a multiple of 4: steps of the finest discretisation.

    Raises
    ------
    InputError
        Depth below 1, richness not positive, unknown activation, branch_scale or n_tau that cannot be.
    """

    depth: int | str
    activation: Activation | str | tuple = "tanh"
    richness: float = 1.0
    branch_scale: float = 1.0
    n_tau: int = 32
    residual = True

    def __post_init__(self):
        if self.depth != "infinite":
            object.__setattr__(self, "depth", whole("depth", self.depth, 1))
        object.__setattr__(self, "richness", checked_richness(self.richness))
        object.__setattr__(self, "activation", as_activation(self.activation))
        object.__setattr__(
            self, "branch_scale", real("branch_scale", self.branch_scale, "be finite", lambda v: True)
        )
        object.__setattr__(self, "n_tau", whole("n_tau", self.n_tau, 4))
        require(
            self.n_tau % 4 == 0,
            f"n_tau={self.n_tau} must be a multiple of 4: its half and its quarter are run too.",
        )

    @property
    def refinements(self) -> tuple[Network, ...] | None:
        """For infinite depth, networks of depth n_tau / 4, n_tau / 2 and n_tau; else None."""
        if self.depth != "infinite":
            return None
        return tuple(replace(self, depth=self.n_tau // division) for division in (4, 2, 1))

    def footprint(self, shape):
        depth = self.n_tau if self.depth == "infinite" else self.depth
        return Footprint(depth + 1, shape[0], (Asked(),) * depth, fields=2 * depth, directions=1.4)

    def coordinates(self, layers: list[int]) -> dict[str, np.ndarray]:
        return {"relative_depth": np.array(layers) / max(layers)}

    def compose(self, realization: Realization, inputs: np.ndarray) -> Composition:
        stream = realization.sites("stream")
        first = Input(realization.input("W0", stream, inputs))
        layers: list[Layer] = [first]
        probes: list[Probe] = [EmbeddingProbe(first)]
        for layer in range(self.depth):
            dense = Dense(realization.hidden(f"W{layer + 1}", stream, stream))
            activation = Elementwise(self.activation)
            block = Residual(Chain([activation, dense]), self.branch_scale / np.sqrt(self.depth))
            layers.append(block)
            probes += [
                StreamProbe(block, layer, stream),
                FeatureProbe(activation, layer),
                BranchProbe(dense, layer),
            ]
        activation, readout = Elementwise(self.activation), Readout(realization.readout("w", stream))
        probes += [
            StreamProbe(activation, self.depth, stream),
            FeatureProbe(activation, self.depth),
            StreamReadoutProbe(readout, self.depth),
        ]
        return Composition(Chain([*layers, activation, readout]), tuple(probes))

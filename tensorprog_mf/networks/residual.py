"""Residual networks of finite and infinite depth."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import real, require, whole
from ..ground.fields import set_fields
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
@dataclass(frozen=True, init=False)
class ResidualMLP(Network):
    """Fully connected residual network, with branches scaled so that a limit of infinite depth exists.

        h^0 = W^0 x / sqrt(D),   f = w . phi(h^L) / (richness N),
        h^{l+1} = h^l + (beta / sqrt(L)) W^l phi(h^l) / sqrt(N),   l = 0 ... L - 1

    with all entries N(0,1) at the start (Bordelon, Noci, Li, Hanin & Pehlevan 2023, arXiv:2309.16620; Yang,
    Yu, Zhu & Hayou 2023, arXiv:2310.02244). Results have layers 0 ... L of the stream, and gradients with
    respect to it.

    Parameters
    ----------
    depth
        Number L of branches, or "infinite": as L grows, the stream becomes a stochastic process in tau =
        l / L. It is sampled with n_tau / 4, n_tau / 2 and n_tau branches, whose error is of order 1 / L, and
        extrapolated from the last two.
    activation, richness
        As of `MLP`.
    branch_scale
        beta.
    n_tau
        For infinite depth: the number of branches of the finest discretisation, a multiple of 4.

    Raises
    ------
    InputError
        A depth below 1, a richness that is not positive, an unknown activation, a branch_scale that is not
        finite, an n_tau that is not a multiple of 4.
    """

    depth: int | Literal["infinite"]
    activation: Activation
    richness: float
    branch_scale: float
    n_tau: int
    residual = True

    def __init__(
        self,
        depth: int | str,
        activation: Activation | str | tuple = "tanh",
        richness: float = 1.0,
        branch_scale: float = 1.0,
        n_tau: int = 32,
    ) -> None:
        set_fields(
            self,
            depth=depth if depth == "infinite" else whole("depth", depth, 1),
            activation=as_activation(activation),
            richness=checked_richness(richness),
            branch_scale=real("branch_scale", branch_scale, "be finite", lambda v: True),
            n_tau=whole("n_tau", n_tau, 4),
        )
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

    def footprint(self, shape: tuple[int, ...]) -> Footprint:
        depth = self.n_tau if self.depth == "infinite" else self.depth
        return Footprint(depth + 1, shape[0], (Asked(),) * depth, fields=2 * depth, directions=1.4)

    def coordinates(self, layers: list[int]) -> dict[str, np.ndarray]:
        return {"relative_depth": np.array(layers) / max(layers)}

    def compose(self, realization: Realization, inputs: np.ndarray) -> Composition:
        depth, stream = self.depth, realization.sites("stream")
        if depth == "infinite":
            raise RuntimeError("a network of infinite depth cannot be composed; compose its refinements.")
        first = Input(realization.input("W0", stream, inputs))
        layers: list[Layer] = [first]
        probes: list[Probe] = [EmbeddingProbe(first)]
        for layer in range(depth):
            dense = Dense(realization.hidden(f"W{layer + 1}", stream, stream))
            activation = Elementwise(self.activation)
            block = Residual(Chain([activation, dense]), self.branch_scale / np.sqrt(depth))
            layers.append(block)
            probes += [
                StreamProbe(block, layer, stream),
                FeatureProbe(activation, layer),
                BranchProbe(dense, layer),
            ]
        activation, readout = Elementwise(self.activation), Readout(realization.readout("w", stream))
        probes += [
            StreamProbe(activation, depth, stream),
            FeatureProbe(activation, depth),
            StreamReadoutProbe(readout, depth),
        ]
        return Composition(Chain([*layers, activation, readout]), tuple(probes))

"""Fully connected networks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import real, whole
from ..ground.fields import set_fields
from ..layers.bias import Bias
from ..layers.chain import Chain
from ..layers.dense import Dense
from ..layers.elementwise import Elementwise
from ..layers.input import Input
from ..layers.layer import Layer
from ..layers.readout import OUTPUT_BIAS, Readout
from ..matrices.realization import Realization
from ..probes.activation import ActivationProbe
from ..probes.dense import DenseProbe
from ..probes.input import InputProbe
from ..probes.probe import Composition, Probe
from ..probes.readout import ReadoutProbe
from ..sites.activations import Activation, as_activation
from ..sites.sites import Sites
from ..training.roles import Role
from .network import Asked, Footprint, Network, checked_richness, repeated

OnePerLayer = float | Sequence[float] | np.ndarray  # one number for all layers, or one for each


@checked_call
@dataclass(frozen=True, init=False)
class MLP(Network):
    """Fully connected network.

        h^1 = W^0 x / sqrt(D),   h^{l+1} = W^l phi(h^l) / sqrt(N),   f = w . phi(h^L) / (richness N)

    with all entries N(0,1) at the start (Bordelon & Pehlevan 2022, arXiv:2205.09653; this is muP, Yang & Hu
    2021, arXiv:2011.14522).

    Parameters
    ----------
    depth
        Number of hidden layers L.
    activation
        A name, an `Activation` (with a gain), or a pair (phi, dphi) of functions on arrays.
    richness
        gamma0 > 0: how much features move; towards 0 the tangent kernel becomes static.
    weight_std
        Standard deviations of the initial entries of W^0 ... W^{L-1} and w: one number, or L + 1. A network
        with factors on weights that start as N(0,1), h = sigma W phi / sqrt(N), is the same one with
        learning-rate multipliers sigma^2.
    bias_std
        Standard deviations of biases b^0 ... b^{L-1}, which are added to h^1 ... h^L: one number, or L; 0 for
        biases that start at zero. None: no biases.
    output_bias
        Factor s of a bias B that is added to the output, f + s B; it starts at zero and has the learning rate
        eta s. 0: no such bias.

    Raises
    ------
    InputError
        A depth below 1, a richness that is not positive, an unknown activation, standard deviations that are
        negative, or too many or too few of them.
    """

    depth: int
    activation: Activation
    richness: float
    weight_std: tuple[float, ...]
    bias_std: tuple[float, ...] | None
    output_bias: float
    dense_chain = True

    def __init__(
        self,
        depth: int,
        activation: Activation | str | tuple = "tanh",
        richness: float = 1.0,
        weight_std: OnePerLayer = 1.0,
        bias_std: OnePerLayer | None = None,
        output_bias: float = 0.0,
    ) -> None:
        set_fields(
            self,
            depth=(layers := whole("depth", depth, 1)),
            activation=as_activation(activation),
            richness=checked_richness(richness),
            weight_std=each("weight_std", weight_std, layers + 1),
            bias_std=None if bias_std is None else each("bias_std", bias_std, layers),
            output_bias=real("output_bias", output_bias, "be 0 or more", lambda v: v >= 0),
        )

    @property
    def roles(self) -> dict[str, Role]:
        """Role of every parameter by name: weights, input first, readout last; biases; the output bias."""
        found = {f"W{layer}": Role.WEIGHT for layer in range(self.depth)} | {"w": Role.READOUT}
        if self.bias_std is not None:
            found |= {f"b{layer}": Role.BIAS for layer in range(self.depth)}
        return found | ({OUTPUT_BIAS: Role.OUTPUT_BIAS} if self.output_bias else {})

    @property
    def plain(self) -> bool:
        """Whether all entries of weights start as N(0,1) and there are no biases."""
        return set(self.weight_std) == {1.0} and self.bias_std is None and not self.output_bias

    @property
    def readout_std(self) -> float:
        """Standard deviation of the entries of the readout, which reads the last layer."""
        return self.weight_std[-1]

    def footprint(self, shape: tuple[int, ...]) -> Footprint:
        return Footprint(self.depth, shape[0], (Asked(),) * (self.depth - 1), fields=self.depth)

    def compose(self, realization: Realization, inputs: np.ndarray) -> Composition:
        sites = [realization.sites(f"layer {layer}") for layer in range(1, self.depth + 1)]
        std, biases = self.weight_std, biases_of(sites, self.bias_std)
        first = Input(realization.input("W0", sites[0], inputs), std[0], biases[0])
        layers: list[Layer] = [first]
        probes: list[Probe] = [InputProbe(first)]
        for layer in range(1, self.depth):
            matrix = realization.hidden(f"W{layer}", sites[layer], sites[layer - 1], std[layer])
            activation, dense = Elementwise(self.activation), Dense(matrix, std[layer], biases[layer])
            layers += [activation, dense]
            probes += [ActivationProbe(activation, layer), DenseProbe(dense, layer)]
        activation = Elementwise(self.activation)
        readout = Readout(realization.readout("w", sites[-1], std[-1]), std[-1], self.output_bias)
        return Composition(
            Chain([*layers, activation, readout]),
            (*probes, ActivationProbe(activation, self.depth), ReadoutProbe(readout, self.depth)),
        )


def biases_of(sites: list[Sites], std: tuple[float, ...] | None) -> list[Bias | None]:
    """The bias of every layer, given the populations and standard deviations; None where there is none."""
    if std is None:
        return [None] * len(sites)
    return [Bias(f"b{layer}", own, std[layer]) for layer, own in enumerate(sites)]


def each(name: str, given: Any, count: int) -> tuple[float, ...]:
    """`count` numbers of 0 or more, from one for all of them or from a list of them."""
    return tuple(real(name, v, "be 0 or more", lambda v: v >= 0) for v in repeated(name, given, count))

"""Fully connected networks."""

from dataclasses import dataclass

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import real, require, whole
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
from ..training.roles import Role
from .network import Asked, Footprint, Network, checked_richness


@checked_call
@dataclass(frozen=True)
class MLP(Network):
    """Fully connected network.

    h^1 = W^0 x / sqrt(D), h^{l+1} = W^l phi(h^l) / sqrt(N), f = w . phi(h^L) / (richness N), all entries
    N(0,1) at the start (Bordelon & Pehlevan 2022, arXiv:2205.09653; muP of Yang & Hu 2021, arXiv:2011.14522).

    Parameters
    ----------
    depth
        Number of hidden layers L.
    activation
        A name, an `Activation` (with a gain), or a pair (phi, dphi) of functions on arrays.
    richness
        gamma0 > 0: how much features move; towards 0 the network becomes its static tangent kernel.
    weight_std
        Standard deviations of the initial entries of W^0 ... W^{L-1}, w: one number or L + 1. Factors in
        front of weights that start as N(0,1), h = sigma W phi / sqrt(N), are the same network with a
        learning-rate multiplier sigma^2.
    bias_std
        Of biases b^0 ... b^{L-1} added to h^1 ... h^L: one number or L, 0 for biases that start at zero.
        None: no biases.
    output_bias
        Factor s of a bias added to the output, f + s B, which starts at zero and has learning rate eta s. 0:
        none.

    Raises
    ------
    InputError
        Depth below 1, richness not positive, unknown activation, standard deviations that are negative or too
        many.
    """

    depth: int
    activation: Activation | str | tuple = "tanh"
    richness: float = 1.0
    weight_std: tuple[float, ...] | float = 1.0
    bias_std: tuple[float, ...] | float | None = None
    output_bias: float = 0.0
    dense_chain = True

    def __post_init__(self):
        object.__setattr__(self, "depth", whole("depth", self.depth, 1))
        object.__setattr__(self, "richness", checked_richness(self.richness))
        object.__setattr__(self, "activation", as_activation(self.activation))
        object.__setattr__(self, "weight_std", each("weight_std", self.weight_std, self.depth + 1))
        if self.bias_std is not None:
            object.__setattr__(self, "bias_std", each("bias_std", self.bias_std, self.depth))
        object.__setattr__(
            self, "output_bias", real("output_bias", self.output_bias, "be 0 or more", lambda v: v >= 0)
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

    def footprint(self, shape):
        return Footprint(self.depth, shape[0], (Asked(),) * (self.depth - 1), fields=self.depth)

    def compose(self, realization: Realization, inputs: np.ndarray) -> Composition:
        sites = [realization.sites(f"layer {layer}") for layer in range(1, self.depth + 1)]
        std, biases = self.weight_std, [None] * self.depth
        if self.bias_std is not None:
            biases = [Bias(f"b{layer}", own, self.bias_std[layer]) for layer, own in enumerate(sites)]
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


def each(name: str, given, count: int) -> tuple[float, ...]:
    """One number for each of `count`, from one for all of them or as many."""
    values = [given] * count if np.ndim(given) == 0 else list(given)
    require(len(values) == count, f"{name} has {len(values)} numbers; give one, or {count}.")
    return tuple(real(name, value, "be 0 or more", lambda v: v >= 0) for value in values)

"""Networks: frozen descriptions that compose themselves from layers."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass

import numpy as np

from .activations import Activation, as_activation
from .errors import real, whole
from .layers.chain import Chain
from .layers.dense import Dense
from .layers.elementwise import Elementwise
from .layers.input import Input
from .layers.layer import Layer
from .layers.readout import Readout
from .matrices.input import input_coordinates
from .realization import Realization


class Network(ABC):
    """A frozen description of an architecture in mean-field (muP) parameterisation, outputs divided by `richness`."""

    richness: float

    @abstractmethod
    def compose(self, realization: Realization, inputs: np.ndarray) -> Layer:
        """The layers over the populations and matrices of a realization; the first layer takes a slice of `inputs`."""

    def describe(self) -> dict:
        """The description as plain values."""
        return {"architecture": type(self).__name__, **asdict(self)}


@dataclass(frozen=True)
class MLP(Network):
    """Fully connected network.

    h^1 = W^0 x / sqrt(D), h^{l+1} = W^l phi(h^l) / sqrt(N), f = w . phi(h^L) / (richness N), all entries N(0,1) at the
    start (Bordelon & Pehlevan 2022, arXiv:2205.09653; muP of Yang & Hu 2021, arXiv:2011.14522).

    Parameters
    ----------
    depth
        Number of hidden layers L.
    activation
        A name, an `Activation` (with a gain), or a pair (phi, dphi) of functions on arrays.
    richness
        gamma0 > 0: how much features move; towards 0 the network becomes its static tangent kernel.

    Raises
    ------
    InputError
        Depth below 1, richness not positive, unknown activation.
    """

    depth: int
    activation: Activation | str | tuple = "tanh"
    richness: float = 1.0

    def __post_init__(self):
        allowed = "be positive; for the limit richness -> 0 take a small value such as 0.01"
        object.__setattr__(self, "depth", whole("depth", self.depth, 1))
        object.__setattr__(self, "richness", real("richness", self.richness, allowed, lambda v: v > 0))
        object.__setattr__(self, "activation", as_activation(self.activation))

    @property
    def weights(self) -> list[str]:
        """Names of the weights, input first, readout last."""
        return [*(f"W{layer}" for layer in range(self.depth)), "w"]

    def compose(self, realization: Realization, inputs: np.ndarray) -> Layer:
        sites = [realization.sites(f"layer {layer}") for layer in range(1, self.depth + 1)]
        layers: list[Layer] = [Input(realization.input("W0", sites[0], input_coordinates(inputs), inputs.shape[1]))]
        for layer in range(1, self.depth):
            layers.append(Elementwise(self.activation))
            layers.append(Dense(realization.hidden(f"W{layer}", sites[layer], sites[layer - 1]), layer))
        layers.append(Elementwise(self.activation))
        layers.append(Readout(realization.readout("w", sites[-1], 1), self.depth))
        return Chain(layers)

    def describe(self) -> dict:
        activation = {"name": self.activation.name, "gain": self.activation.gain}
        return {"architecture": "MLP", "depth": self.depth, "activation": activation, "richness": self.richness}

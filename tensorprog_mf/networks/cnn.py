"""Convolutional networks."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from ..activations import Activation, as_activation
from ..calls import checked_call
from ..errors import DataWarning, require, warn, whole
from ..layers.chain import Chain
from ..layers.convolution import Convolution
from ..layers.elementwise import Elementwise
from ..layers.flat_readout import FlatReadout
from ..layers.input import Input
from ..layers.layer import Layer
from ..layers.pooling import LastPooling, Pooling
from ..layers.readout import Readout
from ..oddities import channels_last
from ..realization import Realization
from ..windows import PADDINGS, blocks, patches, windows
from .network import Footprint, Network, checked_richness


@checked_call
@dataclass(frozen=True)
class CNN(Network):
    """Convolutional network in one or two dimensions, in the limit of many channels.

    h^1_a = (1/sqrt(D K)) sum_b W^0_b x_{a+b}, h^{l+1}_a = (1/sqrt(N K)) sum_b W^l_b phi(h^l_{a+b}), all entries N(0,1) at the start,
    K taps b; f = (1/(richness N A)) sum_a w . phi(h^L_a) or, flat, (1/(richness N sqrt(A))) sum_a w_a . phi(h^L_a), over A positions
    (Bordelon & Pehlevan 2022, appendix on convolutions). Inputs are (example, channel, row) or (example, channel, row, column);
    kernels and fields have a dimension `position`, flat in C order; where layers have fewer, the rest is NaN.

    Parameters
    ----------
    depth, activation, richness
        As of `MLP`.
    kernel
        Taps per axis: one number, or one for each axis.
    padding
        "circular", or "zero": outside counts as zero, the division stays by K.
    stride
        Positions are this far apart in the output of each convolution: one number, or one for each of `depth` convolutions.
    pooling
        Average over blocks of this size after each activation but the last: one number, or depth - 1. Matrices see, and
        feature kernels are of, what has been pooled.
    readout
        "average" over positions, or "flat".

    Raises
    ------
    InputError
        A number that cannot be, an unknown word.
    """

    depth: int
    activation: Activation | str | tuple = "tanh"
    richness: float = 1.0
    kernel: int | tuple[int, ...] = 3
    padding: str = "circular"
    stride: int | tuple[int, ...] = 1
    pooling: int | tuple[int, ...] = 1
    readout: str = "average"
    input_dims = ("channel", "row", "column")
    vector_dim = "position"

    def __post_init__(self):
        object.__setattr__(self, "depth", whole("depth", self.depth, 1))
        object.__setattr__(self, "richness", checked_richness(self.richness))
        object.__setattr__(self, "activation", as_activation(self.activation))
        require(self.padding in PADDINGS, f"padding={self.padding!r} is unknown; choose one of {', '.join(PADDINGS)}.")
        require(self.readout in ("average", "flat"), f"readout={self.readout!r} is unknown; choose average or flat.")
        kernel = self.kernel if np.ndim(self.kernel) else (self.kernel,)
        object.__setattr__(self, "kernel", tuple(whole("kernel", taps, 1) for taps in kernel))
        for name, count in (("stride", self.depth), ("pooling", self.depth - 1)):
            given = getattr(self, name)
            values = list(given) if np.ndim(given) else [given] * count
            require(len(values) == count, f"{name} has {len(values)} numbers; give one, or {count}.")
            object.__setattr__(self, name, tuple(whole(name, value, 1) for value in values))

    def check(self, shape):
        require(len(shape) in (2, 3), f"inputs of CNN are (example, channel, row) or (example, channel, row, column); these have {len(shape) + 1} dimensions.")
        axes = len(shape) - 1
        require(len(self.kernel) in (1, axes), f"kernel={self.kernel} has {len(self.kernel)} axes, inputs have {axes}.")

    def suits(self, route, matrix, problem, training):
        shape = problem.all_inputs.shape[1:]
        if not problem.channels_named and channels_last(shape):
            sizes, last = " x ".join(map(str, shape[1:])), len(shape)
            warn(
                f"Inputs of CNN are (example, channel, row[, column]), so these are taken as {shape[0]} channels of {sizes} pixels. "
                f"If their last axis is the channel pass np.moveaxis(inputs, {last}, 1); a DataArray with a dimension channel is read by name.",
                DataWarning,
            )

    def footprint(self, shape):
        taps = int(np.prod(self._kernel(shape)))
        return Footprint(self.depth, (self.depth - 1) * (1 + taps) // 2, shape[0] * taps, int(np.prod(shape[1:])))

    def _kernel(self, shape) -> tuple[int, ...]:
        return self.kernel if len(self.kernel) > 1 else self.kernel * (len(shape) - 1)

    def compose(self, realization: Realization, inputs: np.ndarray) -> Layer:
        realization.refuse_rules("CNN")
        grid, kernel = inputs.shape[2:], self._kernel(inputs.shape[1:])
        sites = [realization.sites(f"layer {layer}") for layer in range(1, self.depth + 1)]
        window, grid = windows(grid, kernel, self.stride[0], self.padding)
        first = realization.input("W0", sites[0], patches(inputs, window))
        layers: list[Layer] = [Input(first, positions=len(window), vectors=partial(patches, window=window))]
        for layer in range(1, self.depth):
            layers.append(Elementwise(self.activation, layer, positions=int(np.prod(grid))))
            if self.pooling[layer - 1] > 1:
                groups, smaller = blocks(grid, self.pooling[layer - 1])
                layers.append(Pooling(groups, int(np.prod(grid))))
                grid = smaller
            before = int(np.prod(grid))
            window, grid = windows(grid, kernel, self.stride[layer], self.padding)
            taps = realization.taps(f"W{layer}", sites[layer], sites[layer - 1], window.shape[1])
            layers.append(Convolution(taps, window, before, layer))
        positions = int(np.prod(grid))
        layers.append(Elementwise(self.activation, self.depth, positions=positions))
        if self.readout == "flat":
            return Chain([*layers, FlatReadout(realization.readout("w", sites[-1], positions=positions), self.depth, positions)])
        layers.append(LastPooling(np.arange(positions)[None], positions, sites[-1], self.depth))
        return Chain([*layers, Readout(realization.readout("w", sites[-1]), self.depth, observed=False)])

"""Convolutional networks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import DataWarning, require, warn, whole
from ..ground.fields import set_fields
from ..layers.chain import Chain
from ..layers.convolution import Convolution
from ..layers.elementwise import Elementwise
from ..layers.flat_readout import FlatReadout
from ..layers.input import Input
from ..layers.layer import Layer
from ..layers.pooling import Pooling
from ..layers.readout import Readout
from ..matrices.realization import Realization
from ..probes.activation import ActivationProbe
from ..probes.convolution import ConvolutionProbe
from ..probes.fields import BackwardFieldProbe, FeatureKernelProbe
from ..probes.input import InputProbe
from ..probes.probe import Composition, Probe
from ..probes.readout import FlatReadoutProbe, ReadoutShareProbe
from ..problems.oddities import channels_last
from ..problems.source import DataSource
from ..sites.activations import Activation, as_activation
from ..sites.sites import Sites
from .network import Asked, Footprint, Network, checked_richness, repeated
from .windows import PADDINGS, blocks, patches, windows


@checked_call
@dataclass(frozen=True, init=False)
class CNN(Network):
    """Convolutional network in one or two dimensions, in the limit of many channels.

        h^1_a = sum_b W^0_b x_{a+b} / sqrt(D K),   h^{l+1}_a = sum_b W^l_b phi(h^l_{a+b}) / sqrt(N K),
        f = sum_a w . phi(h^L_a) / (richness N A)   or, flat,   sum_a w_a . phi(h^L_a) / (richness N sqrt(A))

    with K taps b, A positions a, and all entries N(0,1) at the start (Bordelon & Pehlevan 2022, appendix on
    convolutions). Inputs are (example, channel, row) or (example, channel, row, column). Kernels and fields
    have a dimension `position`, flat in C order; layers that have fewer positions are filled up with NaN.

    Parameters
    ----------
    depth, activation, richness
        As of `MLP`.
    kernel
        Taps per axis: one number, or one for each axis.
    padding
        "circular", or "zero": positions outside count as zero, and sums are still divided by sqrt(K).
    stride
        Distance between the positions that a convolution computes: one number, or one for each of the `depth`
        convolutions.
    pooling
        Size of the blocks over which features are averaged after each activation but the last: one number, or
        depth - 1. The next matrix sees the averages, and feature kernels are those of the averages.
    readout
        "average": one w reads the average over positions; "flat": every position has a w of its own.

    Raises
    ------
    InputError
        Numbers that are too small, or too many or too few of them; an unknown activation, padding or readout.
    """

    depth: int
    activation: Activation
    richness: float
    kernel: tuple[int, ...]
    padding: str
    stride: tuple[int, ...]
    pooling: tuple[int, ...]
    readout: str
    input_dims = ("channel", "row", "column")
    vector_dim = "position"

    def __init__(
        self,
        depth: int,
        activation: Activation | str | tuple = "tanh",
        richness: float = 1.0,
        kernel: int | Sequence[int] = 3,
        padding: str = "circular",
        stride: int | Sequence[int] = 1,
        pooling: int | Sequence[int] = 1,
        readout: str = "average",
    ) -> None:
        require(padding in PADDINGS, f"padding={padding!r} is unknown; choose one of {', '.join(PADDINGS)}.")
        require(readout in ("average", "flat"), f"readout={readout!r} is unknown; choose average or flat.")
        set_fields(
            self,
            depth=(layers := whole("depth", depth, 1)),
            activation=as_activation(activation),
            richness=checked_richness(richness),
            kernel=_each("kernel", kernel, int(np.size(kernel))),
            padding=padding,
            stride=_each("stride", stride, layers),
            pooling=_each("pooling", pooling, layers - 1),
            readout=readout,
        )

    def check(self, shape: tuple[int, ...]) -> None:
        require(
            len(shape) in (2, 3),
            "inputs of CNN are (example, channel, row) or (example, channel, row, column); these have"
            f" {len(shape) + 1} dimensions.",
        )
        axes = len(shape) - 1
        require(
            len(self.kernel) in (1, axes),
            f"kernel={self.kernel} has {len(self.kernel)} axes, inputs have {axes}.",
        )

    def warn_of(self, problem: DataSource, limit: bool) -> None:
        shape = problem.all_inputs.shape[1:]
        if not problem.channels_named and channels_last(shape):
            sizes, last = " x ".join(map(str, shape[1:])), len(shape)
            warn(
                "Inputs of CNN are (example, channel, row[, column]), so these are taken as "
                f"{shape[0]} channels of {sizes} pixels. If their last axis is the channel pass "
                f"np.moveaxis(inputs, {last}, 1); a DataArray with a dimension channel is read by name.",
                DataWarning,
            )

    def footprint(self, shape: tuple[int, ...]) -> Footprint:
        taps = int(np.prod(self._kernel(shape)))
        geometry = list(self._geometry(shape))
        hidden = tuple(
            Asked(before, len(window), (1 + taps, 1 + taps), taps) for _, before, window in geometry[1:]
        )
        made = [len(window) for _, _, window in geometry]
        directions = 0.42 if len(shape) == 2 else 0.36  # measured; few, as neighbours are alike
        return Footprint(self.depth, shape[0] * taps, hidden, max(made), sum(made), directions)

    def _geometry(self, shape: tuple[int, ...]) -> Iterator[tuple[np.ndarray | None, int, np.ndarray]]:
        """Of every convolution: the blocks that are pooled before it, or None; the number of positions that
        it sees; its window."""
        grid, kernel = shape[1:], self._kernel(shape)
        for stride, pooling in zip(self.stride, (1, *self.pooling)):
            groups = None
            if pooling > 1:
                groups, grid = blocks(grid, pooling)
            seen = int(np.prod(grid))
            window, grid = windows(grid, kernel, stride, self.padding)
            yield groups, seen, window

    def _kernel(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Taps of every axis."""
        return self.kernel if len(self.kernel) > 1 else self.kernel * (len(shape) - 1)

    def compose(self, realization: Realization, inputs: np.ndarray) -> Composition:
        sites = [realization.sites(f"layer {layer}") for layer in range(1, self.depth + 1)]
        (_, _, window), *others = self._geometry(inputs.shape[1:])
        positions, matrix = len(window), realization.input("W0", sites[0], patches(inputs, window))
        first = Input(matrix, positions=positions, vectors=partial(patches, window=window))
        layers: list[Layer] = [first]
        probes: list[Probe] = [InputProbe(first)]
        for layer, (groups, before, window) in enumerate(others, 1):
            activation = Elementwise(self.activation)
            layers.append(activation)
            probes.append(ActivationProbe(activation, layer, positions))
            if groups is not None:
                layers.append(Pooling(groups, positions))
            taps = realization.taps(f"W{layer}", sites[layer], sites[layer - 1], window.shape[1])
            convolution = Convolution(taps, window, before)
            layers.append(convolution)
            probes.append(ConvolutionProbe(convolution, layer))
            positions = len(window)
        activation = Elementwise(self.activation)
        last, seen = self._last(realization, sites[-1], positions)
        probes.append(ActivationProbe(activation, self.depth, positions))
        return Composition(Chain([*layers, activation, *last]), (*probes, *seen))

    def _last(
        self, realization: Realization, sites: Sites, positions: int
    ) -> tuple[list[Layer], list[Probe]]:
        """What makes outputs of the features at all positions, and its probes."""
        if self.readout == "flat":
            flat = FlatReadout(realization.readout("w", sites, positions=positions), positions)
            return [flat], [FlatReadoutProbe(flat, self.depth)]
        pooling = Pooling(np.arange(positions)[None], positions)
        readout = Readout(realization.readout("w", sites))
        return [pooling, readout], [
            FeatureKernelProbe(pooling, self.depth, sites, positions),
            BackwardFieldProbe(pooling, self.depth, positions),
            ReadoutShareProbe(readout),
        ]


def _each(name: str, given: Any, count: int) -> tuple[int, ...]:
    """`count` whole numbers of 1 or more, from one for all of them or from a list of them."""
    return tuple(whole(name, value, 1) for value in repeated(name, given, count))

"""Convolutional networks."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import DataWarning, require, warn, whole
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
from ..sites.activations import Activation, as_activation
from ..sites.sites import Sites
from .network import Asked, Footprint, Network, checked_richness
from .windows import PADDINGS, blocks, patches, windows


@checked_call
@dataclass(frozen=True)
class CNN(Network):
    """Convolutional network in one or two dimensions, in the limit of many channels.

    h^1_a = (1/sqrt(D K)) sum_b W^0_b x_{a+b}, h^{l+1}_a = (1/sqrt(N K)) sum_b W^l_b phi(h^l_{a+b}), all
    entries N(0,1) at the start, K taps b; f = (1/(richness N A)) sum_a w . phi(h^L_a) or, flat, (1/(richness
    N sqrt(A))) sum_a w_a . phi(h^L_a), over A positions (Bordelon & Pehlevan 2022, appendix on convolutions).
    Inputs are (example, channel, row) or (example, channel, row, column); kernels and fields have a dimension
    `position`, flat in C order; where layers have fewer, the rest is NaN.

    Parameters
    ----------
    depth, activation, richness
        As of `MLP`.
    kernel
        Taps per axis: one number, or one for each axis.
    padding
        "circular", or "zero": outside counts as zero, the division stays by K.
    stride
        Positions are this far apart in the output of each convolution: one number, or one for each of `depth`
        convolutions.
    pooling
        Average over blocks of this size after each activation but the last: one number, or depth - 1.
        Matrices see, and feature kernels are of, what has been pooled.
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
        require(
            self.padding in PADDINGS,
            f"padding={self.padding!r} is unknown; choose one of {', '.join(PADDINGS)}.",
        )
        require(
            self.readout in ("average", "flat"),
            f"readout={self.readout!r} is unknown; choose average or flat.",
        )
        kernel = self.kernel if np.ndim(self.kernel) else (self.kernel,)
        object.__setattr__(self, "kernel", tuple(whole("kernel", taps, 1) for taps in kernel))
        for name, count in (("stride", self.depth), ("pooling", self.depth - 1)):
            given = getattr(self, name)
            values = list(given) if np.ndim(given) else [given] * count
            require(len(values) == count, f"{name} has {len(values)} numbers; give one, or {count}.")
            object.__setattr__(self, name, tuple(whole(name, value, 1) for value in values))

    def check(self, shape):
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

    def warn_of(self, problem, limit: bool) -> None:
        shape = problem.all_inputs.shape[1:]
        if not problem.channels_named and channels_last(shape):
            sizes, last = " x ".join(map(str, shape[1:])), len(shape)
            warn(
                "Inputs of CNN are (example, channel, row[, column]), so these are taken as "
                f"{shape[0]} channels of {sizes} pixels. If their last axis is the channel pass "
                f"np.moveaxis(inputs, {last}, 1); a DataArray with a dimension channel is read by name.",
                DataWarning,
            )

    def footprint(self, shape):
        taps = int(np.prod(self._kernel(shape)))
        geometry = list(self._geometry(shape))
        hidden = tuple(
            Asked(before, len(window), (1 + taps, 1 + taps), taps) for _, before, window in geometry[1:]
        )
        made = [len(window) for _, _, window in geometry]
        directions = 0.42 if len(shape) == 2 else 0.36  # measured: neighbours are alike
        return Footprint(self.depth, shape[0] * taps, hidden, max(made), sum(made), directions)

    def _geometry(self, shape) -> Iterator[tuple[np.ndarray | None, int, np.ndarray]]:
        """Of every convolution: the blocks that are pooled before it or None, positions that it sees, its
        window."""
        grid, kernel = shape[1:], self._kernel(shape)
        for stride, pooling in zip(self.stride, (1, *self.pooling)):
            groups = None
            if pooling > 1:
                groups, grid = blocks(grid, pooling)
            seen = int(np.prod(grid))
            window, grid = windows(grid, kernel, stride, self.padding)
            yield groups, seen, window

    def _kernel(self, shape) -> tuple[int, ...]:
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

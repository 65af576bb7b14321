"""Networks: frozen descriptions that compose themselves from layers."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from .activations import Activation, as_activation
from .errors import UnsupportedError, boolean, real, require, whole
from .layers.attention import Attention
from .layers.bias import Bias
from .layers.chain import Chain
from .layers.convolution import Convolution
from .layers.dense import Dense
from .layers.elementwise import Elementwise
from .layers.flat_readout import FlatReadout
from .layers.input import Input
from .layers.layer import Layer
from .layers.normalisation import Normalisation
from .layers.pooling import LastPooling, Pooling
from .layers.readout import Readout
from .layers.recurrent import Recurrent
from .layers.residual import Residual, Stream
from .realization import Realization
from .windows import PADDINGS, as_vectors, blocks, patches, windows


class Footprint(NamedTuple):
    """What decides the memory of a run: observed layers, hidden matrices, features of an input vector, vectors per example."""

    layers: int
    matrices: int
    features: int
    vectors: int = 1


class Network(ABC):
    """A frozen description of an architecture in mean-field (muP) parameterisation, outputs divided by `richness`."""

    richness: float

    input_dims: tuple[str, ...] = ("feature",)  # of one example
    vector_dim: str | None = None  # where an example is several vectors: what they are
    has_parts = True  # whether fields are told apart into Gaussian, response and learned parts

    @abstractmethod
    def footprint(self, shape: tuple[int, ...]) -> Footprint:
        """For estimates of memory, given the shape of an input."""

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuse inputs of a wrong shape."""
        wanted = f"(example, {', '.join(self.input_dims)})"
        require(len(shape) == len(self.input_dims), f"inputs of {type(self).__name__} are {wanted}; these have {len(shape) + 1} dimensions.")

    def coordinates(self, layers: list[int]) -> dict[str, np.ndarray]:
        """Coordinates along the observed layers, beside their numbers."""
        return {}

    @property
    def refinements(self) -> tuple["Network", ...] | None:
        """Networks of growing size whose results are extrapolated; None for one that is run as it is."""
        return None

    @abstractmethod
    def compose(self, realization: Realization, inputs: np.ndarray) -> Layer:
        """The layers over the populations and matrices of a realization; the first one knows the `inputs`."""

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
    weight_std
        Standard deviations of the initial entries of W^0 ... W^{L-1}, w: one number or L + 1. Factors in front of weights
        that start as N(0,1), h = sigma W phi / sqrt(N), are the same network with a learning-rate multiplier sigma^2.
    bias_std
        Of biases b^0 ... b^{L-1} added to h^1 ... h^L: one number or L, 0 for biases that start at zero. None: no biases.
    output_bias
        Factor s of a bias added to the output, f + s B, which starts at zero and has learning rate eta s. 0: none.

    Raises
    ------
    InputError
        Depth below 1, richness not positive, unknown activation, standard deviations that are negative or too many.
    """

    depth: int
    activation: Activation | str | tuple = "tanh"
    richness: float = 1.0
    weight_std: tuple[float, ...] | float = 1.0
    bias_std: tuple[float, ...] | float | None = None
    output_bias: float = 0.0

    def __post_init__(self):
        object.__setattr__(self, "depth", whole("depth", self.depth, 1))
        object.__setattr__(self, "richness", _richness(self.richness))
        object.__setattr__(self, "activation", as_activation(self.activation))
        object.__setattr__(self, "weight_std", _each("weight_std", self.weight_std, self.depth + 1))
        if self.bias_std is not None:
            object.__setattr__(self, "bias_std", _each("bias_std", self.bias_std, self.depth))
        object.__setattr__(self, "output_bias", real("output_bias", self.output_bias, "be 0 or more", lambda v: v >= 0))

    @property
    def weights(self) -> list[str]:
        """Names of the weights, input first, readout last."""
        return [*(f"W{layer}" for layer in range(self.depth)), "w"]

    @property
    def plain(self) -> bool:
        """Whether all entries of weights start as N(0,1) and there are no biases."""
        return set(self.weight_std) == {1.0} and self.bias_std is None and not self.output_bias

    def footprint(self, shape):
        return Footprint(self.depth, self.depth - 1, shape[0])

    def compose(self, realization: Realization, inputs: np.ndarray) -> Layer:
        sites = [realization.sites(f"layer {layer}") for layer in range(1, self.depth + 1)]
        std, biases = self.weight_std, [None] * self.depth
        if self.bias_std is not None:
            biases = [Bias(f"b{layer}", own, self.bias_std[layer]) for layer, own in enumerate(sites)]
        layers: list[Layer] = [Input(realization.input("W0", sites[0], inputs), std=std[0], bias=biases[0])]
        for layer in range(1, self.depth):
            layers.append(Elementwise(self.activation, layer))
            matrix = realization.hidden(f"W{layer}", sites[layer], sites[layer - 1], std[layer])
            layers.append(Dense(matrix, layer, std[layer], biases[layer]))
        layers.append(Elementwise(self.activation, self.depth))
        layers.append(Readout(realization.readout("w", sites[-1], std[-1]), self.depth, std[-1], self.output_bias))
        return Chain(layers)

    def describe(self) -> dict:
        activation = {"name": self.activation.name, "gain": self.activation.gain}
        scales = {"weight_std": self.weight_std, "bias_std": self.bias_std, "output_bias": self.output_bias}
        return {"architecture": "MLP", "depth": self.depth, "activation": activation, "richness": self.richness, **scales}


@dataclass(frozen=True)
class ResidualMLP(Network):
    """Fully connected residual network, branches scaled so that a limit of infinite depth exists.

    h^0 = W^0 x / sqrt(D), h^{l+1} = h^l + (beta / sqrt(L)) W^l phi(h^l) / sqrt(N), l = 0 ... L - 1, f = w . phi(h^L) /
    (richness N), all entries N(0,1) at the start (Bordelon, Noci, Li, Hanin & Pehlevan 2023, arXiv:2309.16620; Yang, Yu, Zhu &
    Hayou 2023, arXiv:2310.02244). Results have layers 0 ... L of the stream, gradients are those with respect to it.

    Parameters
    ----------
    depth
        Number L of branches, or "infinite": as L grows the stream becomes a stochastic process in tau = l / L. It is
        sampled at n_tau / 4, n_tau / 2 and n_tau steps, of which the last two are extrapolated (the error is of order 1 / L).
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
    has_parts = False

    def __post_init__(self):
        if self.depth != "infinite":
            object.__setattr__(self, "depth", whole("depth", self.depth, 1))
        object.__setattr__(self, "richness", _richness(self.richness))
        object.__setattr__(self, "activation", as_activation(self.activation))
        object.__setattr__(self, "branch_scale", real("branch_scale", self.branch_scale, "be finite", lambda v: True))
        object.__setattr__(self, "n_tau", whole("n_tau", self.n_tau, 4))
        require(self.n_tau % 4 == 0, f"n_tau={self.n_tau} must be a multiple of 4: its half and its quarter are run too.")

    @property
    def refinements(self) -> tuple[Network, ...] | None:
        """For infinite depth, networks of depth n_tau / 4, n_tau / 2 and n_tau; else None."""
        if self.depth != "infinite":
            return None
        return tuple(replace(self, depth=self.n_tau // division) for division in (4, 2, 1))

    def footprint(self, shape):
        depth = self.n_tau if self.depth == "infinite" else self.depth
        return Footprint(depth + 1, depth, shape[0])

    def coordinates(self, layers: list[int]) -> dict[str, np.ndarray]:
        return {"tau": np.array(layers) / max(layers)}

    def compose(self, realization: Realization, inputs: np.ndarray) -> Layer:
        if realization.rule.local:
            raise UnsupportedError(f"learning_rule={realization.rule.name!r} has no scale of its own in a stream that branches add to; take an MLP, or another rule.")
        stream = realization.sites("stream")
        layers: list[Layer] = [Input(realization.input("W0", stream, inputs), 0, of_stream=True)]
        for layer in range(self.depth):
            matrix = realization.hidden(f"W{layer + 1}", stream, stream)
            branch = Chain([Elementwise(self.activation, layer, in_branch=True), Dense(matrix, layer, in_branch=True)])
            layers += [Stream(stream, layer), Residual(branch, self.branch_scale / np.sqrt(self.depth))]
        layers += [Stream(stream, self.depth), Elementwise(self.activation, self.depth, in_branch=True)]
        layers.append(Readout(realization.readout("w", stream), self.depth, of_stream=True))
        return Chain(layers)

    def describe(self) -> dict:
        activation = {"name": self.activation.name, "gain": self.activation.gain}
        return {
            "architecture": "ResidualMLP", "depth": self.depth, "activation": activation, "richness": self.richness,
            "branch_scale": self.branch_scale, "n_tau": self.n_tau,
        }  # fmt: skip


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
        object.__setattr__(self, "richness", _richness(self.richness))
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

    def describe(self) -> dict:
        activation = {"name": self.activation.name, "gain": self.activation.gain}
        return {"architecture": "CNN", **{name: getattr(self, name) for name in self.__dataclass_fields__}, "activation": activation}


@dataclass(frozen=True)
class RNN(Network):
    """Recurrent network: one hidden matrix for all positions of a sequence.

    h_1 = U x_1 / sqrt(D), h_k = W phi(h_{k-1}) / sqrt(N) + U x_k / sqrt(D), k = 2 ... S, f = w . phi(h_S) / (richness N), all entries
    N(0,1) at the start. Inputs are (example, position, feature); kernels and fields have a dimension `position`.

    Parameters
    ----------
    activation, richness
        As of `MLP`.
    readout
        "last" position, or "average" of phi(h_k) over positions.

    Raises
    ------
    InputError
        Richness not positive, an unknown word.
    """

    activation: Activation | str | tuple = "tanh"
    richness: float = 1.0
    readout: str = "last"
    input_dims = ("position", "feature")
    vector_dim = "position"

    def __post_init__(self):
        object.__setattr__(self, "richness", _richness(self.richness))
        object.__setattr__(self, "activation", as_activation(self.activation))
        require(self.readout in ("last", "average"), f"readout={self.readout!r} is unknown; choose last or average.")

    def footprint(self, shape):
        return Footprint(1, 1, shape[1], shape[0])

    def compose(self, realization: Realization, inputs: np.ndarray) -> Layer:
        realization.refuse_rules("RNN")
        sites = realization.sites("layer 1")
        positions, drive = inputs.shape[1], realization.input("U", sites, as_vectors(inputs))
        recurrent = Recurrent(realization.hidden("W", sites, sites), drive, self.activation, positions, self.readout == "average")
        return Chain([recurrent, Readout(realization.readout("w", sites), 1, observed=False)])

    def describe(self) -> dict:
        activation = {"name": self.activation.name, "gain": self.activation.gain}
        return {"architecture": "RNN", "activation": activation, "richness": self.richness, "readout": self.readout}


@dataclass(frozen=True)
class Transformer(Network):
    """Multi-head self-attention on a residual stream of M units, in the limit of many heads or of infinite head dimension.

    h^0_a = W^E x_a / sqrt(D); L blocks h' = h + (beta / sqrt(L)) W^O o / sqrt(M), o_a = sum_b softmax_b(kappa q_a . k_b) v_b per head,
    q, k, v = W^{Q,K,V} h / sqrt(M), and with mlp=True h = h' + (beta / sqrt(L)) W^m phi(h') / sqrt(M); f = w . mean_a phi(h^L_a) /
    (richness M); all entries N(0,1) at the start (Bordelon, Chaudhry & Pehlevan 2024, arXiv:2405.15712). Inputs are (example, token,
    feature), positional features among them. n_samples or width is M, so that there are M / head_dimension heads.

    Parameters
    ----------
    depth, activation, richness, branch_scale
        Blocks L; as of `ResidualMLP`; the activation is that of readout and MLP.
    head_dimension
        Coordinates n of a head. Heads are then random, with mean and variance of their attention in the result. "infinite": one
        head of all M units, with logits divided by n: attention becomes deterministic.
    logit_exponent
        kappa = head_dimension^-logit_exponent; 1 for infinite head dimension.
    causal
        Tokens see none behind them.
    mlp
        Whether blocks have a fully connected branch behind attention.
    normalise
        Layer normalisation, without parameters, before attention and before the MLP.
    query_key_rate
        Factor on the learning rates of W^Q and W^K.

    Raises
    ------
    InputError
        A number that cannot be.
    """

    depth: int
    activation: Activation | str | tuple = "tanh"
    richness: float = 1.0
    head_dimension: int | str = 4
    branch_scale: float = 1.0
    logit_exponent: float = 0.5
    causal: bool = False
    mlp: bool = False
    normalise: bool = False
    query_key_rate: float = 1.0
    input_dims = ("token", "feature")
    vector_dim = "token"

    def __post_init__(self):
        object.__setattr__(self, "depth", whole("depth", self.depth, 1))
        object.__setattr__(self, "richness", _richness(self.richness))
        object.__setattr__(self, "activation", as_activation(self.activation))
        if self.head_dimension != "infinite":
            object.__setattr__(self, "head_dimension", whole("head_dimension", self.head_dimension, 1))
        object.__setattr__(self, "branch_scale", real("branch_scale", self.branch_scale, "be finite", lambda v: True))
        object.__setattr__(self, "logit_exponent", real("logit_exponent", self.logit_exponent, "be finite", lambda v: True))
        object.__setattr__(self, "query_key_rate", real("query_key_rate", self.query_key_rate, "be 0 or more", lambda v: v >= 0))
        for name in ("causal", "mlp", "normalise"):
            object.__setattr__(self, name, boolean(name, getattr(self, name)))

    def footprint(self, shape):
        return Footprint(self.depth + 1, self.depth * (4 + self.mlp), shape[1], shape[0])

    def coordinates(self, layers: list[int]) -> dict[str, np.ndarray]:
        return {"tau": np.array(layers) / self.depth}

    def _head(self, units: int) -> tuple[int, float]:
        """Coordinates of a head among so many units, and kappa."""
        if self.head_dimension == "infinite":
            return units, 1 / units
        require(units % self.head_dimension == 0, f"head_dimension={self.head_dimension} does not divide the {units} units; take n_samples or width a multiple of it, and draws=\"pseudo-random\" if that is no power of two.")
        return self.head_dimension, self.head_dimension**-self.logit_exponent

    def _group(self, units: int) -> int:
        """Sites that are one head; all of them are exchangeable where they make the only one."""
        return 1 if self.head_dimension == "infinite" else self._head(units)[0]

    def compose(self, realization: Realization, inputs: np.ndarray) -> Layer:
        realization.refuse_rules("Transformer")
        stream, tokens, scale = realization.sites("stream"), inputs.shape[1], self.branch_scale / np.sqrt(self.depth)
        first = realization.input("WE", stream, as_vectors(inputs))
        layers: list[Layer] = [Input(first, 0, of_stream=True, positions=tokens, vectors=as_vectors)]
        for block in range(self.depth):
            heads = realization.sites(f"heads {block}", self._group(realization.ensemble.count))
            layers.append(Stream(stream, block, tokens))
            layers.append(Residual(self._branch(self._attention(realization, stream, heads, tokens, block)), scale))
            if self.mlp:
                matrix = realization.hidden(f"W{block + 1}", stream, stream)
                dense = Dense(matrix, block, in_branch=True, positions=tokens)
                layers.append(Residual(self._branch(Elementwise(self.activation, block, in_branch=True, positions=tokens), dense), scale))
        layers += [Stream(stream, self.depth, tokens), Elementwise(self.activation, self.depth, in_branch=True, positions=tokens)]
        layers.append(LastPooling(np.arange(tokens)[None], tokens, stream, self.depth, of_stream=True))
        return Chain([*layers, Readout(realization.readout("w", stream), self.depth, observed=False)])

    def _branch(self, *layers: Layer) -> Layer:
        return Chain([Normalisation(), *layers] if self.normalise else list(layers))

    def _attention(self, realization: Realization, stream, heads, tokens: int, block: int) -> Attention:
        names = (f"W{letter}{block + 1}" for letter in "QKV")
        readers = [realization.hidden(name, heads, stream) for name in names]
        output = realization.hidden(f"WO{block + 1}", stream, heads)
        return Attention(*readers, output, tokens, *self._head(heads.count), self.causal, self.query_key_rate, block)

    def describe(self) -> dict:
        activation = {"name": self.activation.name, "gain": self.activation.gain}
        return {"architecture": "Transformer", **{name: getattr(self, name) for name in self.__dataclass_fields__}, "activation": activation}


def _richness(given) -> float:
    return real("richness", given, "be positive; for the limit richness -> 0 take a small value such as 0.01", lambda v: v > 0)


def _each(name: str, given, count: int) -> tuple[float, ...]:
    """One number for each of `count`, from one for all of them or as many."""
    values = [given] * count if np.ndim(given) == 0 else list(given)
    require(len(values) == count, f"{name} has {len(values)} numbers; give one, or {count}.")
    return tuple(real(name, value, "be 0 or more", lambda v: v >= 0) for value in values)

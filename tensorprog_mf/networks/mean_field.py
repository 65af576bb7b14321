"""Multilayer networks in mean-field scaling: hidden layers are averages over N neurons, and every weight
moves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import InputError, SaddleWarning, require, warn, whole
from ..ground.fields import set_fields
from ..layers.bias import Bias
from ..layers.chain import Chain
from ..layers.dense import Dense
from ..layers.elementwise import Elementwise
from ..layers.input import Input
from ..layers.layer import Layer
from ..layers.readout import Readout
from ..matrices.input import InputMatrix
from ..matrices.readout import ReadoutMatrix
from ..matrices.realization import Realization
from ..probes.activation import ActivationProbe
from ..probes.dense import DenseProbe
from ..probes.input import InputProbe
from ..probes.probe import Composition, Probe
from ..probes.readout import ReadoutProbe
from ..problems.source import DataSource
from ..sites.activations import Activation, as_activation
from ..sites.laws import Gaussian, Law, as_law
from ..sites.sites import Sites
from .mlp import OnePerLayer, biases_of, each
from .network import Asked, Footprint, Network
from .saddle import dead_span, saddle_message

Labels = dict[str, np.ndarray]

_STANDARD, _SHIFTED = Gaussian(), Gaussian(0.5, 1.0)


@checked_call
@dataclass(frozen=True)
class Correlated:
    """A mean of initial weights that depends on the neurons they join: m(c, c') = sum_k out_k(c) into_k(c').

    Parameters
    ----------
    out, into
        Functions from the labels of a population to (k, site): `out` for the layer that the matrix feeds,
        `into` for the layer that it reads. Labels are a dict of arrays (row, site): "W0" in the first layer,
        "w" in the last, "b" where there are biases, and in every layer "label", an independent N(0,1).

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> aligned = tp.Correlated(out=lambda c: c["label"], into=lambda c: c["W0"][:1])
    >>> tp.MeanFieldMLP(depth=2, hidden_mean=aligned).depth
    2
    """

    out: Callable
    into: Callable

    def describe(self) -> dict[str, str]:
        """As plain values: the names of the functions."""
        return {name: getattr(function, "__name__", "unnamed") for name, function in vars(self).items()}


@checked_call
@dataclass(frozen=True, init=False)
class MeanFieldMLP(Network):
    """Fully connected network whose layers are averages over the N neurons of the layer below.

        H^1 = W^0 x + b^0,   H^{l+1} = (1/N) W^l phi(H^l) + b^l,   f = (1/N) w . phi(H^L)

    With gradients times N (N^2 for W^l), as in `Training`, every weight moves, and as N -> infinity the
    neurons of a layer are independent given their labels, which are their own initial weights (Mei, Montanari
    & Nguyen 2018, arXiv:1804.06561; Nguyen & Pham 2020, arXiv:2001.11443). Deviations of the entries of W^l
    from their mean average out:

        H^{l+1}(t) = m E[phi(H^l(t))] - eta sum_s C^l(t, s) delta^{l+1}(s),
        C^l(t, s) = E[phi(H^l(t)) phi(H^l(s))]

    Parameters
    ----------
    depth
        Number of hidden layers L; 1 is the two-layer network a phi(w x).
    activation
        As of `MLP`.
    input_weight, readout_weight
        Laws of the entries of W^0 and w: `Gaussian`, `Uniform` or a number.
    hidden_mean
        Means of the entries of W^1 ... W^{L-1}: one for all of them, or L - 1; each is a number or
        `Correlated`.
    hidden_std
        Their standard deviations, which matter at finite width only.
    bias_std
        As of `MLP`. Random biases keep neurons different; without them all neurons of a layer 2 ... L - 1 are
        the same, and those of layer L differ by w only (coordinate `collapsed`).

    Raises
    ------
    InputError
        A depth below 1, an unknown activation, a weight that is neither a law nor a number, negative standard
        deviations, too many or too few means or standard deviations.

    Notes
    -----
    Inputs are not divided by sqrt(D). There is no richness: this network always learns features, and has no
    lazy limit. Where symmetry silences a layer in both directions, as means of zero do (see `frozen`), the
    start is a saddle that the limit never leaves, while networks of width N leave it after a time of the
    order of log N (see `escape_rate`): a `SaddleWarning` says so. From three hidden layers on, readout
    weights of mean zero after odd activations do the same, which is why their mean is 0.5 by default.
    """

    depth: int
    activation: Activation
    input_weight: Law
    hidden_mean: tuple[float | Correlated, ...]
    hidden_std: tuple[float, ...]
    readout_weight: Law
    bias_std: tuple[float, ...] | None

    richness = 1.0
    has_input_weight = True
    averages = True

    def __init__(
        self,
        depth: int,
        activation: Activation | str | tuple = "tanh",
        input_weight: Law | float = _STANDARD,
        hidden_mean: float | Correlated | Sequence[float | Correlated] | np.ndarray = 1.0,
        hidden_std: OnePerLayer = 1.0,
        readout_weight: Law | float = _SHIFTED,
        bias_std: OnePerLayer | None = None,
    ) -> None:
        set_fields(
            self,
            depth=(layers := whole("depth", depth, 1)),
            activation=as_activation(activation),
            input_weight=as_law("input_weight", input_weight),
            hidden_mean=_means(hidden_mean, layers - 1),
            hidden_std=each("hidden_std", hidden_std, layers - 1),
            readout_weight=as_law("readout_weight", readout_weight),
            bias_std=None if bias_std is None else each("bias_std", bias_std, layers),
        )

    def footprint(self, shape: tuple[int, ...]) -> Footprint:
        without_images = Asked(kept=(1, 1))
        return Footprint(self.depth, shape[0], (without_images,) * (self.depth - 1), fields=self.depth)

    @property
    def frozen(self) -> bool:
        """Whether the limit never leaves the saddle it starts at: no layer has both features and a gradient.

        Without biases, and with phi(0) = 0, a layer 2 ... L - 1 is one neuron many times. Its features are
        zero if a mean below is, or if phi is odd and the law of W^0 symmetric about 0; no gradient comes back
        to it if a mean above is zero, or E[w] = 0.
        """
        return dead_span(self) is not None

    @property
    def collapsed(self) -> tuple[bool, ...]:
        """Per layer, whether all its neurons are the same at all times."""
        own = [not self.input_weight.fixed, *[False] * (self.depth - 1)]
        own[-1] = own[-1] or not self.readout_weight.fixed
        for layer in range(self.depth):
            own[layer] = own[layer] or bool(self.bias_std and self.bias_std[layer] > 0)
        for below, mean in enumerate(self.hidden_mean):
            if isinstance(mean, Correlated):
                own[below] = own[below + 1] = True
        return tuple(not differ for differ in own)

    def coordinates(self, layers: list[int]) -> dict[str, np.ndarray]:
        return {"collapsed": np.array([self.collapsed[layer - 1] for layer in layers], np.int8)}

    @property
    def random_hidden(self) -> bool:
        """Whether hidden weights deviate from their means at the start."""
        return any(self.hidden_std)

    def warn_of(self, problem: DataSource, limit: bool) -> None:
        if self.frozen and limit:
            warn(saddle_message(self, problem), SaddleWarning)

    def compose(self, realization: Realization, inputs: np.ndarray) -> Composition:
        sites = [realization.sites(f"layer {layer}") for layer in range(1, self.depth + 1)]
        biases = biases_of(sites, self.bias_std)
        first = Input(realization.input("W0", sites[0], inputs, self.input_weight), bias=biases[0])
        readout = Readout(realization.readout("w", sites[-1], law=self.readout_weight))
        layers: list[Layer] = [first]
        probes: list[Probe] = [InputProbe(first)]
        labels: list[Labels] = []
        for layer in range(1, self.depth):
            mean, pair = self.hidden_mean[layer - 1], slice(layer - 1, layer + 1)
            if isinstance(mean, Correlated):
                labels = labels or _labels(sites, biases, first.matrix, readout.matrix)
                u, v = _correlated(mean, sites[pair], labels[pair], f"hidden_mean of W{layer}")
            else:
                u, v = _constant(mean, sites[pair])
            matrix = realization.mean_field(
                f"W{layer}", sites[layer], sites[layer - 1], u, v, self.hidden_std[layer - 1]
            )
            activation, dense = Elementwise(self.activation), Dense(matrix, bias=biases[layer])
            layers += [activation, dense]
            probes += [ActivationProbe(activation, layer), DenseProbe(dense, layer)]
        activation = Elementwise(self.activation)
        return Composition(
            Chain([*layers, activation, readout]),
            (*probes, ActivationProbe(activation, self.depth), ReadoutProbe(readout, self.depth)),
        )


def _means(given: Any, count: int) -> tuple[float | Correlated, ...]:
    """One mean for each hidden matrix."""
    several = isinstance(given, (list, tuple, np.ndarray))
    values = list(given) if several else [given] * count
    require(len(values) == count, f"hidden_mean has {len(values)} entries; give one, or {count}.")
    return tuple(mean if isinstance(mean, Correlated) else _mean(mean) for mean in values)


def _mean(given: Law | float) -> float:
    law = as_law("hidden_mean", given)
    require(law.fixed, "hidden_mean is a number or tp.Correlated; what is random beside it is hidden_std.")
    return law.mean


def _labels(
    sites: list[Sites], biases: list[Bias | None], first: InputMatrix, last: ReadoutMatrix
) -> list[Labels]:
    """What tells the neurons of each population apart at the start, arrays (row, site)."""
    last.reveal(np.empty((0, last.into.count)))
    found = []
    for own, bias in zip(sites, biases):
        labels = {"label": own.draws.take(("label", 0, 0))[None]}
        labels |= {"W0": first.columns} if own is sites[0] else {}
        labels |= {"w": last.rows} if own is sites[-1] else {}
        labels |= {"b": bias.std * bias.column[None]} if bias is not None else {}
        found.append(labels)
    return found


def _constant(mean: float, sites: list[Sites]) -> tuple[np.ndarray, np.ndarray]:
    """u and v, (k, site), of m = sum_k u_k v_k; k = 0 for a mean of zero."""
    below, above = sites
    return np.full((int(mean != 0), above.count), mean), np.ones((int(mean != 0), below.count))


def _correlated(
    mean: Correlated, sites: list[Sites], labels: list[Labels], what: str
) -> tuple[np.ndarray, np.ndarray]:
    """u and v, (k, site), of m(c, c') = sum_k u_k(c) v_k(c')."""
    below, above = sites
    rows = []
    for name, function, own, site in (
        ("out", mean.out, labels[1], above),
        ("into", mean.into, labels[0], below),
    ):
        try:
            row = np.atleast_2d(np.asarray(function(own), float))
        except KeyError as error:
            raise InputError(
                f"{what}: `{name}` asks for the label {error}; there are {', '.join(own)}."
            ) from None
        require(
            row.ndim == 2 and row.shape[1] == site.count,
            f"{what}: `{name}` must return (k, site), here (k, {site.count}); it returned {row.shape}.",
        )
        require(bool(np.isfinite(row).all()), f"{what}: `{name}` returned a value that is not finite.")
        rows.append(row)
    require(
        len(rows[0]) == len(rows[1]),
        f"{what}: `out` returned {len(rows[0])} rows and `into` {len(rows[1])}; they must be as many.",
    )
    return rows[0], rows[1]

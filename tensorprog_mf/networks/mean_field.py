"""Multilayer networks in mean-field scaling: every hidden average is 1/N, every weight moves."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import InputError, SaddleWarning, require, warn, whole
from ..layers.bias import Bias
from ..layers.chain import Chain
from ..layers.dense import Dense
from ..layers.elementwise import Elementwise
from ..layers.input import Input
from ..layers.layer import Layer
from ..layers.readout import Readout
from ..matrices.realization import Realization
from ..probes.activation import ActivationProbe
from ..probes.dense import DenseProbe
from ..probes.input import InputProbe
from ..probes.probe import Composition, Probe
from ..probes.readout import ReadoutProbe
from ..sites.activations import Activation, as_activation
from ..sites.laws import Gaussian, Law, as_law
from ..sites.sites import Sites
from .mlp import each
from .network import Asked, Footprint, Network
from .saddle import dead_span, saddle_message


@checked_call
@dataclass(frozen=True)
class Correlated:
    """The mean of initial weights that know the neurons they join: m(c, c') = sum_k out_k(c) into_k(c').

    Parameters
    ----------
    out, into
        Functions from the labels of a population to (k, site): `out` of the layer that the matrix feeds,
        `into` of the one it reads. Labels are a dict of (row, site): "W0" in the first layer, "w" in the
        last, "b" where there are random biases, and everywhere "label", one N(0,1) of its own.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> aligned = tp.Correlated(out=lambda c: c["label"], into=lambda c: c["W0"][:1])
    >>> tp.MeanFieldMLP(depth=2, hidden_mean=aligned).depth
    2
    """

    out: Callable
    into: Callable

    def describe(self) -> dict:
        """As plain values: functions by their names."""
        return {name: getattr(function, "__name__", "unnamed") for name, function in vars(self).items()}


@checked_call
@dataclass(frozen=True)
class MeanFieldMLP(Network):
    """Fully connected network whose hidden layers are averages, (1/N) sum, of the layer below.

    H^1 = W^0 x + b^0, H^{l+1} = (1/N) W^l phi(H^l) + b^l, f = (1/N) w . phi(H^L). With gradients times N (N^2
    for W^l), as in `Training`, every weight moves, and as N -> infinity the neurons of a layer are
    independent given their labels, their own initial weights (Mei, Montanari & Nguyen 2018, arXiv:1804.06561;
    Nguyen & Pham 2020, arXiv:2001.11443). What is random in W^l beside its mean averages out:

        H^{l+1}(t) = m E[phi(H^l(t))] - eta sum_s C^l(t, s) delta^{l+1}(s),
        C(t, s) = E[phi(H^l(t)) phi(H^l(s))]

    Parameters
    ----------
    depth
        Number of hidden layers L; 1 is the two-layer network a phi(w x).
    activation
        As of `MLP`.
    input_weight, readout_weight
        Laws of the entries of W^0 and w: `Gaussian`, `Uniform` or a number.
    hidden_mean
        Means of the entries of W^1 ... W^{L-1}: one or L - 1 numbers, or `Correlated`.
    hidden_std
        Their standard deviations: they matter at finite width only.
    bias_std
        As of `MLP`. Random biases keep neurons different; without them all neurons of layers 2 ... L - 1 are
        the same, and those of layer L differ by w only (coordinate `collapsed`).

    Raises
    ------
    InputError
        Depth below 1, unknown activation, what is no law, numbers that are too many or negative standard
        deviations.

    Notes
    -----
    Inputs are not divided by sqrt(D). There is no richness: this network learns features always, and has no
    lazy limit. Where symmetry silences a layer in both directions, as means of zero do (see `frozen`), the
    start is a saddle that the limit never leaves, while networks of width N leave it after a time of the
    order of log N (see `escape_rate`): a `SaddleWarning` says so. From three hidden layers on, readout
    weights of mean zero after odd activations do the same, which is why their mean is 0.5 by default.
    """

    depth: int
    activation: Activation | str | tuple = "tanh"
    input_weight: Law | float = Gaussian()
    hidden_mean: tuple | float | Correlated = 1.0
    hidden_std: tuple[float, ...] | float = 1.0
    readout_weight: Law | float = Gaussian(0.5, 1.0)
    bias_std: tuple[float, ...] | float | None = None

    richness = 1.0
    has_input_weight = True
    averages = True

    def __post_init__(self):
        object.__setattr__(self, "depth", whole("depth", self.depth, 1))
        object.__setattr__(self, "activation", as_activation(self.activation))
        for name in ("input_weight", "readout_weight"):
            object.__setattr__(self, name, as_law(name, getattr(self, name)))
        object.__setattr__(self, "hidden_mean", _means(self.hidden_mean, self.depth - 1))
        object.__setattr__(self, "hidden_std", each("hidden_std", self.hidden_std, self.depth - 1))
        if self.bias_std is not None:
            object.__setattr__(self, "bias_std", each("bias_std", self.bias_std, self.depth))

    def footprint(self, shape):
        return Footprint(
            self.depth, shape[0], (Asked(kept=(1, 1)),) * (self.depth - 1), fields=self.depth
        )  # without images

    @property
    def frozen(self) -> bool:
        """Whether the limit never leaves the saddle it starts at: no layer has both features and a gradient.

        Without biases, and with phi(0) = 0, layers 2 ... L - 1 have one neuron. Its features are zero if a
        mean below is, or if phi is odd and the law of W^0 symmetric about 0; no gradient comes back to it if
        a mean above is zero, or E[w] = 0.
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

    def coordinates(self, layers):
        return {"collapsed": np.array([self.collapsed[layer - 1] for layer in layers], np.int8)}

    @property
    def random_hidden(self) -> bool:
        """Whether hidden weights are random beside their means."""
        return any(self.hidden_std)

    def warn_of(self, problem, limit: bool) -> None:
        if self.frozen and limit:
            warn(saddle_message(self, problem), SaddleWarning)

    def compose(self, realization: Realization, inputs: np.ndarray) -> Composition:
        sites = [realization.sites(f"layer {layer}") for layer in range(1, self.depth + 1)]
        biases: list[Bias | None] = [None] * self.depth
        if self.bias_std is not None:
            biases = [Bias(f"b{layer}", own, self.bias_std[layer]) for layer, own in enumerate(sites)]
        first = Input(realization.input("W0", sites[0], inputs, self.input_weight), bias=biases[0])
        readout = Readout(realization.readout("w", sites[-1], law=self.readout_weight))
        layers: list[Layer] = [first]
        probes: list[Probe] = [InputProbe(first)]
        labels = None
        for layer in range(1, self.depth):
            mean, pair = self.hidden_mean[layer - 1], slice(layer - 1, layer + 1)
            if isinstance(mean, Correlated):
                labels = labels or _labels(sites, biases, first.matrix, readout.matrix)
            u, v = _mean_rows(
                mean, sites[pair], None if labels is None else labels[pair], f"hidden_mean of W{layer}"
            )
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


def _means(given, count: int) -> tuple:
    """One mean for each hidden matrix."""
    several = isinstance(given, (list, tuple, np.ndarray))
    values = list(given) if several else [given] * count
    require(len(values) == count, f"hidden_mean has {len(values)} entries; give one, or {count}.")
    return tuple(mean if isinstance(mean, Correlated) else _mean(mean) for mean in values)


def _mean(given) -> float:
    law = as_law("hidden_mean", given)
    require(law.fixed, "hidden_mean is a number or tp.Correlated; what is random beside it is hidden_std.")
    return law.mean


def _labels(sites: list[Sites], biases: list, first, last) -> list[dict[str, np.ndarray]]:
    """What tells the neurons of each population apart at the start, (row, site) each."""
    last.reveal(np.empty((0, last.into.count)))
    found = []
    for layer, own in enumerate(sites):
        labels = {"label": own.draws.take(("label", 0, 0))[None]}
        labels |= {"W0": first.columns} if layer == 0 else {}
        labels |= {"w": last.rows} if own is sites[-1] else {}
        labels |= {"b": biases[layer].std * biases[layer].column[None]} if biases[layer] is not None else {}
        found.append(labels)
    return found


def _mean_rows(
    mean, sites: list[Sites], labels: list[dict] | None, what: str
) -> tuple[np.ndarray, np.ndarray]:
    """u and v, (k, site), of m = sum_k u_k v_k."""
    below, above = sites
    if not isinstance(mean, Correlated):
        return np.full((int(mean != 0), above.count), mean), np.ones((int(mean != 0), below.count))
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

"""Arguments of finite autoencoders, checked."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...ground.errors import UnsupportedError, require
from ...sites.activations import Activation
from ..arguments import finite_array
from .descent import has_population
from .descent_numba import CODES
from .initial import InitialWeights
from .record import StepTimes, check_size
from .spectrum import CovarianceSpectrum

METHODS = ("sgd", "population")


@dataclass(frozen=True, kw_only=True)
class DescentPlan:
    """All that a run of finite networks needs.

    `spectrum` has a direction for each coordinate where initial weights mix directions; `inputs` (example,
    direction) are given ones, None for Gaussian ones.
    """

    spectrum: CovarianceSpectrum
    activation: Activation
    initial: InitialWeights
    times: StepTimes
    weight_decay: float
    width: int
    method: str
    n_replicates: int
    samples: int
    seed: int
    paired: bool
    inputs: np.ndarray | None

    def check(self) -> None:
        """Refuse arguments that do not fit each other, and a run that does not fit into memory."""
        require(
            not self.paired or self.width % 2 == 0,
            f"width={self.width} is odd, but paired neurons come in twos; take an even width.",
        )
        require(
            not (self.paired and self.initial.neurons is not None),
            "paired=True is for weights that are drawn; give initial_theta in pairs, and leave it out.",
        )
        kept = len(self.times.times) * self.samples * len(self.spectrum.variances)
        check_size(kept + 6 * self.n_replicates * self.width * self.spectrum.size)

    def settings(self) -> dict:
        """Plain values."""
        return {
            "initial": self.initial.describe(),
            "weight_decay": self.weight_decay,
            "times": self.times.times.tolist(),
            "step": self.times.step,
            "width": self.width,
            "method": self.method,
            "n_replicates": self.n_replicates,
            "samples": self.samples,
            "seed": self.seed,
            "paired": self.paired,
        }


def check_supported(
    spectrum: CovarianceSpectrum, activation: Activation, method: str, examples: ArrayLike | None
) -> None:
    """Refuse what cannot be trained.

    Raises
    ------
    InputError
        An unknown method; examples for a method that takes none.
    UnsupportedError
        Infinite dimension, an activation without kernel, or without closed averages for "population".
    """
    require(method in METHODS, f"method={method!r} is unknown; choose one of {', '.join(METHODS)}.")
    if spectrum.dimension is None:
        raise UnsupportedError(
            "train_autoencoder needs a finite dimension: give the data's variances with multiplicities"
            " instead of fractions."
        )
    if not activation.named(*CODES):
        raise UnsupportedError(
            f"train_autoencoder has no kernel for activation {activation.name!r}; choose one of"
            f" {', '.join(CODES)}."
        )
    if method == "population" and not has_population(activation):
        raise UnsupportedError(
            f"averages over the population are not closed for {activation.name!r}; use method='sgd', or"
            " linear, relu, scaled_relu or erf."
        )
    require(examples is None or method == "sgd", "examples go with method='sgd'; the population is Gaussian.")


def given_inputs(examples: ArrayLike | None, spectrum: CovarianceSpectrum) -> np.ndarray | None:
    """Examples as x (example, direction), in the directions of the data; None if there are none."""
    if examples is None:
        return None
    rows, d = finite_array("examples", examples, 2, "(example, feature)"), spectrum.size
    require(
        rows.shape[1] == d, f"examples have {rows.shape[1]} features, but the data have {d}; they must agree."
    )
    centred = rows if spectrum.mean is None else rows - spectrum.mean
    return spectrum.coordinates(centred) / np.sqrt(d)

"""Mean-field, muP, NTK and standard parameterisations as one family of networks, and how to go between them.

Legend: a layer multiplies its weight W by a, entries start as N(0, b^2), and plain gradient descent moves W
by c sum_nu Delta_nu d f_nu / d W. Replacing (a, b, c) by (a s, b / s, c / s^2) changes nothing but the name
of the weights (Yang & Hu 2021, section 3), so that each row below is one point of a family with two
parameters, richness and learning rate.

| form       | input a, b, c                 | hidden a, b, c            | readout a, b, c                   |
|------------|-------------------------------|---------------------------|-----------------------------------|
| mean_field | D^-1/2, 1, eta gamma0^2 N     | N^-1/2, 1, eta gamma0^2 N | 1/(gamma0 N), 1, eta gamma0^2 N   |
| mup        | 1, D^-1/2, eta gamma0^2 N / D | 1, N^-1/2, eta gamma0^2   | 1, 1/(gamma0 N), eta / N          |
| ntk        | D^-1/2, 1, eta gamma0^2       | N^-1/2, 1, eta gamma0^2   | 1/(gamma0 N^1/2), 1, eta gamma0^2 |
| standard   | 1, D^-1/2, eta                | 1, N^-1/2, eta            | 1/gamma0, N^-1/2, eta             |

The first two are the same network. The third is a mean-field network of richness gamma0 / sqrt(N); the fourth
is one of that richness and of learning rate eta N / gamma0^2, with the input layer slowed down by D / N. Both
are lazy when wide.
"""

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import xarray as xr

from ..ground.calls import checked_call
from ..ground.errors import InputError, real, require, whole
from ..training.training import Training
from .mlp import MLP
from .network import Network

FORMS = ("mean_field", "mup", "ntk", "standard")


@checked_call
@dataclass(frozen=True)
class Scales:
    """Multiplier a, initial standard deviation b and learning rate c of each weight, input first, readout
    last."""

    multiplier: tuple[float, ...]
    initial_std: tuple[float, ...]
    learning_rate: tuple[float, ...]


@checked_call
def scales(
    form: str, depth: int, width: int, features: int, richness: float = 1.0, learning_rate: float = 1.0
) -> Scales:
    """Scales of every weight of an MLP in one of the forms; the table is in the docstring of the module.

    Parameters
    ----------
    form
        "mean_field", "mup", "ntk" or "standard".
    depth, width, features
        Hidden layers L, neurons N in each, input features D.
    richness, learning_rate
        gamma0 and eta of that form.

    Raises
    ------
    InputError
        An unknown form, or a number that is not positive.
    """
    depth, n, d = whole("depth", depth, 1), whole("width", width, 1), whole("features", features, 1)
    gamma = real("richness", richness, "be positive", lambda v: v > 0)
    eta = real("learning_rate", learning_rate, "be positive", lambda v: v > 0)
    root_d, root_n, speed = d**-0.5, n**-0.5, eta * gamma**2
    rows = {
        "mean_field": ((root_d, 1.0, speed * n), (root_n, 1.0, speed * n), (1 / (gamma * n), 1.0, speed * n)),
        "mup": ((1.0, root_d, speed * n / d), (1.0, root_n, speed), (1.0, 1 / (gamma * n), eta / n)),
        "ntk": ((root_d, 1.0, speed), (root_n, 1.0, speed), (root_n / gamma, 1.0, speed)),
        "standard": ((1.0, root_d, eta), (1.0, root_n, eta), (1 / gamma, root_n, eta)),
    }
    require(form in rows, f"parameterization={form!r} is unknown; choose one of {', '.join(FORMS)}.")
    first, hidden, last = rows[form]
    return Scales(*zip(first, *[hidden] * (depth - 1), last))


@checked_call
def to_mean_field(given: Scales, width: int, features: int) -> tuple[float, float, tuple[float, ...]]:
    """Richness, learning rate and multipliers of it of the mean-field network that these scales describe.

    Multipliers are relative to the readout, whose own is 1.

    Raises
    ------
    InputError
        Scales whose preactivations do not start with the variances |x|^2 / D and E[phi^2].
    """
    a, b, c = (
        np.array(values, float) for values in (given.multiplier, given.initial_std, given.learning_rate)
    )
    fan_in = np.array([features] + [width] * (len(a) - 1))
    spread = a * b * np.sqrt(fan_in)
    if not np.allclose(spread[:-1], 1, rtol=1e-10):
        raise InputError(
            f"multiplier times initial_std must be 1/sqrt(fan-in) below the readout, but is {spread[:-1]}"
            " times that; rescale the activation's gain instead."
        )
    richness = 1 / (a[-1] * b[-1] * width)
    # The same function with weights W / b: entries start as N(0, 1), and the step is c / b^2 instead of c.
    speed = c / b**2 / (richness**2 * width)
    return float(richness), float(speed[-1]), tuple((speed / speed[-1]).tolist())


def as_mean_field(
    form: str, network: Network, training: Training, width: int, features: int
) -> tuple[Network, Training]:
    """The mean-field network and training that do what `network` and `training` mean in another form.

    In any form but "mean_field" these are a plain MLP and gradient descent in steps, without noise.
    Momentum is the same in every form; weight decay keeps its product with the learning rate.
    """
    if form == "mean_field":
        return network, training
    network, descent = cast(MLP, network), training.descent
    given = scales(form, network.depth, width, features, network.richness, descent.learning_rate)
    own = descent.rates(network.roles).values()
    richness, rate, multipliers = to_mean_field(given, width, features)
    decay = descent.weight_decay * descent.learning_rate / rate
    multipliers = tuple(kappa * factor for kappa, factor in zip(multipliers, own))
    converted = replace(training, learning_rate=rate, weight_decay=decay, multipliers=multipliers)
    return replace(network, richness=richness), converted


@checked_call
def table(
    depth: int, width: int, features: int, richness: float = 1.0, learning_rate: float = 1.0
) -> xr.Dataset:
    """All forms side by side, with richness and learning rate of the mean-field network that each one is.

    Returns
    -------
    xarray.Dataset
        multiplier, initial_std, learning_rate, learning_rate_multiplier (form, weight); mean_field_richness,
        mean_field_learning_rate (form).

    Examples
    --------
    >>> from tensorprog_mf import parameterization
    >>> ds = parameterization.table(depth=2, width=100, features=10)
    >>> float(ds.mean_field_richness.sel(form="ntk"))
    0.1
    """
    rows = [scales(form, depth, width, features, richness, learning_rate) for form in FORMS]
    back = [to_mean_field(row, width, features) for row in rows]
    both = ("form", "weight")
    columns = {
        "multiplier": (both, [row.multiplier for row in rows], "factor on the weight"),
        "initial_std": (both, [row.initial_std for row in rows], "initial standard deviation"),
        "learning_rate": (both, [row.learning_rate for row in rows], "learning rate of the weight"),
        "learning_rate_multiplier": (both, [kappa for *_, kappa in back], "multiplier in mean-field form"),
        "mean_field_richness": ("form", [gamma for gamma, *_ in back], "richness in mean-field form"),
        "mean_field_learning_rate": ("form", [eta for _, eta, _ in back], "learning rate in mean-field form"),
    }
    return xr.Dataset(
        {
            name: (dims, values, {"long_name": long_name, "units": ""})
            for name, (dims, values, long_name) in columns.items()
        },
        {"form": list(FORMS), "weight": [f"W{layer}" for layer in range(depth)] + ["w"]},
    )

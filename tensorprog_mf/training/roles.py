"""What a parameter does in its network, and the learning-rate multiplier that goes with it."""

import enum
from collections.abc import Mapping, Sequence

from ..ground.errors import require


class Role(enum.Enum):
    """What a parameter does in its network; the value says so in words."""

    WEIGHT = "weight of the input or of a hidden layer"
    READOUT = "weight of the readout"
    BIAS = "bias of a hidden layer"
    OUTPUT_BIAS = "bias of the output"


_WEIGHTS = (Role.WEIGHT, Role.READOUT)
_BIASES = (Role.BIAS,)  # the output bias has a factor of its own, which belongs to the network


def multipliers_by_name(
    roles: Mapping[str, Role], multipliers: Sequence[float] | None, bias_multipliers: Sequence[float] | None
) -> dict[str, float]:
    """The learning-rate multiplier of every parameter.

    Parameters
    ----------
    roles
        Role of each parameter by name, in the order of the layers.
    multipliers, bias_multipliers
        One number for each weight and for each bias, in that order; None: all 1.

    Raises
    ------
    InputError
        More or fewer multipliers than weights, or bias_multipliers than biases.
    """
    found = dict.fromkeys(roles, 1.0)
    for argument, given, kind, wanted in (
        ("multipliers", multipliers, "weights", _WEIGHTS),
        ("bias_multipliers", bias_multipliers, "biases", _BIASES),
    ):
        if given is None:
            continue
        names = [name for name, role in roles.items() if role in wanted]
        require(
            len(given) == len(names),
            f"{len(given)} {argument} but {len(names)} {kind} ({', '.join(names)}).",
        )
        found |= dict(zip(names, given))
    return found

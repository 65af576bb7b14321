"""One specification per result variable and coordinate: dimensions, meaning, symbol in the theory."""

from ...ground.errors import require
from . import mean_field, scaling_laws, training
from .training import ORDERS, SLOT_FIELDS, TRUNCATED
from .variable import Variable

SCHEMA_VERSION = "2"
VARIABLES: dict[str, Variable] = {
    **training.VARIABLES,
    **training.LAZY_VARIABLES,
    **mean_field.VARIABLES,
    **scaling_laws.VARIABLES,
}
COORDINATES: dict[str, Variable] = {
    **training.COORDINATES,
    **mean_field.COORDINATES,
    **scaling_laws.COORDINATES,
}
TRAINING_VARIABLES = tuple(training.VARIABLES)  # the estimate of memory is made of these


def declare(name: str, variable: Variable) -> None:
    """Make a variable known that a probe of your own reads; those of the library stand in the modules here.

    Raises
    ------
    InputError
        A name that is taken by another variable.
    """
    require(
        VARIABLES.setdefault(name, variable) == variable,
        f"{name!r} is the name of a variable already ({VARIABLES[name].long_name}); choose another one.",
    )


__all__ = [
    "COORDINATES",
    "ORDERS",
    "SCHEMA_VERSION",
    "SLOT_FIELDS",
    "TRAINING_VARIABLES",
    "TRUNCATED",
    "VARIABLES",
    "Variable",
    "declare",
]

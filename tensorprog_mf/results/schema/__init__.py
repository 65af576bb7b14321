"""One specification per variable and coordinate of results: dimensions, meaning, symbol in the theory."""

from ...ground.errors import require
from . import mean_field, scaling_laws, training
from .renamed import RENAMED, Renamed, new_names
from .training import ORDERS, SLOT_FIELDS, TRUNCATED
from .variable import Variable

SCHEMA_VERSION = "3"
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
TRAINING_VARIABLES = tuple(training.VARIABLES)  # of which the estimate of memory is made


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
    "RENAMED",
    "SCHEMA_VERSION",
    "SLOT_FIELDS",
    "TRAINING_VARIABLES",
    "TRUNCATED",
    "VARIABLES",
    "Renamed",
    "Variable",
    "declare",
    "new_names",
]

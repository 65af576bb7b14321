"""One specification per variable and coordinate of results: dimensions, meaning, symbol in the theory."""

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
    "new_names",
]

"""Variables that had another name in files of earlier schema versions."""

from typing import NamedTuple

import xarray as xr


class Renamed(NamedTuple):
    """A variable, coordinate or dimension that got a new name; errors of it, `<name>_stderr`, move along."""

    old: str
    new: str
    version: str  # schema version that brought the new name: files of earlier ones have the old one
    routes: tuple[str, ...] = ()  # how attribute `route` of the results concerned begins; () for all


# One entry per line, ordered by version.
RENAMED: tuple[Renamed, ...] = (
    Renamed("rank", "basis_rank", "2"),
    Renamed("tau", "relative_depth", "3"),
    Renamed("theta", "neuron_weight", "3", ("autoencoder", "train_autoencoder")),
)
_ERRORS = ("_stderr", "_depth_error")


def new_names(ds: xr.Dataset) -> dict[str, str]:
    """Old name -> present name of whatever in a result has been renamed since its schema version.

    Results without an attribute `schema_version` come from elsewhere and keep their names.
    """
    version = str(ds.attrs.get("schema_version", ""))
    if not version.isdecimal():
        return {}
    route = str(ds.attrs.get("route", ""))
    entries = [
        entry
        for entry in RENAMED
        if int(version) < int(entry.version) and (not entry.routes or route.startswith(entry.routes))
    ]
    names = {str(name): _renamed(str(name), entries) for name in (*ds.variables, *ds.dims)}
    return {old: new for old, new in names.items() if old != new}


def _renamed(name: str, entries: list[Renamed]) -> str:
    error = next((ending for ending in _ERRORS if name.endswith(ending)), "")
    plain = name.removesuffix(error)
    for entry in entries:
        plain = entry.new if plain == entry.old else plain  # one after the other: twice renamed, two steps
    return plain + error

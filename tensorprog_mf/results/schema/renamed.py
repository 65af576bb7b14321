"""Variables that had another name in files of earlier schema versions."""

from typing import NamedTuple

import xarray as xr


class Renamed(NamedTuple):
    """A variable, coordinate or dimension that got a new name; errors of it, `<name>_stderr`, move along."""

    old: str
    new: str
    version: str  # schema version that brought the new name: files of earlier ones have the old one
    routes: tuple[str, ...] = ()  # how attribute `route` of the results concerned begins; () for all


_SCALING = ("scaling_laws.",)
# One entry per line, ordered by version.
RENAMED: tuple[Renamed, ...] = (
    Renamed("rank", "basis_rank", "2"),
    Renamed("tau", "relative_depth", "3"),
    Renamed("theta", "neuron_weight", "3", ("autoencoder", "train_autoencoder")),
    Renamed("H", "transfer_function", "3", _SCALING),
    Renamed("var_v0", "weight_error_variance", "3", _SCALING),
    Renamed("C0", "error_correlation", "3", _SCALING),
    Renamed("C1", "residual_correlation", "3", _SCALING),
    Renamed("C2", "mode_gradient_correlation", "3", _SCALING),
    Renamed("C3", "feature_gradient_correlation", "3", _SCALING),
    Renamed("R1", "data_response", "3", _SCALING),
    Renamed("R3", "feature_response", "3", _SCALING),
    Renamed("R02", "mode_response_to_data", "3", _SCALING),
    Renamed("R24", "mode_response_to_features", "3", _SCALING),
    Renamed("W", "weight_propagator", "3", _SCALING),
    Renamed("Cw", "weight_correlation", "3", _SCALING),
    Renamed("Kte", "batch_noise_kernel_test", "3", _SCALING),
    Renamed("Ktr", "batch_noise_kernel_train", "3", _SCALING),
    Renamed("K_on", "batch_noise_kernel_online", "3", _SCALING),
    Renamed("beta_norm2", "learned_norm_squared", "3", _SCALING),
    Renamed("kappa", "resolution", "3", _SCALING),
    Renamed("test_t_inf", "late_test_loss", "3", _SCALING),
    Renamed("train_t_inf", "late_loss", "3", _SCALING),
    Renamed("bias_t_inf", "late_bias_loss", "3", _SCALING),
    Renamed("v0", "weight_error", "3", _SCALING),
    Renamed("v1", "example_error", "3", _SCALING),
    Renamed("v3", "feature_gradient", "3", _SCALING),
    Renamed("w", "readout_weight", "3", _SCALING),
    Renamed("loss_same_A", "loss_same_features", "3", _SCALING),
    Renamed("L_opt", "optimal_test_loss", "3", _SCALING),
    Renamed("N_opt", "optimal_width", "3", _SCALING),
    Renamed("t_opt", "optimal_time", "3", _SCALING),
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

"""Results as netCDF files: never half written, smaller than in memory, read back whole."""

import os
import pathlib
import tempfile

import xarray as xr

from ..ground.calls import checked_call
from ..ground.errors import InputError, boolean, require
from .dataset import output_as_data
from .rounding import rounded
from .schema import SCHEMA_VERSION, new_names

_LEVEL = {"float32": 6, "float64": 4}  # of zlib: fields gain from more, kernels do not


@checked_call
def save(
    result: xr.Dataset | xr.DataTree, path: str | os.PathLike[str], *, exact: bool = False
) -> pathlib.Path:
    """Write a result, or a tree of results, to a netCDF-4 file.

    It is written under another name in the same folder and then renamed, so that no file is ever half
    written.

    Parameters
    ----------
    result
        A result, or an `xarray.DataTree` of results.
    path
        The file.
    exact
        Keep every bit. Otherwise fields at sites are rounded to 0.1 % (their parts to 0.2 %), and kernels,
        moments and densities to 1/250 of their standard error, which makes files three times smaller.
        Outputs, losses and coordinates stay exact, and so do variables without standard errors and results on
        common draws. The attribute `rounding` of the file and of each variable says what was done. Use
        exact=True where differences of kernels between runs of the same seed matter.

    Raises
    ------
    InputError
        The folder does not exist or cannot be written to.
    """
    target, exact = pathlib.Path(path), boolean("exact", exact)
    folder = target.parent
    require(folder.is_dir(), f"cannot write {target}: the folder {folder} does not exist; make it first.")
    result = _prepared(result, exact)
    beside = ""
    try:
        handle, beside = tempfile.mkstemp(dir=folder, prefix=target.name, suffix=".part")
        os.close(handle)
        result.to_netcdf(beside, format="NETCDF4", engine="netcdf4", encoding=_encoding(result))
        os.chmod(beside, 0o666 & ~_umask())
        os.replace(beside, target)
    except OSError as error:
        raise InputError(
            f"cannot write {target}: {error.strerror or error}; choose a folder you may write to."
        ) from error
    finally:
        if beside and os.path.exists(beside):
            os.unlink(beside)
    return target


def _prepared(result: xr.Dataset | xr.DataTree, exact: bool) -> xr.Dataset | xr.DataTree:
    """What is written: rounded unless `exact`, and of a tree a root whose attributes say where to look."""
    if not isinstance(result, xr.DataTree):
        return result if exact else rounded(result)
    nodes = {node.path: node.to_dataset(inherit=False) for node in result.subtree}
    if not exact:
        nodes = {where: rounded(ds) for where, ds in nodes.items()}
    groups = [where.strip("/") for where, ds in nodes.items() if ds.variables and where != result.path]
    if groups:
        root = nodes[result.path]
        nodes[result.path] = root.assign_attrs(_where_to_look(groups) | root.attrs)
    return xr.DataTree.from_dict(nodes, name=result.name)


def _where_to_look(groups: list[str]) -> dict[str, str]:
    """Attributes of the root of a file with several results, all of it that `xarray.open_dataset` shows."""
    from .. import __version__

    return {
        "title": f"{len(groups)} results of tensorprog_mf in groups of this file",
        "source": f"tensorprog_mf {__version__}",
        "schema_version": SCHEMA_VERSION,
        "groups": ", ".join(groups),
        "how_to_open": (
            "tensorprog_mf.load(path) or xarray.open_datatree(path) for all, "
            f"xarray.open_dataset(path, group={groups[0]!r}) for one."
        ),
    }


def _encoding(result: xr.Dataset | xr.DataTree) -> dict:
    """How variables are compressed, by name; for a tree by group."""
    if isinstance(result, xr.DataTree):
        return {node.path: _encoding(node.to_dataset(inherit=False)) for node in result.subtree}
    return {
        name: {"zlib": True, "shuffle": True, "complevel": _LEVEL.get(str(v.dtype), 4)}
        for name, v in result.data_vars.items()
        if v.dtype.kind == "f" and v.ndim
    }


def _umask() -> int:
    """Permissions that the user withholds from new files; mkstemp gives them to nobody else at all."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


@checked_call
def load(path: str | os.PathLike[str]) -> xr.Dataset | xr.DataTree:
    """Read a file written by `save` into memory: a Dataset, or the tree of datasets that was saved.

    Variables of files of earlier versions get the names of today, see `results.schema.RENAMED`.

    Raises
    ------
    InputError
        The file is missing or not netCDF.
    """
    path = pathlib.Path(path)
    require(path.is_file(), f"cannot read {path}: no such file.")
    try:
        with xr.open_datatree(path, engine="netcdf4") as tree:
            tree = tree.load()
    except OSError as error:
        raise InputError(f"cannot read {path}: it is not a netCDF file ({error}).") from error
    return tree.map_over_datasets(_as_today) if tree.children else _as_today(tree.to_dataset())


def _as_today(ds: xr.Dataset) -> xr.Dataset:
    """A dataset as this version writes it."""
    ds = output_as_data(ds)
    version = str(ds.attrs.get("schema_version", ""))
    if not version.isdecimal() or int(version) >= int(SCHEMA_VERSION):
        return ds
    if names := new_names(ds):
        ds = output_as_data(ds.rename(names))
    if version == "1":  # which wrote what has no unit as xarray shows it on axes
        for variable in ds.variables.values():
            if variable.attrs.get("units") == "1":
                variable.attrs["units"] = ""
    return ds.assign_attrs(schema_version=SCHEMA_VERSION)

"""tensorprog-mf info RESULT.nc"""

import argparse
import json
from typing import Any

import xarray as xr

from ..results.files import load


def main(given: argparse.Namespace) -> int:
    """Print provenance, status, sizes and variables of a result."""
    result = load(given.result)
    if isinstance(result, xr.Dataset):
        _tell(result)
        return 0
    for name, node in result.children.items():
        print(f"== {name}")
        _tell(node.to_dataset())
    return 0


def _shown(name: str, value: Any) -> str:
    """An attribute in words; as it is where it is not one of ours."""
    try:
        table = json.loads(value) if name.endswith("_json") else None
    except (TypeError, ValueError):
        table = None
    return ", ".join(f"{k}={v}" for k, v in table.items()) if isinstance(table, dict) else str(value)


def _tell(ds: xr.Dataset) -> None:
    for name, value in ds.attrs.items():
        if name in ("slots_json", "environment_json"):
            continue
        print(f"{name.removesuffix('_json'):22} {_shown(name, value)}")
    print(f"{'sizes':22} {', '.join(f'{name} {size}' for name, size in ds.sizes.items())}")
    if "loss" in ds:
        several = [dim for dim in ds.loss.dims if dim not in ("time", "step", "replicate")]
        if several:
            print(
                f"{'several runs':22} along {', '.join(several)}: what is said above may hold for the first"
                " of them only"
            )
        elif ds.loss.dims in (("time",), ("step",)):
            print(f"{'loss':22} {float(ds.loss[0]):.6g} -> {float(ds.loss[-1]):.6g}")
    for name, variable in ds.data_vars.items():
        if not str(name).endswith("_stderr"):
            error = " +- stderr" if f"{name}_stderr" in ds else ""
            dims = ", ".join(map(str, variable.dims))
            print(f"  {name:34} ({dims}) {variable.attrs.get('long_name', '')}{error}")

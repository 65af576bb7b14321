"""tensorprog-mf plot RESULT.nc [-o FIGURE]"""

import argparse
import pathlib
from collections.abc import Callable
from typing import Any

import xarray as xr

from ..ground.errors import InputError, UnsupportedError, require
from ..results.files import load


def main(given: argparse.Namespace) -> int:
    """Draw the overview of a result into a file."""
    ds = load(given.result)
    if not isinstance(ds, xr.Dataset):
        groups = ", ".join(ds.children)
        require(
            given.group in ds.children,
            f"{given.result} holds several results: choose one with --group, {groups}.",
        )
        ds = ds[given.group].to_dataset()
    target = pathlib.Path(given.output or pathlib.Path(given.result).with_suffix(".png"))
    write(lambda plotting: plotting.overview(ds), target)
    print(target)
    return 0


def write(draw: Callable[[Any], Any], target: pathlib.Path) -> None:
    """Draw a figure with `draw(plotting)` into a file.

    Raises
    ------
    UnsupportedError
        matplotlib is not installed.
    InputError
        A file that cannot be written, or whose ending is not that of a known format.
    """
    try:
        import matplotlib
    except ImportError:
        raise UnsupportedError("figures need matplotlib: pip install 'tensorprog_mf[plots]'.") from None
    matplotlib.use("Agg")
    from ..results import plotting

    try:
        draw(plotting).savefig(target, dpi=110)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot write {target}: {error}") from None

"""tensorprog-mf run CONFIG.toml -o OUT.nc"""

import argparse
import inspect
import pathlib
import signal
import sys
import warnings
from types import FrameType
from typing import Any

import xarray as xr

from ..ground.errors import InputError, Interrupted, require
from ..results.files import save
from .config import Config, read


def main(given: argparse.Namespace) -> int:
    """Run a configuration and save the result; a file that cannot be written is refused before the run."""
    output = pathlib.Path(given.output)
    require(
        output.parent.is_dir(),
        f"cannot write {output}: the folder {output.parent} does not exist; make it first.",
    )
    try:
        with open(output, "ab"):
            pass
        if output.stat().st_size == 0:
            output.unlink()
    except OSError as error:
        raise InputError(
            f"cannot write {output}: {error.strerror}; choose a folder you may write to."
        ) from None
    config = read(given.config)
    signal.signal(signal.SIGTERM, _interrupt)  # what batch systems send: keep what there is, as on Ctrl-C
    options = dict(config.options)
    if "progress" in inspect.signature(config.route).parameters:
        options["progress"] = not given.quiet
    with warnings.catch_warnings():
        warnings.showwarning = _warn
        ds, stopped = _run(config, options)
    save(ds, output, exact=given.exact)
    print(f"{output}: {ds.attrs['status']}. {ds.attrs['status_message']}")
    if "target_error_message" in ds.attrs:
        print(ds.attrs["target_error_message"])
    loss = ds.loss.mean("replicate") if "replicate" in ds.loss.dims else ds.loss
    last = f"{int(ds.step[-1])} steps" if "step" in ds.coords else f"time {float(ds.time[-1]):g}"
    print(f"loss {float(loss[0]):.4g} -> {float(loss[-1]):.4g} in {last}")
    return 130 if stopped else 0


def _run(config: Config, options: dict[str, Any]) -> tuple[xr.Dataset, bool]:
    """The result, and whether Ctrl-C has ended the run."""
    try:
        return config.route(config.network, config.problem, config.training, **options), False
    except Interrupted as stop:
        if stop.result is None:
            raise
        return stop.result, True


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    clear = "\r\033[K" if sys.stderr.isatty() else ""  # the line of progress
    print(f"{clear}tensorprog-mf run: warning: {message}", file=sys.stderr)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt

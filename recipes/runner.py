"""What all recipes have in common: they run, report, save, draw, and say how long they took."""

import inspect
import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any

import xarray as xr

import tensorprog_mf as tp

Figure = Any  # a figure of matplotlib, which may not be installed


def output_folder() -> pathlib.Path:
    """FOLDER of the command line (default: output), which is made if it is missing."""
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "output")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def recipe(
    file: str,
    run: Callable[..., Any],
    report: Callable[[Any], None] | None,
    draw: Callable[[Any], Figure],
    dpi: int = 100,
) -> None:
    """Run the recipe in `file`, whose command line is [FOLDER] followed by words of its own.

    `run` is given these words, and returns a Dataset or a dict of Datasets, which is saved as
    FOLDER/<name>.nc. `report` prints them (None if `run` has printed them as they came). `draw` returns a
    matplotlib figure of them, which is saved as FOLDER/<name>.png; if matplotlib is missing, a line says so
    instead.
    """
    words = sys.argv[2:]
    try:
        inspect.signature(run).bind(*words)
    except TypeError:
        name, given = pathlib.Path(file).name, " ".join(words)
        sys.exit(
            f"{name} does not take the words {given!r} after FOLDER; its docstring shows the command line."
        )
    path = output_folder() / pathlib.Path(file).stem
    begin = time.perf_counter()
    results = run(*words)
    if report is not None:
        report(results)
    saved = xr.DataTree.from_dict(results) if isinstance(results, dict) else results
    print("written to", tp.save(saved, path.with_suffix(".nc")))
    _figure(results, draw, path.with_suffix(".png"), dpi)
    print(f"{time.perf_counter() - begin:.1f} s")


def _figure(results: Any, draw: Callable[[Any], Figure], path: pathlib.Path, dpi: int) -> None:
    try:
        import matplotlib
    except ImportError:
        print("no figure: matplotlib is not installed (pip install 'tensorprog_mf[plots]')")
        return
    matplotlib.use("Agg")
    draw(results).savefig(path, dpi=dpi)
    print("written to", path)

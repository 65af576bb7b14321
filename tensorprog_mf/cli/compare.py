"""tensorprog-mf compare RESULT.nc [RESULT.nc ...] [-o OUT.nc | -o FIGURE]"""

import argparse
import pathlib

import xarray as xr

from ..ground.errors import require
from ..results.comparison import compare
from ..results.files import load, save
from .plot import write

_KINDS = ("rms", "max", "sigma", "outside")
_SHOWN = ("output", "loss", "feature_kernel", "gradient_kernel", "tangent_kernel")


def main(given: argparse.Namespace) -> int:
    """Print the distances of all results to the first one at the last common time, and write them or a
    figure."""
    results = _results(given.results)
    first, *others = results
    distances = compare(results[first], **{name: results[name] for name in others})
    print(
        f"distances to {first} at time {float(distances.time[-1]):.4g}: rms, largest, largest in standard"
        " errors, share outside 95 % intervals"
    )
    for name in distances.route.values:
        print(name)
        for variable in _SHOWN:
            if f"{variable}_rms" in distances:
                row = [distances[f"{variable}_{kind}"].sel(route=name).isel(time=-1).max() for kind in _KINDS]
                print(f"  {variable:18}" + "".join(f"{float(value):12.3g}" for value in row))
    if given.output:
        target = pathlib.Path(given.output)
        if target.suffix == ".nc":
            save(distances, target)
        else:
            write(lambda plotting: plotting.routes(results), target)
        print(target)
    return 0


def _results(paths: list[str]) -> dict[str, xr.Dataset]:
    """Results by the names of their groups and files."""
    found: dict[str, xr.Dataset] = {}
    for path in paths:
        result, stem = load(path), pathlib.Path(path).stem
        own = (
            {stem: result}
            if isinstance(result, xr.Dataset)
            else {n: node.to_dataset() for n, node in result.children.items()}
        )
        for name, ds in own.items():
            name = name if name not in found else f"{stem} {name}"
            require(name not in found, f"compare: two results are called {name!r}; rename one of the files.")
            found[name] = ds
    return found

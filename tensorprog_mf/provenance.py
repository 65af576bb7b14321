"""How a result was made, as netCDF-safe attributes."""

import datetime
import json
import platform

from .schema import SCHEMA_VERSION

_REFERENCES = (
    "Bordelon & Pehlevan 2022, arXiv:2205.09653; Yang & Hu 2021, arXiv:2011.14522; "
    "Lu 2021, 'Householder Dice'; Bolthausen 2014"
)


def _environment() -> dict:
    from importlib.metadata import version

    packages = ("numpy", "numba", "scipy", "xarray", "netCDF4")
    return {"python": platform.python_version(), "platform": platform.platform(), **{p: version(p) for p in packages}}


def attributes(route: str, network, problem, training, settings: dict, status: str, status_message: str) -> dict:
    """Global attributes of a result: strings and numbers only, structures as JSON."""
    from . import __version__

    return {
        "source": f"tensorprog_mf {__version__}",
        "created_at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "schema_version": SCHEMA_VERSION,
        "route": route,
        "architecture": type(network).__name__,
        "seed": str(settings.get("seed", "")),
        "status": status,
        "status_message": status_message,
        "references": _REFERENCES,
        "network_json": json.dumps(network.describe()),
        "training_json": json.dumps(training.describe()),
        "settings_json": json.dumps(settings),
        "problem_json": json.dumps(problem.describe()),
        "environment_json": json.dumps(_environment()),
    }

"""How a result was made, as netCDF-safe attributes."""

import datetime
import functools
import json
import platform
from typing import Any

from ..networks.network import Network
from ..problems.source import DataSource
from ..training.training import Training
from .references import of_training
from .schema import SCHEMA_VERSION


@functools.cache  # it reads files of every package
def _environment() -> dict:
    from importlib.metadata import version

    packages = ("numpy", "numba", "scipy", "xarray", "netCDF4")
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{p: version(p) for p in packages},
    }


def attributes(
    route: str,
    network: Network,
    problem: DataSource,
    training: Training,
    settings: dict,
    status: str,
    status_message: str,
) -> dict[str, Any]:
    """Global attributes of a result of training: strings and numbers only, structures as JSON."""
    described = {
        "network": network.describe(),
        "training": training.describe(),
        "problem": problem.describe(),
    }
    papers = of_training(route, described["network"], described["training"], settings)
    return made(route, type(network).__name__, settings, status, status_message, papers, described)


def made(
    route: str,
    architecture: str,
    settings: dict,
    status: str,
    status_message: str,
    references: str,
    described: dict[str, dict],
) -> dict[str, Any]:
    """Global attributes of any result; each part that is `described` becomes <name>_json."""
    from .. import __version__

    return {
        "source": f"tensorprog_mf {__version__}",
        "created_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "schema_version": SCHEMA_VERSION,
        "route": route,
        "architecture": architecture,
        "seed": str(settings.get("seed", "")),
        "status": status,
        "status_message": status_message,
        "references": references,
        **{f"{name}_json": json.dumps(value) for name, value in described.items()},
        "settings_json": json.dumps(settings),
        "environment_json": json.dumps(_environment()),
    }

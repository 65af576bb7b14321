"""Independent replicates of one run, gathered into a Dataset: what the Monte Carlo routes share."""

import json
import warnings

import numpy as np
import xarray as xr

from ..accelerate import map_runs
from ..engine import Outcome, Status, run
from ..errors import DivergenceWarning, require
from ..provenance import attributes
from ..realization import Ensemble
from ..recorder import Recorder, recorded_steps
from ..results import dataset, slot_table, summarise

_THREADED = 512
_WORST_FIRST = (Status.DIVERGED, Status.FINITE_WIDTH, Status.COMPLETED)


def gather(
    route: str, network, problem, training, ensemble: Ensemble, n_replicates: int, settings: dict, *,
    samples: int, record, keep_replicates: bool, threads: int | None, limit: bool,
) -> xr.Dataset:  # fmt: skip
    """Run the replicates on threads and return their means, standard errors, fields and provenance.

    A `limit` minds how near its ranks come to the number of sites, and records its draws; a finite network does not.
    """
    require(n_replicates == int(n_replicates) and n_replicates >= 1, f"n_replicates={n_replicates} must be a whole number, 1 or more.")
    require(samples == int(samples) and samples >= 0, f"samples={samples} must be a whole number, 0 or more.")
    steps = recorded_steps(record, training.steps)

    def one(replicate: int) -> Outcome:
        recorder = Recorder(steps, min(samples, ensemble.count) if replicate == 0 else 0)
        return run(network, problem, training, ensemble, recorder, replicate, limit)

    # Small populations live in the interpreter, where threads only wait for each other: 13 against 19 ms at width 16.
    outcomes = map_runs(one, range(n_replicates), threads if ensemble.count >= _THREADED else 1)
    arrays = summarise([outcome.record for outcome in outcomes], keep_replicates)
    worst = min(outcomes, key=lambda outcome: _WORST_FIRST.index(outcome.status))
    if worst.status is Status.DIVERGED:
        warnings.warn(worst.message, DivergenceWarning, stacklevel=3)
    described = attributes(route, network, problem, training, settings, worst.status.label, worst.message)
    if "rank" in arrays:
        arrays["rank_fraction"] = (arrays["rank"][0], arrays["rank"][1] / ensemble.count)
    if samples == 0:
        arrays = {name: value for name, value in arrays.items() if "sample" not in value[0]}
    if limit:
        table, names = slot_table([outcome.slots for outcome in outcomes])
        arrays["draw_slot"] = (("slot", "slot_field"), table)
        described["slots_json"] = json.dumps(names)
    return dataset(arrays, problem, training, steps, described)


def fresh_seed(seed: int | None) -> int:
    """The seed itself, or one from the operating system if None; always recorded with the result."""
    return int(np.random.SeedSequence().entropy) if seed is None else seed

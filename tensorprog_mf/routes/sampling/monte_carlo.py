"""Arguments of the routes that sample sites, checked once, and the run they ask for."""

import contextlib
import json
import pathlib
from dataclasses import dataclass, replace

import xarray as xr

from ...engine.recorder import as_record
from ...engine.truncation import default_tolerance
from ...ground.errors import Interrupted, boolean, real, require, whole
from ...ground.interruption import nothing_kept
from ...matrices.realization import Ensemble
from ...results.dataset import slot_maps
from ...results.provenance import attributes
from ...sites.draws import fresh_seed
from ...training.training import Training
from .continuum import infinite_depth
from .replicates import gather, listed, small
from .target import refine

_BATCHES = ("batch_size", "replacement", "batch_seed", "batches")


@dataclass(frozen=True)
class MonteCarlo:
    """The arguments of `sample` behind network, problem and training, in its order; see there."""

    n_samples: int
    n_replicates: int
    seed: int | None
    tolerance: float | None
    draws: str
    samples: int
    record: object
    target_error: float | None
    progress: bool
    centred: bool
    common_draws: xr.Dataset | None
    keep_replicates: bool
    checkpoint: str | pathlib.Path | None
    threads: int | None
    part: bool = False  # of a run made of several: what is finished stays on disk until all are

    def result(self, route: str, matrix: str, network, problem, training) -> xr.Dataset:
        """Sample the limit with hidden matrices of kind `matrix`, under the name of `route`."""
        if self.target_error is not None:
            return self._refined(route, matrix, network, problem, training)
        if network.refinements is not None:
            return self._infinitely_deep(route, matrix, network, problem, training)
        settings = self.settings(network)
        slots = None
        if self.common_draws is not None:
            _check_common(self.common_draws, network, problem, training, settings)
            slots = slot_maps(self.common_draws)
        # Samples would leave a saddle by their sampling error, which the limit does not have.
        still = (
            (network, replace(training, multipliers=(0.0,) * (network.depth + 1))) if network.frozen else None
        )
        return gather(
            route,
            network,
            problem,
            training,
            self._ensemble(matrix, settings, slots),
            settings,
            record=self.record,
            threads=self.threads,
            progress=self.progress,
            checkpoint=self.checkpoint,
            limit=True,
            meant=still,
            part=self.part,
        )

    def initial(self, route: str, network, problem, training) -> xr.Dataset:
        """What `sample` has at step 0 on these draws, every replicate of it; kernels in units of the learning
        rate."""
        once = replace(self, record=None, common_draws=None, keep_replicates=True)
        start = Training(0, 1.0, multipliers=training.multipliers, bias_multipliers=training.bias_multipliers)
        try:
            return once.result(route, "conditioned", network, problem, start)
        except Interrupted as stop:
            raise nothing_kept(route, "while its first kernels were sampled") from stop

    def settings(self, network) -> dict:
        """The arguments as plain values; those that cannot be are refused."""
        return {
            "n_samples": whole("n_samples", self.n_samples, 1),
            "n_replicates": whole("n_replicates", self.n_replicates, 1),
            "seed": fresh_seed(self.seed, self.checkpoint),
            "tolerance": self._tolerance(network),
            "draws": self.draws,
            "samples": whole("samples", self.samples),
            "record": listed(self.record),
            "centred": boolean("centred", self.centred),
            "common_draws": getattr(self.common_draws, "attrs", {}).get("created_at"),
            "keep_replicates": boolean("keep_replicates", self.keep_replicates),
        }

    def _tolerance(self, network, target: float | None = None) -> float:
        """The argument, that of the earlier run whose draws are used, or what suits the richness."""
        if self.tolerance is not None:
            return small(self.tolerance)
        theirs = json.loads(getattr(self.common_draws, "attrs", {}).get("settings_json", "{}"))
        return theirs.get("tolerance") or default_tolerance(network.richness, target)

    @staticmethod
    def _ensemble(matrix: str, settings: dict, slots) -> Ensemble:
        return Ensemble(
            settings["n_samples"],
            matrix,
            settings["draws"],
            settings["seed"],
            settings["tolerance"],
            settings["centred"],
            slots,
        )

    def _infinitely_deep(self, route: str, matrix: str, network, problem, training) -> xr.Dataset:
        seed, parts = fresh_seed(self.seed, self.checkpoint), []

        def at(refined):
            folder = self._part(parts, f"depth-{refined.depth}")
            once = replace(self, seed=seed, keep_replicates=True, checkpoint=folder, part=True)
            return once.result(route, matrix, refined, problem, training)

        found = infinite_depth(at, network, boolean("keep_replicates", self.keep_replicates), self.checkpoint)
        self._drop(parts)
        return found

    def _part(self, parts: list, name: str):
        """The folder for the checkpoints of one of the `parts` that a run is made of, or None; noted
        there."""
        if self.checkpoint is None:
            return None
        parts.append(pathlib.Path(self.checkpoint, name))
        return parts[-1]

    def _drop(self, parts: list) -> None:
        """Remove the checkpoints of all parts, and folders in which nothing else is."""
        if self.part or not parts:
            return
        for folder in parts:
            for file in folder.rglob("replicate-*.checkpoint"):
                file.unlink()
        for folder in [
            *(inner for folder in parts for inner in folder.glob("depth-*")),
            *parts,
            parts[0].parent,
        ]:
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _refined(self, route: str, matrix: str, network, problem, training) -> xr.Dataset:
        target = real("target_error", self.target_error, "be positive", lambda v: v > 0)
        require(
            whole("n_replicates", self.n_replicates, 1) > 1,
            "target_error needs a standard error: take n_replicates of 2 or more.",
        )
        seed, parts, tolerance = fresh_seed(self.seed, self.checkpoint), [], self._tolerance(network, target)

        def at(n):
            folder = self._part(parts, str(n))
            once = replace(
                self,
                n_samples=n,
                seed=seed,
                tolerance=tolerance,
                target_error=None,
                checkpoint=folder,
                part=True,
            )
            return once.result(route, matrix, network, problem, training)

        found = refine(at, whole("n_samples", self.n_samples, 1), target)
        self._drop(parts)
        return found


def _check_common(earlier: xr.Dataset, network, problem, training, settings: dict) -> None:
    """Refuse an earlier run whose queries are not those of this one, number by number."""
    require(
        isinstance(earlier, xr.Dataset), f"common_draws={earlier!r} must be the result of an earlier run."
    )
    theirs = json.loads(earlier.attrs.get("settings_json", "{}"))
    settings = json.loads(json.dumps(settings))  # lists for tuples, as theirs
    for made in (theirs, settings):  # keeping draws asks no queries; the earlier run must, this one need not
        made["record"] = replace(as_record(made.get("record")), draws=False).describe()
    for name in ("n_samples", "n_replicates", "seed", "draws", "tolerance", "record", "centred"):
        require(
            theirs.get(name) == settings[name],
            f"common_draws: the earlier run has {name}={theirs.get(name)}, this one {settings[name]}; they"
            " must agree.",
        )
    mine = attributes("sample", network, problem, training, settings, "", "")
    same = {
        "network (but for richness)": lambda attrs: {**json.loads(attrs["network_json"]), "richness": None},
        "number of steps": lambda attrs: json.loads(attrs["training_json"])["steps"],
        "choice of batches": lambda attrs: [json.loads(attrs["training_json"])[name] for name in _BATCHES],
        "problem": lambda attrs: json.loads(attrs["problem_json"]),
    }
    for what, part in same.items():
        require(
            part(earlier.attrs) == part(mine),
            f"common_draws: the earlier run has another {what}; it must be the same.",
        )

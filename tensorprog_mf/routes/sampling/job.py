"""What a route is asked for, as records that are made by keyword, checked once and carried whole."""

import os
import pathlib
from dataclasses import KW_ONLY, dataclass, replace
from typing import Generic, TypeVar

import xarray as xr

from ...engine.record import Record
from ...ground.errors import boolean, require, whole
from ...ground.fields import set_fields
from ...ground.interruption import Folder
from ...ground.status import Status
from ...matrices.sampling import Sampling
from ...networks import Network
from ...networks.parameterization import as_mean_field
from ...problems.problem import Problem
from ...results.provenance import attributes
from ...training.training import Training
from ..support import Request

Net = TypeVar("Net", bound=Network)


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """What is kept of a run.

    Parameters
    ----------
    record
        Which times, and what beside outputs, losses and kernels.
    samples
        Sites per layer whose fields are kept, of replicate 0.
    keep_replicates
        Every replicate instead of mean and standard error.
    """

    record: Record = Record()
    samples: int = 0
    keep_replicates: bool = False

    def __post_init__(self) -> None:
        set_fields(
            self,
            samples=whole("samples", self.samples),
            keep_replicates=boolean("keep_replicates", self.keep_replicates),
        )


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How a run is carried out; no number depends on it.

    Parameters
    ----------
    progress
        Show a line of progress.
    threads
        Threads to use; None for all.
    checkpoint
        The folder for the states of unfinished replicates, or None.
    part
        Whether the run is one of several that make a result: its checkpoints then stay until all are done.
    """

    progress: bool = True
    threads: int | None = None
    checkpoint: Folder | None = None
    part: bool = False

    def __post_init__(self) -> None:
        folder = self.checkpoint
        named = folder is None or (isinstance(folder, (str, os.PathLike)) and str(folder) != "")
        require(named, f"checkpoint={folder!r} must name a folder.")

    def part_in(self, name: str) -> "Execution":
        """That of a part of this run, with checkpoints in a folder of that name inside this one's."""
        folder = None if self.checkpoint is None else pathlib.Path(self.checkpoint, name)
        return replace(self, checkpoint=folder, part=True)


@dataclass(frozen=True)
class Job(Generic[Net]):
    """One call of a route that samples: what is trained, how it is sampled, what is kept, how it is run.

    Parameters
    ----------
    route
        Its name.
    network, problem, training, sampling, keeping, execution
        The records of the call.
    common_draws
        An earlier result whose draws are used, or None.
    form
        Of finite networks, the parameterization in which richness and learning rate are meant; None for the
        limit.
    """

    route: str
    network: Net
    problem: Problem
    training: Training
    sampling: Sampling
    keeping: Keeping = Keeping()
    execution: Execution = Execution()
    _: KW_ONLY
    common_draws: xr.Dataset | None = None
    form: str | None = None

    @property
    def limit(self) -> bool:
        """Whether the run stands for the limit, rather than for networks of finite width."""
        return self.form is None

    def meant(self) -> tuple[Network, Training]:
        """The mean-field network and training to run.

        Those of the user may be written in another parameterisation. A network that stays at a saddle in the
        limit is not trained: samples would leave the saddle by their sampling error, which the limit does not
        have.
        """
        if self.form is not None:
            width, features = self.sampling.n_samples, self.problem.all_inputs.shape[1]
            return as_mean_field(self.form, self.network, self.training, width, features)
        if self.network.frozen:
            layers = self.network.footprint(self.problem.all_inputs.shape[1:]).layers
            return self.network, replace(self.training, multipliers=(0.0,) * (layers + 1))
        return self.network, self.training

    def request(
        self,
        *,
        target_error: float | None = None,
        common_draws: xr.Dataset | None = None,
        ensemble: str | None = None,
    ) -> Request:
        """What is asked of the route, for the table of support; some arguments are none of the job."""
        return Request(
            self.network,
            self.problem,
            self.training,
            self.keeping.record,
            parameterization=self.form or "mean_field",
            ensemble=ensemble,
            common_draws=common_draws is not None,
            target_error=target_error is not None,
            checkpoint=self.execution.checkpoint is not None,
            keep_replicates=self.keeping.keep_replicates,
        )

    def settings(self) -> dict[str, object]:
        """The arguments beside network, problem and training as plain values, for attributes."""
        drawn, kept = self.sampling, self.keeping
        if not self.limit:
            return {
                "width": drawn.n_samples,
                "matrix": drawn.matrix,
                "n_replicates": drawn.n_replicates,
                "seed": drawn.seed,
                "samples": kept.samples,
                "record": kept.record.describe(),
                "centred": drawn.centred,
                "tolerance": drawn.tolerance,
                "draws": drawn.draws,
                "keep_replicates": kept.keep_replicates,
                "parameterization": self.form,
            }
        return {
            "n_samples": drawn.n_samples,
            "n_replicates": drawn.n_replicates,
            "seed": drawn.seed,
            "tolerance": drawn.tolerance,
            "draws": drawn.draws,
            "samples": kept.samples,
            "record": kept.record.describe(),
            "centred": drawn.centred,
            "common_draws": None if self.common_draws is None else self.common_draws.attrs.get("created_at"),
            "keep_replicates": kept.keep_replicates,
        }

    def attributes(self, status: Status, message: str, settings: dict[str, object] | None = None) -> dict:
        """Global attributes of the result; `settings` replace those of the job where a route has its own."""
        settings = self.settings() if settings is None else settings
        return attributes(
            self.route, self.network, self.problem, self.training, settings, status.label, message
        )

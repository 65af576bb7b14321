"""Real networks of finite width, trained as they are: to compare the limit with."""

import pathlib
from typing import cast

import xarray as xr

from ..engine.record import RecordLike, as_record
from ..ground.errors import require, whole
from ..matrices.sampling import Sampling
from ..networks import Network
from ..networks.parameterization import FORMS
from ..problems.online import OnlineProblem
from ..problems.problem import Problem
from ..sites.draws import fresh_seed
from ..training.training import Training
from .sampling.arguments import route
from .sampling.job import Execution, Job, Keeping
from .sampling.replicates import gather
from .support import check


@route
def train_finite(  # noqa: PLR0913
    network: Network,
    problem: Problem | OnlineProblem,
    training: Training,
    width: int = 1024,
    matrix: str = "dense",
    n_replicates: int = 8,
    seed: int | None = 0,
    samples: int = 64,
    record: RecordLike = None,
    progress: bool = True,
    *,
    parameterization: str = "mean_field",
    centred: bool = False,
    tolerance: float = 1e-10,
    keep_replicates: bool = False,
    checkpoint: str | pathlib.Path | None = None,
    threads: int | None = None,
) -> xr.Dataset:
    """Train finite networks with independent weights, by the same code as the limit.

    Parameters
    ----------
    network, problem, training
        As for `sample`.
    width
        Neurons per layer.
    matrix
        "dense" stores every weight; "conditioned" reveals a matrix only as far as training asks it, with
        exactly the same law (Bolthausen conditioning), at a cost linear in the width.
    n_replicates
        Networks with independent weights; results are their means, with standard errors.
    seed, samples, record, progress, keep_replicates, checkpoint, threads
        As for `sample`.

    Other parameters
    ----------------
    parameterization
        "mean_field", "mup", "ntk" or "standard": what richness and learning_rate mean, see
        `tensorprog_mf.parameterization`. In the last two, wide networks do not learn features.
    centred
        Make the readout orthogonal to the initial features: no longer the law of an ordinary network.
    tolerance
        For "conditioned": relative size of a remainder that is left out; 1e-10 is exact to rounding.

    Returns
    -------
    xarray.Dataset
        As of `sample`; a stored matrix cannot tell the parts of a field apart, so with "dense" the parts of
        fields after hidden matrices are NaN.

    Raises
    ------
    InputError
        An argument that cannot be used.
    UnsupportedError
        What does not go together; see "What goes with what" in the README.

    Notes
    -----
    Deviations of the mean from the limit fall as 1/width, those of one network as 1/sqrt(width). Cost per
    step: O(width^2 examples) dense, O(width rank examples) conditioned.
    """
    kinds = "dense", "conditioned"
    require(matrix in kinds, f"matrix={matrix!r} is unknown here; choose 'dense' or 'conditioned'.")
    require(
        parameterization in FORMS,
        f"parameterization={parameterization!r} is unknown; choose one of {', '.join(FORMS)}.",
    )
    sampling = Sampling(
        n_samples=whole("width", width, 1),
        n_replicates=n_replicates,
        seed=fresh_seed(seed, checkpoint),
        tolerance=tolerance,
        draws="pseudo-random",
        centred=centred,
        matrix=matrix,
    )
    keeping = Keeping(record=as_record(record), samples=samples, keep_replicates=keep_replicates)
    execution = Execution(progress=progress, threads=threads, checkpoint=checkpoint)
    given = cast(Problem, problem)
    job = Job("train_finite", network, given, training, sampling, keeping, execution, form=parameterization)
    check("train_finite", job.request(), matrix)
    return gather(job)

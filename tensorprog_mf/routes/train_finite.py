"""Real networks of finite width, trained as they are: to compare the limit with."""

import pathlib

import xarray as xr

from ..engine.recorder import RecordLike, as_record
from ..ground.errors import UnsupportedError, require, whole
from ..matrices.sampling import Sampling
from ..networks import Network
from ..networks.parameterization import FORMS
from ..problems.problem import Problem
from ..sites.draws import fresh_seed
from ..training.training import Training
from .sampling.arguments import route
from .sampling.job import Execution, Job, Keeping
from .sampling.replicates import gather


@route
def train_finite(  # noqa: PLR0913
    network: Network,
    problem: Problem,
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

    Notes
    -----
    Deviations of the mean from the limit fall as 1/width, those of one network as 1/sqrt(width). Cost per
    step: O(width^2 examples) dense, O(width rank examples) conditioned.
    """
    _refuse(network, matrix, parameterization)
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
    job = Job("train_finite", network, problem, training, sampling, keeping, execution, form=parameterization)
    return gather(job)


def _refuse(network: Network, matrix: str, form: str) -> None:
    require(form in FORMS, f"parameterization={form!r} is unknown; choose one of {', '.join(FORMS)}.")
    require(
        matrix in ("dense", "conditioned"),
        f"matrix={matrix!r} is unknown here; choose 'dense' or 'conditioned'.",
    )
    if network.refinements is not None:
        raise UnsupportedError(
            "train_finite trains networks of a finite depth; for depth='infinite' take tp.sample."
        )

"""Real networks of finite width, trained as they are: to compare the limit with."""

import pathlib

import xarray as xr

from ..engine.recorder import as_record
from ..ground.errors import boolean, require, whole
from ..matrices.realization import Ensemble
from ..networks import Network
from ..networks.parameterization import as_mean_field
from ..problems.problem import Problem
from ..sites.draws import fresh_seed
from ..training.training import Training
from .sampling.arguments import route
from .sampling.replicates import gather, listed, small
from .support import Request, check


@route
def train_finite(
    network: Network,
    problem: Problem,
    training: Training,
    width: int = 1024,
    matrix: str = "dense",
    n_replicates: int = 8,
    seed: int | None = 0,
    samples: int = 64,
    record=None,
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
        `tensorprog_mf.parameterization`. The last two forget to learn features when wide.
    centred
        Make the readout orthogonal to the initial features: no longer the law of an ordinary network.
    tolerance
        For "conditioned": relative size of a remainder that is left out; 1e-10 is exact to rounding.

    Returns
    -------
    xarray.Dataset
        As of `sample`; a stored matrix cannot tell the parts of a field apart, so with "dense" those behind
        hidden matrices are NaN.

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
    require(
        matrix in ("dense", "conditioned"),
        f"matrix={matrix!r} is unknown here; choose 'dense' or 'conditioned'.",
    )
    request = Request(
        network,
        problem,
        training,
        as_record(record),
        parameterization=parameterization,
        checkpoint=checkpoint is not None,
    )
    check("train_finite", request, matrix)
    settings = {
        "width": whole("width", width, 1),
        "matrix": matrix,
        "n_replicates": whole("n_replicates", n_replicates, 1),
        "seed": fresh_seed(seed, checkpoint),
        "samples": whole("samples", samples),
        "record": listed(record),
        "centred": boolean("centred", centred),
        "tolerance": small(tolerance),
        "draws": "pseudo-random",
        "keep_replicates": boolean("keep_replicates", keep_replicates),
        "parameterization": parameterization,
    }
    meant = as_mean_field(parameterization, network, training, settings["width"], problem.all_inputs.shape[1])
    ensemble = Ensemble(
        settings["width"],
        matrix,
        "pseudo-random",
        settings["seed"],
        settings["tolerance"],
        settings["centred"],
    )
    return gather(
        "train_finite",
        network,
        problem,
        training,
        ensemble,
        settings,
        record=record,
        threads=threads,
        progress=progress,
        checkpoint=checkpoint,
        limit=False,
        meant=meant,
    )

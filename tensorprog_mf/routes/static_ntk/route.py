"""The lazy limit: kernels stay where they are at step 0."""

import xarray as xr

from ...engine.record import RecordLike, as_record
from ...ground.errors import require
from ...matrices.sampling import Sampling
from ...networks import Network
from ...problems.problem import Problem
from ...sites.draws import fresh_seed
from ...training.training import Training
from ..sampling.arguments import route
from ..sampling.job import Execution, Job, Keeping
from ..sampling.monte_carlo import suitable_tolerance
from ..support import check
from .ensembles import random_starts
from .lazy import KERNELS, Lazy, trained_lazily


@route
def static_ntk(  # noqa: PLR0913
    network: Network,
    problem: Problem,
    training: Training,
    kernel: str = "closed_form",
    record: RecordLike = None,
    n_samples: int = 4096,
    n_replicates: int = 4,
    seed: int | None = 0,
    tolerance: float | None = None,
    draws: str = "sobol",
    samples: int = 64,
    progress: bool = True,
    *,
    ensemble: str | None = None,
    width: int | None = None,
    starts: int = 64,
    centred: bool = True,
    keep_replicates: bool = False,
    threads: int | None = None,
) -> xr.Dataset:
    """Train on the tangent kernel of step 0: the limit richness -> 0, in which features do not move.

        f(t+1) = f(t) + eta K(0) Delta(t), with momentum as in `Training`;     flow: df/dt = K(0) Delta,
        squared loss: f(t) = K [1 - exp(-K t / P)] K^-1 y on training examples

    (Jacot, Gabriel & Hongler 2018; gamma0 -> 0 in Bordelon & Pehlevan 2022). Outputs start at zero. With
    `ensemble` they start at random, as those of uncentred networks do, and the result also has their mean and
    covariance over initialisations.

    Parameters
    ----------
    network, problem, training
        As for `sample`; `training` may also be a gradient flow, solved exactly for the squared loss and as an
        ordinary differential equation to its tolerance for others.
    kernel
        "closed_form": arc-cosine, arcsine or polynomial kernels where they are known, Gauss-Hermite
        quadrature for any other activation, with its error in the attribute kernel_error. "sampled": the
        kernels that `sample` has at step 0, from the same draws.
    record
        As for `sample`; of a flow, indices of its times.
    n_samples, n_replicates, seed, tolerance, draws, samples, progress
        As for `sample`; for kernel="sampled", and for `ensemble` with other losses than the squared one.

    Other parameters
    ----------------
    ensemble
        Networks that start at outputs f(0) ~ N(0, C) and differ in that: "ntk", those of
        train_finite(parameterization="ntk"), where C = weight_std^2 Phi^L / richness^2 at any width;
        "mean_field" (or "mup"), where f(0) is smaller by sqrt(`width`). None: one network, f(0) = 0.
    width
        Neurons per layer, for ensemble="mean_field".
    starts
        Draws of f(0) per replicate where there is no closed form, i.e. for other losses than the squared one.
    centred, keep_replicates, threads
        As for `sample`; for kernel="sampled" only.

    Returns
    -------
    xarray.Dataset
        As of `sample`: kernels (and fields, if sampled) repeat along time. Standard errors if sampled.
        The attribute kernel_error is the change of kernels from half as many quadrature nodes, relative to
        their largest entries, or how far their means violate Stein's lemma; a warning says if it is large.
        With an ensemble there are also output_covariance (time, example, example_prime) and output_std (time,
        example[, output]) over networks; outputs, losses and error signals are means over them.

    Raises
    ------
    InputError
        An argument that cannot be used.
    UnsupportedError
        What does not go together; see "What goes with what" in the README.

    Notes
    -----
    Ensembles: with the squared loss outputs are linear in f(0), so that the law stays Gaussian and is exact
    (Lee et al. 2019, equations 14-16): with A = K [1 - exp(-K t / P)] K^-1 the mean is A y and the covariance
    (1 - A) C (1 - A)^T. The last time may be math.inf, where A = K_* K^-1: of all weights, the NTK posterior;
    of the readout alone, multipliers=(0, ..., 0, 1), the posterior of the Bayesian network of infinite width
    (NNGP) without noise, of covariance C_** - C_* C^-1 C_*^T. Its last output_std is how far trained networks
    disagree.

    Exact in closed form; the richness of the network does not enter. A network of small richness is off by
    order richness^2, with relu by order richness (see `perturbation`): on hard tasks 0.1 can still be far.
    Cost: O(examples^3) for a flow, O(steps examples^2) for steps.

    References
    ----------
    Jacot, Gabriel & Hongler 2018, arXiv:1806.07572. Lee et al. 2019, arXiv:1902.06720. Cho & Saul 2009.
    Williams 1997.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> problem = tp.Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0])
    >>> ds = tp.static_ntk(tp.MLP(2, "relu"), problem, tp.Training(flow=True, times=[0.0, 1.0, 1e6]))
    >>> ds.output[-1].values.round(6).tolist()
    [1.0, -1.0]

    What trained networks predict for a new input, and how far they disagree (NTK posterior):

    >>> import math
    >>> problem = tp.Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0], [[0.5, 0.5]])
    >>> end = tp.Training(flow=True, times=[math.inf])
    >>> ds = tp.static_ntk(tp.MLP(2, "relu"), problem, end, ensemble="ntk")
    >>> ds.output[-1].values.round(6).tolist(), ds.output_std[-1].values.round(3).tolist()
    ([1.0, -1.0, 0.0], [0.0, 0.0, 0.102])
    """
    require(kernel in KERNELS, f"kernel={kernel!r} is unknown; choose {' or '.join(map(repr, KERNELS))}.")
    sampling = Sampling(
        n_samples=n_samples,
        n_replicates=n_replicates,
        seed=fresh_seed(seed),
        tolerance=suitable_tolerance(tolerance, network),
        draws=draws,
        centred=centred,
    )
    keeping = Keeping(record=as_record(record), samples=samples, keep_replicates=keep_replicates)
    execution = Execution(progress=progress, threads=threads)
    job = Job("static_ntk", network, problem, training, sampling, keeping, execution)
    check("static_ntk", job.request(ensemble=ensemble), kernel)
    random = random_starts(ensemble, width, starts, network, problem)
    return trained_lazily(Lazy(job=job, kernel=kernel, random=random))

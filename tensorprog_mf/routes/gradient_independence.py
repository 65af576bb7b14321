"""The gradient independence approximation: backward passes see weights of their own, without responses."""

import pathlib
from typing import cast

import xarray as xr

from ..engine.record import RecordLike, as_record
from ..matrices.sampling import Sampling
from ..networks import Network
from ..problems.online import OnlineProblem
from ..problems.problem import Problem
from ..sites.draws import fresh_seed
from ..training.training import Training
from .sampling.arguments import route
from .sampling.job import Execution, Job, Keeping
from .sampling.monte_carlo import sampled, suitable_tolerance
from .support import check


@route
def gradient_independence(  # noqa: PLR0913
    network: Network,
    problem: Problem | OnlineProblem,
    training: Training,
    n_samples: int = 4096,
    n_replicates: int = 4,
    seed: int | None = 0,
    tolerance: float | None = None,
    draws: str = "sobol",
    samples: int = 64,
    record: RecordLike = None,
    target_error: float | None = None,
    progress: bool = True,
    *,
    centred: bool = True,
    common_draws: xr.Dataset | None = None,
    keep_replicates: bool = False,
    checkpoint: str | pathlib.Path | None = None,
    threads: int | None = None,
) -> xr.Dataset:
    """Train an infinitely wide network as if its backward weights were independent of its forward ones.

    The equations of `sample` without responses, A = B = 0; what training adds is kept in both directions:

        h^l(t) = u^l(t) + eta gamma0 sum_s Delta(s) Phi^{l-1}(t,s) g^l(s),       u ~ GP(0, Phi^{l-1})
        z^l(t) = r^l(t) + eta gamma0 sum_s Delta(s) G^{l+1}(t,s) phi(h^l(s)),    r ~ GP(0, G^{l+1})
        g^l = phi'(h^l) z^l

    (Bordelon & Pehlevan 2022, section on the gradient independence ansatz; exact at depth 1, where no hidden
    matrix serves both directions, and at step 0.)

    Parameters
    ----------
    network, problem, training, n_samples, n_replicates, seed, tolerance, draws, samples, record,
    target_error, progress
        As for `sample`.

    Other parameters
    ----------------
    centred, common_draws, keep_replicates, checkpoint, threads
        As for `sample`; the earlier run of common_draws may be one of `sample`.

    Returns
    -------
    xarray.Dataset
        As of `sample`; response parts are zero.

    Raises
    ------
    InputError
        An argument that cannot be used, or a run that does not fit into memory.
    UnsupportedError
        What does not go together; see "What goes with what" in the README.

    Notes
    -----
    Error and cost as of `sample`. The approximation itself leaves kernels off by order richness^2 (relu:
    richness), and outputs by order one even as richness -> 0: without A the forward pass of a layer does not
    see what the layers below have learned. f = E[z phi(h)] / gamma0 then moves as if only the last two
    weights learned, `static_ntk` with multipliers 0 but for these, and not with the tangent kernel of the
    same run. At large richness it does better than any expansion; see `recipes/approximations.py`.

    References
    ----------
    Bordelon & Pehlevan 2022, arXiv:2205.09653.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> problem = tp.Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0])
    >>> few = dict(n_samples=256, n_replicates=2)
    >>> ds = tp.gradient_independence(tp.MLP(2), problem, tp.Training(2, 0.5), **few)
    >>> float(abs(ds.preactivation_response_part).max())
    0.0
    """
    sampling = Sampling(
        n_samples=n_samples,
        n_replicates=n_replicates,
        seed=fresh_seed(seed, checkpoint),
        tolerance=suitable_tolerance(tolerance, network, common_draws, target_error),
        draws=draws,
        centred=centred,
        matrix="untied",
    )
    keeping = Keeping(record=as_record(record), samples=samples, keep_replicates=keep_replicates)
    execution = Execution(progress=progress, threads=threads, checkpoint=checkpoint)
    job = Job(
        "gradient_independence", network, cast(Problem, problem), training, sampling, keeping, execution
    )
    check("gradient_independence", job.request(target_error=target_error, common_draws=common_draws))
    return sampled(job, target_error=target_error, common_draws=common_draws)

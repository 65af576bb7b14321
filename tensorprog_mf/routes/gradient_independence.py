"""The gradient independence approximation: backward passes see weights drawn anew, so nothing answers
itself."""

import pathlib

import xarray as xr

from ..engine.recorder import as_record
from ..networks import Network
from ..problems.problem import Problem
from ..training.training import Training
from .sampling.arguments import route
from .sampling.monte_carlo import MonteCarlo
from .support import Request, check


@route
def gradient_independence(
    network: Network,
    problem: Problem,
    training: Training,
    n_samples: int = 4096,
    n_replicates: int = 4,
    seed: int | None = 0,
    tolerance: float | None = None,
    draws: str = "sobol",
    samples: int = 64,
    record=None,
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

        h^l(t) = u^l(t) + eta gamma0 sum_s Delta(s) Phi^{l-1}(t,s) g^l(s),       u ~ GP(0, Phi^{l-1}),  g = phi'(h) z
        z^l(t) = r^l(t) + eta gamma0 sum_s Delta(s) G^{l+1}(t,s) phi(h^l(s)),    r ~ GP(0, G^{l+1})

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
    >>> ds = tp.gradient_independence(tp.MLP(2), problem, tp.Training(2, 0.5), n_samples=256, n_replicates=2)
    >>> float(abs(ds.preactivation_response_part).max())
    0.0
    """
    request = Request(
        network,
        problem,
        training,
        as_record(record),
        common_draws=common_draws is not None,
        target_error=target_error is not None,
        keep_replicates=bool(keep_replicates),
        checkpoint=checkpoint is not None,
    )
    check("gradient_independence", request)
    run = MonteCarlo(
        n_samples,
        n_replicates,
        seed,
        tolerance,
        draws,
        samples,
        record,
        target_error,
        progress,
        centred,
        common_draws,
        keep_replicates,
        checkpoint,
        threads,
    )
    return run.result("gradient_independence", "untied", network, problem, training)

"""The self-consistent infinite-width limit, sampled in one pass through time."""

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
def sample(  # noqa: PLR0913
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
    """Train an infinitely wide network that learns features.

    Every layer is a population of `n_samples` sites (neurons) whose preactivations and gradients follow the
    single-site processes of the limit; kernels are re-estimated over the sites at every step:

        h^l(t) = u^l(t) + sum_s [A^{l-1}(t,s) + eta gamma0 Delta(s) Phi^{l-1}(t,s)] g^l(s)
        z^l(t) = r^l(t) + sum_s [B^{l+1}(t,s) + eta gamma0 Delta(s) G^{l+1}(t,s)] phi(h^l(s))
        g = phi'(h) z,  f = E[z phi(h)] / gamma0,  u ~ GP(0, Phi^{l-1}),  r ~ GP(0, G^{l+1})
        Phi = E[phi(h) phi(h)],  G = E[g g],  A = E[d phi(h) / d r],  B = E[d g / d u]

    (the self-consistent equations of Bordelon & Pehlevan 2022, in discrete time). Random matrices are
    revealed direction by direction, so that responses A and B need not be computed and one pass through time
    is exact.

    Parameters
    ----------
    network, problem, training
        What is trained, on what, how.
    n_samples
        Sites per layer; a power of two for Sobol draws.
    n_replicates
        Independent runs; results are their means, with standard errors.
    seed
        Seed of the draws; None takes one from the operating system. It is recorded either way.
    tolerance
        A query adds a direction to the basis of its matrix if its remainder exceeds this, relative to its
        size. None: 1e-4 down to richness 0.1, below it 1e-3 richness (with `target_error`, target_error times
        richness if that is less), but never below 1e-10. For a gradient flow at most a tenth of the flow's
        own tolerance. The number is recorded.
    draws
        "sobol" or "pseudo-random".
    samples
        Sites per layer whose fields are kept, of replicate 0.
    record
        Steps to record, such as those of `log_steps`; None for all. Recorded steps evaluate all examples, so
        record few with batches. Of a gradient flow, indices of its times.
    target_error
        Double n_samples, from the given one on, until the 95 % interval of every output (see `tp.interval`)
        and its shift from half as many samples are within +- this. The attribute target_error_message says
        how many samples it took, or why the target was not reached.
    progress
        Show progress and the time left, on terminals and in notebooks.

    Other parameters
    ----------------
    centred
        Make the readout orthogonal to the initial features, so that outputs start at zero as in the limit.
    common_draws
        An earlier result, of a run with record=tp.Record(draws=True): its draws are used again, slot by slot,
        at another richness or learning rate; all else must be the same. Directions that the earlier run did
        not need are left out, with a warning where that matters. With tolerance=None this run takes the
        tolerance of the earlier one.
    keep_replicates
        Keep every replicate along dimension `replicate` instead of mean and standard error.
    checkpoint
        A folder for the state of unfinished runs, written every minute, or less often if that takes long, and
        on Ctrl-C: the same call goes on from there and gives the same bits. It is removed when the run is
        done. It takes as much disk as the bases of all replicates take memory, 32 bytes x sites x rank per
        hidden matrix, and for a moment twice as much; the line of progress says how much.
    threads
        Threads to use; all by default. Results do not depend on it.

    Returns
    -------
    xarray.Dataset
        See `tensorprog_mf.schema` for its variables.

    Raises
    ------
    InputError
        An argument that cannot be used, or a run that does not fit into memory.
    UnsupportedError
        What does not go together; see "What goes with what" in the README.
    Interrupted
        Ctrl-C, with the result so far.

    Notes
    -----
    Ctrl-C ends the run at its next step and raises `tp.Interrupted`, a KeyboardInterrupt, so that loops of
    runs stop too:

        try:
            ds = tp.sample(...)
        except tp.Interrupted as stop:
            ds = stop.result  # status "interrupted", the times before; None if there is none yet

    If nothing caught it, as in a notebook, the result is `sys.last_value.result`. A second Ctrl-C does not
    wait for the step to end.

    What the tolerance leaves out moves outputs by up to tolerance / richness. It is estimated, mostly within
    a factor of 3, in variable `output_truncation`, and joined in quadrature to the standard errors of
    outputs, losses and error signal; kernels, which are not divided by the richness, are off by about the
    tolerance. The default keeps it below a tenth of the sampling error at 4096 samples; where a larger one
    keeps `target_error` out of reach, the message says so.

    Error: O(1/n_samples) bias plus fluctuations, n^-1/2 for pseudo-random draws and about n^-0.7 for Sobol,
    from a two to four times smaller value. Cost per step:
    O(n_samples rank examples) per hidden matrix, linear in the steps once the rank has saturated.

    References
    ----------
    Bordelon & Pehlevan 2022, arXiv:2205.09653. Yang & Hu 2021, arXiv:2011.14522.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> problem = tp.Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0])
    >>> network, training = tp.MLP(depth=2), tp.Training(steps=2, learning_rate=0.5)
    >>> ds = tp.sample(network, problem, training, n_samples=256, n_replicates=2)
    >>> dict(ds.output.sizes)
    {'time': 3, 'example': 2}
    """
    sampling = Sampling(
        n_samples=n_samples,
        n_replicates=n_replicates,
        seed=fresh_seed(seed, checkpoint),
        tolerance=suitable_tolerance(tolerance, network, common_draws, target_error),
        draws=draws,
        centred=centred,
    )
    keeping = Keeping(record=as_record(record), samples=samples, keep_replicates=keep_replicates)
    execution = Execution(progress=progress, threads=threads, checkpoint=checkpoint)
    job = Job("sample", network, cast(Problem, problem), training, sampling, keeping, execution)
    check("sample", job.request(target_error=target_error, common_draws=common_draws))
    return sampled(job, target_error=target_error, common_draws=common_draws)

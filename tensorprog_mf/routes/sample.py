"""The self-consistent infinite-width limit, sampled in one pass through time."""

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
def sample(
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
    """Train an infinitely wide network that learns features.

    Every layer is a population of `n_samples` sites (neurons) whose preactivations and gradients follow the
    single-site processes of the limit; kernels are re-estimated over the sites at every step:

        h^l(t) = u^l(t) + sum_s [A^{l-1}(t,s) + eta gamma0 Delta(s) Phi^{l-1}(t,s)] g^l(s),            g = phi'(h) z
        z^l(t) = r^l(t) + sum_s [B^{l+1}(t,s) + eta gamma0 Delta(s) G^{l+1}(t,s)] phi(h^l(s)),         f = E[z phi(h)] / gamma0
        Phi = E[phi(h) phi(h)], G = E[g g], u ~ GP(0, Phi^{l-1}), r ~ GP(0, G^{l+1}), A = E[d phi/d r], B =
        E[d g/d u]

    (the self-consistent equations of Bordelon & Pehlevan 2022, in discrete time). Random matrices are
    revealed direction by direction, so that responses A and B come without being computed and one pass
    through time is exact.

    Parameters
    ----------
    network, problem, training
        What is trained, on what, how.
    n_samples
        Sites per layer; a power of two for Sobol draws.
    n_replicates
        Independent runs; results are their means, with standard errors.
    seed
        Names the draws; None takes one from the operating system. Recorded either way.
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
        Steps to record; None for all. `log_steps` spaces them. Recorded steps ask for all examples: with
        batches, record few. Of a gradient flow, indices of its times.
    target_error
        Double n_samples, from the given one on, until the 95 % interval of every output (see `tp.interval`)
        and its shift from half as many samples are within +- this; the attribute target_error_message says
        what was used.
    progress
        Show progress and time left, if standard error is a terminal, or in a notebook.

    Other parameters
    ----------------
    centred
        Make the readout orthogonal to the initial features, so that outputs start at zero as in the limit.
    common_draws
        An earlier result, of a run with record=tp.Record(draws=True): use its draws, slot by slot, at another
        richness or learning rate; all else must be the same. Directions that the earlier run did not need are
        left out, with a warning where that matters. Without a tolerance of its own this run takes that of the
        earlier one.
    keep_replicates
        Keep every replicate along dimension `replicate` instead of mean and standard error.
    checkpoint
        A folder to keep the state of unfinished runs in, written every minute, less often if that takes long,
        and on Ctrl-C: calling again with the same arguments goes on from there and gives the same bits.
        Removed when the run is done. It takes as much disk as the bases of all replicates take memory, 32
        bytes x sites x rank per hidden matrix, for a moment twice that; the line of progress says how much.
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
        Ctrl-C: what there is goes along.

    Notes
    -----
    Ctrl-C ends the run at its next step and raises `tp.Interrupted`, a KeyboardInterrupt, so that loops of
    runs stop too:

        try:
            ds = tp.sample(...)
        except tp.Interrupted as stop:
            ds = stop.result  # status "interrupted", the times before; None if there is none yet

    Where nothing caught it, as in a notebook, the result is `sys.last_value.result`. A second Ctrl-C waits
    for no step.

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
    >>> ds = tp.sample(tp.MLP(depth=2), problem, tp.Training(steps=2, learning_rate=0.5), n_samples=256, n_replicates=2)
    >>> dict(ds.output.sizes)
    {'time': 3, 'example': 2}
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
    check("sample", request)
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
    return run.result("sample", "conditioned", network, problem, training)

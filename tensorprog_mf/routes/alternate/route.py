"""The published procedure: guess whole trajectories of all kernels, sample fields, estimate kernels again,
repeat."""

import xarray as xr

from ...engine.record import RecordLike, as_record
from ...matrices.sampling import Sampling
from ...networks import MLP
from ...problems.problem import Problem
from ...sites.draws import fresh_seed
from ...training.training import Training
from ..sampling.arguments import route
from ..sampling.job import Execution, Job, Keeping
from ..support import check
from .iteration import Rounds, iterated


@route
def alternate(  # noqa: PLR0913
    network: MLP,
    problem: Problem,
    training: Training,
    n_samples: int = 4096,
    n_replicates: int = 4,
    seed: int | None = 0,
    tolerance: float = 1e-2,
    draws: str = "sobol",
    samples: int = 64,
    record: RecordLike = None,
    progress: bool = True,
    *,
    iterations: int = 20,
    damping: float = 0.5,
    target_residual: float = 1e-3,
    centred: bool = True,
    keep_replicates: bool = False,
    threads: int | None = None,
) -> xr.Dataset:
    """Solve the self-consistent equations by alternating Monte Carlo over whole trajectories.

    Guess Phi, G, A and B at all times; per layer draw n_samples Gaussian trajectories u ~ GP(0, Phi^{l-1}),
    r ~ GP(0, G^{l+1}), solve h and z of the equations of `sample` along them, estimate

        Phi = E[phi(h) phi(h)],  G = E[g g],  A = E[d phi(h) / d r],  B = E[d g / d u],  f = E[z phi(h)] /
        gamma0

    again, mix them with the guess, and repeat (Bordelon & Pehlevan 2022, algorithm 1). Offered for
    comparison: `sample` solves the same equations in one pass. Draws are frozen, so that the iteration can
    converge. Responses come from a regression on the innovations of u and r that respects the order of time
    (Stein's lemma), not from Jacobians of every trajectory. The last layer is solved first and makes the
    outputs E[z phi(h)] on the way, which is exact at any learning rate; the published code steps them with
    the tangent kernel.

    Parameters
    ----------
    network
        An `MLP`.
    problem, training, n_samples, n_replicates, seed, draws, samples, record, progress
        As for `sample`.
    tolerance
        Relative size of a remainder below which a Gaussian field is a combination of those of earlier slots.
        With small values nearly collinear fields have responses with large entries that cancel, and the
        iteration converges slowly.

    Other parameters
    ----------------
    iterations
        Largest number of rounds.
    damping
        Weight of the guess in the next guess, 0 <= damping < 1; the new estimates get the rest.
    target_residual
        Residual, before damping, at which the iteration counts as converged. Kinks keep the residual near 1 /
        sqrt(n_samples) / 10.
    centred, keep_replicates, threads
        As for `sample`.

    Returns
    -------
    xarray.Dataset
        As of `sample`, without ranks, with `residual` (iteration); status "converged", "not_converged" or
        "diverged", the worst of the replicates, with a warning unless all converged.

    Raises
    ------
    InputError
        An argument that cannot be used; fields that span more than half of the samples.
    UnsupportedError
        What does not go together; see "What goes with what" in the README.

    Notes
    -----
    Error as of pseudo-random or Sobol sampling at n_samples, plus the residual; responses carry noise of the
    order of sqrt(directions / n_samples). Cost per round: O(depth n_samples (steps examples)^2); memory
    O(depth (steps examples)^2 + n_samples steps examples). Causality makes the undamped iteration exact after
    about (2 depth - 1) steps rounds, if it does not overflow before. Noise of the outputs grows as 1 /
    richness, that of `sample` does not.

    References
    ----------
    Bordelon & Pehlevan 2022, arXiv:2205.09653.

    Examples
    --------
    >>> import tensorprog_mf as tp
    >>> problem = tp.Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0])
    >>> ds = tp.alternate(tp.MLP(2), problem, tp.Training(2, 0.5), n_samples=256, n_replicates=2)
    >>> ds.attrs["status"]
    'converged'
    """
    sampling = Sampling(
        n_samples=n_samples,
        n_replicates=n_replicates,
        seed=fresh_seed(seed),
        tolerance=tolerance,
        draws=draws,
        centred=centred,
    )
    keeping = Keeping(record=as_record(record), samples=samples, keep_replicates=keep_replicates)
    execution = Execution(progress=progress, threads=threads)
    rounds = Rounds(iterations=iterations, damping=damping, target_residual=target_residual)
    job = Job("alternate", network, problem, training, sampling, keeping, execution)
    check("alternate", job.request())
    return iterated(job, rounds)

"""What a run in the limit is warned of: ranks near the number of sites, common draws that do not suffice."""

from ..ground.errors import DrawsWarning, RankWarning, warn
from ..matrices.realization import Realization

RANK_WARNING = 0.25
_ROUNDING = 1e-7  # of a relative remainder
_REFUSED = 10  # times the tolerance: what common draws may leave out without a warning


class RankWatch:
    """Warns once when the revealed directions come near the number of sites, and notes when they reach it."""

    def __init__(self, realization: Realization):
        self._realization, self._warned = realization, realization.replicate > 0
        self.full_at: int | None = None

    def look(self, step: int) -> None:
        """Compare ranks and sites after a step."""
        fraction = self._realization.rank_fraction
        if fraction >= RANK_WARNING and not self._warned:
            self._warned = True
            warn(
                f"At step {step} the queries span {fraction:.0%} of n_samples ="
                f" {self._realization.sampling.n_samples}: the run comes near a finite network of that width."
                " Take more samples or a larger tolerance.",
                RankWarning,
            )
        if fraction >= 1 and self.full_at is None:
            self.full_at = step


def check_common_draws(realization: Realization) -> None:
    """Warn where an earlier run has not drawn all that this one needs."""
    refused, tolerance = realization.refused, realization.sampling.tolerance
    if refused > max(_REFUSED * tolerance, _ROUNDING):
        warn(
            f"common_draws: {refused:.1e} of a query had no direction in the earlier run (tolerance"
            f" {tolerance:.0e}), so this run is cut short of it. Let the richer of the two runs go first, or"
            " bring them nearer.",
            DrawsWarning,
        )

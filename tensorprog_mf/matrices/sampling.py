"""How random weights are sampled: one record, made by keyword, checked once and carried along."""

from dataclasses import dataclass

from ..ground.errors import boolean, real, require, whole
from ..ground.fields import set_fields
from ..sites.draws import Axes, Draws

MATRICES = ("conditioned", "dense", "untied")

SlotMaps = list[dict[str, dict]]


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the weights of a limit or of finite networks are sampled: all that decides the numbers of a run
    beside network, problem and training.

    Parameters
    ----------
    n_samples
        Sites per population: samples of the limit, or the width of a finite network.
    n_replicates
        Independent runs.
    seed
        Seed of the run; replicates and populations derive theirs from it.
    tolerance
        Relative size below which a query adds no direction to the basis of its matrix.
    draws
        "sobol" or "pseudo-random".
    centred
        Readout orthogonal to the initial features, so that outputs start at zero.
    matrix
        Kind of the hidden matrices: "conditioned", "dense" or "untied".
    slots
        Per replicate and population, the map from slot to column of an earlier run (common draws), or None.

    Raises
    ------
    InputError
        A value that cannot be used.
    """

    n_samples: int
    n_replicates: int = 1
    seed: int = 0
    tolerance: float = 1e-4
    draws: str = "sobol"
    centred: bool = True
    matrix: str = "conditioned"
    slots: SlotMaps | None = None

    def __post_init__(self) -> None:
        checked = {
            "n_samples": whole("n_samples", self.n_samples, 1),
            "n_replicates": whole("n_replicates", self.n_replicates, 1),
            "seed": whole("seed", self.seed),
            "tolerance": checked_tolerance(self.tolerance),
            "centred": boolean("centred", self.centred),
        }
        set_fields(self, **checked)
        require(
            self.matrix in MATRICES,
            f"matrix={self.matrix!r} is unknown; choose one of {', '.join(MATRICES)}.",
        )

    def check_draws(self) -> None:
        """Refuse a kind of draws that is unknown or does not go with this number of samples."""
        self.population((), None, 1)

    def population(self, key: tuple[int, ...], given: dict | None, group: int) -> Draws:
        """Draws of the population with this `key`, in groups of that many sites; `given` is its slot map of
        an earlier run."""
        return Draws(self.n_samples, (self.seed, *key), self.draws, given, group)


@dataclass(frozen=True, kw_only=True)
class Coordinates(Sampling):
    """Sites that are coordinates of Gaussian fields, not samples: the exact limit where fields are linear in
    what is drawn.

    There is one realization, which needs no centring, as new axes are orthogonal to all earlier ones. A run
    raises `AxesSpent` if `n_samples` axes are too few.
    """

    draws: str = "axes"
    centred: bool = False

    def population(self, key: tuple[int, ...], given: dict | None, group: int) -> Axes:
        return Axes(self.n_samples)


def checked_tolerance(given: object) -> float:
    """The argument `tolerance` of a route."""
    return real("tolerance", given, "lie between 0 and 1; 1e-4 is usual", lambda v: 0 < v < 1)

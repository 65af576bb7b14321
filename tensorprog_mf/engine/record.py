"""What a user asks to be kept of a run: steps, examples, averages over sites."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import UnsupportedError, boolean, real, require, whole
from .reductions import FIELDS


@checked_call
def log_steps(steps: int, count: int = 50) -> np.ndarray:
    """About `count` whole steps from 0 to `steps`, both included, evenly spaced in log(1 + step)."""
    steps, count = whole("steps", steps), whole("count", count, 2)
    return np.unique(np.rint(np.expm1(np.linspace(0, np.log1p(steps), count))).astype(int))


@checked_call
@dataclass(frozen=True)
class Record:
    """What a run keeps, where the steps alone do not say it.

    Parameters
    ----------
    steps
        Steps to record; None for all. Of a gradient flow, indices of its times.
    kernel_examples
        Indices of the examples between which kernels are kept, training examples first; kernels then have
        dimensions kernel_example, kernel_example_prime. None: all examples; an empty list: no kernels.
    per_output
        With several outputs, keep backward fields, gradient and tangent kernels of every output; this asks
        for outputs x examples backward fields.
    moments
        Names of fields whose averages E[x^k], k = 1 ... 4, over all sites are kept: any of preactivation,
        backward_field, feature = phi(h), gradient = phi'(h) z, and of a MeanFieldMLP input_weight.
    densities, edges
        Names of fields whose density over sites is kept, and the edges of its bins.
    two_time
        Keep feature and gradient kernels between all recorded times.
    responses
        Keep A = E[d phi(t) / d r(s)] and B = E[d g(t) / d u(s)] between all recorded times, by regression of
        phi and g on the Gaussian fields u, r up to then. Between neighbouring times these are nearly
        collinear: of all responses that fit, those of least norm are kept. Contractions with fields are what
        they serve for, single entries are not.
    draws
        Keep the table of draws (`draw_slot`), so that another run may repeat them: `sample(...,
        common_draws=result)`.

    Raises
    ------
    InputError
        Unknown fields, edges that do not increase.
    """

    steps: tuple[int, ...] | None = None
    kernel_examples: tuple[int, ...] | None = None
    per_output: bool = False
    moments: tuple[str, ...] = ()
    densities: tuple[str, ...] = ()
    edges: tuple[float, ...] = tuple(np.linspace(-5, 5, 101).tolist())
    two_time: bool = False
    responses: bool = False
    draws: bool = False

    if TYPE_CHECKING:  # what the constructor takes; fields hold tuples

        def __init__(
            self,
            steps: Sequence[int] | np.ndarray | None = None,
            kernel_examples: Sequence[int] | np.ndarray | None = None,
            per_output: bool = False,
            moments: Sequence[str] = (),
            densities: Sequence[str] = (),
            edges: Sequence[float] | np.ndarray = (),
            two_time: bool = False,
            responses: bool = False,
            draws: bool = False,
        ) -> None: ...

    def __post_init__(self) -> None:
        for name in ("per_output", "two_time", "responses", "draws"):
            object.__setattr__(self, name, boolean(name, getattr(self, name)))
        for name in ("moments", "densities", "edges", "kernel_examples", "steps"):
            given = getattr(self, name)
            require(
                given is None or isinstance(given, str) or np.ndim(given) == 1,
                f"{name}={given!r} must be a list.",
            )
        for name in ("moments", "densities"):
            given = getattr(self, name)
            given = (given,) if isinstance(given, str) else tuple(given)
            for field in given:
                require(
                    field in FIELDS, f"{name}: field {field!r} is unknown; choose from {', '.join(FIELDS)}."
                )
            object.__setattr__(self, name, given)
        edges = tuple(real("edges", edge, "be finite", lambda v: True) for edge in self.edges)
        require(
            len(edges) > 1 and all(a < b for a, b in zip(edges, edges[1:])),
            "edges must be two numbers or more that increase.",
        )
        object.__setattr__(self, "edges", edges)
        if self.kernel_examples is not None:
            chosen = tuple(whole("kernel_examples", index) for index in self.kernel_examples)
            object.__setattr__(self, "kernel_examples", chosen)
        if self.steps is not None:
            object.__setattr__(self, "steps", tuple(np.asarray(self.steps).ravel().tolist()))

    @property
    def only_steps(self) -> bool:
        """Whether nothing but the choice of steps is asked for."""
        return self == Record(steps=self.steps)

    @property
    def whole_fields(self) -> frozenset[str]:
        """Names of the fields whose averages over all sites are kept, at a time or between times."""
        between = {"feature", "gradient"} if self.two_time or self.responses else set()
        return frozenset({*self.moments, *self.densities} | between)

    def describe(self) -> dict | list | None:
        """As plain values, those that are not by default."""
        if self.only_steps:
            return None if self.steps is None else list(self.steps)
        plain = asdict(Record())
        return {name: value for name, value in asdict(self).items() if value != plain[name]}


RecordLike = Record | Sequence[int] | np.ndarray | dict[str, Any] | None


def as_record(given: RecordLike) -> Record:
    """A `Record` from one, from a list of steps, from a table, or from None.

    Raises
    ------
    InputError
        Something else.
    """
    if isinstance(given, Record):
        return given
    if isinstance(given, dict):
        unknown = sorted(set(given) - set(Record.__dataclass_fields__))
        require(
            not unknown,
            f"record={given!r} has an entry that tp.Record does not know: {', '.join(map(repr, unknown))}.",
        )
        return Record(**given)
    require(
        given is None or np.ndim(given) == 1,
        f"record={given!r} must hold whole steps, as a list, or be a tp.Record.",
    )
    return Record(steps=None if given is None else tuple(np.asarray(given).tolist()))


def recorded_steps(record: RecordLike, steps: int, solver: str | None = None) -> np.ndarray:
    """The steps to record: all for None, else the given ones, sorted; a `solver` is one that can choose
    nothing else.

    Raises
    ------
    InputError
        Steps that are not whole numbers in 0 ... steps.
    UnsupportedError
        More asked of a solver than the choice of steps.
    """
    record = as_record(record)
    if solver is not None and not record.only_steps:
        raise UnsupportedError(f"{solver} records chosen steps only; leave the rest of tp.Record out.")
    if record.steps is None:
        return np.arange(steps + 1)
    chosen = np.unique(np.asarray(record.steps))
    require(
        chosen.size > 0 and chosen.dtype.kind in "iu" and chosen[0] >= 0 and chosen[-1] <= steps,
        f"record={record.steps!r} must hold whole steps between 0 and {steps}.",
    )
    return chosen

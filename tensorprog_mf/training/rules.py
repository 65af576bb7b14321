"""Learning rules: what replaces the transposed weights in the backward pass.

With a pseudo-gradient gt in place of g, hidden weights move by eta gamma0 / sqrt(N) sum_nu Delta_nu gt_nu
phi_nu^T; the readout and the forward pass stay as they are (Bordelon & Pehlevan 2023, arXiv:2210.02157).
"""

from dataclasses import asdict, dataclass

from ..ground.calls import checked_call
from ..ground.errors import boolean, real, require


@dataclass(frozen=True)
class Rule:
    """A learning rule; `name` is what tables and results call it."""

    name = ""
    hebbian = False
    local = False  # whether what is sent back to a layer is independent of the layers above it

    def describe(self) -> dict:
        """The rule as plain values."""
        return {"name": self.name, **asdict(self)}


@checked_call
@dataclass(frozen=True)
class GradientDescent(Rule):
    """gt = g: the gradient itself."""

    name = "gradient_descent"


@checked_call
@dataclass(frozen=True)
class FeedbackAlignment(Rule):
    """gt^l = phi'(h^l) B^T gt^{l+1} / sqrt(N) with fixed B = rho W(0) + sqrt(1 - rho^2) R, and so for the
    readout.

    (Lillicrap et al. 2016.)

    Parameters
    ----------
    correlation
        rho in [-1, 1] between the feedback weights and the initial ones.
    current_readout
        Send back the readout as it is now instead of fixed weights: then only hidden layers are misaligned.
    """

    correlation: float = 0.0
    current_readout: bool = False
    name = "feedback_alignment"

    def __post_init__(self) -> None:
        object.__setattr__(
            self,
            "correlation",
            real("correlation", self.correlation, "lie between -1 and 1", lambda v: -1 <= v <= 1),
        )
        object.__setattr__(self, "current_readout", boolean("current_readout", self.current_readout))


@checked_call
@dataclass(frozen=True)
class DirectFeedbackAlignment(Rule):
    """gt^l = phi'(h^l) b^l with fixed random b^l of every layer, one per output (Nokland 2016)."""

    name = "direct_feedback_alignment"
    local = True


@checked_call
@dataclass(frozen=True)
class Hebb(Rule):
    """gt^l = e phi(h^l) with the error e = -d loss / d f of the example: nothing is sent back at all. The
    loss need not fall."""

    name = "hebb"
    hebbian = True
    local = True


RULES = {rule.name: rule for rule in (GradientDescent, FeedbackAlignment, DirectFeedbackAlignment, Hebb)}


def as_rule(given: Rule | str | dict) -> Rule:
    """A rule from one, from its name, or from a table {"name": ..., options}.

    Raises
    ------
    InputError
        An unknown name or option.
    """
    if isinstance(given, Rule):
        return given
    table = dict(given) if isinstance(given, dict) else {"name": given}
    name = table.pop("name", None)
    require(
        isinstance(name, str) and name in RULES,
        f"learning_rule={given!r} is unknown; choose one of {', '.join(RULES)}.",
    )
    return RULES[name](**table)

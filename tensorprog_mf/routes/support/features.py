"""What a run can be asked for, by the names that a user knows, and how each is recognised.

A predicate reads what networks, problems, trainings and records say of themselves; it knows no route.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from ...engine.record import Record
from ...networks import Network
from ...problems.source import DataSource
from ...sites.activations import Activation
from ...training.training import Training

_SPELT_WITH_A_VOWEL = "AEFHILMNORSX"


@dataclass(frozen=True)
class Request:
    """What a route is asked to do: its arguments that other arguments may not go with."""

    network: Network
    problem: DataSource
    training: Training
    record: Record = Record()
    parameterization: str = "mean_field"
    ensemble: str | None = None
    common_draws: bool = False
    two_time: bool = False  # the argument, not that of the record
    target_error: bool = False
    checkpoint: bool = False
    keep_replicates: bool = False

    @property
    def architecture(self) -> str:
        """The network's kind with its article: "an MLP", "a CNN"."""
        name = type(self.network).__name__
        spelt = name[:2].isupper()  # "an RNN", letter by letter
        return f"{'an' if name[0] in (_SPELT_WITH_A_VOWEL if spelt else 'AEIOU') else 'a'} {name}"

    @property
    def averaged(self) -> set[str]:
        """Fields whose moments or densities are recorded."""
        return {*self.record.moments, *self.record.densities}

    @property
    def averaged_gradients(self) -> str:
        """Those of them that come back from outputs, in words."""
        return " and ".join(sorted(self.averaged & {"backward_field", "gradient"}))


@dataclass(frozen=True)
class Feature:
    """A thing that can be asked for; `words` say so after "for", with values of the request in braces."""

    words: str
    present: Callable[[Request], bool]


OTHER_NETWORK = Feature("{request.architecture}", lambda r: not r.network.dense_chain)
AVERAGES = Feature("{request.architecture}", lambda r: r.network.averages)
SCATTERED = Feature(
    "{request.architecture} with hidden_std", lambda r: r.network.averages and r.network.random_hidden
)
RESIDUAL = Feature("{request.architecture}", lambda r: r.network.residual)
POSITIONS = Feature("{request.architecture}", lambda r: r.network.vector_dim is not None)
INFINITE_DEPTH = Feature("infinite depth", lambda r: r.network.refinements is not None)
NONLINEAR = Feature("other activations", lambda r: r.network.activation != Activation("linear"))
SCALED = Feature("other weights or biases", lambda r: not r.network.plain)
OUTPUT_BIAS = Feature("an output bias", lambda r: r.network.output_bias > 0)
NO_INPUT_WEIGHT = Feature("{request.architecture}", lambda r: not r.network.has_input_weight)

ONE_OUTPUT = Feature("one output", lambda r: not r.problem.outputs)
OUTPUTS = Feature("{problem.outputs} outputs", lambda r: bool(r.problem.outputs))
STREAM = Feature("a stream of new ones", lambda r: r.problem.streamed)
OTHER_LOSS = Feature("the loss {problem.loss.name!r}", lambda r: r.problem.loss.name != "squared")

STEPS = Feature("discrete steps", lambda r: not r.training.flow)
FLOW = Feature("gradient flow", lambda r: r.training.flow)
ENDLESS = Feature(
    "an infinite time", lambda r: r.training.times is not None and r.training.times[-1] == math.inf
)
NESTEROV = Feature("nesterov=True", lambda r: r.training.nesterov)
WEIGHT_DECAY = Feature("weight decay", lambda r: r.training.weight_decay > 0)
BATCHES = Feature("batches", lambda r: not r.training.full_batch)
TEMPERATURE = Feature("temperature={training.temperature:g}", lambda r: r.training.temperature > 0)
RULE = Feature("learning_rule={training.learning_rule.name!r}", lambda r: r.training.ruled)
LOCAL_RULE = Feature(RULE.words, lambda r: r.training.dynamics.learning_rule.local)
HEBB = Feature("Hebb's rule", lambda r: r.training.dynamics.learning_rule.hebbian)

MOMENTS = Feature("moments", lambda r: bool(r.record.moments))
DENSITIES = Feature("densities", lambda r: bool(r.record.densities))
INPUT_WEIGHT = Feature("averages of input_weight", lambda r: "input_weight" in r.averaged)
GRADIENTS = Feature("averages of gradients", lambda r: bool(r.averaged_gradients))
KERNEL_EXAMPLES = Feature("kernel_examples", lambda r: r.record.kernel_examples is not None)
PER_OUTPUT = Feature("per_output", lambda r: r.record.per_output)
NO_PER_OUTPUT = Feature("outputs together", lambda r: not r.record.per_output)
TWO_TIME = Feature("two_time", lambda r: r.record.two_time)
RESPONSES = Feature("responses", lambda r: r.record.responses)
DRAWS = Feature("draws", lambda r: r.record.draws)

PARAMETERIZATION = Feature(
    "parameterization={request.parameterization!r}", lambda r: r.parameterization != "mean_field"
)
ENSEMBLE = Feature("ensemble={request.ensemble!r}", lambda r: r.ensemble is not None)
COMMON_DRAWS = Feature("common_draws", lambda r: r.common_draws)
BETWEEN_TIMES = Feature("two_time=True", lambda r: r.two_time)
CHECKPOINT = Feature("checkpoint", lambda r: r.checkpoint)
TARGET_ERROR = Feature("target_error", lambda r: r.target_error)
KEEP_REPLICATES = Feature("keep_replicates", lambda r: r.keep_replicates)

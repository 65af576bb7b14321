"""The table: which way of running a network does not go with what, and why.

What no row names goes together; `tests/routes/test_support.py` tries it. A new route is a `Way` with its
place in the rows that refuse it; a new restriction is a row, and nothing anywhere else.
"""

from dataclasses import dataclass

from ...ground.errors import InputError, TensorProgError, UnsupportedError
from . import features as f


@dataclass(frozen=True)
class Way:
    """A route, with the value of the argument by which it does one thing or another."""

    route: str
    argument: str = ""
    value: str = ""

    @property
    def call(self) -> str:
        """As it is written."""
        return f"{self.route}({self.argument}={self.value!r})" if self.argument else self.route


@dataclass(frozen=True)
class Row:
    """These `ways` do not go with these `features`, all of them together.

    `says` why, with {route} for the way and values of the request in braces; `remedy` is what else to do than
    to take another route.
    """

    ways: tuple[Way, ...]
    features: tuple[f.Feature, ...]
    says: str
    remedy: str = ""
    error: type[TensorProgError] = UnsupportedError


SAMPLE = Way("sample")
DENSE = Way("train_finite", "matrix", "dense")
CONDITIONED = Way("train_finite", "matrix", "conditioned")
LINEAR = Way("solve_linear")
CLOSED = Way("static_ntk", "kernel", "closed_form")
SAMPLED = Way("static_ntk", "kernel", "sampled")
PERTURBATION = Way("perturbation")
INDEPENDENCE = Way("gradient_independence")
ALTERNATE = Way("alternate")

FINITE, LAZY = (DENSE, CONDITIONED), (CLOSED, SAMPLED)
WAYS = (SAMPLE, *FINITE, LINEAR, *LAZY, PERTURBATION, INDEPENDENCE, ALTERNATE)  # of a route the usual first
TRAINED = (SAMPLE, *FINITE, INDEPENDENCE)  # those that follow any network step by step
LIMITS = (SAMPLE, INDEPENDENCE)

ARGUMENTS = {  # the ways that have an argument by which they do something else
    f.PARAMETERIZATION: FINITE,
    f.ENSEMBLE: LAZY,
    f.COMMON_DRAWS: (SAMPLE, INDEPENDENCE, PERTURBATION),
    f.BETWEEN_TIMES: (LINEAR,),
    f.TARGET_ERROR: LIMITS,
    f.CHECKPOINT: TRAINED,
}

_LACKING = tuple(
    Row(
        tuple(way for way in WAYS if way not in those),
        (argument,),
        f"{{route}} has no {argument.words}",
        f"leave {argument.words} out",
    )
    for argument, those in ARGUMENTS.items()
)

_NETWORKS = (
    Row((LINEAR, CLOSED, ALTERNATE), (f.OTHER_NETWORK,), "{route} takes an MLP only"),
    Row((LINEAR,), (f.NONLINEAR,), "{route} takes the linear activation of gain 1 only"),
    Row((ALTERNATE,), (f.SCALED,), "{route} requires weights that start as N(0,1) and no biases"),
    Row(
        (LINEAR,),
        (f.SCALED, f.STEPS),
        "{route} requires weights that start as N(0,1) and no biases, except in gradient flow",
    ),
    Row((*FINITE, PERTURBATION), (f.INFINITE_DEPTH,), "{route} takes a finite depth only"),
    Row(
        (SAMPLED, PERTURBATION),
        (f.AVERAGES,),
        "{route} starts from the lazy limit, which a network whose hidden layers are averages does not have",
    ),
    Row(
        (INDEPENDENCE,),
        (f.AVERAGES,),
        "{route} draws backward weights anew, and no random part of them is seen where hidden layers average",
    ),
    Row(
        (CONDITIONED,),
        (f.SCATTERED,),
        "{route} knows hidden weights that average by their means only",
        "set hidden_std=0",
    ),
)

_PROBLEMS = (
    Row(
        (LINEAR, *LAZY, PERTURBATION, ALTERNATE),
        (f.STREAM,),
        "{route} needs all examples at once",
    ),
    Row((PERTURBATION, ALTERNATE), (f.OUTPUTS,), "{route} takes one output, targets (example,)"),
    *(
        Row(
            TRAINED,
            (f.STREAM, own),
            "a stream supplies its own batches",
            remedy,
            InputError,
        )
        for own, remedy in (
            (f.BATCHES, "leave them out of tp.Training"),
            (f.FLOW, "train in discrete steps"),
        )
    ),
)

_TRAININGS = (
    Row((PERTURBATION, ALTERNATE), (f.FLOW,), "{route} takes discrete steps only"),
    Row((*TRAINED, LINEAR), (f.ENDLESS,), "{route} cannot run to infinite time", "choose a finite last time"),
    Row(
        LAZY,
        (f.ENDLESS, f.OTHER_LOSS),
        "{route} cannot run to infinite time with the loss {problem.loss.name!r}",
        "choose a finite last time",
    ),
    Row(
        (LINEAR, ALTERNATE),
        (f.NESTEROV,),
        "{route} takes gradients where it reports outputs, not ahead of them",
    ),
    Row(
        (*LAZY, PERTURBATION),
        (f.WEIGHT_DECAY,),
        "{route} rests on a static kernel, which weight decay moves at any richness",
    ),
    Row((LINEAR, *LAZY, PERTURBATION, ALTERNATE), (f.TEMPERATURE,), "{route} has no Langevin noise"),
    Row(
        TRAINED,
        (f.TEMPERATURE, f.OUTPUT_BIAS),
        "temperature does not go with an output bias, whose noise would make outputs random at any width",
        "take output_bias=0",
    ),
    Row(
        (SAMPLE, *FINITE),
        (f.TEMPERATURE, f.AVERAGES),
        "{request.architecture} has no Langevin noise",
        "for two layers use tp.mean_field.distributional_dynamics",
    ),
)

_RULES = (
    Row((LINEAR, *LAZY, PERTURBATION, INDEPENDENCE, ALTERNATE), (f.RULE,), "{route} follows gradients"),
    *(
        Row(
            (SAMPLE, *FINITE),
            (f.RULE, others),
            "learning_rule={training.learning_rule.name!r} is available for MLP and ResidualMLP only",
            "train {request.architecture} by gradients",
        )
        for others in (f.POSITIONS, f.AVERAGES)
    ),
    Row(
        (SAMPLE, *FINITE),
        (f.LOCAL_RULE, f.RESIDUAL),
        "learning_rule={training.learning_rule.name!r} has no scale of its own in a stream that branches add"
        " to",
        "take an MLP, or feedback alignment",
    ),
    Row(
        (SAMPLE, *FINITE),
        (f.HEBB, f.OUTPUTS),
        "Hebb's rule is modulated by the error of one output",
        "targets must be (example,)",
        InputError,
    ),
    Row(
        (SAMPLE, *FINITE),
        (f.RULE, f.PER_OUTPUT),
        "kernels of every output are those of gradients, which learning_rule={training.learning_rule.name!r}"
        " does not follow",
        "leave out per_output",
    ),
)

_RECORDED = (f.MOMENTS, f.DENSITIES, f.KERNEL_EXAMPLES, f.PER_OUTPUT, f.TWO_TIME, f.RESPONSES)
_RECORDS = (
    *(
        Row(ways, (more,), "{route} records outputs and kernels at chosen steps only")
        for ways, several in (
            ((LINEAR, *LAZY, PERTURBATION, ALTERNATE), _RECORDED),
            ((LINEAR, *LAZY, ALTERNATE), (f.DRAWS,)),
        )
        for more in several
    ),
    Row(FINITE, (f.DRAWS,), "{route} has no draws to share", error=InputError),
    *(
        Row(
            TRAINED,
            (more, several),
            f"tp.Record({more.words}=True) is for {known}",
            f"leave {more.words} out",
        )
        for several, known, those in (
            (f.POSITIONS, "networks without positions", (f.PER_OUTPUT, f.TWO_TIME, f.RESPONSES)),
            (f.OUTPUTS, "one output, targets (example,)", (f.TWO_TIME, f.RESPONSES)),
        )
        for more in those
    ),
    *(
        Row(
            ways,
            (f.RESPONSES, joined),
            "responses are regressions on Gaussian parts of fields, which {request.architecture} does not"
            " tell apart",
            "take an MLP",
        )
        for joined, ways in ((f.RESIDUAL, TRAINED), (f.AVERAGES, (SAMPLE, *FINITE)))
    ),
    Row(
        (DENSE,),
        (f.RESPONSES,),
        "responses are regressions on Gaussian parts of fields, which stored matrices do not tell apart",
    ),
    Row(
        TRAINED,
        (f.PER_OUTPUT, f.ONE_OUTPUT),
        "per_output=True is for several outputs",
        "give targets (example, output), or leave it out",
        InputError,
    ),
    Row(
        TRAINED,
        (f.GRADIENTS, f.OUTPUTS, f.NO_PER_OUTPUT),
        "moments and densities of {request.averaged_gradients} need per_output=True with several outputs",
        "ask for it, or for other fields",
        InputError,
    ),
    Row(
        TRAINED,
        (f.INPUT_WEIGHT, f.NO_INPUT_WEIGHT),
        "moments and densities of input_weight need a MeanFieldMLP; of {request.architecture} the input"
        " weights are known only along the inputs",
        "choose other fields",
    ),
)

_OWN = (
    Row(
        FINITE,
        (f.PARAMETERIZATION, f.OTHER_NETWORK),
        "parameterization={request.parameterization!r} is for an MLP",
        "write {request.architecture} in 'mean_field'",
    ),
    Row(
        FINITE,
        (f.PARAMETERIZATION, f.SCALED),
        "parameterization={request.parameterization!r} is for weights that start as N(0,1) and no biases",
        "write this network in 'mean_field'",
    ),
    *(
        Row(ways, (own, training), f"{own.words} {what}", f"for {training.words} {remedy}")
        for own, remedy, everywhere, ruled in (
            (f.PARAMETERIZATION, "write the network in 'mean_field'", FINITE, FINITE),
            (f.COMMON_DRAWS, "leave common_draws out", LIMITS, (SAMPLE,)),
        )
        for training, what, ways in (
            (f.FLOW, "takes discrete steps only", everywhere),
            (f.TEMPERATURE, "takes no Langevin noise", everywhere),
            (f.RULE, "follows gradients", ruled),
        )
    ),
    Row(
        (SAMPLED,),
        (f.ENSEMBLE, f.INFINITE_DEPTH),
        "ensemble={request.ensemble!r} takes a finite depth only",
        "leave ensemble out",
    ),
    *(
        Row(
            LIMITS,
            (shared, f.INFINITE_DEPTH),
            "common draws cannot be used at infinite depth, where each run has its own depth",
            f"leave {shared.words} out",
            InputError,
        )
        for shared in (f.COMMON_DRAWS, f.DRAWS)
    ),
    Row(
        (LINEAR,),
        (f.BETWEEN_TIMES, f.OUTPUTS),
        "{route} has kernels between times for one output, targets (example,)",
        "leave out two_time",
    ),
    *(
        Row(
            LIMITS,
            (f.TARGET_ERROR, other),
            "target_error cannot be combined with common_draws or keep_replicates",
            f"leave {other.words} out",
            InputError,
        )
        for other in (f.COMMON_DRAWS, f.KEEP_REPLICATES)
    ),
)

ROWS = (*_LACKING, *_NETWORKS, *_PROBLEMS, *_TRAININGS, *_RULES, *_RECORDS, *_OWN)

"""A small request for everything that the table speaks of: what the README lists, and what the tests try."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...engine.record import Record
from ...networks import CNN, MLP, RNN, MeanFieldMLP, Network, ResidualMLP, Transformer
from ...problems.online import OnlineProblem
from ...problems.problem import Problem
from ...problems.source import DataSource
from ...training.training import Training
from .features import Request

_SHAPES = {1: (4,), 2: (2, 3), 3: (1, 4, 4)}  # of an input, by its number of dimensions
_STEPS = {"steps": 1, "learning_rate": 0.1}


@dataclass(frozen=True)
class Example:
    """A run with one thing asked for, or several that may not go together: `label` names them.

    `outputs` None is one without a dimension; `training` replaces one plain step, `more` is added to it;
    `own` are arguments of single routes.
    """

    label: str
    network: Network = MLP(2, "linear")
    outputs: int | None = None
    stream: bool = False
    loss: str = "squared"
    flow: bool = False
    last: float = 0.1
    training: Mapping[str, Any] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)

    def request(self) -> Request:
        """What is asked of a route."""
        clock: dict[str, Any] = (
            {"flow": True, "times": (0.0, self.last), "tolerance": 1e-3} if self.flow else _STEPS
        )
        named = {name: self.own[name] for name in ("ensemble", "parameterization") if name in self.own}
        return Request(
            self.network,
            self._problem(),
            Training(**clock, **self.training),
            Record(**self.record),
            **dict.fromkeys(self.own, True) | named,
        )

    def _problem(self) -> DataSource:
        rng = np.random.default_rng(0)
        inputs = rng.choice([-1.0, 1.0], (3, *_SHAPES[len(self.network.input_dims)]))
        targets = rng.choice([-1.0, 1.0], (3,) if self.outputs is None else (3, self.outputs))
        if self.stream:
            return OnlineProblem(lambda step: (inputs, targets), inputs[:2], self.loss)
        return Problem(inputs, targets, inputs[:1], self.loss)


_FEEDBACK, _DIRECT, _HEBB = (
    {"learning_rule": name} for name in ("feedback_alignment", "direct_feedback_alignment", "hebb")
)
_RESIDUAL, _ENDLESS_DEPTH = ResidualMLP(1, "linear"), ResidualMLP("infinite", "linear", n_tau=4)
_MEAN_FIELD, _MEANS = MeanFieldMLP(2), MeanFieldMLP(2, hidden_std=0.0)
_BIASED = MLP(2, "linear", bias_std=0.5)
_CNN, _RNN, _TRANSFORMER = CNN(2, "linear"), RNN("linear"), Transformer(1, "linear", head_dimension=2)
_NOISE, _GRADIENTS = {"temperature": 0.1}, {"moments": ("gradient",)}

SECTIONS: dict[str, tuple[Example, ...]] = {
    "network": (
        Example("`MLP` with the linear activation"),
        Example("`MLP` with another activation", MLP(2)),
        Example("`MLP` with biases or `weight_std`", _BIASED),
        Example("the same in gradient flow", _BIASED, flow=True),
        Example("`ResidualMLP`", _RESIDUAL),
        Example('`ResidualMLP("infinite")`', _ENDLESS_DEPTH),
        Example("`MeanFieldMLP`", _MEAN_FIELD),
        Example("`CNN`", _CNN),
        Example("`RNN`", _RNN),
        Example("`Transformer`", _TRANSFORMER),
    ),
    "problem": (
        Example("another loss than the squared one", loss="logistic"),
        Example("several outputs", outputs=2),
        Example("`OnlineProblem`", stream=True),
    ),
    "training": (
        Example("`momentum`, `schedule`", training={"momentum": 0.5, "schedule": "cosine"}),
        Example("`nesterov`", training={"momentum": 0.5, "nesterov": True}),
        Example("`weight_decay`", training={"weight_decay": 0.1}),
        Example("batches", training={"batch_size": 2}),
        Example("gradient flow", flow=True),
        Example("gradient flow until `math.inf`", flow=True, last=math.inf),
        Example("`temperature`", training=_NOISE),
        Example("feedback alignment", training=_FEEDBACK),
        Example("direct feedback alignment", training=_DIRECT),
        Example("Hebb's rule", training=_HEBB),
    ),
    "record": (
        Example("`steps`", record={"steps": (0,)}),
        Example("`moments`", record={"moments": ("feature",)}),
        Example("`densities`", record={"densities": ("preactivation",)}),
        Example("`kernel_examples`", record={"kernel_examples": (0, 1)}),
        Example("`per_output`", outputs=2, record={"per_output": True}),
        Example("`two_time`", record={"two_time": True}),
        Example("`responses`", record={"responses": True}),
        Example("`draws`", record={"draws": True}),
        Example("`input_weight` of a `MeanFieldMLP`", _MEAN_FIELD, record={"moments": ("input_weight",)}),
    ),
    "argument": (
        Example("`parameterization`", own={"parameterization": "ntk"}),
        Example("`ensemble`", own={"ensemble": "ntk"}),
        Example("`common_draws`", own={"common_draws": True}),
        Example("`two_time`", own={"two_time": True}),
        Example("`target_error`", own={"target_error": 10.0}),
        Example("`checkpoint`", own={"checkpoint": True}),
    ),
}

TOGETHER = (
    Example("`output_bias` with `temperature`", MLP(2, "linear", output_bias=0.5), training=_NOISE),
    Example("`MeanFieldMLP` with `hidden_std=0`", _MEANS),
    Example("`MeanFieldMLP` with `temperature`", _MEANS, training=_NOISE),
    Example("`MeanFieldMLP` with a learning rule", _MEANS, training=_FEEDBACK),
    Example("`CNN`, `RNN`, `Transformer` with a learning rule", _CNN, training=_FEEDBACK),
    Example("`ResidualMLP` with feedback alignment", _RESIDUAL, training=_FEEDBACK),
    Example("`ResidualMLP` with direct feedback alignment", _RESIDUAL, training=_DIRECT),
    Example("`OnlineProblem` with batches", stream=True, training={"batch_size": 2}),
    Example("`OnlineProblem` in gradient flow", stream=True, flow=True),
    Example(
        "gradient flow until `math.inf` with another loss than the squared one",
        loss="logistic",
        flow=True,
        last=math.inf,
    ),
    Example("Hebb's rule with several outputs", outputs=2, training=_HEBB),
    Example("`per_output` with a learning rule", outputs=2, training=_FEEDBACK, record={"per_output": True}),
    Example("`per_output` of one output", record={"per_output": True}),
    Example("`per_output` of positions", _RNN, 2, record={"per_output": True}),
    Example("averages of gradients of several outputs", outputs=2, record=_GRADIENTS),
    Example(
        "averages of `input_weight` of another network than a `MeanFieldMLP`",
        record={"moments": ("input_weight",)},
    ),
    *(
        Example(f"`{name}` of {what}", network, outputs, record={name: True})
        for name in ("two_time", "responses")
        for what, network, outputs in (
            ("several outputs", MLP(2, "linear"), 2),
            ("positions", _RNN, None),
            ("a residual stream", _RESIDUAL, None),
            ("a `MeanFieldMLP`", _MEANS, None),
        )
    ),
    Example("`draws` at infinite depth", _ENDLESS_DEPTH, record={"draws": True}),
    Example("`parameterization` of another network", _CNN, own={"parameterization": "ntk"}),
    Example("`parameterization` with biases", _BIASED, own={"parameterization": "ntk"}),
    *(
        Example(f"`{name}` with {what}", flow=flow, training=training, own={name: value})
        for name, value in (("parameterization", "ntk"), ("common_draws", True))
        for what, flow, training in (
            ("gradient flow", True, {}),
            ("`temperature`", False, _NOISE),
            ("a learning rule", False, _FEEDBACK),
        )
    ),
    Example("`common_draws` at infinite depth", _ENDLESS_DEPTH, own={"common_draws": True}),
    Example("`ensemble` at infinite depth", _ENDLESS_DEPTH, own={"ensemble": "ntk"}),
    Example("`ensemble` of another network", _CNN, own={"ensemble": "ntk"}),
    Example("the argument `two_time` of several outputs", outputs=2, own={"two_time": True}),
    *(
        Example(f"`target_error` with `{name}`", own={"target_error": 10.0, name: True})
        for name in ("common_draws", "keep_replicates")
    ),
)

"""tensorprog_mf: infinitely wide neural networks that learn features, sampled site by site.

Importing is light: what a name needs is loaded when it is first used.
What is added to the tables here is added to __init__.pyi too, where editors and type checkers look.
"""

import importlib
from typing import Any

__version__ = "0.2.0"

_HOME = {
    "Problem": "problems.problem",
    "OnlineProblem": "problems.online",
    "GaussianStream": "problems.online",
    "Training": "training.training",
    "MLP": "networks",
    "ResidualMLP": "networks",
    "MeanFieldMLP": "networks",
    "Correlated": "networks",
    "CNN": "networks",
    "RNN": "networks",
    "Transformer": "networks",
    "Activation": "sites.activations",
    "Gaussian": "sites.laws",
    "Uniform": "sites.laws",
    "sample": "routes.sample",
    "gradient_independence": "routes.gradient_independence",
    "static_ntk": "routes.static_ntk.route",
    "perturbation": "routes.perturbation",
    "alternate": "routes.alternate.route",
    "fluctuations": "results.fluctuations",
    "train_finite": "routes.train_finite",
    "solve_linear": "routes.solve_linear.route",
    "read_table": "problems.tables",
    "read_cifar10": "problems.images",
    "compare": "results.comparison",
    "interval": "results.intervals",
    "save": "results.files",
    "load": "results.files",
    "by_step": "results.steps",
    "log_steps": "engine.record",
    "Record": "engine.record",
    "InputError": "ground.errors",
    "Interrupted": "ground.errors",
    "CheckpointWarning": "ground.errors",
    "ConvergenceWarning": "ground.errors",
    "DataWarning": "ground.errors",
    "DivergenceWarning": "ground.errors",
    "RankWarning": "ground.errors",
    "TensorProgError": "ground.errors",
    "UnsupportedError": "ground.errors",
    "DrawsWarning": "ground.errors",
    "HeavyTailWarning": "ground.errors",
    "StabilityWarning": "ground.errors",
    "SaddleWarning": "ground.errors",
    "TargetWarning": "ground.errors",
    "ToleranceWarning": "ground.errors",
    "QuadratureWarning": "ground.errors",
}
_MODULES = {
    "mean_field": "mean_field",
    "parameterization": "networks.parameterization",
    "plotting": "results.plotting",
    "rules": "training.rules",
    "scaling_laws": "scaling_laws",
    "schedules": "training.schedules",
    "schema": "results.schema",
}
__all__ = sorted([*_HOME, *_MODULES])


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module("." + _MODULES[name], __name__)
    if name not in _HOME:
        raise AttributeError(f"module 'tensorprog_mf' has no attribute {name!r}")
    value = getattr(importlib.import_module("." + _HOME[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

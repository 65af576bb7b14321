"""tensorprog_mf: infinitely wide neural networks that learn features, sampled site by site.

Importing is light: what a name needs is loaded when it is first used.
"""

import importlib

__version__ = "0.1.0"

_HOME = {
    "Problem": "problems",
    "OnlineProblem": "online",
    "GaussianStream": "online",
    "Training": "optimizers",
    "MLP": "networks",
    "ResidualMLP": "networks",
    "MeanFieldMLP": "networks",
    "Correlated": "networks",
    "CNN": "networks",
    "RNN": "networks",
    "Transformer": "networks",
    "Activation": "activations",
    "Gaussian": "laws",
    "Uniform": "laws",
    "sample": "routes.sample",
    "gradient_independence": "routes.gradient_independence",
    "static_ntk": "routes.static_ntk",
    "perturbation": "routes.perturbation",
    "alternate": "routes.alternate",
    "fluctuations": "width_scaling",
    "train_finite": "routes.train_finite",
    "solve_linear": "routes.solve_linear",
    "read_table": "tables",
    "read_cifar10": "images",
    "compare": "comparison",
    "interval": "intervals",
    "save": "files",
    "load": "files",
    "by_step": "steps",
    "log_steps": "recorder",
    "Record": "recorder",
    "InputError": "errors",
    "Interrupted": "errors",
    "CheckpointWarning": "errors",
    "ConvergenceWarning": "errors",
    "DataWarning": "errors",
    "DivergenceWarning": "errors",
    "RankWarning": "errors",
    "TensorProgError": "errors",
    "UnsupportedError": "errors",
    "DrawsWarning": "errors",
    "HeavyTailWarning": "errors",
    "StabilityWarning": "errors",
    "SaddleWarning": "errors",
    "TargetWarning": "errors",
    "ToleranceWarning": "errors",
    "QuadratureWarning": "errors",
}
_MODULES = ("mean_field", "parameterization", "plotting", "rules", "scaling_laws", "schedules")
__all__ = sorted([*_HOME, *_MODULES])


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module("." + name, __name__)
    if name not in _HOME:
        raise AttributeError(f"module 'tensorprog_mf' has no attribute {name!r}")
    value = getattr(importlib.import_module("." + _HOME[name], __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return __all__

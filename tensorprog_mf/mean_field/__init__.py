"""Mean-field (1/N) limits of training that have dynamics of their own.

`distributional_dynamics`: two layers, as a law of parameters that moves; `fokker_planck` and `boltzmann`: the
same in one dimension on a grid, and where noise takes it; `certificate`: whether it got to the best that any
law can do; `train_particles`: real networks. `autoencoder`: weight-tied autoencoders; `train_autoencoder`:
real ones. Deep networks in this scaling are a network as others, `tensorprog_mf.MeanFieldMLP`; `escape_rate`
is of its saddle. Importing is light: what a name needs is loaded when it is first used.
What is added to the tables here is added to __init__.pyi too, where editors and type checkers look.
"""

import importlib
from typing import Any

_HOME = {
    "Neuron": "two_layers.units",
    "PiecewiseLinear": "two_layers.units",
    "UserUnit": "two_layers.units",
    "FiniteData": "two_layers.data",
    "IsotropicGaussians": "two_layers.data",
    "AnisotropicGaussians": "two_layers.data",
    "NormOfGaussian": "two_layers.data",
    "distributional_dynamics": "two_layers.dynamics",
    "fokker_planck": "two_layers.grid",
    "boltzmann": "two_layers.stationary",
    "certificate": "two_layers.optimality",
    "train_particles": "two_layers.one_pass",
    "Spectrum": "autoencoders.spectrum",
    "autoencoder": "autoencoders.limit",
    "train_autoencoder": "autoencoders.finite",
    "escape_rate": ".networks.saddle",
    "reconstruct": "autoencoders.reading",
    "learned_features": "autoencoders.reading",
    "preactivation_density": "autoencoders.reading",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'tensorprog_mf.mean_field' has no attribute {name!r}")
    value = getattr(importlib.import_module("." + _HOME[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

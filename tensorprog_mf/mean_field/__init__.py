"""Mean-field (1/N) limits of training that have dynamics of their own.

`distributional_dynamics`: two layers, as a law of parameters that moves; `fokker_planck` and `boltzmann`: the same in one
dimension on a grid, and where noise takes it; `certificate`: whether it got to the best that any law can do;
`train_particles`: real networks. `autoencoder`: weight-tied autoencoders; `train_autoencoder`: real ones. Deep networks in this scaling are
a network as others, `tensorprog_mf.MeanFieldMLP`; `escape_rate` is of its saddle. Importing is light: what a name needs is loaded when it is first used.
"""

import importlib

_HOME = {
    "Neuron": "units",
    "PiecewiseLinear": "units",
    "UserUnit": "units",
    "FiniteData": "data",
    "IsotropicGaussians": "data",
    "AnisotropicGaussians": "data",
    "NormOfGaussian": "data",
    "distributional_dynamics": "dynamics",
    "fokker_planck": "grid",
    "boltzmann": "stationary",
    "certificate": "optimality",
    "train_particles": "one_pass",
    "Spectrum": "autoencoder_spectrum",
    "autoencoder": "autoencoder_limit",
    "train_autoencoder": "autoencoder_finite",
    "escape_rate": ".networks.saddle",
    "reconstruct": "autoencoder_reading",
    "learned_features": "autoencoder_reading",
    "preactivation_density": "autoencoder_reading",
}
__all__ = sorted(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'tensorprog_mf.mean_field' has no attribute {name!r}")
    value = getattr(importlib.import_module("." + _HOME[name], __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return __all__

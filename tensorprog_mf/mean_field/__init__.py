"""Mean-field (1/N) limits of training that have dynamics of their own.

Two layers: `distributional_dynamics` moves the law of parameters; `fokker_planck` does the same for one
parameter on a grid, and `boltzmann` says where noise takes the law in the end; `certificate` says whether it
came to the best that any law can do; `train_particles` trains real networks. Weight-tied autoencoders:
`autoencoder` is the limit, `train_autoencoder` trains real ones. Deep networks in this scaling are an
architecture like others, `tensorprog_mf.MeanFieldMLP`; `escape_rate` belongs to the saddle at which they may
start. Importing is light: what a name needs is loaded when it is first used.
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
    "distributional_dynamics": "two_layers.distributional_dynamics",
    "fokker_planck": "two_layers.fokker_planck",
    "boltzmann": "two_layers.boltzmann",
    "certificate": "two_layers.certificate",
    "train_particles": "two_layers.train_particles",
    "CovarianceSpectrum": "autoencoders.spectrum",
    "Spectrum": "autoencoders.spectrum",  # the earlier name of CovarianceSpectrum
    "autoencoder": "autoencoders.autoencoder",
    "train_autoencoder": "autoencoders.train_autoencoder",
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

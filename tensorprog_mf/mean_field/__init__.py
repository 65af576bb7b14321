"""Mean-field (1/N) limits of networks that need dynamics of their own.

Importing is light: what a name needs is loaded when it is first used.
"""

import importlib

_HOME = {
    "Spectrum": "autoencoder_spectrum",
    "autoencoder": "autoencoder_limit",
    "train_autoencoder": "autoencoder_finite",
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

"""Networks: frozen descriptions that compose themselves from layers, one file per architecture."""

from .cnn import CNN
from .mean_field import Correlated, MeanFieldMLP
from .mlp import MLP
from .network import Asked, Footprint, Network, checked_richness
from .residual import ResidualMLP
from .rnn import RNN
from .transformer import Transformer

__all__ = [
    "CNN",
    "MLP",
    "RNN",
    "Asked",
    "Correlated",
    "Footprint",
    "MeanFieldMLP",
    "Network",
    "ResidualMLP",
    "Transformer",
    "checked_richness",
]

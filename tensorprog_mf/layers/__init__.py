"""What a network is composed of, one file per kind of layer."""

from .attention import Attention
from .bias import Bias
from .chain import Chain
from .composite import Composite
from .convolution import Convolution
from .dense import Dense
from .elementwise import Elementwise
from .flat_readout import FlatReadout
from .input import Input
from .layer import Layer, Signal
from .normalisation import Normalisation
from .passage import Backward, Forward, Passage
from .pooling import Pooling
from .readout import Readout
from .recurrent import Recurrent
from .residual import Residual
from .sum import Sum

__all__ = [
    "Attention",
    "Backward",
    "Bias",
    "Chain",
    "Composite",
    "Convolution",
    "Dense",
    "Elementwise",
    "FlatReadout",
    "Forward",
    "Input",
    "Layer",
    "Normalisation",
    "Passage",
    "Pooling",
    "Readout",
    "Recurrent",
    "Residual",
    "Signal",
    "Sum",
]

"""What is recorded of a network: probes of its layers, one file per kind, and the readings that they take."""

from .activation import ActivationProbe, FeatureProbe
from .attention import AttentionProbe
from .convolution import ConvolutionProbe
from .dense import BranchProbe, DenseProbe, ParallelProbe
from .fields import BackwardFieldProbe, FeatureKernelProbe, StreamProbe
from .input import EmbeddingProbe, InputProbe
from .probe import Composition, Probe, Seen
from .readings import (
    AtSites,
    FieldAtAllSites,
    LargestOfLayer,
    OfLayer,
    OfNetwork,
    TangentShare,
    WeightAtAllSites,
)
from .readout import FlatReadoutProbe, ReadoutProbe, ReadoutShareProbe, StreamReadoutProbe
from .recurrent import RecurrentProbe

__all__ = [
    "ActivationProbe",
    "AtSites",
    "AttentionProbe",
    "BackwardFieldProbe",
    "BranchProbe",
    "Composition",
    "ConvolutionProbe",
    "DenseProbe",
    "EmbeddingProbe",
    "FeatureKernelProbe",
    "FeatureProbe",
    "FieldAtAllSites",
    "FlatReadoutProbe",
    "InputProbe",
    "LargestOfLayer",
    "OfLayer",
    "OfNetwork",
    "ParallelProbe",
    "Probe",
    "ReadoutProbe",
    "ReadoutShareProbe",
    "RecurrentProbe",
    "Seen",
    "StreamProbe",
    "StreamReadoutProbe",
    "TangentShare",
    "WeightAtAllSites",
]

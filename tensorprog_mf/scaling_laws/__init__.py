"""Neural scaling laws: linear networks of random features, and of features that are learned."""

from .causal import solve
from .model import Descent, Flow, Model
from .spectrum import PowerLaw, Spectrum
from .stationary import solve_stationary

__all__ = ["Descent", "Flow", "Model", "PowerLaw", "Spectrum", "solve", "solve_stationary"]

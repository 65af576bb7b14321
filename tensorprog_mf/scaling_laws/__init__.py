"""Neural scaling laws: linear networks of random features, and of features that are learned."""

from .causal import solve
from .limits import limits
from .model import Descent, Flow, Model
from .reduced import solve_reduced
from .simulate import simulate
from .spectrum import PowerLaw, Spectrum
from .stationary import solve_stationary

__all__ = ["Descent", "Flow", "Model", "PowerLaw", "Spectrum", "limits", "simulate", "solve", "solve_reduced", "solve_stationary"]

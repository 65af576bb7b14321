"""Neural scaling laws: linear networks of random features, and of features that are learned."""

from .causal import solve
from .compute_optimal import compute_optimal
from .exponents import Fit, fit_exponent, fit_exponents, local_exponent, predicted_exponents
from .limits import limits
from .model import Descent, Flow, Model
from .power_law import PowerLaw
from .reduced import solve_reduced
from .simulate import simulate
from .spectrum import Spectrum
from .stationary import solve_stationary

__all__ = [
    "Descent",
    "Fit",
    "Flow",
    "Model",
    "PowerLaw",
    "Spectrum",
    "compute_optimal",
    "fit_exponent",
    "fit_exponents",
    "limits",
    "local_exponent",
    "predicted_exponents",
    "simulate",
    "solve",
    "solve_reduced",
    "solve_stationary",
]

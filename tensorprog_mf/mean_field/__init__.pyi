"""What editors and type checkers see of the names that `tensorprog_mf.mean_field` loads lazily."""

from ..networks.saddle import escape_rate as escape_rate
from .autoencoders.autoencoder import autoencoder as autoencoder
from .autoencoders.reading import learned_features as learned_features
from .autoencoders.reading import preactivation_density as preactivation_density
from .autoencoders.reading import reconstruct as reconstruct
from .autoencoders.spectrum import CovarianceSpectrum as CovarianceSpectrum
from .autoencoders.spectrum import Spectrum as Spectrum
from .autoencoders.train_autoencoder import train_autoencoder as train_autoencoder
from .two_layers.boltzmann import boltzmann as boltzmann
from .two_layers.certificate import certificate as certificate
from .two_layers.data import AnisotropicGaussians as AnisotropicGaussians
from .two_layers.data import FiniteData as FiniteData
from .two_layers.data import IsotropicGaussians as IsotropicGaussians
from .two_layers.data import NormOfGaussian as NormOfGaussian
from .two_layers.distributional_dynamics import distributional_dynamics as distributional_dynamics
from .two_layers.fokker_planck import fokker_planck as fokker_planck
from .two_layers.train_particles import train_particles as train_particles
from .two_layers.units import Neuron as Neuron
from .two_layers.units import PiecewiseLinear as PiecewiseLinear
from .two_layers.units import UserUnit as UserUnit

__all__: list[str]

def __dir__() -> list[str]: ...

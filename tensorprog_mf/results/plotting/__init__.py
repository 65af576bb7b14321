"""Figures of results. Functions draw on the axis that they are given, or on a new one, and return it."""

from .curves import alignment, loss, parts
from .densities import density, film
from .kernels import kernel, kernel_alignment
from .panels import overview, routes

__all__ = [
    "alignment",
    "density",
    "film",
    "kernel",
    "kernel_alignment",
    "loss",
    "overview",
    "parts",
    "routes",
]

"""Activation functions: those with names, and the user's own, which are checked once."""

from .activation import Activation, as_activation

__all__ = ["Activation", "as_activation"]

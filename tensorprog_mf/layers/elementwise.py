"""An activation function on every site."""

from ..activations import Activation
from .layer import Layer


class Elementwise(Layer):
    """x = phi(h) forward, g = phi'(h) z backward."""

    def __init__(self, activation: Activation):
        self.activation = activation

    def forward(self, parameters, x):
        return self.activation(x)

    def backward(self, parameters, trace, z):
        return trace * z

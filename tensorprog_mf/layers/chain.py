"""Layers one after the other, themselves a layer."""

from .layer import Layer


class Chain(Layer):
    """The composition of `layers`, first one first. A parameter used by several layers gathers all their
    gradients."""

    def __init__(self, layers: list[Layer]):
        self.layers = layers

    def initial(self):
        return {name: value for layer in self.layers for name, value in layer.initial().items()}

    def forward(self, parameters, x):
        traces = []
        for layer in self.layers:
            x, trace = layer.forward(parameters, x)
            traces.append(trace)
        return x, traces

    def backward(self, parameters, trace, z):
        for layer, own in zip(reversed(self.layers), reversed(trace)):
            z = layer.backward(parameters, own, z)
        return z

    def feedback(self, parameters, trace, z, signal):
        for layer, own in zip(reversed(self.layers), reversed(trace)):
            z = layer.feedback(parameters, own, z, signal)
        return z

    def gradients(self, trace, weights):
        total = {}
        for layer, own in zip(self.layers, trace):
            for name, gradient in layer.gradients(own, weights).items():
                total[name] = total[name].add(1.0, gradient) if name in total else gradient
        return total

    def refresh(self, parameters, trace, variance):
        for layer, own in zip(self.layers, trace):
            layer.refresh(parameters, own, variance)

    def sizes(self, parameters):
        return {name: size for layer in self.layers for name, size in layer.sizes(parameters).items()}

    def left_out(self, parameters, trace):
        return [left for layer, own in zip(self.layers, trace) for left in layer.left_out(parameters, own)]

    def observe(self, parameters, trace, view):
        return [
            seen for layer, own in zip(self.layers, trace) for seen in layer.observe(parameters, own, view)
        ]

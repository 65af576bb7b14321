"""The readings of one recorded step as arrays by name, those of layers one after the other."""

import numpy as np

from ..probes.readings import LargestOfLayer, OfLayer, Reading, TangentShare


def stacked(
    readings: list[Reading], labels: list[int], multipliers: dict[str, float]
) -> dict[str, np.ndarray]:
    """Readings by name: those of layers as (layer, ...), shares of the tangent kernel summed."""
    total: dict[str, np.ndarray] = {}
    seen: set[tuple[str, int]] = set()
    shapes = _shapes(readings)
    for reading in readings:
        values = np.asarray(reading.values)
        match reading:
            case TangentShare(weight=weight):
                total[reading.name] = total.get(reading.name, 0) + multipliers[weight] * values
            case LargestOfLayer(name, layer):
                largest = total.setdefault(name, np.zeros((len(labels), *values.shape), values.dtype))
                own = largest[labels.index(layer)]
                largest[labels.index(layer)] = np.maximum(own, values)
            case OfLayer(name, layer):
                if (name, layer) in seen:
                    raise RuntimeError(
                        f"{name} of layer {layer} was read twice; give the two names or numbers of their own."
                    )
                seen.add((name, layer))
                if name not in total:
                    missing = np.nan if values.dtype.kind == "f" else 0
                    total[name] = np.full((len(labels), *shapes[name]), missing, values.dtype)
                row = total[name][labels.index(layer), ...]
                row[tuple(slice(size) for size in values.shape)] = values
            case _:
                total[reading.name] = values
    return total


def _shapes(readings: list[Reading]) -> dict[str, np.ndarray]:
    """The largest shape of every variable of layers: some have fewer positions than others."""
    shapes: dict[str, np.ndarray] = {}
    for reading in readings:
        if isinstance(reading, OfLayer):
            own = np.array(np.shape(reading.values), int)
            shapes[reading.name] = np.maximum(shapes.get(reading.name, own), own)
    return shapes

"""Means and deviations with their errors."""

import numpy as np


def moments(x):
    """Mean and standard deviation over replicates with their standard errors (fourth moment, delta
    method)."""
    mean, n = x.mean("replicate").values, x.sizes["replicate"]
    centred = (x - x.mean("replicate")).values
    variance = (centred**2).sum(0) / (n - 1)
    deviation = np.sqrt(variance)
    error = np.sqrt(np.maximum((centred**4).mean(0) - variance**2, 0) / n)
    return (mean, np.sqrt(variance / n)), (deviation, error / (2 * np.maximum(deviation, 1e-300)))

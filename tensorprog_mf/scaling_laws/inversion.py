"""Two-time functions of the stationary theory over times: on circles for few steps, on Talbot's contour for
late times."""

import numpy as np

from ..ground.errors import require
from .model import Descent, Flow, Model
from .resolvent import largest_eigenvalue
from .transforms import (
    LINE,
    PLANE,
    Nodes,
    circle,
    descent_nodes,
    flow_nodes,
    from_circle,
    from_torus,
    full_circle,
    talbot,
)
from .two_point import OnePoint, two_point

FEW = 200  # steps up to which all are on a circle
_EARLY, _LATEST = 128, 800  # fewest and most steps on a circle where later ones are on the contour
_NUMBERS = 4_000_000  # of a block of nodes x modes
_FORGOTTEN = 1e-8
Functions = dict[str, np.ndarray]  # by their symbols


def on_circle(model: Model, training: Descent, times: int) -> tuple[Functions, Functions]:
    """Covariances (time, time_prime) of steps 0 ... times - 1, and functions of one time: H (mode, time), R1
    and R3 (time,)."""
    nodes, radius, count = circle(times, training.learning_rate, training.momentum)
    one = OnePoint.at(nodes, model)
    # Functions of time are real, so that the lower half of the circle has complex conjugate values.
    whole = OnePoint(
        Nodes(full_circle(nodes.h, count), full_circle(nodes.step, count)),
        *(full_circle(v, count) for v in (one.x, one.r1, one.r3)),
    )
    pairs = {
        name: from_torus(values, radius, count, times)
        for name, values in two_point(whole, one, model).items()
    }
    transfer = (one.transfer(model.modes.eigenvalues) * nodes.step[:, None]).T
    single = {"H": transfer, "R1": one.r1, "R3": one.r3}
    return pairs, {name: from_circle(values, radius, count, times) for name, values in single.items()}


def _nodes(training: Descent | Flow, s: np.ndarray) -> Nodes:
    if isinstance(training, Flow):
        return flow_nodes(s)
    return descent_nodes(s, training.learning_rate, training.momentum)


def on_talbot(model: Model, training: Descent | Flow, times: np.ndarray) -> Functions:
    """Equal-time covariances (time,) at late times: positive ones of a flow, or many steps of descent.

    Both times have the contour of their own, so that sums run over pairs of nodes i, j of every time.
    """
    if isinstance(training, Flow) and _nothing_random(model):
        return _population(model, times)
    zeta, weight = talbot(PLANE)
    found = []
    for block in _blocks(times, PLANE, model):
        one = OnePoint.at(_nodes(training, zeta / block[:, None]), model)
        found.append(
            {
                name: np.einsum("i,j,tij->t", weight, weight, values).real / block**2
                for name, values in two_point(one, one, model).items()
            }
        )
    return {name: np.concatenate([part[name] for part in found]) for name in found[0]}


def between_times(model: Model, training: Flow, times: np.ndarray) -> Functions:
    """Covariances (time, time_prime) of a flow at positive times."""
    zeta, weight = talbot(PLANE)
    one = OnePoint.at(_nodes(training, (zeta / times[:, None]).ravel()), model)
    scaled = (weight / times[:, None])[:, :, None, None] * (weight / times[:, None])
    shape = (len(times), PLANE, len(times), PLANE)
    return {
        name: (values.reshape(shape) * scaled).sum(axis=(1, 3)).real
        for name, values in two_point(one, one, model).items()
    }


def transfer(model: Model, training: Descent | Flow, times: np.ndarray) -> np.ndarray:
    """H (mode, time) at late times."""
    if isinstance(training, Flow) and _nothing_random(model):  # the contour would only lose digits
        return np.exp(-model.modes.eigenvalues[:, None] * times)
    zeta, weight = talbot(LINE)
    found = []
    for block in _blocks(times, LINE, model):
        one = OnePoint.at(_nodes(training, zeta / block[:, None]), model)
        found.append(
            np.einsum("j,tj,tjk->kt", weight, one.nodes.step, one.transfer(model.modes.eigenvalues)).real
            / block
        )
    return np.concatenate(found, axis=1)


def _nothing_random(model: Model) -> bool:
    return model.width is None and model.examples is None


def _population(model: Model, times: np.ndarray) -> Functions:
    """Equal-time covariances of the flow H_k = exp(-lam_k t), which keep their digits where the loss is far
    below 1e-9."""
    modes, h = model.modes, np.exp(-2 * model.modes.eigenvalues * times[:, None])
    c0 = h @ (modes.multiplicity * modes.power)
    c2 = h @ (modes.multiplicity * modes.power * modes.eigenvalues)
    return {"C1": c0 + model.noise, "C2": c2, "C3": c2} | {name: c0 for name in ("C0", "bias", "C0a", "C0d")}


def _blocks(times: np.ndarray, nodes: int, model: Model) -> list[np.ndarray]:
    """Times that are done at once, so that nodes x modes fit the memory."""
    each = max(1, _NUMBERS // (nodes * len(model.modes.power)))
    return [times[first : first + each] for first in range(0, len(times), each)]


def early_steps(model: Model, training: Descent) -> int:
    """Step from which on Talbot's contour serves: oscillations, which lie outside of it, have decayed to
    1e-8.

    Modes evolve as r^t with r^2 - (1 + mu - eta lam) r + mu = 0; roots r that are not positive oscillate.

    Raises
    ------
    InputError
        Descent that diverges, eta lam_max >= 2 (1 + mu), lam_max being the upper edge of the empirical
        spectrum; descent of many steps that oscillates for more than 800 of them.
    """
    top = largest_eigenvalue(model.modes, model.inverse_width, model.inverse_examples)
    rate, mu = training.learning_rate, training.momentum
    require(
        rate * top < 2 * (1 + mu),
        f"learning_rate={rate} makes descent diverge: the largest eigenvalue of these features on these data"
        f" is {top:.4g}; take less than {2 * (1 + mu) / top:.4g}.",
    )
    # The slowest oscillation: complex roots have the size mu^(1/2), the largest eigenvalue may have a larger
    # negative root.
    middle = rate * top - 1 - mu
    slowest = max(mu**0.5, (middle + max(middle**2 - 4 * mu, 0.0) ** 0.5) / 2)
    early = max(_EARLY, int(np.ceil(np.log(_FORGOTTEN) / np.log(slowest)))) if slowest > 0 else _EARLY
    require(
        early <= _LATEST or training.steps < FEW,
        f"descent with momentum={mu}, learning_rate={rate} oscillates over {early} steps, too many for late"
        f" times; take fewer than {FEW} steps, a smaller rate or less momentum.",
    )
    return early


def late_population_loss(model: Model, times: np.ndarray) -> np.ndarray:
    """Test loss of a flow on infinitely many examples at positive times, (time,):

        L(t) = sum_k lam_k w*_k^2 H_k(2 t) + sigma^2

    which needs one frequency only, not pairs.
    """
    if _nothing_random(model):
        return _population(model, times)["C0"] + model.noise
    zeta, weight = talbot(LINE)
    modes, found = model.modes, []
    for block in _blocks(2 * times, LINE, model):
        one = OnePoint.at(flow_nodes(zeta / block[:, None]), model)
        summed = one.transfer(modes.eigenvalues) @ (modes.multiplicity * modes.power)
        found.append(((one.nodes.step * summed) @ weight).real / block)
    return np.concatenate(found) + model.noise

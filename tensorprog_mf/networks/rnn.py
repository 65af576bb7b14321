"""Recurrent networks."""

from dataclasses import dataclass

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import require
from ..ground.fields import set_fields
from ..layers.chain import Chain
from ..layers.readout import Readout
from ..layers.recurrent import Recurrent
from ..matrices.realization import Realization
from ..probes.probe import Composition
from ..probes.readout import ReadoutShareProbe
from ..probes.recurrent import RecurrentProbe
from ..sites.activations import Activation, as_activation
from .network import Asked, Footprint, Network, checked_richness
from .windows import as_vectors


@checked_call
@dataclass(frozen=True, init=False)
class RNN(Network):
    """Recurrent network: one hidden matrix for all positions of a sequence.

        h_1 = U x_1 / sqrt(D),   h_k = W phi(h_{k-1}) / sqrt(N) + U x_k / sqrt(D),   k = 2 ... S,
        f = w . phi(h_S) / (richness N)

    with all entries N(0,1) at the start. Inputs are (example, position, feature); kernels and fields have a
    dimension `position`.

    Parameters
    ----------
    activation, richness
        As of `MLP`.
    readout
        "last": f reads phi(h_S), as written; "average": the average of phi(h_k) over positions.

    Raises
    ------
    InputError
        A richness that is not positive, an unknown activation or readout.
    """

    activation: Activation
    richness: float
    readout: str
    input_dims = ("position", "feature")
    vector_dim = "position"

    def __init__(
        self,
        activation: Activation | str | tuple = "tanh",
        richness: float = 1.0,
        readout: str = "last",
    ) -> None:
        require(readout in ("last", "average"), f"readout={readout!r} is unknown; choose last or average.")
        set_fields(
            self,
            activation=as_activation(activation),
            richness=checked_richness(richness),
            readout=readout,
        )

    def footprint(self, shape: tuple[int, ...]) -> Footprint:
        return Footprint(1, shape[1], (Asked(shape[0], shape[0]),), shape[0], shape[0])

    def compose(self, realization: Realization, inputs: np.ndarray) -> Composition:
        sites = realization.sites("layer 1")
        positions, drive = inputs.shape[1], realization.input("U", sites, as_vectors(inputs))
        matrix, averaged = realization.hidden("W", sites, sites), self.readout == "average"
        recurrent = Recurrent(matrix, drive, self.activation, positions, averaged)
        readout = Readout(realization.readout("w", sites))
        return Composition(
            Chain([recurrent, readout]), (RecurrentProbe(recurrent), ReadoutShareProbe(readout))
        )

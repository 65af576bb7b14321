"""The interface of a layer: one forward and one backward pass, the gradient, and what can be observed."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..matrices.matrix import Parts
from ..matrices.parameter import Parameter
from ..sites.tails import largest_share


class Observation(NamedTuple):
    """One observed array: the variable's name, the layer it belongs to, the values.

    Without a layer it is the contribution of one `weight`, summed over weights times their learning-rate
    multipliers; or, with `weight` None, all there is of it.
    """

    name: str
    layer: int | None
    values: np.ndarray
    weight: str | None = ""


class Signal(NamedTuple):
    """What a learning rule is told at the outputs: its seed and the errors e, (example, output) both, and
    whether it is Hebb's."""

    seed: np.ndarray
    errors: np.ndarray
    hebbian: bool = False


@dataclass(frozen=True)
class View:
    """What of a pass is observed.

    `sites` whose fields are kept, of the examples `kept`; the examples `vectors` between which there are
    kernels; the `outputs` whose backward fields were asked for, None if they have no such dimension; whether
    there is a `backward` pass at all and whether a learning rule has `taught` another one; names of fields to
    hand on `whole`. Layers whose vectors are positions of examples say how many.
    """

    sites: slice
    kept: slice
    vectors: slice | np.ndarray
    outputs: int | None = None
    backward: bool = True
    taught: bool = False
    whole: frozenset[str] = frozenset()

    def kernel(self, gram: np.ndarray, columns: int = 1, positions: int | None = None) -> np.ndarray:
        """Of the averages between all fields (column x example x position) those asked for.

        (example[, position], example'[, position']), or (example, output, example', output').
        """
        a = positions or 1
        n = len(gram) // (columns * a)
        kernel = gram.reshape(columns, n, a, columns, n, a)[:, self.vectors][:, :, :, :, self.vectors]
        if self.outputs:
            return kernel[:, :, 0, :, :, 0].transpose(1, 0, 3, 2)
        return kernel[0, :, :, 0] if positions else kernel[0, :, 0, 0, :, 0]

    def gradient_kernels(
        self, layer: int, inner, g, taught, columns: int = 1, positions: int | None = None
    ) -> tuple[list["Observation"], np.ndarray]:
        """E[g g'] of a layer and, under a learning rule, E[g gt'] and E[gt gt']; and which of them makes the
        tangent kernel.

        `inner` averages products of two lists of fields, or of their handles.
        """
        gradient = effective = self.kernel(inner(g, g), columns, positions)
        seen = [Observation("gradient_kernel", layer, gradient)]
        if self.taught:
            effective = self.kernel(inner(g, taught), 1, positions)
            own = self.kernel(inner(taught, taught), 1, positions)
            seen += [
                Observation("gradient_pseudogradient_kernel", layer, effective),
                Observation("pseudogradient_kernel", layer, own),
            ]
        return seen, effective

    def share(self, gradient: np.ndarray, feature: np.ndarray, positions: int | None = None) -> np.ndarray:
        """A weight's part of the tangent kernel: gradient times feature kernel, summed over positions, for
        all pairs of outputs."""
        if self.outputs:
            return gradient * feature[:, None, :, None]
        return np.einsum("manb,manb->mn", gradient, feature) if positions else gradient * feature

    def features(self, gram: np.ndarray, positions: int | None = None) -> np.ndarray:
        """Of averages between features (example x position) those asked for."""
        a = positions or 1
        n = len(gram) // a
        kernel = gram.reshape(n, a, n, a)[self.vectors][:, :, self.vectors]
        return kernel if positions else kernel[:, 0, :, 0]

    def forward_field(self, h: np.ndarray, positions: int | None = None) -> np.ndarray:
        """Fields (example x position, site) of the kept examples, (example[, position], site)."""
        return (
            h.reshape(len(h) // positions, positions, h.shape[-1])[self.kept] if positions else h[self.kept]
        )

    def backward_field(self, z: np.ndarray, positions: int | None = None) -> np.ndarray:
        """Backward fields (column, example x position, site) of the kept examples, (example[, output or
        position], site)."""
        if positions:
            return self.forward_field(z[0], positions)
        z = z[:, self.kept].transpose(1, 0, 2)
        return z if self.outputs else z[:, 0]

    def parts(self, parts: Parts | None, columns: int = 1, positions: int | None = None) -> Parts | None:
        """Parts of fields (column x example x position, site) shaped as `backward_field` shapes them; with
        one column, forward ones too."""
        if parts is None:
            return None
        return Parts(
            *(
                self.backward_field(part.reshape(columns, len(part) // columns, part.shape[1]), positions)
                for part in parts
            )
        )

    def field(self, name: str, layer: int, field: np.ndarray, parts: Parts | None) -> list[Observation]:
        """A field of the kept examples at the chosen sites, its parts where they are known, and itself if
        wanted."""
        seen = [Observation(name, layer, field[..., self.sites].copy())]
        if parts is not None:
            seen += [
                Observation(f"{name}_{part}_part", layer, value) for part, value in parts._asdict().items()
            ]
        return seen + self.entire(name, layer, field)

    def tails(self, layer: int, features: np.ndarray, gradients: np.ndarray | None) -> Observation:
        """What the largest sites carry of the kernels of features and, where there is a backward pass, of
        gradients."""
        fields = (features,) if gradients is None or not self.backward else (features, gradients)
        return Observation("largest_share", layer, np.array(largest_share(*fields)))

    def entire(self, name: str, layer: int | None, field: np.ndarray) -> list[Observation]:
        """A field at all sites, if it is wanted whole."""
        return [Observation("whole " + name, layer, field)] if name in self.whole else []

    def weights(self, name: str, weights: np.ndarray) -> list[Observation]:
        """Weights (row, site) at the chosen sites, and at all if they are wanted whole."""
        return [
            Observation(name, None, weights[:, self.sites].copy(), None),
            *self.entire(name, None, weights),
        ]


class Layer(ABC):
    """A layer holds matrices but no history and no parameters; what a pass leaves behind is its trace.

    Parameters of all layers are one dict from name to `Parameter`. Forward fields are (vector, site); vectors
    are examples, or what the layer makes of them (positions, tokens). Backward fields are (column, vector,
    site): one column for each seed at the outputs; they may stop short of the last vectors.
    """

    def initial(self) -> dict[str, Parameter]:
        """Parameters before training."""
        return {}

    @abstractmethod
    def forward(self, parameters: dict[str, Parameter], x: Any) -> tuple[Any, Any]:
        """The layer's output and the trace of the pass."""

    @abstractmethod
    def backward(self, parameters: dict[str, Parameter], trace: Any, z: np.ndarray) -> np.ndarray | None:
        """The backward field of the layer's input, given that of its output; completes the trace."""

    @abstractmethod
    def feedback(
        self, parameters: dict[str, Parameter], trace: Any, z: np.ndarray, signal: Signal
    ) -> np.ndarray | None:
        """What the learning rule has in place of `backward`, for one column, (vector, site); completes the
        trace."""

    def gradients(self, trace: Any, weights: np.ndarray) -> dict[str, Parameter]:
        """The gradient step sum_v weights_v d(output_v)/d(parameter) times the number of sites, per
        parameter.

        Of the fields that `feedback` has left, if there are, else those of `backward`.
        """
        return {}

    def refresh(self, parameters: dict[str, Parameter], trace: Any, variance: float) -> None:
        """Add Gaussian noise of a variance to every weight."""

    def sizes(self, parameters: dict[str, Parameter]) -> dict[str, float]:
        """Root mean square of the fields that the learned part of each parameter makes of features of mean
        square one."""
        return {}

    def left_out(self, parameters: dict[str, Parameter], trace: Any) -> list[np.ndarray]:
        """What every matrix leaves out of the outputs, times the richness, (column, example); of a pass that
        went back."""
        return []

    def observe(self, parameters: dict[str, Parameter], trace: Any, view: View) -> list[Observation]:
        """Kernels, ranks, and fields at a few sites with their parts, of the pass of which `trace` tells."""
        return []


def root_mean_square(values: np.ndarray) -> float:
    """Over all entries; the largest row of several."""
    return float(np.sqrt((values**2).mean(axis=-1)).max(initial=0.0))

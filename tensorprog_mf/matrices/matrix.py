"""The interface of a random weight matrix between two populations of sites."""

from abc import ABC, abstractmethod
from typing import NamedTuple, Self

import numpy as np

from ..sites.sites import Sites
from .parameter import Parameter


class Parts(NamedTuple):
    """Gaussian, response and learned part of a field at a few sites, (vector, site) each; they add up to it.

    In Tensor Programs: Z-hat, Z-dot and what training has added.
    """

    gaussian: np.ndarray
    response: np.ndarray
    learned: np.ndarray


class Query(NamedTuple):
    """Vectors that a matrix is asked about, in the form in which it answers."""

    handle: np.ndarray  # (vector, coefficient): enough for inner products and updates
    added: list[int]  # the vectors that added a direction to the basis
    number: int  # how many queries of this side came before
    transposed: bool  # W^T is asked about, not W


class Feedback(ABC):
    """What a learning rule sends back through a hidden layer."""

    @abstractmethod
    def field(self, initial: np.ndarray, g: np.ndarray, seed: np.ndarray) -> np.ndarray:
        """What comes back, (vector, site of `into`).

        Given are `initial` = W(0)^T g / sqrt(n_out), g itself, and the seed (vector, output).
        """


class Matrix(ABC):
    """W (site of `out`, site of `into`), entries N(0,1) at the start; W(t) = scale W(0) + learned.

    Queries return the field and a handle: coefficients of the query, enough for inner products and updates.
    The matrix owns W(0) as far as queries have revealed it; scale and learned part live in a `Parameter` that
    is passed in.
    """

    def __init__(self, name: str, out: Sites, into: Sites) -> None:
        self.name, self.out, self.into = name, out, into
        self.teacher: Feedback | None = None

    @abstractmethod
    def initial(self) -> Parameter:
        """The parameter before training."""

    def apply(self, parameter: Parameter, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """W x / sqrt(n_in), (vector, site of `out`), and the handle of x."""
        query = self.ask(x)
        return self.answer(parameter, query), query.handle

    def apply_transpose(self, parameter: Parameter, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """W^T g / sqrt(n_out), (vector, site of `into`), and the handle of g."""
        query = self.ask(g, transposed=True)
        return self.answer(parameter, query), query.handle

    @abstractmethod
    def ask(self, x: np.ndarray, transposed: bool = False) -> Query:
        """The query for vectors x, by which bases may grow. Matrices that share bases answer the same one."""

    @abstractmethod
    def answer(self, parameter: Parameter, query: Query) -> np.ndarray:
        """The field that a query asks for."""

    @abstractmethod
    def share(self, other: Self, transposed: bool = True) -> None:
        """Use the bases of another matrix between the same populations, which then asks on behalf of both.

        Those of backward queries only if `transposed`.
        """

    @property
    def untrained(self) -> Parameter:
        """The parameter of W(0) itself."""
        return self.initial()

    def feedback(
        self, parameter: Parameter, g: np.ndarray, seed: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What the learning rule sends back in place of W^T g / sqrt(n_out), and the handle of g.

        `seed` (vector, output) is the error signal at the outputs.
        """
        if self.teacher is None:
            return self.apply_transpose(parameter, g)
        # Updates need the handle of g under every rule, and asking W(0) for more than is used changes no law.
        initial, handle = self.apply_transpose(self.untrained, g)
        return self.teacher.field(initial, g, seed), handle

    @abstractmethod
    def refresh(self, keep: float) -> None:
        """Replace W(0) by keep W(0) + sqrt(1 - keep^2) fresh entries, so that entries are N(0,1) again.

        This is what Langevin noise and weight decay do to the part that is not learned.
        """

    @abstractmethod
    def inner(self, a: np.ndarray, b: np.ndarray, sites: Sites) -> np.ndarray:
        """Averages <a_i b_j> over `sites`, from the handles of two queries of the same side at any times."""

    @abstractmethod
    def outer(self, weights: np.ndarray, g: np.ndarray, x: np.ndarray) -> Parameter:
        """The gradient sum_v weights_v g_v x_v^T / sqrt(n_in), from handles, over the vectors that g has."""

    @abstractmethod
    def size(self, parameter: Parameter) -> float:
        """A bound on the root mean square of what the learned part makes of a feature of mean square one."""

    def held(self, parameter: Parameter, g: np.ndarray, x: np.ndarray) -> np.ndarray | None:
        """Averages <z_v x_v>, (vector,), of answers z to backward queries with the features that bases hold.

        From the handles of as many g as x. None for a matrix whose answers lack nothing to first order.
        """
        return None

    def parts_forward(self, parameter: Parameter, x: np.ndarray, chosen: slice) -> Parts | None:
        """Parts of W x / sqrt(n_in) at the `chosen` sites of `out`; None if they cannot be told apart."""
        return None

    def parts_backward(self, parameter: Parameter, g: np.ndarray, chosen: slice) -> Parts | None:
        """Parts of W^T g / sqrt(n_out) at the `chosen` sites of `into`; None if they cannot be told apart."""
        return None

    def entries(self, parameter: Parameter) -> tuple[float, float] | None:
        """Mean and variance of entries over all pairs of neurons; None for those that start as N(0,1)."""
        return None

    @property
    def rank(self) -> tuple[int, int] | None:
        """Directions revealed so far by forward and by backward queries; None for a matrix that is stored."""
        return None

    @property
    def fraction(self) -> float:
        """The larger rank over its number of sites; 0 for a matrix that is stored."""
        return 0.0

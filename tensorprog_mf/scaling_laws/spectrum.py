"""Spectra of a task: eigenvalues of the kernel and how much of the target each mode carries.

Legend: lam_k eigenvalue, w*_k target weight of mode psi_k ~ N(0, lam_k), c_k = lam_k w*_k^2 power, n_k
multiplicity.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..ground.calls import checked_call
from ..ground.errors import real, require, whole
from ..ground.fields import set_fields
from ..problems.containers import read
from ..problems.pairing import paired
from .checks import numbers

_SMALLEST = 1e-10  # relative eigenvalue of a measured kernel below which a mode is rounding


@checked_call
@dataclass(frozen=True, eq=False, init=False)
class Spectrum:
    """Modes psi_k ~ N(0, lam_k) and a target y = sum_k w*_k psi_k (+ noise), of any eigenvalues and powers.

    Parameters
    ----------
    eigenvalues
        (mode,) lam_k, positive.
    power
        (mode,) lam_k w*_k^2: the variance of the target that one mode carries.
    multiplicity
        (mode,) n_k: how many equal modes an entry stands for; need not be whole. None: all 1.
    unexplained
        Variance of the target outside all modes; pass it to `Model` as part of the noise.

    Raises
    ------
    InputError
        Shapes that differ, eigenvalues or multiplicities that are not positive, power that is negative or not
        finite.

    Examples
    --------
    >>> from tensorprog_mf.scaling_laws import Spectrum
    >>> Spectrum([1.0, 0.25], [1.0, 0.5], multiplicity=[1, 4]).total_power
    3.0
    """

    eigenvalues: np.ndarray
    power: np.ndarray
    multiplicity: np.ndarray
    unexplained: float

    def __init__(
        self,
        eigenvalues: ArrayLike,
        power: ArrayLike,
        multiplicity: ArrayLike | None = None,
        unexplained: float = 0.0,
    ) -> None:
        size = numbers("eigenvalues", eigenvalues).shape
        require(
            len(size) == 1 and size[0] > 0,
            f"eigenvalues have shape {size}; give a list of one number or more.",
        )
        set_fields(
            self,
            eigenvalues=_per_mode("eigenvalues", eigenvalues, size, positive=True),
            power=_per_mode("power", power, size, positive=False),
            multiplicity=_per_mode(
                "multiplicity", np.ones(size) if multiplicity is None else multiplicity, size, positive=True
            ),
            unexplained=real("unexplained", unexplained, "be 0 or more", lambda v: v >= 0),
        )

    @classmethod
    def of_kernel(cls, kernel: ArrayLike, targets: ArrayLike) -> "Spectrum":
        """Spectrum of a kernel between examples and of targets in its eigenvectors.

            K phi_k / n = lam_k phi_k,  phi_k . phi_l / n = delta_kl,      c_k = (phi_k . y / n)^2

        Parameters
        ----------
        kernel
            (example, example_prime), symmetric and positive semi-definite.
        targets
            (example,) or (example, output); powers of several outputs add up.

        Raises
        ------
        InputError
            Shapes that do not fit, a kernel that is not symmetric or has clearly negative eigenvalues.

        Notes
        -----
        Modes whose eigenvalue is below 1e-10 of the largest are left out and what they carry is
        `unexplained`. Eigenvalues of n examples estimate those of the population well up to mode n / 5 or so.
        """
        given = read("entries of kernel", kernel)
        y = numbers("targets", paired("targets", read("targets", targets), "kernel", given).values)
        entries = numbers("kernel", given.values)
        _check_kernel(entries, y)
        values, vectors = np.linalg.eigh(entries / len(entries))
        require(
            values[0] > -1e-6 * values[-1],
            f"kernel has a negative eigenvalue, {values[0]:.2g} beside {values[-1]:.2g}; pass a positive"
            " semi-definite one.",
        )
        values, vectors = values[::-1], vectors[:, ::-1]
        power = ((vectors.T @ y.reshape(len(y), -1)) ** 2).sum(axis=1) / len(y)
        kept = values > _SMALLEST * values[0]
        return cls(values[kept], power[kept], unexplained=float(power[~kept].sum()))

    @property
    def modes(self) -> float:
        """Number of modes, with their multiplicities."""
        return float(self.multiplicity.sum())

    @property
    def total_power(self) -> float:
        """Variance of the target: the test loss before training, less the noise."""
        return float(self.multiplicity @ self.power)

    @property
    def weights(self) -> np.ndarray:
        """(mode,) w*_k, positive."""
        return np.sqrt(self.power / self.eigenvalues)

    def repeated(self, copies: int) -> "Spectrum":
        """Every mode `copies` times, with w*_k^2 / copies each.

        The theory stays the same if N, P and B are multiplied by `copies`, too.
        """
        copies = whole("copies", copies, 1)
        return Spectrum(self.eigenvalues, self.power / copies, self.multiplicity * copies, self.unexplained)

    @property
    def spectrum(self) -> "Spectrum":
        """Itself."""
        return self

    def describe(self) -> dict[str, object]:
        """As plain values."""
        data = b"".join(values.tobytes() for values in (self.eigenvalues, self.power, self.multiplicity))
        return {
            "name": "Spectrum",
            "entries": len(self.power),
            "modes": self.modes,
            "unexplained": self.unexplained,
            "sha256": hashlib.sha256(data).hexdigest(),
        }


def _per_mode(name: str, given: ArrayLike, size: tuple[int, ...], positive: bool) -> np.ndarray:
    """One finite number for each mode, which nobody can change afterwards."""
    values = numbers(name, given)
    require(
        values.shape == size,
        f"{name} has shape {values.shape}, eigenvalues {size}; give one number for each mode.",
    )
    good = np.isfinite(values).all() and ((values > 0).all() if positive else (values >= 0).all())
    require(
        bool(good),
        f"{name} must be finite and {'positive' if positive else '0 or more'}; leave out modes that are not.",
    )
    values.flags.writeable = False
    return values


def _check_kernel(kernel: np.ndarray, targets: np.ndarray) -> None:
    """Refuse what is not a kernel between examples with targets of these."""
    count = len(kernel) if kernel.ndim else 0
    require(
        kernel.shape == (count, count) and count > 0,
        f"kernel has shape {kernel.shape}; give a square array (example, example_prime).",
    )
    require(
        targets.ndim in (1, 2) and len(targets) == count,
        f"targets have shape {targets.shape}; give one for each of the {count} examples.",
    )
    require(
        bool(np.isfinite(kernel).all() and np.isfinite(targets).all()),
        "kernel and targets must be finite.",
    )
    require(
        np.allclose(kernel, kernel.T, rtol=0, atol=1e-8 * np.abs(kernel).max()),
        "kernel is not symmetric; pass one between the examples and themselves.",
    )
    require(
        bool(kernel.any()),
        "kernel is 0 everywhere, so that it has no modes; pass one in which some entries are not 0.",
    )

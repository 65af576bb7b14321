"""How a run ended: one enumeration for all of them."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from .errors import InputError

if TYPE_CHECKING:
    import xarray as xr


class Status(enum.Enum):
    """How a run ended, from best to worst.

    `label` is the word in the attribute `status` of a result. `message` is the usual sentence about it, whose
    fields (`step`, `count`, ...) the engine fills in; routes that know more say it in sentences of their own.
    """

    COMPLETED = ("completed", "All steps were done.")
    CONVERGED = ("converged", "The iteration has converged.")
    FINITE_WIDTH = (
        "finite_width",
        (
            "At step {step} the queries spanned all {count} sites: from there on the run is the exact finite"
            " network of that width, not the limit; take more samples, a larger tolerance or fewer steps."
        ),
    )
    NOT_CONVERGED = ("not_converged", "The iteration has not converged.")
    INTERRUPTED = (
        "interrupted",
        "The run was interrupted before step {step}; the times before are kept.",
    )
    STIFF = (
        "stiff",
        (
            "At time {time:.4g} the gradient flow is down to steps of {pace:.2g}, too small to reach its last"
            " time; {kept}. Kernels are very large there: scale inputs down, end earlier, or train in steps."
        ),
    )
    DIVERGED = (
        "diverged",
        "The run diverged at step {step}; the times before are kept.",
    )  # `divergence` says how

    def __init__(self, label: str, message: str):
        self.label, self.message = label, message

    @classmethod
    def of(cls, ds: xr.Dataset) -> Status:
        """The status of a result.

        Raises
        ------
        InputError
            A Dataset whose attribute `status` is missing or none of the labels.
        """
        given = ds.attrs.get("status")
        for status in cls:
            if status.label == given:
                return status
        known = ", ".join(status.label for status in cls)
        raise InputError(f"the attribute status={given!r} is none of {known}; pass a result of this package.")

    @property
    def severity(self) -> int:
        """Place in the order from best to worst: of several replicates the worst one speaks for the run."""
        return list(Status).index(self)

    @property
    def failed(self) -> bool:
        """Whether the run could not go on to its end, whatever the user did."""
        return self in (Status.STIFF, Status.DIVERGED)

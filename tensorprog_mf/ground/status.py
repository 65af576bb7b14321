"""How a run ended: one enumeration for all of them."""

import enum


class Status(enum.Enum):
    """How a run ended; `message` may be filled with `step` and `count`."""

    COMPLETED = ("completed", "All steps were done.")
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
    DIVERGED = (
        "diverged",
        "The run diverged at step {step}; the times before are kept.",
    )  # `divergence` says how
    STIFF = (
        "stiff",
        (
            "At time {time:.4g} the gradient flow goes on in steps of {pace:.2g}, too small to reach its last"
            " time; {kept}. Kernels are very large there: scale inputs down, end earlier, or train in steps."
        ),
    )

    def __init__(self, label: str, message: str):
        self.label, self.message = label, message

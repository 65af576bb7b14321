"""Who supports what: one table, asked once before a run."""

from .check import check
from .features import Request

__all__ = ["Request", "check"]

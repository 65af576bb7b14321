"""The specification of a variable of a result."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Variable:
    """What a variable of a result is, and how it is described in a file."""

    dims: tuple[str, ...]
    long_name: str
    symbol: str  # in the theory
    comment: str
    estimate: bool = True  # by Monte Carlo: a mean over replicates that has a standard error
    dtype: str = "float64"
    units: str = ""  # UDUNITS reads it as 1, and xarray then writes no [1] on axes

    def dims_of(self, rank: int, vector_dim: str | None = None) -> tuple[str, ...]:
        """Names of the dimensions of values that have `rank` of them.

        `output` may follow `example`, and `output_prime` may follow `example_prime`. Variables over layers in
        which an example is several vectors have `vector_dim` there instead.
        """
        if rank == len(self.dims):
            return self.dims
        found, inserted = [], vector_dim if vector_dim and "layer" in self.dims else "output"
        for dim in self.dims:
            found += [dim, dim.replace("example", inserted)] if dim.startswith("example") else [dim]
        if rank != len(found):
            raise RuntimeError(
                f"{self.long_name} has {rank} dimensions, not {len(self.dims)} or {len(found)}."
            )
        return tuple(found)

"""What is said of a variable of a result."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Variable:
    """What a variable of a result is: dimensions, meaning, symbol in the theory, whether it is a Monte Carlo
    estimate."""

    dims: tuple[str, ...]
    long_name: str
    symbol: str
    comment: str
    estimate: bool = True
    dtype: str = "float64"
    units: str = ""  # UDUNITS reads it as 1, and xarray then writes no [1] on axes

    def dims_of(self, rank: int, vector_dim: str | None = None) -> tuple[str, ...]:
        """Dimensions of values with `rank` of them: `output` may follow example, and `output_prime`
        example_prime.

        Where examples are several vectors in the layers of a network, these have the name `vector_dim`
        instead.
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

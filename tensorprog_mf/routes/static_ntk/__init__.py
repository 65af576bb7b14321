"""The lazy limit: kernels of the start, and dynamics on them."""

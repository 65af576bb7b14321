"""Linear networks: the exact recursion, and their gradient flow."""

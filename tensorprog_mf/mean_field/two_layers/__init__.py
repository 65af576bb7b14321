"""Two-layer networks as a law of neurons that moves, and real ones."""

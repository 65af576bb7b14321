"""The loop over time that trains one realization of a network and records it."""

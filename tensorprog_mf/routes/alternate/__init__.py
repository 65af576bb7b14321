"""Self-consistency by alternation: guess whole trajectories, iterate."""

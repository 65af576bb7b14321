"""Populations of sites (neurons): their random draws, laws, activations and averages, and compiled loops."""

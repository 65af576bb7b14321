"""Populations of sites (neurons): their draws, laws, activations and averages, with the compiled loops over
them."""

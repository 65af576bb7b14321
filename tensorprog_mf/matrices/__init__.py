"""What a random weight matrix does to a vector, one file per answer."""

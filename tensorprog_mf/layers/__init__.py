"""What a network is composed of, one file per kind of layer."""

"""The rooms of the package, ground floor first: imports only go down."""

ROOMS = [
    "ground",
    "problems",
    "training",
    "sites",
    "matrices",
    "layers",
    "probes",
    "networks",
    "results",
    "engine",
    "routes",
    "mean_field",
    "scaling_laws",
    "cli",
]

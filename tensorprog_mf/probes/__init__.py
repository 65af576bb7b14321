"""What is recorded of a network: probes of its layers, one file per kind, and the readings that they take."""

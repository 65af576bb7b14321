"""Ways to the result, all (network, problem, training, ...) -> Dataset."""

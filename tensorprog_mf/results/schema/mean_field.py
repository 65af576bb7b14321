"""Variables and coordinates of mean-field (1/N) limits with dynamics of their own."""

from .variable import Variable

# Distributional dynamics of two-layer networks
VARIABLES: dict[str, Variable] = {
    "risk": Variable(
        ("time",), "risk", "R", "E loss(f, y); for the squared loss E (y - f)^2, without its factor 1/2."
    ),
    "risk_excess": Variable(("time",), "risk beyond the limit's", "R_N - R", "On the same inputs."),
    "free_energy": Variable(
        ("time",),
        "free energy",
        "F",
        "E loss + (lambda / 2) E |theta|^2 - tau Ent, the squared loss with its 1/2; never increases.",
    ),
    "entropy": Variable(("time",), "entropy", "Ent", "- E log rho of all parameters that are not fixed."),
    "mean_field_residual": Variable(
        ("time", "example"),
        "residual that drives every site",
        "loss'",
        "d loss / d f, which is f - y for the squared loss; without the weight of the example.",
    ),
    "class_output": Variable(
        ("time", "class"), "mean output of a class", "E[f | y]", "Over inputs of the class."
    ),
    "site_parameter": Variable(
        ("time", "sample", "parameter"),
        "parameters of sites",
        "theta",
        "Of the first sites of replicate 0.",
        estimate=False,
        dtype="float32",
    ),
    "parameter_mean": Variable(("time", "parameter"), "mean of a parameter", "E theta", "Over all sites."),
    "parameter_square": Variable(
        ("time", "parameter"), "mean square of a parameter", "E theta^2", "Over all sites."
    ),
    "parameter_product": Variable(
        ("time", "parameter", "parameter_prime"),
        "second moments of parameters",
        "E[theta theta']",
        "Over all sites; kept for up to 32 parameters.",
    ),
    "density": Variable(
        ("time", "parameter", "bin"),
        "density of a parameter",
        "rho_t",
        "Share of the sites in a bin over its width; integrates to 1.",
    ),
    "bin_edge": Variable(
        ("parameter", "edge"),
        "edges of bins",
        "",
        "The outermost edges reach to the last sites.",
        estimate=False,
    ),
    "objective": Variable((), "objective", "J", "E loss + (lambda / 2) E |theta|^2.", estimate=False),
    "best_objective": Variable(
        (),
        "objective of the best law on the probes",
        "J",
        "Upper bound on the least objective.",
        estimate=False,
    ),
    "lower_bound": Variable(
        (), "lower bound on the objective of all laws", "", "From duality gaps.", estimate=False
    ),
    "gap": Variable(
        (),
        "distance from the lower bound",
        "",
        "The objective is at most that far from the best.",
        estimate=False,
    ),
    "dead_fraction": Variable(
        (),
        "share of sites that do not move but should",
        "",
        "grad Psi is flat where Psi is not least.",
        estimate=False,
    ),
    "potential": Variable(
        ("probe",), "potential", "Psi", "Derivative of the objective in the law.", estimate=False
    ),
    "probe_value": Variable(
        ("probe", "parameter"), "parameters of probes", "theta", "Nodes of a grid.", estimate=False
    ),
    "best_weight": Variable(
        ("probe",), "best law on the probes", "rho", "Probability of each.", estimate=False
    ),
    "support_potential": Variable(
        ("sample",),
        "potential at sites",
        "Psi",
        "For the best law it is the least potential of all, and the same at every site.",
        estimate=False,
    ),
    "gradient_norm": Variable(
        ("sample",), "norm of the gradient of the potential at sites", "|grad Psi|", "", estimate=False
    ),
    "example_weight": Variable(
        ("example",), "weight of an example", "p", "Probability of the point.", estimate=False
    ),
    "radius": Variable(("example",), "norm of the input", "|x|", "Node of quadrature.", estimate=False),
}
COORDINATES: dict[str, Variable] = {
    "parameter": Variable(("parameter",), "parameter", "theta", "A number that every site has."),
    "parameter_prime": Variable(("parameter_prime",), "parameter", "theta'", "The second of a pair."),
    "class": Variable(("class",), "class", "y", "+1 or -1."),
}

# Weight-tied autoencoders
VARIABLES |= {
    "gain": Variable(
        ("time", "direction"),
        "size of weights along a direction",
        "r",
        "Root mean square of the weights kappa theta over neurons; the weights of each neuron are"
        " proportional to it.",
        estimate=False,
    ),
    "reconstruction": Variable(
        ("time", "direction"),
        "reconstructed share of a direction",
        "u",
        "Diagonal of B, where the output is B x; an eigenvalue of B unless there is a reconstruction_matrix.",
        estimate=False,
    ),
    "reconstruction_matrix": Variable(
        ("time", "direction", "direction_prime"),
        "reconstruction matrix",
        "B",
        "The output is B x; in the directions of the data.",
        estimate=False,
    ),
    "reconstruction_eigenvalue": Variable(
        ("time", "eigenvalue"),
        "eigenvalues of the reconstruction matrix",
        "eig B",
        "In descending order.",
        estimate=False,
    ),
    "regularisation": Variable(
        ("time",),
        "weight decay term",
        "",
        "(weight_decay / 2) E|theta|^2, which the objective adds to the loss.",
        estimate=False,
    ),
    "preactivation_variance": Variable(
        ("time",),
        "variance of preactivations",
        "s^2",
        "On inputs of the data, over neurons; the law is Gaussian if that of the weights is.",
        estimate=False,
    ),
    "half_rise_time": Variable(
        ("direction",),
        "half-rise time",
        "t_half",
        "When the reconstructed share passes half of its final value from below; NaN where it does not, or"
        " not within the times of a numerical solution.",
        estimate=False,
    ),
    "final_reconstruction": Variable(
        ("direction",),
        "reconstructed share at the end of training",
        "u_inf",
        "As time goes to infinity; NaN where it was not found.",
        estimate=False,
    ),
    "neuron_weight": Variable(
        ("time", "sample", "direction"),
        "weights of a neuron",
        "kappa theta",
        "kappa = sqrt(d), so that entries are of order one; one entry for each group of equal directions.",
        estimate=False,
    ),
    "direction_vector": Variable(
        ("direction", "feature"),
        "directions of the data",
        "R",
        "Eigenvectors of the covariance, orthonormal.",
        estimate=False,
    ),
    "input_mean": Variable(
        ("feature",), "mean of the data", "", "Taken off before training.", estimate=False
    ),
}
COORDINATES |= {
    "direction": Variable(
        ("direction",),
        "direction of the data",
        "i",
        "An eigenvector of their covariance, or a group of them with equal variances.",
    ),
    "variance": Variable(
        ("direction",),
        "variance of the data along a direction",
        "Sigma^2",
        "Eigenvalue of the covariance of inputs with entries of order one, d times that of x.",
    ),
    "fraction": Variable(
        ("direction",), "share of a direction", "1/d", "Number of equal directions over the dimension."
    ),
}

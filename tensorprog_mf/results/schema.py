"""One specification per result variable and coordinate: dimensions, meaning, symbol in the theory."""

from dataclasses import dataclass

SCHEMA_VERSION = "2"


@dataclass(frozen=True)
class Variable:
    """What a variable of a result is: dimensions, meaning, symbol in the theory, whether it is a Monte Carlo
    estimate."""

    dims: tuple[str, ...]
    long_name: str
    symbol: str
    comment: str
    estimate: bool = True
    dtype: str = "float64"
    units: str = ""  # UDUNITS reads it as 1, and xarray then writes no [1] on axes

    def dims_of(self, rank: int, vector_dim: str | None = None) -> tuple[str, ...]:
        """Dimensions of values with `rank` of them: `output` may follow example, and `output_prime`
        example_prime.

        Where examples are several vectors in the layers of a network, these have the name `vector_dim`
        instead.
        """
        if rank == len(self.dims):
            return self.dims
        found, inserted = [], vector_dim if vector_dim and "layer" in self.dims else "output"
        for dim in self.dims:
            found += [dim, dim.replace("example", inserted)] if dim.startswith("example") else [dim]
        if rank != len(found):
            raise RuntimeError(
                f"{self.long_name} has {rank} dimensions, not {len(self.dims)} or {len(found)}."
            )
        return tuple(found)


_KERNEL = ("time", "layer", "example", "example_prime")
_TWO_TIME = ("time", "time_prime", "layer", "example", "example_prime")
_FIELD = ("time", "layer", "example", "sample")
_WHOLE = {
    "preactivation": ("preactivation", "h"),
    "backward_field": ("backward field", "z"),
    "feature": ("feature", "phi(h)"),
    "gradient": ("gradient field", "g"),
}


def _field_parts(field: str, name: str, symbol: str, where: str) -> dict[str, Variable]:
    def spec(long_name, part_symbol, comment):
        return Variable(_FIELD, long_name, part_symbol, comment, estimate=False, dtype="float32")

    return {
        field: spec(name, symbol, f"At the first sites of replicate 0. {where}"),
        f"{field}_gaussian_part": spec(
            f"Gaussian part of the {name}",
            f"hat {symbol}",
            "Z-hat of Tensor Programs; the three parts add up.",
        ),
        f"{field}_response_part": spec(
            f"response part of the {name}",
            f"dot {symbol}",
            "Z-dot of Tensor Programs: the matrix that serves forward and backward answers itself.",
        ),
        f"{field}_learned_part": spec(
            f"learned part of the {name}",
            f"{symbol} - {symbol}_0",
            "What gradient steps have added to the weights.",
        ),
    }


def _coefficients(spec: Variable) -> Variable:
    dims = ("time", "order", *spec.dims[1:])
    comment = (
        "of richness^order in the expansion around richness 0; odd orders vanish for smooth activations,"
        " within errors and what the highest order takes up of those left out."
    )
    return Variable(dims, f"coefficients of the {spec.long_name}", f"{spec.symbol}_k", f"Factor {comment}")


VARIABLES: dict[str, Variable] = {
    "output": Variable(("time", "example"), "network output", "f", "f = E[z phi(h)] / richness"),
    "loss": Variable(("time",), "training loss", "L", "Mean over training examples."),
    "test_loss": Variable(
        ("time",), "test loss", "L", "Mean over test examples, where their targets are known."
    ),
    "output_truncation": Variable(
        ("time",),
        "what the tolerance leaves out of outputs",
        "E[z rest] / gamma0",
        "Estimate, mostly within a factor of 3: remainders of features below the tolerance, seen through the"
        " fields that come back, over the richness; root mean square over examples, the largest of"
        " replicates. Joined to output_stderr. Not there with stored or independent matrices, a single hidden"
        " layer, or a learning rule and several outputs.",
        estimate=False,
    ),
    "error_signal": Variable(
        ("time", "example"), "error signal", "Delta", "-d loss / d f; zero on test examples."
    ),
    "feature_kernel": Variable(
        _KERNEL,
        "feature kernel",
        "Phi",
        "E[phi(h) phi(h')] at equal times: of what the layer's matrix sees, pooled or normalised, in a"
        " transformer behind attention.",
    ),
    "gradient_kernel": Variable(_KERNEL, "gradient kernel", "G", "E[g g'] at equal times, g = phi'(h) z."),
    "preactivation_kernel": Variable(_KERNEL, "preactivation kernel", "H", "E[h h'] of a residual stream."),
    "feature_kernel_two_time": Variable(
        _TWO_TIME, "feature kernel between two times", "Phi", "E[phi(h(t)) phi(h(t'))]."
    ),
    "gradient_kernel_two_time": Variable(
        _TWO_TIME, "gradient kernel between two times", "G", "E[g(t) g(t')]."
    ),
    "tangent_kernel": Variable(
        ("time", "example", "example_prime"),
        "neural tangent kernel",
        "K",
        "Sum over weights of gradient times feature kernels.",
    ),
    **_field_parts("preactivation", "preactivation", "h", "Input of the activation."),
    **_field_parts(
        "backward_field",
        "backward field",
        "z",
        "Derivative with respect to the activation's output, g = phi'(h) z; of a residual stream, with"
        " respect to the stream, g itself.",
    ),
    "pseudogradient_kernel": Variable(
        _KERNEL,
        "pseudo-gradient kernel",
        "Gt",
        "E[gt gt'] at equal times, gt what the learning rule has in place of g.",
    ),
    "gradient_pseudogradient_kernel": Variable(
        _KERNEL,
        "gradient-pseudo-gradient kernel",
        "E[g gt']",
        "Row: gradient; column: what the learning rule has in its place.",
    ),
    "forward_response": Variable(
        _TWO_TIME,
        "forward response",
        "A",
        "E[d phi(h(t)) / d r(t')]: of those that fit the sites, the one of least norm; its contractions with"
        " gradients mean something, single entries may not.",
    ),
    "backward_response": Variable(
        _TWO_TIME,
        "backward response",
        "B",
        "E[d g(t) / d u(t')]: of those that fit the sites, the one of least norm; its contractions with"
        " features mean something, single entries may not.",
    ),
    "attention_mean": Variable(
        ("time", "layer", "example", "token", "token_prime"),
        "mean attention",
        "E[sigma]",
        "Over heads; from token to token_prime.",
    ),
    "attention_variance": Variable(
        ("time", "layer", "example", "token", "token_prime"),
        "variance of attention",
        "Var[sigma]",
        "Over heads.",
    ),
    "attention": Variable(
        ("time", "layer", "example", "token", "token_prime", "head"),
        "attention",
        "sigma",
        "Of the first heads of replicate 0; from token to token_prime.",
        estimate=False,
        dtype="float32",
    ),
    "input_weight": Variable(
        ("time", "feature", "sample"),
        "input weight",
        "W^0",
        "At the first sites of replicate 0; readout weights are the backward field of the last layer.",
        estimate=False,
        dtype="float32",
    ),
    "hidden_weight_mean": Variable(
        ("time", "layer"),
        "mean of the hidden weights",
        "E[w]",
        "Over pairs of neurons, of the weights that feed the layer; what is random in them at the start"
        " averages out and is left out.",
    ),
    "hidden_weight_variance": Variable(
        ("time", "layer"), "variance of the hidden weights", "Var[w]", "As hidden_weight_mean."
    ),
    "basis_rank": Variable(
        ("time", "layer", "pass"),
        "directions revealed",
        "K",
        "Forward: of a layer's features; backward: of its gradients; 0 where no hidden matrix is asked."
        " Largest over replicates.",
        estimate=False,
        dtype="int32",
    ),
    "rank_fraction": Variable(
        ("time", "layer", "pass"),
        "directions revealed over number of sites",
        "K/N",
        "Near 1 the run is a finite network, not the limit.",
        estimate=False,
    ),
    "largest_share": Variable(
        ("time", "layer"),
        "share of the largest sites",
        "",
        "Of the mean squares of features, or of gradients if larger, that of the largest 1 % of all sites."
        " Equal sites have 0.01, Gaussian ones about 0.07; from 0.3 on a few sites carry the answer, and"
        " standard errors cannot be trusted. Largest over replicates; 0 where no activation is.",
        estimate=False,
    ),
    "sharpness": Variable(
        ("time",),
        "sharpness of the training loss",
        "lambda",
        "Largest eigenvalue of the tangent kernel of the training examples over their number, times the"
        " curvature of the loss, of the means over replicates. Steps are stable where learning rate times"
        " sharpness is below 2 (with momentum 2 (1 + beta)). Of one output, with kernels between all"
        " examples, without learning rules.",
        estimate=False,
        units="",
    ),
    "input": Variable(("example", "feature"), "inputs", "x", "As given.", estimate=False),
    "target": Variable(
        ("example",),
        "targets",
        "y",
        "As given; NaN for test examples whose target is not known.",
        estimate=False,
    ),
    "residual": Variable(
        ("iteration",),
        "residual of an iteration",
        "",
        "Largest change of a kernel or of the outputs in a round, without damping, relative to its norm;"
        " largest over replicates.",
        estimate=False,
    ),
    "draw_slot": Variable(
        ("slot", "slot_field"),
        "draw columns",
        "omega",
        "One direction accepted by a run and the column of draws it got; populations and sources are indices"
        " into attribute slots_json. Pass the dataset as common_draws to reuse them.",
        estimate=False,
        dtype="int32",
    ),
}

VARIABLES |= {
    f"{name}_coefficient": _coefficients(VARIABLES[name])
    for name in ("output", "feature_kernel", "gradient_kernel", "tangent_kernel")
}

for _field, (_name, _symbol) in _WHOLE.items():
    VARIABLES[f"{_field}_moment"] = Variable(
        ("time", "layer", "example", "moment"),
        f"moments of the {_name}",
        f"E[{_symbol}^k]",
        "Average over all sites.",
    )
    VARIABLES[f"{_field}_density"] = Variable(
        ("time", "layer", "example", "bin"),
        f"density of the {_name}",
        f"p({_symbol})",
        "Share of sites in a bin over its width; sites beyond the edges are in none.",
    )

for _what, _dims, _meaning in (("moment", ("moment",), "E[W^k]"), ("density", ("bin",), "p(W)")):
    VARIABLES[f"input_weight_{_what}"] = Variable(
        ("time", "feature", *_dims), f"{_what} of the input weight", _meaning, "Over all sites."
    )

# Errors that hold what the tolerance leaves out.
TRUNCATED = ("output_stderr", "loss_stderr", "test_loss_stderr", "error_signal_stderr")
ORDERS = 4  # in richness, 0 to 3, that expansions hold
SLOT_FIELDS = ("replicate", "population", "source", "query", "vector", "column")

COORDINATES: dict[str, Variable] = {
    "time": Variable(("time",), "training time", "t", "Learning rate times step, summed."),
    "step": Variable(("time",), "training step", "k", "Number of optimiser steps done."),
    "layer": Variable(
        ("layer",), "hidden layer", "l", "1 is the first hidden layer; a residual stream begins with 0."
    ),
    "collapsed": Variable(
        ("layer",),
        "whether all neurons of the layer are the same",
        "",
        "1: identical at all times, so that the layer is one effective neuron.",
    ),
    "tau": Variable(("layer",), "depth along the stream", "tau", "Layer over depth, from 0 to 1."),
    "split": Variable(("example",), "training or test example", "", "Training examples first."),
    "class_label": Variable(("output",), "class", "", "Label of the class that an output stands for."),
    "sample": Variable(
        ("sample",), "site", "i", "Neurons of one layer whose fields are kept, of replicate 0."
    ),
    "head": Variable(("head",), "head", "p", "Heads of one block whose attention is kept, of replicate 0."),
    "slot": Variable(("slot",), "accepted direction", "", "Row of the table of draws."),
    "pass": Variable(("pass",), "direction of queries", "", "Forward: features; backward: gradients."),
    "iteration": Variable(("iteration",), "iteration", "i", "Rounds of the alternating procedure done."),
    "order": Variable(
        ("order",), "order in richness", "k", "Exponent of the richness that a coefficient belongs to."
    ),
    "kernel_example": Variable(("kernel_example",), "example of kernels", "mu", "Index of the example."),
    "moment": Variable(("moment",), "order of the moment", "k", "Power that is averaged."),
    "bin_width": Variable(
        ("bin",), "width of a bin", "", "Of densities; edges lie half of it to both sides of the middle."
    ),
    "time_prime": Variable(("time_prime",), "training time", "t'", "The second of two times."),
    "step_prime": Variable(("time_prime",), "training step", "k'", "Of the second of two times."),
    "bin": Variable(("bin",), "middle of a bin", "", "Bins of densities."),
    "slot_field": Variable(("slot_field",), "column of the table of draws", "", "See draw_slot."),
}

TRAINING_VARIABLES = tuple(
    VARIABLES
)  # what routes of training record; the estimate of memory is made of these

# Lazy networks that start at random outputs
VARIABLES |= {
    "output_covariance": Variable(
        ("time", "example", "example_prime"),
        "covariance of outputs over initialisations",
        "Cov[f]",
        "Between networks of the same width that start at other weights. With the squared loss every one of"
        " several outputs has this covariance, and none with another output.",
    ),
    "output_std": Variable(
        ("time", "example"), "standard deviation of outputs over initialisations", "Std[f]", "Of one network."
    ),
}

# Mean-field limits: distributional dynamics of two-layer networks.
VARIABLES |= {
    "risk": Variable(
        ("time",), "risk", "R", "E loss(f, y); of the squared loss E (y - f)^2, without its factor 1/2."
    ),
    "risk_excess": Variable(("time",), "risk beyond the limit's", "R_N - R", "On the same inputs."),
    "free_energy": Variable(
        ("time",),
        "free energy",
        "F",
        "E loss + (lambda / 2) E |theta|^2 - tau Ent, with the 1/2 of the squared loss; never increases.",
    ),
    "entropy": Variable(("time",), "entropy", "Ent", "- E log rho of all parameters that are not fixed."),
    "mean_field_residual": Variable(
        ("time", "example"),
        "residual that drives every site",
        "loss'",
        "d loss / d f, f - y of the squared loss; without the weight of the example.",
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
        "Over all sites; of up to 32 parameters.",
    ),
    "density": Variable(
        ("time", "parameter", "bin"),
        "density of a parameter",
        "rho_t",
        "Share of sites in a bin over its width; integrates to 1.",
    ),
    "bin_edge": Variable(
        ("parameter", "edge"), "edges of bins", "", "The outermost reach to the last site.", estimate=False
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
        "At the best law the least of all, and the same everywhere.",
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
COORDINATES |= {
    "parameter": Variable(("parameter",), "parameter", "theta", "Number that a site has."),
    "parameter_prime": Variable(("parameter_prime",), "parameter", "theta'", "The second of a pair."),
    "class": Variable(("class",), "class", "y", "+1 or -1."),
}

# Weight-tied autoencoder
VARIABLES |= {
    "gain": Variable(
        ("time", "direction"),
        "size of weights along a direction",
        "r",
        "Root mean square over neurons of the weights kappa theta; those of one neuron are proportional"
        " to it.",
        estimate=False,
    ),
    "reconstruction": Variable(
        ("time", "direction"),
        "reconstructed share of a direction",
        "u",
        "Diagonal of B, where the output is B x: an eigenvalue of B unless there is a reconstruction_matrix.",
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
        "weight decay's term",
        "",
        "(weight_decay / 2) E|theta|^2, what the objective has beside the loss.",
        estimate=False,
    ),
    "preactivation_variance": Variable(
        ("time",),
        "variance of preactivations",
        "s^2",
        "Of neurons on inputs of the data; the law is Gaussian where the weights are.",
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
    "theta": Variable(
        ("time", "sample", "direction"),
        "weights of a neuron",
        "kappa theta",
        "kappa = sqrt(d): entries of order one; one direction for each group of equal ones.",
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
        "Eigenvectors of their covariance, or groups of them with equal variances.",
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

# Scaling laws: `scaling_laws` (linear networks of random or learned features). Exact in theory; of students
# with standard errors.
_PAIR = ("time", "time_prime")


def _exact(dims: tuple[str, ...], long_name: str, symbol: str, comment: str) -> Variable:
    return Variable(dims, long_name, symbol, comment, estimate=False)


VARIABLES |= {
    "bias_loss": _exact(
        ("time",),
        "bias",
        "B",
        "Test loss, less the label noise, of infinitely many students on own features and data, averaged.",
    ),
    "loss_same_A": _exact(
        ("time",),
        "error correlation of students with the same features",
        "C0_A",
        "Other data and batches; less the label noise.",
    ),
    "loss_same_data": _exact(
        ("time",),
        "error correlation of students on the same data",
        "C0_data",
        "Other features and batches; less the label noise.",
    ),
    "variance_data": _exact(
        ("time",), "variance from data", "Var_data", "loss_same_data - bias_loss; label noise counts as data."
    ),
    "variance_features": _exact(
        ("time",), "variance from random features", "Var_A", "loss_same_A - bias_loss."
    ),
    "variance_both": _exact(
        ("time",),
        "variance from data, features and batches together",
        "Var_both",
        "What is left of the test loss beside bias, the two variances and label noise.",
    ),
    "ensemble_loss": _exact(
        ("ensemble_size", "time"),
        "test loss of an ensemble",
        "L_E",
        "Mean of students with own features on the same data.",
    ),
    "bagging_loss": _exact(
        ("ensemble_size", "time"),
        "test loss of bagging",
        "L_E",
        "Mean of students with the same features on own data.",
    ),
    "H": _exact(
        ("mode", "time"),
        "mean transfer of a mode",
        "H_k",
        "Mean of v0_k / w*_k: how much of a mode is not yet learned.",
    ),
    "var_v0": _exact(("mode", "time"), "variance of the weight error", "Var v0_k", "Over features and data."),
    "eigenvalue": _exact(("mode",), "eigenvalue", "lam_k", "Variance of the mode psi_k."),
    "power": _exact(("mode",), "power of the target", "lam_k w*_k^2", "Variance of the target in one mode."),
    "multiplicity": _exact(("mode",), "multiplicity", "n_k", "Equal modes that an entry stands for."),
    "C0": _exact(
        _PAIR,
        "error correlation",
        "C0",
        "sum_k lam_k <v0_k(t) v0_k(t')>; on the diagonal the test loss less the label noise.",
    ),
    "C1": _exact(
        _PAIR, "residual correlation", "C1", "Of errors at training examples, times the selection of batches."
    ),
    "C2": _exact(_PAIR, "gradient correlation over modes", "C2", "sum_k <v2_k(t) v2_k(t')>."),
    "C3": _exact(_PAIR, "gradient correlation over features", "C3", "<v3(t) v3(t')>, v3 = A0 v2."),
    "R1": _exact(_PAIR, "response of data sites", "R1", "d v1(t) / d u1(t')."),
    "R3": _exact(_PAIR, "response of feature sites", "R3", "d v3(t) / d u3(t')."),
    "R02": _exact(_PAIR, "response of modes to data", "R02", "sum_k lam_k d v0_k(t) / d u2_k(t')."),
    "R24": _exact(_PAIR, "response of modes to features", "R24", "sum_k d v2_k(t) / d u4_k(t')."),
    "W": _exact(_PAIR, "propagator of weights", "W", "w(t) = sum_s W(t, s) v3(s)."),
    "Cw": _exact(_PAIR, "weight correlation", "C_w", "w(t) . w(t') / N."),
    "Kte": _exact(
        ("lag",),
        "return of batch noise in the test loss",
        "K_te",
        "Per unit of training loss and of P / B - 1.",
    ),
    "Ktr": _exact(
        ("lag",),
        "return of batch noise in the training loss",
        "K_tr",
        "Per unit of training loss and of P / B - 1.",
    ),
    "K_on": _exact(("lag",), "return of batch noise, online", "K_on", "Per unit of test loss and of 1 / B."),
    "kernel_scale": _exact(
        ("time",), "growth of the kernel", "m", "K = K0 + m b b^T / |b|^2 along what has been learned."
    ),
    "beta_norm2": _exact(
        ("time",), "squared norm of what has been learned", "|b|^2", "sum_k w*_k^2 (1 - H_k)^2."
    ),
    "spectral_node": _exact(
        ("node",), "node of the spectral measure", "u", "Eigenvalue of Lam^1/2 K0 Lam^1/2."
    ),
    "spectral_mass": _exact(
        ("node",),
        "mass of the spectral measure",
        "rho(u) du",
        "In the direction of the target; what is left of its power cannot be learned at this width.",
    ),
    "kappa": _exact(
        (), "resolution", "kappa", "sum lam / (lam + kappa) = min(N, P): modes above it can be learned."
    ),
    "test_t_inf": _exact((), "test loss at late times", "L_inf", "Gradient flow, t -> infinity."),
    "train_t_inf": _exact((), "training loss at late times", "Lhat_inf", "Gradient flow, t -> infinity."),
    "bias_t_inf": _exact(
        (), "bias at late times", "B_inf", "Gradient flow, t -> infinity; less the label noise."
    ),
    "v0": _exact(
        ("mode", "time", "sample"), "weight error of a mode", "v0_k", "Draws of its Gaussian process."
    ),
    "v1": _exact(
        ("time", "sample"),
        "error at a training example",
        "v1",
        "Draws of its Gaussian process; before batches select.",
    ),
    "v3": _exact(("time", "sample"), "gradient at a feature", "v3", "Draws of its Gaussian process."),
    "w": _exact(("time", "sample"), "readout weight of a feature", "w", "From v3 of the same site."),
    "exponent": _exact(
        ("resource",),
        "fitted exponent",
        "",
        "-d log loss / d log resource, or d log resource / d log compute of an optimum.",
    ),
    "exponent_drift": _exact(
        ("resource",),
        "drift of the local exponent",
        "",
        "Local exponent at the end of the window less that at its beginning.",
    ),
    "predicted_exponent": _exact(
        ("resource",), "predicted exponent", "", "See scaling_laws.predicted_exponents."
    ),
    "L_opt": _exact(
        ("compute",), "test loss at the optimum", "L(C)", "Smallest over widths at compute C = N t."
    ),
    "N_opt": _exact(("compute",), "optimal width", "N(C)", "Width of the smallest loss at compute C = N t."),
    "t_opt": _exact(("compute",), "optimal time", "t(C)", "C / N(C)."),
}

COORDINATES |= {
    "mode": Variable(("mode",), "mode", "k", "Entry of the spectrum, from 1."),
    "lag": Variable(("lag",), "lag", "tau", "Difference of two times."),
    "ensemble_size": Variable(
        ("ensemble_size",), "students in an ensemble", "E", "Their outputs are averaged."
    ),
    "resource": Variable(("resource",), "resource", "", "What the loss is a power of."),
    "compute": Variable(("compute",), "compute", "C", "Width times time."),
    "width": Variable(("width",), "width", "N", "Features of the student."),
}

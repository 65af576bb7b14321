"""Variables and coordinates of networks that are trained, in the limit or at finite width."""

from .variable import Variable

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
    """A field at stored sites and its three parts."""

    def spec(long_name: str, part_symbol: str, comment: str) -> Variable:
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
            "Z-dot of Tensor Programs: present because one matrix serves forward and backward.",
        ),
        f"{field}_learned_part": spec(
            f"learned part of the {name}",
            f"{symbol} - {symbol}_0",
            "From what training has added to the weights.",
        ),
    }


def _coefficients(spec: Variable) -> Variable:
    """The coefficients of a variable in its expansion around richness 0."""
    dims = ("time", "order", *spec.dims[1:])
    comment = (
        "of richness^order in the expansion around richness 0. Odd orders vanish for smooth activations, up"
        " to errors and to what the highest order absorbs of orders left out."
    )
    return Variable(dims, f"coefficients of the {spec.long_name}", f"{spec.symbol}_k", f"Factor {comment}")


VARIABLES: dict[str, Variable] = {
    "output": Variable(("time", "example"), "network output", "f", "f = E[z phi(h)] / richness"),
    "loss": Variable(("time",), "training loss", "L", "Mean over training examples."),
    "test_loss": Variable(("time",), "test loss", "L", "Mean over test examples whose targets are known."),
    "output_truncation": Variable(
        ("time",),
        "what the tolerance leaves out of outputs",
        "E[z rest] / gamma0",
        "Mostly correct within a factor of 3: remainders of features below the tolerance, multiplied by the"
        " fields that come back and divided by the richness; root mean square over examples, largest of all"
        " replicates. Included in output_stderr. Absent with stored or independent matrices, with a single"
        " hidden layer, and with a learning rule and several outputs.",
        estimate=False,
    ),
    "error_signal": Variable(
        ("time", "example"), "error signal", "Delta", "-d loss / d f; zero on test examples."
    ),
    "feature_kernel": Variable(
        _KERNEL,
        "feature kernel",
        "Phi",
        "E[phi(h) phi(h')] at equal times, of what the matrix of the layer sees: pooled or normalised if"
        " the network does so, in a transformer after attention.",
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
        "Sum over weights of gradient kernel times feature kernel.",
    ),
    **_field_parts("preactivation", "preactivation", "h", "Input of the activation."),
    **_field_parts(
        "backward_field",
        "backward field",
        "z",
        "Derivative with respect to the output of the activation, so that g = phi'(h) z; for a residual"
        " stream with respect to the stream, g itself.",
    ),
    "pseudogradient_kernel": Variable(
        _KERNEL,
        "pseudo-gradient kernel",
        "Gt",
        "E[gt gt'] at equal times, where gt is what the learning rule uses in place of g.",
    ),
    "gradient_pseudogradient_kernel": Variable(
        _KERNEL,
        "gradient-pseudo-gradient kernel",
        "E[g gt']",
        "Rows: gradients; columns: what the learning rule uses in their place.",
    ),
    "forward_response": Variable(
        _TWO_TIME,
        "forward response",
        "A",
        "E[d phi(h(t)) / d r(t')]. Of all responses that fit the sites, the one of least norm: contractions"
        " with gradients are meaningful, single entries need not be.",
    ),
    "backward_response": Variable(
        _TWO_TIME,
        "backward response",
        "B",
        "E[d g(t) / d u(t')]. Of all responses that fit the sites, the one of least norm: contractions with"
        " features are meaningful, single entries need not be.",
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
        "At the first sites of replicate 0. Readout weights are the backward field of the last layer.",
        estimate=False,
        dtype="float32",
    ),
    "hidden_weight_mean": Variable(
        ("time", "layer"),
        "mean of the hidden weights",
        "E[w]",
        "Over pairs of neurons, of the weights that lead to the layer. What is random in them before training"
        " averages out and is not included.",
    ),
    "hidden_weight_variance": Variable(
        ("time", "layer"), "variance of the hidden weights", "Var[w]", "As hidden_weight_mean."
    ),
    "basis_rank": Variable(
        ("time", "layer", "pass"),
        "directions revealed",
        "K",
        "Forward: by features of the layer; backward: by its gradients; 0 where no hidden matrix is asked."
        " The largest of all replicates.",
        estimate=False,
        dtype="int32",
    ),
    "rank_fraction": Variable(
        ("time", "layer", "pass"),
        "directions revealed over number of sites",
        "K/N",
        "Near 1 the run is that of a finite network, not of the limit.",
        estimate=False,
    ),
    "largest_share": Variable(
        ("time", "layer"),
        "share of the largest sites",
        "",
        "Share of the largest 1 % of sites in the mean squares of features, or of gradients if that is"
        " larger. Equal sites give 0.01, Gaussian ones about 0.07; from 0.3 on a few sites determine the"
        " answer and standard errors cannot be trusted. The largest of all replicates; 0 where there is no"
        " activation.",
        estimate=False,
    ),
    "sharpness": Variable(
        ("time",),
        "sharpness of the training loss",
        "lambda",
        "Largest eigenvalue of the tangent kernel of the training examples, divided by their number and times"
        " the curvature of the loss, from means over replicates. Steps are stable while learning rate times"
        " sharpness is below 2 (with momentum beta below 2 (1 + beta)). For one output, kernels between all"
        " examples, and no learning rule.",
        estimate=False,
        units="",
    ),
    "input": Variable(("example", "feature"), "inputs", "x", "As given.", estimate=False),
    "target": Variable(
        ("example",),
        "targets",
        "y",
        "As given; NaN for test examples whose targets are not known.",
        estimate=False,
    ),
    "residual": Variable(
        ("iteration",),
        "residual of an iteration",
        "",
        "Largest change of a kernel or of the outputs in one iteration, without damping, relative to its"
        " norm. The largest of all replicates.",
        estimate=False,
    ),
    "draw_slot": Variable(
        ("slot", "slot_field"),
        "draw columns",
        "omega",
        "A direction that the run accepted, and the column of draws that it got. Populations and sources are"
        " indices into the attribute slots_json. Pass the dataset as common_draws to use the draws again.",
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
        "Share of sites in a bin, divided by its width; sites beyond the edges are in no bin.",
    )

for _what, _dims, _meaning in (("moment", ("moment",), "E[W^k]"), ("density", ("bin",), "p(W)")):
    VARIABLES[f"input_weight_{_what}"] = Variable(
        ("time", "feature", *_dims), f"{_what} of the input weight", _meaning, "Over all sites."
    )

# Standard errors that include what the tolerance leaves out.
TRUNCATED = ("output_stderr", "loss_stderr", "test_loss_stderr", "error_signal_stderr")
ORDERS = 4  # of expansions in richness: 0 to 3
SLOT_FIELDS = ("replicate", "population", "source", "query", "vector", "column")

COORDINATES: dict[str, Variable] = {
    "time": Variable(("time",), "training time", "t", "Sum of learning rates over steps."),
    "step": Variable(("time",), "training step", "k", "Number of steps of the optimiser so far."),
    "layer": Variable(
        ("layer",), "hidden layer", "l", "1 is the first hidden layer; a residual stream begins at 0."
    ),
    "collapsed": Variable(
        ("layer",),
        "whether all neurons of the layer are the same",
        "",
        "1 if they are, at all times, so that the layer is one effective neuron; else 0.",
    ),
    "relative_depth": Variable(
        ("layer",), "depth along the stream", "tau", "Layer divided by depth, from 0 to 1."
    ),
    "split": Variable(("example",), "training or test example", "", "Training examples come first."),
    "class_label": Variable(("output",), "class", "", "Label of the class that an output belongs to."),
    "sample": Variable(("sample",), "site", "i", "Neurons of a layer whose fields are kept, of replicate 0."),
    "head": Variable(("head",), "head", "p", "Heads of a block whose attention is kept, of replicate 0."),
    "slot": Variable(("slot",), "accepted direction", "", "Row of the table of draws."),
    "pass": Variable(("pass",), "direction of queries", "", "Forward: features; backward: gradients."),
    "iteration": Variable(
        ("iteration",), "iteration", "i", "Number of rounds of the alternating procedure so far."
    ),
    "order": Variable(
        ("order",), "order in richness", "k", "Exponent of the richness that a coefficient multiplies."
    ),
    "kernel_example": Variable(("kernel_example",), "example of kernels", "mu", "Index of the example."),
    "moment": Variable(("moment",), "order of the moment", "k", "Power that is averaged."),
    "bin_width": Variable(
        ("bin",), "width of a bin", "", "Of densities; the edges of a bin are half its width from its middle."
    ),
    "time_prime": Variable(("time_prime",), "training time", "t'", "The second of two times."),
    "step_prime": Variable(("time_prime",), "training step", "k'", "Of the second of two times."),
    "bin": Variable(("bin",), "middle of a bin", "", "Bins of densities."),
    "slot_field": Variable(("slot_field",), "column of the table of draws", "", "See draw_slot."),
}

# Lazy networks that start at random outputs
LAZY_VARIABLES: dict[str, Variable] = {
    "output_covariance": Variable(
        ("time", "example", "example_prime"),
        "covariance of outputs over initialisations",
        "Cov[f]",
        "Between networks of the same width with other initial weights. With the squared loss each of several"
        " outputs has this covariance, and different outputs have none.",
    ),
    "output_std": Variable(
        ("time", "example"), "standard deviation of outputs over initialisations", "Std[f]", "Of one network."
    ),
}

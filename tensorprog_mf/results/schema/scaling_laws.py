"""Variables and coordinates of `scaling_laws`, linear networks of random or learned features."""

from .variable import Variable

_PAIR = ("time", "time_prime")


def _exact(dims: tuple[str, ...], long_name: str, symbol: str, comment: str) -> Variable:
    """A variable that theory gives exactly; that of students comes with a standard error."""
    return Variable(dims, long_name, symbol, comment, estimate=False)


VARIABLES: dict[str, Variable] = {
    "bias_loss": _exact(
        ("time",),
        "bias",
        "B",
        "Test loss, less the label noise, of the mean over infinitely many students with features and data"
        " of their own.",
    ),
    "loss_same_features": _exact(
        ("time",),
        "error correlation of students with the same features",
        "C0_A",
        "On different data and batches; less the label noise.",
    ),
    "loss_same_data": _exact(
        ("time",),
        "error correlation of students on the same data",
        "C0_data",
        "With different features and batches; less the label noise.",
    ),
    "variance_data": _exact(
        ("time",), "variance from data", "Var_data", "loss_same_data - bias_loss; label noise counts as data."
    ),
    "variance_features": _exact(
        ("time",), "variance from random features", "Var_A", "loss_same_features - bias_loss."
    ),
    "variance_both": _exact(
        ("time",),
        "variance from data, features and batches together",
        "Var_both",
        "What is left of the test loss without bias, the two other variances and label noise.",
    ),
    "ensemble_loss": _exact(
        ("ensemble_size", "time"),
        "test loss of an ensemble",
        "L_E",
        "Mean over students with features of their own on the same data.",
    ),
    "bagging_loss": _exact(
        ("ensemble_size", "time"),
        "test loss of bagging",
        "L_E",
        "Mean over students with the same features on data of their own.",
    ),
    "transfer_function": _exact(
        ("mode", "time"),
        "mean transfer of a mode",
        "H_k",
        "Mean of v0_k / w*_k: how much of a mode is not yet learned.",
    ),
    "weight_error_variance": _exact(
        ("mode", "time"), "variance of the weight error", "Var v0_k", "Over features and data."
    ),
    "eigenvalue": _exact(("mode",), "eigenvalue", "lam_k", "Variance of the mode psi_k."),
    "power": _exact(("mode",), "power of the target", "lam_k w*_k^2", "Variance of the target in one mode."),
    "multiplicity": _exact(("mode",), "multiplicity", "n_k", "How many equal modes an entry stands for."),
    "error_correlation": _exact(
        _PAIR,
        "error correlation",
        "C0",
        "sum_k lam_k <v0_k(t) v0_k(t')>; on the diagonal the test loss less the label noise.",
    ),
    "residual_correlation": _exact(
        _PAIR, "residual correlation", "C1", "<v1(t) v1(t')> of the training examples that batches select."
    ),
    "mode_gradient_correlation": _exact(
        _PAIR, "gradient correlation over modes", "C2", "sum_k <v2_k(t) v2_k(t')>."
    ),
    "feature_gradient_correlation": _exact(
        _PAIR, "gradient correlation over features", "C3", "<v3(t) v3(t')>, v3 = A0 v2."
    ),
    "data_response": _exact(_PAIR, "response of data sites", "R1", "d v1(t) / d u1(t')."),
    "feature_response": _exact(_PAIR, "response of feature sites", "R3", "d v3(t) / d u3(t')."),
    "mode_response_to_data": _exact(
        _PAIR, "response of modes to data", "R02", "sum_k lam_k d v0_k(t) / d u2_k(t')."
    ),
    "mode_response_to_features": _exact(
        _PAIR, "response of modes to features", "R24", "sum_k d v2_k(t) / d u4_k(t')."
    ),
    "weight_propagator": _exact(_PAIR, "propagator of weights", "W", "w(t) = sum_s W(t, s) v3(s)."),
    "weight_correlation": _exact(_PAIR, "weight correlation", "C_w", "w(t) . w(t') / N."),
    "batch_noise_kernel_test": _exact(
        ("lag",),
        "return of batch noise in the test loss",
        "K_te",
        "Per unit of training loss and of P / B - 1.",
    ),
    "batch_noise_kernel_train": _exact(
        ("lag",),
        "return of batch noise in the training loss",
        "K_tr",
        "Per unit of training loss and of P / B - 1.",
    ),
    "batch_noise_kernel_online": _exact(
        ("lag",), "return of batch noise, online", "K_on", "Per unit of test loss and of 1 / B."
    ),
    "kernel_scale": _exact(
        ("time",),
        "growth of the kernel",
        "m",
        "K = K0 + m b b^T / |b|^2 along what has been learned, b = w* - v0.",
    ),
    "learned_norm_squared": _exact(
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
    "resolution": _exact(
        (), "resolution", "kappa", "sum lam / (lam + kappa) = min(N, P): modes above it can be learned."
    ),
    "late_test_loss": _exact((), "test loss at late times", "L_inf", "Gradient flow, t -> infinity."),
    "late_loss": _exact((), "training loss at late times", "Lhat_inf", "Gradient flow, t -> infinity."),
    "late_bias_loss": _exact(
        (), "bias at late times", "B_inf", "Gradient flow, t -> infinity; less the label noise."
    ),
    "weight_error": _exact(
        ("mode", "time", "sample"), "weight error of a mode", "v0_k", "A draw from its Gaussian process."
    ),
    "example_error": _exact(
        ("time", "sample"),
        "error at a training example",
        "v1",
        "A draw from its Gaussian process, or an example of a student; whether or not a batch selects it.",
    ),
    "feature_gradient": _exact(
        ("time", "sample"), "gradient at a feature", "v3", "A draw from its Gaussian process, or a student's."
    ),
    "readout_weight": _exact(
        ("time", "sample"), "readout weight of a feature", "w", "Of the feature whose gradient is v3."
    ),
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
    "optimal_test_loss": _exact(
        ("compute",), "test loss at the optimum", "L(C)", "The smallest over widths at compute C = N t."
    ),
    "optimal_width": _exact(
        ("compute",), "optimal width", "N(C)", "Width of the smallest loss at compute C = N t."
    ),
    "optimal_time": _exact(("compute",), "optimal time", "t(C)", "C / N(C)."),
}

COORDINATES: dict[str, Variable] = {
    "mode": Variable(("mode",), "mode", "k", "Entry of the spectrum, counted from 1."),
    "lag": Variable(("lag",), "lag", "tau", "Difference of two times."),
    "ensemble_size": Variable(
        ("ensemble_size",), "students in an ensemble", "E", "Their outputs are averaged."
    ),
    "resource": Variable(("resource",), "resource", "", "What the loss is a power of."),
    "compute": Variable(("compute",), "compute", "C", "Width times time."),
    "width": Variable(("width",), "width", "N", "Features of the student."),
}

"""The gate: what "agrees with a reference" means in these tests. See README.md beside this file."""

import json
import pathlib

import numpy as np

import tensorprog_mf as tp


def _cases(file):
    return {
        case["name"]: case for case in json.loads(pathlib.Path(__file__).with_name(file).read_text())["cases"]
    }


RESPONSES = json.loads(pathlib.Path(__file__).with_name("architectures.json").read_text())[
    "responses_survive"
]
CASES, TRAINING_CASES, ARCHITECTURE_CASES = (
    _cases("mlp.json"),
    _cases("training.json"),
    _cases("architectures.json"),
)
OUTPUT_FLOOR, KERNEL_FLOOR, SIGMAS = 3e-3, 1e-2, 5


def setup(case):
    """Network, problem and training of a reference case."""
    p = case["params"]
    network = tp.MLP(p["depth"], p["activation"], p["richness"])
    problem = tp.Problem(case["inputs"], case["targets"], case["test_inputs"], p["loss"])
    return network, problem, tp.Training(p["steps"], p["learning_rate"], p["momentum"], p["weight_decay"])


def training_setup(case):
    """The same for a case of training.json, which counts recorded times."""
    p = case["params"]
    activation = tp.Activation("erf", 0.5**0.5) if p["activation"] == "erf" else p["activation"]
    if "online_inputs" in case:
        problem = tp.OnlineProblem(
            list(zip(case["online_inputs"], case["online_targets"])), case["test_inputs"], p["loss"]
        )
    else:
        problem = tp.Problem(case["inputs"], case["targets"], case["test_inputs"], p["loss"])
    rate, steps = p["learning_rate"], p["steps"] - 1
    schedule = None if np.ndim(rate) == 0 else np.array(rate[:steps]) / rate[0]
    biased = any(p["bias_std"]) or any(p["bias_multipliers"])
    rule = dict(name=p.get("learning_rule", "gradient_descent"))
    if rule["name"] == "feedback_alignment":
        rule |= dict(correlation=p["rho"], current_readout=p["readout_feedback"] == "current")
    training = tp.Training(
        steps,
        rate if schedule is None else rate[0],
        p["momentum"],
        p["weight_decay"],
        p["learning_rate_multipliers"],
        nesterov=p["nesterov"],
        schedule=schedule,
        bias_multipliers=p["bias_multipliers"] if biased else None,
        batches=p["batches"][:steps] if "batches" in p else None,
        temperature=p.get("temperature", 0.0),
        learning_rule=rule,
    )
    # The file has the square of the factor of the output bias.
    network = tp.MLP(
        p["depth"],
        activation,
        p["richness"],
        p["weight_std"],
        p["bias_std"] if biased else None,
        p["output_bias"] ** 0.5,
    )
    return network, problem, training


def excess(value, error, expected, expected_error, floor, scale=None):
    """Largest |difference| over what the gate allows: above 1 fails.

    The floor is relative to `scale`, by default the largest entry.
    """
    sigma = np.sqrt(np.mean(np.square(error) + np.square(expected_error)))
    allowed = max(floor * (np.abs(expected).max() if scale is None else scale), SIGMAS * sigma)
    return np.abs(value - expected).max() / allowed


def excesses(ds, case):
    """Excess per output and kernel of a dataset against a reference case."""
    found = {
        "output": excess(
            ds.output.values,
            ds.output_stderr.values,
            np.array(case["output"]),
            np.array(case.get("output_err", 0.0)),
            OUTPUT_FLOOR,
        )
    }
    for name in (
        "feature_kernel",
        "gradient_kernel",
        "tangent_kernel",
        "gradient_pseudogradient_kernel",
        "pseudogradient_kernel",
    ):
        for when, index in (("first", 0), ("final", -1)):
            if f"{name}_{when}" not in case or name not in ds:
                continue
            expected, error = np.array(case[f"{name}_{when}"]), np.array(case.get(f"{name}_{when}_err", 0.0))
            value, own = ds[name].values[index], ds[f"{name}_stderr"].values[index]
            if expected.ndim == 1:  # exact linear gradient kernels have no example index
                expected = np.broadcast_to(expected[:, None, None], value.shape)
            if name == "tangent_kernel":
                found[f"{name} {when}"] = excess(value, own, expected, error, KERNEL_FLOOR)
                continue
            error = np.broadcast_to(error, expected.shape)
            for layer in range(len(value)):
                key, scale = f"{name} {when} {layer + 1}", None
                if (
                    name == "gradient_pseudogradient_kernel"
                ):  # 0 at the start for most rules, so its own entries are no scale
                    scale = (
                        np.prod(
                            [
                                np.abs(case[f"{own}_kernel_{when}"][layer]).max()
                                for own in ("gradient", "pseudogradient")
                            ]
                        )
                        ** 0.5
                    )
                found[key] = excess(
                    value[layer], own[layer], expected[layer], error[layer], KERNEL_FLOOR, scale
                )
    return found


def _architecture(p):
    if p["system"] == "cnn":
        readout = {"gap": "average", "flatten": "flat"}[p["readout"]]
        return tp.CNN(p["L"], p["act"], p["gamma0"], tuple(p["ksize"]), p["padding"], readout=readout)
    if p["system"] == "res":
        return tp.ResidualMLP("infinite" if p["L"] == "inf" else p["L"], p["act"], p["gamma0"], p["beta"])
    head = "infinite" if p["n"] == "inf" else p["n"]
    return tp.Transformer(p["L"], p["act"], p["gamma0"], head, p["beta"], causal=p["causal"], mlp=p["mlp"])


def architecture_setup(case):
    """Network, problem and training of a case of architectures.json, which counts recorded times."""
    p = case["params"]
    return _architecture(p), tp.Problem(p["x"], p["y"]), tp.Training(p["T"] - 1, p["eta"])


def recurrent_setup(case):
    """The same for the recurrent case of training.json."""
    p = case["params"]
    problem = tp.Problem(case["inputs"], case["targets"], case["test_inputs"])
    return tp.RNN(p["activation"], p["richness"]), problem, tp.Training(p["steps"] - 1, p["learning_rate"])


def recurrent_case(case):
    """The recurrent case with kernels in our order of dimensions, (layer, example, position, example',
    position')."""
    kernels = [key for key in case if key.startswith(("feature", "gradient"))]
    return case | {key: np.array(case[key]).transpose(1, 0, 3, 2)[None] for key in kernels}


def _at_positions(kernel):
    """(layer, example, example'[, position, position']) of the file in our order of dimensions."""
    return kernel.transpose(0, 1, 3, 2, 4) if kernel.ndim == 5 else kernel


def architecture_excesses(ds, case):
    """Excess per output, loss, kernel and statistic of attention, of a dataset against a case of
    architectures.json."""
    theory, found = case["theory"], {}

    def compare(key, value, error, expected, expected_error, floor):
        found[key] = excess(value, error, np.array(expected), np.array(expected_error), floor)

    for name, symbol in (("output", "f"), ("loss", "loss")):
        compare(
            name,
            ds[name].values,
            ds[f"{name}_stderr"].values,
            theory[symbol],
            theory[f"{symbol}_sem"],
            OUTPUT_FLOOR,
        )
    for when, index in (("first", 0), ("last", -1)):
        value, own = (ds[name].values[index] for name in ("tangent_kernel", "tangent_kernel_stderr"))
        compare(
            f"tangent_kernel {when}",
            value,
            own,
            theory["K_first_last"][index],
            theory["K_sem_max"],
            KERNEL_FLOOR,
        )
        for name, symbol in (("feature_kernel", "Phi"), ("preactivation_kernel", "H")):
            if f"{symbol}_{when}" not in theory:
                continue
            expected = _at_positions(np.array(theory[f"{symbol}_{when}"]))
            for layer, known in enumerate(expected):
                value, own = (ds[each].values[index, layer] for each in (name, f"{name}_stderr"))
                compare(
                    f"{name} {when} {layer}",
                    value,
                    own,
                    known,
                    theory[f"{symbol}_{when}_sem_max"],
                    KERNEL_FLOOR,
                )
    for name, symbol in (("attention_mean", "sigma_mean"), ("attention_variance", "sigma_var")):
        if np.any(theory.get(f"{symbol}_last", 0)):  # a single head has no variance
            value, own = (ds[each].values[-1, :-1] for each in (name, f"{name}_stderr"))
            compare(
                name, value, own, theory[f"{symbol}_last"], theory[f"{symbol}_last_sem_max"], KERNEL_FLOOR
            )
    return found

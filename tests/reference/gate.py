"""The gate: what "agrees with a reference" means in these tests. See README.md beside this file."""

import json
import pathlib

import numpy as np

import tensorprog_mf as tp


def _cases(file):
    return {case["name"]: case for case in json.loads(pathlib.Path(__file__).with_name(file).read_text())["cases"]}


CASES, TRAINING_CASES = _cases("mlp.json"), _cases("training.json")
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
        problem = tp.OnlineProblem(list(zip(case["online_inputs"], case["online_targets"])), case["test_inputs"], p["loss"])
    else:
        problem = tp.Problem(case["inputs"], case["targets"], case["test_inputs"], p["loss"])
    rate, steps = p["learning_rate"], p["steps"] - 1
    schedule = None if np.ndim(rate) == 0 else np.array(rate[:steps]) / rate[0]
    biased = any(p["bias_std"]) or any(p["bias_multipliers"])
    rule = dict(name=p.get("learning_rule", "gradient_descent"))
    if rule["name"] == "feedback_alignment":
        rule |= dict(correlation=p["rho"], current_readout=p["readout_feedback"] == "current")
    training = tp.Training(
        steps, rate if schedule is None else rate[0], p["momentum"], p["weight_decay"], p["learning_rate_multipliers"],
        nesterov=p["nesterov"], schedule=schedule, bias_multipliers=p["bias_multipliers"] if biased else None,
        batches=p["batches"][:steps] if "batches" in p else None, temperature=p.get("temperature", 0.0), learning_rule=rule,
    )  # fmt: skip
    # The file has the square of the factor of the output bias.
    network = tp.MLP(p["depth"], activation, p["richness"], p["weight_std"], p["bias_std"] if biased else None, p["output_bias"] ** 0.5)
    return network, problem, training


def excess(value, error, expected, expected_error, floor, scale=None):
    """Largest |difference| over what the gate allows: above 1 fails. The floor is relative to `scale`, by default the largest entry."""
    sigma = np.sqrt(np.mean(np.square(error) + np.square(expected_error)))
    allowed = max(floor * (np.abs(expected).max() if scale is None else scale), SIGMAS * sigma)
    return np.abs(value - expected).max() / allowed


def excesses(ds, case):
    """Excess per output and kernel of a dataset against a reference case."""
    found = {"output": excess(ds.output.values, ds.output_stderr.values, np.array(case["output"]), np.array(case.get("output_err", 0.0)), OUTPUT_FLOOR)}
    for name in ("feature_kernel", "gradient_kernel", "tangent_kernel", "gradient_pseudogradient_kernel", "pseudogradient_kernel"):
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
                if name == "gradient_pseudogradient_kernel":  # 0 at the start for most rules, so its own entries are no scale
                    scale = np.prod([np.abs(case[f"{own}_kernel_{when}"][layer]).max() for own in ("gradient", "pseudogradient")]) ** 0.5
                found[key] = excess(value[layer], own[layer], expected[layer], error[layer], KERNEL_FLOOR, scale)
    return found

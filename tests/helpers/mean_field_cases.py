"""Reference cases of multilayer mean-field networks."""

import json
import pathlib

import numpy as np

import tensorprog_mf as tp

CASES = json.loads(
    pathlib.Path(__file__).parents[1].joinpath("reference/multilayer_mean_field.json").read_text()
)
ERF = tp.Activation("erf", gain=2**-0.5)


def network(case) -> tp.MeanFieldMLP:
    p, depth = case["params"], case["hidden_layers"]
    biased = "b2" in p
    return tp.MeanFieldMLP(
        depth,
        ERF if p["act"] == "erf" else p["act"],
        tp.Gaussian(p.get("mu1", 0.0), p.get("s1", 1.0)),
        p["m"],
        p["s"],
        tp.Gaussian(0.5, 1.0) if biased else tp.Gaussian(p["mL"], p["sL"]),
        [0, 0.7, 0.7] if biased else None,
    )


def problem(case) -> tp.Problem:
    z = np.array(case["params"]["z"])
    return tp.Problem(
        z[:, None] if case["params"].get("x") == "z (scalar)" else np.stack([z, np.ones_like(z)], 1),
        case["params"]["y"],
    )

"""Cases of distributional_dynamics.json as arguments, and distances from their tables. See README.md beside
this file."""

import json
import math
import pathlib

import numpy as np

import tensorprog_mf as tp

mf = tp.mean_field
CASES = {
    case["name"]: case
    for case in json.loads(pathlib.Path(__file__).with_name("distributional_dynamics.json").read_text())[
        "cases"
    ]
}
SCHEDULES = {"1": 1.0, 1.0: 1.0, "(1+t)^(-1/4)": lambda t: (1 + t) ** -0.25}
ROUNDING = 1e-13


def _corners(p):
    s = p["sigma"]
    return mf.Neuron(
        mf.PiecewiseLinear(s["t1"], s["t2"], s["s1"], s["s2"], s.get("even", False)), output_weight=False
    )


def setup(case):
    """Unit, data, initial law and options of a case."""
    p, kind = case["params"], case["kind"]
    if kind == "isotropic_radial_finite_d":
        data, initial = (
            mf.IsotropicGaussians(p["d"], p["Delta"]),
            {"r": mf.NormOfGaussian(p["kappa"], p["d"])},
        )
        return _corners(p), data, initial, {"schedule": SCHEDULES[p["xi"]]}
    if kind == "isotropic_dinf":
        return _corners(p), mf.IsotropicGaussians(math.inf, p["Delta"]), {"r": tp.Uniform(0.4, 1.2)}, {}
    if kind == "anisotropic_relu_dinf":
        data = mf.AnisotropicGaussians(p["Delta"], p["gamma_s0_over_d"])
        initial = {
            "a": tp.Uniform(-0.5, 1.5),
            "b": p["b_init"],
            "r1": p["kappa"] * 0.25**0.5,
            "r2": p["kappa"] * 0.75**0.5,
        }
        return mf.Neuron("relu", bias=True), data, initial, {}
    if kind == "finite_training_set":
        inputs, erf = np.stack([p["z"], np.ones(len(p["z"]))], axis=1), p["activation"] == "erf"
        initial = (
            {"a": tp.Gaussian(0.5, 1), "w": tp.Gaussian(0, 1)}
            if erf
            else {"a": tp.Uniform(-1, 2), "w": tp.Uniform(-2, 2)}
        )
        return (
            mf.Neuron(tp.Activation("erf", 0.5**0.5) if erf else "tanh"),
            mf.FiniteData(inputs, p["y"]),
            initial,
            {},
        )
    unit = mf.Neuron(
        tp.Activation("erf", 0.5**0.5), bias=True, trained=("w",)
    )  # erf there is erf(h / sqrt 2)
    initial = {"a": p["c"], "b": p["b"], "w": tp.Gaussian(p["m0"], p["s0"])}
    return unit, mf.FiniteData(p["x"], p["y"]), initial, {"weight_decay": p["lam"], "temperature": p["tau"]}


def rows(case, table="flow_continuous", until=math.inf):
    """Rows of a table up to a time."""
    found = case[table]["table"] if table == "gd_step" else case[table]
    return [row for row in found if row["t"] <= until]


def _quantities(ds):
    """Quantities of the tables, by their names there, from one time of a result; (value, standard error)."""

    def of(name, **choice):
        error = ds[f"{name}_stderr"].sel(choice).values if f"{name}_stderr" in ds else 0.0
        return ds[name].sel(choice).values, error

    found = {"risk": of("risk"), "f": of("output"), "F": of("free_energy")}
    if "entropy" in ds:
        found["ent"] = of("entropy")
    if "class_output" in ds:
        found |= {
            "f_plus": of("class_output", **{"class": 1}),
            "f_minus": of("class_output", **{"class": -1}),
        }
    for name in ds.parameter.values:
        key = {"w0": "m"}.get(name, name)
        first, second = of("parameter_mean", parameter=name), of("parameter_square", parameter=name)
        found |= {
            f"{name}_mean": first,
            f"{name}2": second,
            f"{name}sq": second,
            f"{key}1": first,
            f"{key}2": second,
        }
    if "r" in ds.parameter.values:
        found["r_std"] = np.sqrt(found["r2"][0] - found["r_mean"][0] ** 2), 0.0
    if {"a", "w0", "w1"} <= set(ds.parameter.values):
        squares = ds.parameter_square.sel(parameter=["w0", "w1"]).sum()
        error = 2 * ds.parameter_square_stderr.max() if "parameter_square_stderr" in ds else 0.0
        product = of("parameter_product", parameter="a", parameter_prime="w0")
        found |= {
            "mean_a2": of("parameter_square", parameter="a"),
            "mean_w2": (float(squares), float(error)),
            "mean_a_w0": product,
        }
    return found


def excesses(ds, table, own=0.0, sigmas=5.0, floor=None):
    """Largest |difference| over (tabulated error + sigmas standard errors + own error), by time and quantity.

    Above 1 fails. `floor` is the tabulated error where the table has none.
    """
    found = {}
    for index, row in enumerate(table):
        quantities = _quantities(ds.isel(time=index))
        if "r2_mean" in row:  # r2 is a parameter there
            quantities["r2"] = (np.nan, 0.0)
        for name, (value, error) in quantities.items():
            if name not in row:
                continue
            known = row.get(f"err_{name}", row.get("err_moments" if "mean_" in name else "err", floor))
            allowed = max(known, ROUNDING) + sigmas * np.asarray(error) + own
            found[row["t"], name] = float(np.max(np.abs(value - np.array(row[name])) / allowed))
    assert found
    return found


def agrees(*args, **more):
    """Whether all excesses are below 1, with the worst to show."""
    found = excesses(*args, **more)
    worst = max(found, key=found.get)
    assert found[worst] <= 1, f"{worst}: {found[worst]:.3g} times what is allowed"
    return found

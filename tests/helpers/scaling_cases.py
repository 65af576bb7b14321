"""Reference cases of scaling laws as models, trainings and variables of ours."""

import json
import pathlib

import numpy as np

import tensorprog_mf as tp

sl = tp.scaling_laws
REFERENCE = json.loads((pathlib.Path(__file__).parents[1] / "reference" / "scaling_laws.json").read_text())
CASES = {case["id"]: case for case in REFERENCE["cases"]}
ROUNDING = 6e-10  # the reference is rounded to ten digits
NAMES = {  # variables of ours, by the names there
    "test": "test_loss",
    "train": "loss",
    "bias": "bias_loss",
    "same_data": "loss_same_data",
    "same_A": "loss_same_features",
    "ensemble": "ensemble_loss",
    "C0": "error_correlation",
    "C1": "residual_correlation",
    "C2": "mode_gradient_correlation",
    "C3": "feature_gradient_correlation",
    "Cw": "weight_correlation",
    "H": "transfer_function",
    "beta_norm2": "learned_norm_squared",
    "m": "kernel_scale",
}
ROWS = {"H_k0": 0, "H_k15": 15}
LAGS = {
    "R1": ("data_response", 0),
    "R3": ("feature_response", 0),
    "K": ("batch_noise_kernel_online", 1),
    "Kte": ("batch_noise_kernel_test", 1),
    "Ktr": ("batch_noise_kernel_train", 1),
}  # first lag there


def setting(name: str) -> tuple:
    """Model, training and recorded steps (None of a flow)."""
    case, p = CASES[name], CASES[name]["params"]
    model = sl.Model(
        sl.PowerLaw(a=p["a"], b=p["b"], modes=p["M"]),
        p["N"],
        p.get("P"),
        p.get("sigma2", 0.0),
        p.get("gamma", 0.0),
        p.get("projected", True),
    )
    if case["kind"].startswith("gradient_flow"):
        return model, sl.Flow(case["times"]), None
    schedule = [1 / (1 + t / 20) for t in range(p["T"] - 1)] if p.get("lr_schedule") else None
    return model, sl.Descent(p["T"] - 1, p["eta"], p.get("momentum", 0.0), schedule, p["B"]), case["times"]


def ours(ds, name: str, key: str) -> np.ndarray | None:
    """What `key` of a case is in a result of ours, flat; None if it is not in there."""
    case = CASES[name]
    if key == "wnorm2":
        return np.diag(ds.weight_correlation)
    if key in ROWS:
        return ds.transfer_function[ROWS[key]].values
    if key in LAGS:
        variable, first = LAGS[key]
        if variable not in ds:
            return None
        if "lag" not in ds[variable].dims:  # between all times: by the first one
            return ds[variable][:, 0].values
        count = len(case["theory"][key])
        return (
            ds[variable].values[case["times"]] if first == 0 else ds[variable].values[first : first + count]
        )
    if key not in NAMES or NAMES[key] not in ds:
        return None
    values = ds[NAMES[key]]
    return (values[case["modes_0based"]] if key == "H" else values).values.ravel()


def sigmas(ds, name: str, key: str, sem: float = 5.0) -> float:
    """Largest |ours - theory of the reference| over `sem` standard errors + 4/N of its size: above 1 fails.

    Sizes are those of single entries for losses, of the largest entry for functions of two times or of modes,
    some of which vanish.
    """
    expected, model = np.array(CASES[name]["theory"][key]), setting(name)[0]
    values = ours(ds, name, key)
    error = ds[f"{'weight_correlation' if key == 'wnorm2' else NAMES[key]}_stderr"]
    error = (
        np.diag(error)
        if key == "wnorm2"
        else (error[CASES[name]["modes_0based"]] if key == "H" else error).values.ravel()
    )
    size = np.abs(expected) if expected.size == len(CASES[name]["times"]) else np.abs(expected).max()
    return float(np.max(np.abs(values - expected) / (sem * error + 4 / model.width * size + 1e-12)))


def check(ds, name, missing=()):
    """Everything that the reference has, within its stated error; returns what was compared."""
    case, compared = CASES[name], set()
    for key, expected in case["theory"].items():
        if (values := ours(ds, name, key)) is None:
            continue
        size = np.abs(expected).max()
        np.testing.assert_allclose(
            values, expected, rtol=0, atol=(case["theory_rel_err"] + ROUNDING) * size, err_msg=f"{name} {key}"
        )
        compared.add(key)
    assert compared == set(case["theory"]) - set(missing)
